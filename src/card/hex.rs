//! Bytes written in hex.

/// The bytes of hex digits, in pairs, blanks between them passed over; none for anything else.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

/// Bytes as upper-case hex digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'A' + value - 10 };
    let mut text = vec![0; bytes.len() * 2];
    text.chunks_exact_mut(2).zip(bytes).for_each(|(pair, byte)| pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0x0F)]));
    String::from_utf8(text).unwrap_or_default()
}
