//! Bytes that are not understood, with others in their place: a digit for a digit, a byte for a byte.
//!
//! In: bytes. Out: as many, for the same word always the same, where it is long enough to be a number. Never: a change
//! to what separates words, or to the delimiters of frames.

use std::collections::HashMap;

use super::Random;
use crate::decode::payload::Encoding;

/// Shorter words are drawn anew every time: a digit that always becomes the same one is no secret for long.
const A_NUMBER: usize = 4;

/// What stands for what.
#[derive(Debug, Default)]
pub struct Masks {
    words: HashMap<Vec<u8>, Vec<u8>>,
    /// Bytes that frames begin, end or escape with: none of them is drawn.
    reserved: Vec<u8>,
}

impl Masks {
    /// Masks that neither change these bytes nor draw one of them.
    #[must_use]
    pub fn around(reserved: Vec<u8>) -> Self {
        Self { reserved, ..Self::default() }
    }

    /// Digits for digits as an encoding writes them; the first that is not 0 stays one that is not 0, and so does the
    /// last bit that is set, so that a number needs as much room as before.
    pub fn digits(&mut self, encoding: Encoding, text: &[u8], random: &mut dyn Random) -> Vec<u8> {
        let reserved = self.reserved.clone();
        self.word(text, |text| match encoding {
            Encoding::Hex => bounded(text, 16, random),
            Encoding::Dec => bounded(text, 10, random),
            Encoding::Bin => bounded(text, 2, random),
            Encoding::Byte | Encoding::Le => text.iter().map(|byte| another_byte(*byte, &reserved, random)).collect(),
            // Beside a card's number may stand its holder's name.
            Encoding::Char | Encoding::Text => letters_for(&text_for(text, random), random),
            Encoding::Space => text.to_vec(),
        })
    }

    /// Text in which numbers may stand, among noise.
    pub fn text(&mut self, text: &[u8], random: &mut dyn Random) -> Vec<u8> {
        let mut masked = Vec::with_capacity(text.len());
        for word in text.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()) {
            let new = self.word(word, |word| text_for(word, random));
            masked.extend(word.iter().zip(new).map(|(old, new)| if self.reserved.contains(old) { *old } else { new }));
        }
        masked
    }

    /// Bytes of a binary protocol: all but those that are reserved.
    pub fn bytes(&mut self, bytes: &[u8], random: &mut dyn Random) -> Vec<u8> {
        let reserved = self.reserved.clone();
        self.word(bytes, |bytes| bytes.iter().map(|byte| another_byte(*byte, &reserved, random)).collect())
    }

    /// The same for the same word, where it is long enough.
    fn word(&mut self, word: &[u8], draw: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        if word.len() < A_NUMBER {
            return draw(word);
        }
        if let Some(known) = self.words.get(word) {
            return known.clone();
        }
        let drawn = draw(word);
        self.words.insert(word.to_vec(), drawn.clone());
        drawn
    }
}

/// A word of text, or what stands between two of them.
fn text_for(word: &[u8], random: &mut dyn Random) -> Vec<u8> {
    if word.len() >= 8 && word.iter().all(|byte| matches!(byte, b'0' | b'1')) {
        return word.iter().map(|_| random.between(b'0'..=b'1')).collect();
    }
    let is_one_case = !(word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase));
    let is_hex = is_one_case && word.iter().all(u8::is_ascii_hexdigit);
    let mut masked = Vec::with_capacity(word.len());
    for run in word.chunk_by(|a, b| a.is_ascii_hexdigit() == b.is_ascii_hexdigit()) {
        let holds_digits = run.iter().any(u8::is_ascii_digit);
        let is_number = run.iter().all(u8::is_ascii_digit);
        masked.extend(run.iter().map(|byte| match byte {
            b'0'..=b'9' if is_number => random.between(b'0'..=b'9'),
            byte if byte.is_ascii_hexdigit() && (holds_digits || is_hex) => hex_like(*byte, random.between(0..=15)),
            0x80.. => random.between(0x80..=0xFF),
            byte => *byte,
        }));
    }
    masked
}

/// Other letters for letters.
fn letters_for(text: &[u8], random: &mut dyn Random) -> Vec<u8> {
    let another = |byte: &u8| match byte {
        b'A'..=b'Z' => random.between(b'A'..=b'Z'),
        b'a'..=b'z' => random.between(b'a'..=b'z'),
        byte => *byte,
    };
    text.iter().map(another).collect()
}

/// Digits between the first and the last bit that is set.
fn bounded(text: &[u8], base: u8, random: &mut dyn Random) -> Vec<u8> {
    let value = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0) as u8;
    let first = text.iter().position(|byte| value(byte) != 0).unwrap_or(text.len());
    let last = text.iter().rposition(|byte| value(byte) != 0).unwrap_or(0);
    let draw = |(at, byte): (usize, &u8), random: &mut dyn Random| {
        let old = value(byte);
        if at < first || (base != 10 && at > last) {
            return *byte;
        }
        let allowed = |new: &u8| {
            let heads = at != first || *new != 0 && (base == 10 || new.leading_zeros() == old.leading_zeros());
            let tails = base == 10 || at != last || new.trailing_zeros() == old.trailing_zeros();
            heads && tails
        };
        let choices: Vec<u8> = (0..base).filter(allowed).collect();
        let drawn = choices.get(random.below(choices.len())).copied().unwrap_or(old);
        if byte.is_ascii_lowercase() || text.iter().any(u8::is_ascii_lowercase) { lower_hex(drawn) } else { upper_hex(drawn) }
    };
    text.iter().enumerate().map(|digit| draw(digit, random)).collect()
}

fn hex_like(byte: u8, value: u8) -> u8 {
    if byte.is_ascii_lowercase() { lower_hex(value) } else { upper_hex(value) }
}

/// The digit of a value below 16.
#[must_use]
pub fn upper_hex(value: u8) -> u8 {
    char::from_digit(u32::from(value & 0x0F), 16).map_or(b'0', |digit| digit.to_ascii_uppercase() as u8)
}

fn lower_hex(value: u8) -> u8 {
    upper_hex(value).to_ascii_lowercase()
}

fn another_byte(byte: u8, reserved: &[u8], random: &mut dyn Random) -> u8 {
    if reserved.contains(&byte) {
        return byte;
    }
    loop {
        let drawn = random.between(0..=u8::MAX);
        if !reserved.contains(&drawn) {
            return drawn;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::seeded;
    use super::*;

    fn masked(text: &[u8]) -> String {
        String::from_utf8_lossy(&Masks::default().text(text, &mut seeded(7))).into_owned()
    }

    #[test]
    fn words_stay_and_numbers_go() {
        assert_eq!(masked(b"Ready..."), "Ready...");
        let card = masked(b"Bad card No. 0045671: 0C000621a5\r\n");
        assert!(card.starts_with("Bad card No. ") && card.ends_with("\r\n") && card.len() == 34, "{card}");
        assert!(!card.contains("0045671") && !card.contains("0C000621"), "{card}");
        let bits = masked(b"RAW Binary=10001010");
        assert!(bits.starts_with("RAW Binary=") && bits[11..].chars().all(|c| matches!(c, '0' | '1')), "{bits}");
    }

    #[test]
    fn the_same_word_becomes_the_same_one_and_a_single_digit_does_not() {
        let (mut masks, mut random) = (Masks::default(), seeded(1));
        let mut draw = |text: &[u8]| masks.text(text, &mut random);
        assert_eq!(draw(b"no 815471"), draw(b"no 815471"));
        let keys: std::collections::HashSet<Vec<u8>> = (0..50).map(|_| draw(b"7")).collect();
        assert!(keys.len() > 1);
    }

    #[test]
    fn a_number_needs_as_much_room_as_before() {
        let mut random = seeded(1);
        for _ in 0..100 {
            let new = Masks::default().digits(Encoding::Hex, b"002F623AE0", &mut random);
            let ends = matches!(new[2], b'2' | b'3') && matches!(new[8], b'2' | b'6' | b'A' | b'E');
            assert!(ends && new.starts_with(b"00") && new.ends_with(b"0"), "{}", String::from_utf8_lossy(&new));
        }
    }
}
