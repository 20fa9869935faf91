//! Bytes that are not understood, with others in their place: a digit for a digit, a letter for a letter, a byte for a byte.
//!
//! In: bytes. Out: as many. Never: a change to the bytes that frames begin and end with, or to the ends of lines.

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
        Encoding::Char | Encoding::Text => return words(old, reserved, random),
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

/// What nobody has understood: none of it stays but the bytes that are reserved, and the line ends of a text. Of a text it can
/// still be seen where its words and numbers stand; what is no text may be a card's bytes themselves, and any byte stands for each.
///
/// Each byte is drawn as if the old one were not known. If another one were asked for, the one that never comes would be the old
/// one, which is soon seen where a card is shown often.
pub fn unknown(old: &[u8], reserved: &[u8], random: &mut dyn Random) -> Vec<u8> {
    let is_text = |byte: &u8| reserved.contains(byte) || matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t');
    if !old.iter().all(is_text) {
        return bytes(old, reserved, random);
    }
    let mut separator = |byte: u8| match byte {
        b'\r' | b'\n' => byte,
        _ => one_of((b' '..=b'~').filter(|byte| !byte.is_ascii_alphanumeric()), byte, reserved, random),
    };
    let separated: Vec<u8> = old.iter().map(|byte| if byte.is_ascii_alphanumeric() { *byte } else { separator(*byte) }).collect();
    words(&separated, reserved, random)
}

/// The words and numbers of a text, with others in their place; what separates them stays.
fn words(old: &[u8], reserved: &[u8], random: &mut dyn Random) -> Vec<u8> {
    let mut new = Vec::with_capacity(old.len());
    for word in old.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()) {
        let is_one_case = !(word.iter().any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase));
        let is_binary = word.len() >= 8 && word.iter().all(|byte| matches!(byte, b'0' | b'1'));
        let is_hex = is_one_case && word.iter().all(u8::is_ascii_hexdigit) && !word.iter().all(u8::is_ascii_digit);
        let is_lower = word.iter().any(u8::is_ascii_lowercase);
        new.extend(word.iter().map(|byte| match byte {
            b'0' | b'1' if is_binary => one_of(b'0'..=b'1', *byte, reserved, random),
            _ if is_hex => one_of((0..=15).map(|digit| digit_of(digit, is_lower)), *byte, reserved, random),
            b'0'..=b'9' => one_of(b'0'..=b'9', *byte, reserved, random),
            b'A'..=b'Z' => one_of(b'A'..=b'Z', *byte, reserved, random),
            b'a'..=b'z' => one_of(b'a'..=b'z', *byte, reserved, random),
            byte => *byte,
        }));
    }
    new
}

/// One of these bytes that is not reserved, for a byte that is not.
fn one_of(bytes: impl Iterator<Item = u8>, old: u8, reserved: &[u8], random: &mut dyn Random) -> u8 {
    let free: Vec<u8> = bytes.filter(|byte| !reserved.contains(byte)).collect();
    let last = u8::try_from(free.len().saturating_sub(1)).unwrap_or(u8::MAX);
    let drawn = free.get(usize::from(random.between(0..=last))).copied();
    drawn.filter(|_| !reserved.contains(&old)).unwrap_or(old)
}

/// Bytes of a binary protocol: all but those that are reserved, and none of these is drawn.
pub fn bytes(old: &[u8], reserved: &[u8], random: &mut dyn Random) -> Vec<u8> {
    old.iter().map(|byte| one_of(0..=u8::MAX, *byte, reserved, random)).collect()
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
        String::from_utf8_lossy(&unknown(old, b"\r\n", &mut seeded(7))).into_owned()
    }

    #[test]
    fn what_nobody_understands_goes_and_where_its_words_and_numbers_stood_can_be_seen() {
        let card = masked(b"Bad card No. 0045671: 0C000621a5\r\n");
        let kinds = |text: &str| text.bytes().map(|byte| (byte.is_ascii_alphabetic(), byte.is_ascii_digit())).collect::<Vec<_>>();
        let numbers = |text: &str| text.get(13..20).unwrap().to_owned();
        assert!(card.ends_with("\r\n") && kinds(&card)[..21] == kinds("Bad card No. 0045671:")[..21], "{card}");
        assert!(numbers(&card) != "0045671" && !card.contains("0C000621") && !card.contains("Bad"), "{card}");
        let bits = masked(b"RAW Binary=10001010");
        assert!(!bits.starts_with("RAW Binary=") && bits[11..].chars().all(|c| matches!(c, '0' | '1')), "{bits}");
    }

    #[test]
    fn of_a_card_that_is_shown_often_every_byte_is_drawn_everywhere_so_that_none_gives_the_old_one_away() {
        let mut random = seeded(3);
        for old in [&b"Ada 7"[..], b"KXQ+9", b"\x7B\x11\xD7\x20\x00"] {
            let drawn: Vec<Vec<u8>> = (0..9000).map(|_| unknown(old, b"\r\n", &mut random)).collect();
            for at in 0..old.len() {
                let mut seen: Vec<u8> = drawn.iter().filter_map(|new| new.get(at).copied()).collect();
                let stayed = seen.iter().filter(|byte| **byte == old[at]).count();
                seen.sort_unstable();
                seen.dedup();
                assert!(stayed < 2 * drawn.len() / seen.len() && seen.len() > 9, "{old:?} at {at}: {stayed} of {}", seen.len());
            }
        }
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
