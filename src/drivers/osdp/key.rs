//! The secure channel base key of a reader (SCBK): 16 bytes, as 32 hex digits in a file of their own.
//!
//! In: the file's path. Out: the key, and what has to be said about it. Never: the key in a message or a Debug print.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::file;

/// A secure channel base key. It has no Debug.
pub struct Scbk(pub [u8; 16]);

/// The key that the standard publishes for readers nobody has given one: 30 31 … 3F.
const PUBLISHED: [u8; 16] = *b"0123456789:;<=>?";

/// No file of a key is larger.
const LARGEST: u64 = 4 << 10;

impl Scbk {
    /// Reads a key file.
    ///
    /// # Errors
    /// In words: it cannot be read, or is no key.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = file::text(path, LARGEST).map_err(|error| format!("the key file {shown} cannot be read: {error}"))?;
        Self::parse(text.trim_end()).ok_or_else(|| format!("the key file {shown} must hold 32 hex digits, the 16 bytes of the key"))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut key = [0; 16];
        if text.len() != 2 * key.len() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(key))
    }

    /// What an operator has to be told about this key and its file.
    pub fn warnings(&self, path: &Path) -> Vec<String> {
        let shown = path.display();
        let mut warnings = Vec::new();
        if self.0 == PUBLISHED {
            warnings.push(format!(
                "{shown} holds the default key that the OSDP standard publishes: everybody knows it, and the secure channel protects \
                 nothing; give the reader a key of its own"
            ));
        }
        if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0) {
            warnings.push(format!("every user of this machine can read the key file {shown}; take that away with `chmod 600 {shown}`"));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_hex_digits_and_nothing_else() {
        assert_eq!(Scbk::parse("303132333435363738393A3b3c3d3e3f").map(|key| key.0), Some(PUBLISHED));
        for wrong in ["", "30", "303132333435363738393A3B3C3D3E3", "303132333435363738393A3B3C3D3E3F0", "+03132333435363738393A3B3C3D3E3F"]
        {
            assert!(Scbk::parse(wrong).is_none(), "{wrong}");
        }
    }
}
