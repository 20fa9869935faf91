//! A printed number's template, filled with a card's numbers.
//!
//! In: `{facility_code:03}-{card_number}` and a credential. Out: the text, or what is wrong. Never: a number that is not there.

use crate::card::Credential;

/// Fills a template with a credential's numbers: `{card_number}`, `{facility_code:05}` pads with zeros.
///
/// # Errors
/// What is wrong with the template, or which number is not there.
pub fn render(template: &str, credential: &Credential) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (inner, after) = after.split_once('}').ok_or_else(|| format!("`{{{after}` has no closing brace"))?;
        let (name, pad) = inner.split_once(':').unwrap_or((inner, "0"));
        let width: usize = pad.parse().map_err(|_| format!("`{pad}` in {{{inner}}} is no width; write {{{name}:08}}"))?;
        if width > 64 {
            return Err(format!("the width in {{{inner}}} is above 64"));
        }
        let value = credential.number(name).ok_or_else(|| format!("the card has no {name}"))?;
        text.push_str(before);
        text.push_str(&format!("{value:0width$}"));
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_pads_and_names_what_is_missing() {
        let mut credential = Credential::default();
        credential.set("card_number", 4567);
        credential.set("facility_code", 7);
        assert_eq!(render("{facility_code:03}-{card_number:08}", &credential).unwrap(), "007-00004567");
        assert_eq!(render("{issue_code}", &credential).unwrap_err(), "the card has no issue_code");
        assert!(render("{card_number", &credential).unwrap_err().contains("closing brace"));
        assert!(render("{card_number:x}", &credential).unwrap_err().contains("width"));
    }
}
