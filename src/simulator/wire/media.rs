//! On which wire does a request travel, and on which its answer?
//!
//! In: the headers of a request. Out: the media type of its body, and the one its answer is written in, chosen as ASP.NET Web API
//! chooses: an Accept that names a type wins, then the type of the request's own body, then JSON. It never answers 406: ASP.NET does not.

use axum::http::{
    HeaderMap,
    header::{ACCEPT, CONTENT_TYPE},
};

/// The two serializers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Json,
    Xml,
}

/// A media type the API speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    pub wire: Wire,
    /// As an answer names it.
    pub content_type: &'static str,
}

pub const JSON: Media = Media { wire: Wire::Json, content_type: "application/json; charset=utf-8" };

const KNOWN: [Media; 4] = [
    JSON,
    Media { wire: Wire::Json, content_type: "text/json; charset=utf-8" },
    Media { wire: Wire::Xml, content_type: "application/xml; charset=utf-8" },
    Media { wire: Wire::Xml, content_type: "text/xml; charset=utf-8" },
];

/// The media type of the body, or the name of one that is not spoken here.
pub fn sent(headers: &HeaderMap) -> Result<Media, String> {
    let name = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(essence).unwrap_or_default();
    known(&name).ok_or(name)
}

/// The media type of the answer.
pub fn wanted(headers: &HeaderMap) -> Media {
    let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut best = None;
    for range in ranges {
        let quality = quality(range);
        let better = best.map_or(quality > 0.0, |(earlier, _)| quality > earlier);
        if let (Some(media), true) = (known(&essence(range)), better) {
            best = Some((quality, media));
        }
    }
    best.map(|(_, media)| media).or_else(|| sent(headers).ok()).unwrap_or(JSON)
}

fn known(name: &str) -> Option<Media> {
    KNOWN.into_iter().find(|media| essence(media.content_type) == name)
}

/// The type without its parameters.
fn essence(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn quality(range: &str) -> f32 {
    range.split(';').find_map(|part| part.trim().strip_prefix("q=")?.trim().parse().ok()).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_answer_is_in_the_type_that_is_accepted_most_then_in_the_type_of_the_body_then_in_json() {
        for (accept, content_type, wanted_type) in [
            ("application/xml", "application/json", "application/xml"),
            ("text/html, text/xml;q=0.9, */*;q=0.8", "", "text/xml"),
            ("application/json;q=0.5, application/xml;q=0.6", "", "application/xml"),
            ("application/xml;q=0, */*", "", "application/json"),
            ("*/*", "text/xml; charset=utf-8", "text/xml"),
            ("image/png", "TEXT/JSON", "text/json"),
            ("", "text/plain", "application/json"),
        ] {
            let text = |value: &str| HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""));
            let headers = HeaderMap::from_iter([(ACCEPT, text(accept)), (CONTENT_TYPE, text(content_type))]);
            assert_eq!(essence(wanted(&headers).content_type), wanted_type, "{accept} {content_type}");
        }
    }
}
