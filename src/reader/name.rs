//! A reader's name, and what a configuration names devices by.
//!
//! In: names. Out: whether one means the other. Never: a device opened.

use std::sync::Arc;

/// A reader's name, `NAME#2` for the second device that matches one configuration.
pub type ReaderName = Arc<str>;

/// True where a device's name is the configured one, or that of one of several devices which a configuration means.
#[must_use]
pub fn is_device_of(device: &str, configured: &str) -> bool {
    configured_name(device) == configured
}

/// The configured name of a device.
#[must_use]
pub fn configured_name(device: &str) -> &str {
    device.split_once('#').map_or(device, |(configured, _)| configured)
}

/// True where the text is the pattern, `*` standing for any text. Case does not matter.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use crate::reader::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("*OMNIKEY*", "HID Global Omnikey 5427 CK 00 00"));
        assert!(matches("a*c", "abc") && matches("a*c", "ac") && matches("abc", "ABC"));
        assert!(!matches("a*c", "abd") && !matches("ab", "abc") && !matches("a*b*b", "ab"));
    }
}
