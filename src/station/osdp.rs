//! What an OSDP reader hands over, as presentations.
//!
//! In: card bits with the reader's word on what they are, key codes, and what the site says. Out: presentations; the
//! same card again within `card_left_ms` is none. Never: a guess: what is not said to be Wiegand, and does not look like
//! it, is no card.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::stages::in_byte_order;
use crate::{
    card::{Csn, Kind, PacsBits, Presentation, to_hex},
    decode::lying::Sight,
    reader::{OsdpCard, ReaderHints},
};

/// The reader does not say whether its bits are Wiegand.
pub const FORMAT_NOT_TOLD: &str = "format_not_told";
/// The reader sends something else than Wiegand bits.
pub const NOT_WIEGAND: &str = "not_wiegand";
/// The reader has decoded the card itself.
pub const FORMATTED: &str = "formatted_card_data";
/// More bits than a card format has.
pub const TOO_MANY_BITS: &str = "too_many_bits";
/// A key whose code the standard does not name.
pub const UNKNOWN_KEY: &str = "unknown_key";

/// The card that was shown last at an OSDP reader.
#[derive(Debug, Default)]
pub struct LastCard(Option<(OsdpCard, DateTime<Utc>)>);

impl LastCard {
    /// A card: what it presents, and whether it lay there still.
    pub fn card(&mut self, card: OsdpCard, hints: ReaderHints, now: DateTime<Utc>) -> Sight {
        let card_left = card_left(hints);
        let still_there = |(last, at): &(OsdpCard, DateTime<Utc>)| last.is_same(&card) && now >= *at && now < *at + card_left;
        let again = self.0.as_ref().is_some_and(still_there);
        let presented = presentation(&card, hints);
        self.0 = Some((card, now));
        if again { Sight::Again(presented) } else { Sight::New(presented) }
    }
}

/// How long a card may be silent at the reader and still lie there.
pub fn card_left(told: ReaderHints) -> Duration {
    told.card_left.unwrap_or(Duration::from_secs(1))
}

fn presentation(card: &OsdpCard, told: ReaderHints) -> Presentation {
    // The site knows better than the reader.
    let kind = match (told.kind, card.format) {
        (Some(kind), _) => kind,
        (None, OsdpCard::WIEGAND) => Kind::Wiegand,
        (None, OsdpCard::UNSPECIFIED) if !is_source_and_type(card) => Kind::Wiegand,
        (None, _) => return unreadable(&card.bytes, NOT_WIEGAND),
    };
    let Ok(bits) = PacsBits::from_left_aligned(&card.bytes, usize::from(card.length)) else {
        return unreadable(&card.bytes, TOO_MANY_BITS);
    };
    let raw = to_hex(&card.bytes);
    let mut presentation = Presentation { bits: Some(bits), check_bits: card.check_bits, raw, ..Presentation::of(kind) };
    if kind == Kind::Csn && bits.len() % 8 == 0 {
        presentation.csn = Csn::new(&card.bytes);
    }
    if told.kind.is_none() && card.format != OsdpCard::WIEGAND {
        presentation.warnings.push(FORMAT_NOT_TOLD.to_owned());
    }
    in_byte_order(presentation, told)
}

/// A card of which no number is known: a serial number that is not told.
fn unreadable(raw: &[u8], warning: &str) -> Presentation {
    Presentation { raw: to_hex(raw), warnings: vec![warning.to_owned()], ..Presentation::of(Kind::Csn) }
}

/// Nedap's NVITE and MACE: bytes for the number's source and type before the number, said to be nothing in particular.
pub(crate) fn is_source_and_type(card: &OsdpCard) -> bool {
    const TYPES: [u8; 7] = [0x00, 0x08, 0x10, 0x45, 0x4E, 0x4F, 0x57];
    card.length.is_multiple_of(8) && matches!(card.bytes.as_slice(), [0..=0x0B, kind, _, ..] if TYPES.contains(kind))
}

/// A card that the reader has decoded itself: its text is in a form that the standard leaves open.
pub fn formatted(text: &[u8]) -> Presentation {
    unreadable(text, FORMATTED)
}

/// Keys. The standard's codes are ASCII digits, 7F for `*` and 0D for `#`; some readers send the digits as 0 to 9.
pub fn keys(codes: &[u8]) -> Presentation {
    let mut presentation = Presentation::of(Kind::Key);
    let keys: Option<String> = codes.iter().map(|code| key(*code)).collect();
    if keys.is_none() {
        presentation.warnings.push(UNKNOWN_KEY.to_owned());
    }
    Presentation { keys, raw: to_hex(codes), ..presentation }
}

fn key(code: u8) -> Option<char> {
    match code {
        0..=9 => Some(char::from(b'0' + code)),
        0x7F | b'*' => Some('*'),
        0x0D | b'#' => Some('#'),
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Some(char::from(code)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::ByteOrder;

    fn card(format: u8, length: u16, bytes: &[u8]) -> OsdpCard {
        OsdpCard { reader: 0, format, length, bytes: bytes.to_vec(), check_bits: 16 }.masked()
    }

    fn shown(card: OsdpCard, told: ReaderHints) -> Presentation {
        let Sight::New(shown) = LastCard::default().card(card, told, DateTime::UNIX_EPOCH) else { panic!("it is the first") };
        shown
    }

    #[test]
    fn a_card_is_its_bits_and_the_noise_behind_them_is_gone() {
        // A published reply: the six bits behind the 26 are not zero.
        let shown = shown(card(1, 26, &[0xCD, 0x22, 0xC7, 0x16]), ReaderHints::default());
        assert_eq!(shown.bits.unwrap().to_binary(), "11001101001000101100011100");
        assert_eq!((shown.kind, shown.raw.as_str(), shown.warnings.len()), (Kind::Wiegand, "CD22C700", 0));
        assert_eq!(shown.check_bits, 16, "what the packet's own check is worth");
    }

    #[test]
    fn bits_of_which_the_reader_says_nothing_are_read_with_a_warning() {
        let read = shown(card(0, 26, &[0xCD, 0x22, 0xC7, 0x16]), ReaderHints::default());
        assert_eq!((read.bits.is_some(), read.warnings), (true, vec![FORMAT_NOT_TOLD.to_owned()]));
        let told = ReaderHints { kind: Some(Kind::Wiegand), ..ReaderHints::default() };
        assert!(shown(card(0, 26, &[0xCD, 0x22, 0xC7, 0x16]), told).warnings.is_empty());
    }

    #[test]
    fn source_and_type_before_a_number_are_no_wiegand_bits() {
        let read = shown(card(0, 56, &[0x05, 0x00, 0x04, 0xA2, 0xB3, 0xC4, 0xD5]), ReaderHints::default());
        assert_eq!((read.kind, read.bits, read.warnings), (Kind::Csn, None, vec![NOT_WIEGAND.to_owned()]));
        let wiegand = shown(card(0, 54, &[0x05, 0x00, 0x04, 0xA2, 0xB3, 0xC4, 0xD5]), ReaderHints::default());
        assert_eq!(wiegand.kind, Kind::Wiegand, "half a byte is no part of such a number");
        let said = |source, kind| is_source_and_type(&card(0, 56, &[source, kind, 0x04, 0xA2, 0xB3, 0xC4, 0xD5]));
        assert_eq!([said(0x0B, 0x57), said(0x0C, 0x57), said(0x0B, 0x58)], [true, false, false], "other bytes are bits");
        let read = shown(card(2, 26, &[0xCD, 0x22, 0xC7, 0x16]), ReaderHints::default());
        assert_eq!((read.bits, read.warnings), (None, vec![NOT_WIEGAND.to_owned()]));
    }

    #[test]
    fn the_site_can_say_that_a_reader_hands_over_serial_numbers() {
        let told = ReaderHints { kind: Some(Kind::Csn), ..ReaderHints::default() };
        assert_eq!(shown(card(0, 32, &[0xDE, 0xAD, 0xBE, 0xEF]), told).csn.unwrap().to_string(), "DEADBEEF");
        let bits = shown(card(1, 32, &[0xDE, 0xAD, 0xBE, 0xEF]), ReaderHints::default());
        assert_eq!((bits.kind, bits.csn), (Kind::Wiegand, None), "32 Wiegand bits are no serial number");
        // Where its reader turns them round, and what is no serial number is left as it came.
        let turned = |kind| ReaderHints { kind: Some(kind), byte_order: ByteOrder::Reversed, ..ReaderHints::default() };
        let number = shown(card(0, 32, &[0xDE, 0xAD, 0xBE, 0xEF]), turned(Kind::Csn));
        assert_eq!(
            (number.csn.unwrap().to_string(), number.bits.unwrap().to_bytes()),
            ("EFBEADDE".to_owned(), vec![0xEF, 0xBE, 0xAD, 0xDE])
        );
        let wiegand = shown(card(0, 32, &[0xDE, 0xAD, 0xBE, 0xEF]), turned(Kind::Wiegand));
        assert_eq!((wiegand.csn, wiegand.bits), (None, bits.bits));
    }

    #[test]
    fn the_same_card_again_is_one_presentation_for_as_long_as_the_site_says() {
        let told = ReaderHints { card_left: Some(Duration::from_millis(1000)), ..ReaderHints::default() };
        let mut desk = LastCard::default();
        let mut shows = |bytes: &[u8], millis| {
            let at = DateTime::from_timestamp_millis(millis).unwrap();
            matches!(desk.card(card(1, 26, bytes), told, at), Sight::New(_))
        };
        let (one, other) = ([0xBD, 0x88, 0xEB, 0x80], [0xCD, 0x22, 0xC7, 0x00]);
        assert!(shows(&one, 0) && !shows(&one, 0) && !shows(&one, 900) && !shows(&one, 1800), "it still lies there");
        assert!(shows(&other, 1900) && shows(&one, 2000) && shows(&one, 3000));
        let mut desk = LastCard::default();
        let every = ReaderHints { card_left: Some(Duration::ZERO), ..ReaderHints::default() };
        let again = |desk: &mut LastCard| matches!(desk.card(card(1, 26, &one), every, DateTime::UNIX_EPOCH), Sight::New(_));
        assert!(again(&mut desk) && again(&mut desk), "where the site says so, every report is a card");
    }

    #[test]
    fn keys_are_those_that_were_pressed() {
        assert_eq!(keys(&[0x31, 0x39, 0x7F, 0x0D, 0, 9]).keys.as_deref(), Some("19*#09"));
        let unknown = keys(&[0x31, 0xEE]);
        assert_eq!((unknown.keys, unknown.warnings), (None, vec![UNKNOWN_KEY.to_owned()]));
    }

    #[test]
    fn only_a_key_that_nobody_can_name_is_warned_of() {
        assert!(keys(b"12#").warnings.is_empty());
        assert_eq!((keys(&[b'1', 0xEE]).keys, keys(&[b'1', 0xEE]).warnings), (None, vec![UNKNOWN_KEY.to_owned()]));
    }

    #[test]
    fn a_serial_number_has_whole_bytes() {
        let told = ReaderHints { kind: Some(Kind::Csn), ..ReaderHints::default() };
        let is_one = |length, bytes: &[u8]| shown(card(0, length, bytes), told).csn.is_some();
        assert!(is_one(32, &[0x04, 0xA2, 0xB3, 0xC4]) && !is_one(26, &[0xCD, 0x22, 0xC7, 0x16]));
    }
}
