//! Patterns of bytes, as files write them: hex with a space between, `..` for any byte, `*` at the end for any more.
//!
//! In: the text. Out: a pattern. Never: a half byte; a bit that matters is a byte that matters.

/// A pattern of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    bytes: Vec<Option<u8>>,
    /// More bytes may follow.
    open: bool,
}

impl Pattern {
    /// Reads a pattern; none where a piece is neither a byte nor `..` nor a last `*`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut pieces: Vec<&str> = text.split_whitespace().collect();
        let open = pieces.last() == Some(&"*");
        if open {
            pieces.pop();
        }
        let byte = |piece: &&str| match *piece {
            ".." => Some(None),
            hex if hex.len() == 2 => u8::from_str_radix(hex, 16).ok().map(Some),
            _ => None,
        };
        let bytes: Vec<Option<u8>> = pieces.iter().map(byte).collect::<Option<_>>()?;
        (!bytes.is_empty()).then_some(Self { bytes, open })
    }

    /// True where the bytes are of this pattern.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        let fits = if self.open { bytes.len() >= self.bytes.len() } else { bytes.len() == self.bytes.len() };
        fits && self.bytes.iter().zip(bytes).all(|(wanted, byte)| wanted.is_none_or(|wanted| wanted == *byte))
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_pattern_asks_for_bytes_and_says_where_any_may_stand() {
        let matches = |pattern: &str, bytes: &[u8]| Pattern::parse(pattern).unwrap().matches(bytes);
        assert!(matches("3B .. 00", &[0x3B, 5, 0]) && matches("3B *", &[0x3B]) && matches("3B *", &[0x3B, 1, 2]));
        assert!(!matches("3B .. 00", &[0x3B, 5, 1]) && !matches("3B", &[0x3B, 1]) && !matches("3B .. *", &[0x3B]));
        assert!(["", "*", "3", "3B * 00", "XX", "3B00"].iter().all(|text| Pattern::parse(text).is_none()));
    }
}
