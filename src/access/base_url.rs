//! The address of a BluSKY in one form, so that it is one BluSKY however its address is written.
//!
//! In: an address. Out: the same with its scheme and host in small letters, without the port that is meant anyway, and without a slash at
//! its end. Never: other letters in a path, where they count.

use url::Url;

/// The address in the one form in which it is compared; what is no address stays as it is.
#[must_use]
pub fn in_one_form(base_url: &str) -> String {
    Url::parse(base_url).map_or_else(|_| base_url.to_owned(), |url| url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_however_it_is_written_and_two_that_differ_stay_two() {
        for same in ["https://Site.Example/", "https://site.example", "HTTPS://site.example:443", "https://SITE.example:443//"] {
            assert_eq!(in_one_form(same), "https://site.example", "{same}");
        }
        for (written, one) in [
            ("http://LOCALHOST:80/", "http://localhost"),
            ("http://localhost:443", "http://localhost:443"),
            ("https://site.example:80", "https://site.example:80"),
            ("https://site.example:8443/", "https://site.example:8443"),
            ("https://[::1]:443/", "https://[::1]"),
            ("https://[fe80::443]", "https://[fe80::443]"),
            ("https://Site.Example:443/BluSKY/Test/", "https://site.example/BluSKY/Test"),
            ("", ""),
        ] {
            assert_eq!(in_one_form(written), one);
        }
    }
}
