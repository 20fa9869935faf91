//! Bytes that are not understood, with others in their place: a digit for a digit, a byte for a byte.
//!
//! In: bytes. Out: as many. Never: a change to what separates words, or to the bytes that frames begin and end with.

use super::Random;
use crate::decode::payload::Encoding;

/// Digits for digits as an encoding writes them. Zeros at the ends stay, and what stands beside them stays another digit,
/// so that a number needs as much room as before.
pub fn digits(encoding: Encoding, old: &[u8], reserved: &[u8], random: &mut dyn Random) -> Vec<u8> {
    let most = match encoding {
        Encoding::Hex => 15,
        Encoding::Dec => 9,
        Encoding::Bin => 1,
        Encoding::Byte | Encoding::Le => return bytes(old, reserved, random),
        // Beside a card's number may stand its holder's name.
        Encoding::Char | Encoding::Text => return letters(&text(old, reserved, random), random),
        Encoding::Space => return old.to_vec(),
    };
    let first = old.iter().position(|digit| *digit != b'0').unwrap_or(old.len());
    let last = old.iter().rposition(|digit| *digit != b'0').unwrap_or(0);
    let is_lower = old.iter().any(u8::is_ascii_lowercase);
    let another = |(at, digit): (usize, &u8)| match at {
        at if at < first || at > last => *digit,
        at => digit_of(random.between(u8::from(at == first || at == last)..=most), is_lower),
    };
    old.iter().enumerate().map(another).collect()
}

/// Text in which numbers may stand: words of letters stay.
pub fn text(old: &[u8], reserved: &[u8], random: &mut dyn Random) -> Vec<u8> {
    let mut new = Vec::with_capacity(old.len());
    for word in old.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()) {
        let is_one_case = !(word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase));
        let is_binary = word.len() >= 8 && word.iter().all(|byte| matches!(byte, b'0' | b'1'));
        for run in word.chunk_by(|a, b| a.is_ascii_hexdigit() == b.is_ascii_hexdigit()) {
            let is_number = run.iter().any(u8::is_ascii_digit) || (run.len() == word.len() && is_one_case);
            let most = if is_binary {
                1
            } else if run.iter().all(u8::is_ascii_digit) {
                9
            } else {
                15
            };
            new.extend(run.iter().map(|byte| match byte {
                byte if reserved.contains(byte) => *byte,
                byte if byte.is_ascii_hexdigit() && is_number => digit_of(random.between(0..=most), byte.is_ascii_lowercase()),
                0x80.. => random.between(0x80..=0xFF),
                byte => *byte,
            }));
        }
    }
    new
}

/// Bytes of a binary protocol: all but those that are reserved, and none of these is drawn.
pub fn bytes(old: &[u8], reserved: &[u8], random: &mut dyn Random) -> Vec<u8> {
    let mut another = || std::iter::repeat_with(|| random.between(0..=u8::MAX)).find(|byte| !reserved.contains(byte)).unwrap_or_default();
    old.iter().map(|byte| if reserved.contains(byte) { *byte } else { another() }).collect()
}

/// Other letters for letters.
fn letters(text: &[u8], random: &mut dyn Random) -> Vec<u8> {
    let another = |byte: &u8| match byte {
        b'A'..=b'Z' => random.between(b'A'..=b'Z'),
        b'a'..=b'z' => random.between(b'a'..=b'z'),
        byte => *byte,
    };
    text.iter().map(another).collect()
}

fn digit_of(value: u8, is_lower: bool) -> u8 {
    let digit = char::from_digit(u32::from(value), 16).unwrap_or('0');
    (if is_lower { digit } else { digit.to_ascii_uppercase() }) as u8
}

#[cfg(test)]
mod tests {
    use super::super::tests::seeded;
    use super::*;

    fn masked(old: &[u8]) -> String {
        String::from_utf8_lossy(&text(old, b"\r\n", &mut seeded(7))).into_owned()
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
    fn a_number_needs_as_much_room_as_before() {
        let mut random = seeded(1);
        for _ in 0..100 {
            let new = digits(Encoding::Hex, b"002F623AE0", &[], &mut random);
            let ends = new[2] != b'0' && new[8] != b'0';
            assert!(ends && new.starts_with(b"00") && new.ends_with(b"0"), "{}", String::from_utf8_lossy(&new));
        }
    }
}
