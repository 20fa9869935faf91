//! The address of a BluSKY in one form, so that it is one BluSKY however its address is written.
//!
//! In: an address. Out: the same with its scheme and host in small letters, without the port that is meant anyway, and without a slash at
//! its end. Never: a path changed, for there letters count.

/// The address in the one form in which it is compared.
#[must_use]
pub fn in_one_form(base_url: &str) -> String {
    let Some((scheme, rest)) = base_url.split_once("://") else { return base_url.to_owned() };
    let scheme = scheme.to_ascii_lowercase();
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = host.to_lowercase();
    let usual = if scheme == "http" { ":80" } else { ":443" };
    let host = host.strip_suffix(usual).unwrap_or(&host);
    format!("{scheme}://{host}{}", path.trim_end_matches('/'))
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
