//! The site's keys for its cards, by name, from the reader's `keys_file`.
//!
//! In: lines `NAME = KEY`, a key of twelve hex digits; `#` begins a remark. Out: the key of a name. Never: a key in an
//! error, a log or a `Debug`.

use std::{fmt, path::Path};

use crate::{card::from_hex, file};

/// Keys by name.
#[derive(Default)]
pub struct Keys(Vec<(String, [u8; 6])>);

impl Keys {
    /// The key of that name.
    pub fn get(&self, name: &str) -> Option<&[u8; 6]> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, key)| key)
    }
}

/// Shows how many there are.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

/// No file of keys is larger.
const LARGEST: u64 = 256 << 10;

/// Reads a file of keys.
///
/// # Errors
/// The file cannot be read, or the first line that is no key.
pub fn read(path: &Path) -> Result<Keys, String> {
    let text = file::text(path, LARGEST).map_err(|error| format!("the keys in {} cannot be read: {error}", path.display()))?;
    parse(&text).map_err(|line| format!("{}:{line}: write NAME = KEY, a key of twelve hex digits", path.display()))
}

fn parse(text: &str) -> Result<Keys, usize> {
    let mut keys = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let key = line.split_once('=').and_then(|(name, key)| {
            let key = from_hex(key.trim().trim_matches('"'))?;
            Some((name.trim().to_owned(), <[u8; 6]>::try_from(key).ok()?))
        });
        keys.push(key.ok_or(at + 1)?);
    }
    Ok(Keys(keys))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn keys_are_known_by_their_names_and_shown_to_nobody() {
        let keys = parse("# the lobby\nlobby = A0 A1 A2 A3 A4 A5\nhid-sector-1 = \"48494420495A\" # HID\n\n").unwrap();
        assert_eq!(keys.get("lobby"), Some(&[0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5]));
        assert!(keys.get("hid-sector-1").is_some() && keys.get("other").is_none());
        assert_eq!(format!("{keys:?}"), "Keys(2)");
        assert_eq!(parse("lobby = A0A1A2A3A4A5\nlobby A0").unwrap_err(), 2);
        assert_eq!(parse("lobby = A0A1A2A3A4").unwrap_err(), 1);
    }
}
