//! The number printed on a card: is it a notation of what a format reads?
//!
//! In: the print as somebody typed it, and a fit. Out: how well the fit says what is printed. Never: a choice; that is the
//! policy's ([`crate::enroll::policy`]).
//!
//! What the field prints: the card number (`4312`, `04312`), facility code and card number (`049,04312`, `049 04312`,
//! `04904312`), both as one binary number (`0003215576`), the last two together (`0003215576 049,04312`), any of these in
//! hex, and the bytes turned round.

use crate::card::{Fit, Kind, PacsBits, Presentation};

/// How many card numbers one print can stand for, in all notations: what a match is worth follows from it.
pub const NOTATIONS: u32 = 10;

/// The fewest hex digits without a letter that are taken for hex, and the fewest bits whose bytes are turned round: below
/// that, a decimal number is meant.
const LEAST_BITS: u16 = 24;

/// A print as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    /// Its groups of decimal digits, each with its number of digits; none where it is hex.
    decimal: Vec<(u128, usize)>,
    /// It as one hex number, and the number of digits.
    hex: Option<(u128, usize)>,
    /// It has the letters A to F, or `0x` in front: it is hex and nothing else.
    only_hex: bool,
}

/// How well a fit says what is printed: the first is better than the second, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// Its numbers, written out.
    Numbers,
    /// Its numbers as one number, or part of what is printed.
    Joined,
    /// Its numbers in hex without a letter, or its bytes turned round.
    Rewritten,
}

impl Print {
    /// Takes a print apart.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let prefixed = text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"));
        let body = if prefixed { text.get(2..).unwrap_or_default() } else { text };
        let digits: String = body.chars().filter(|c| !matches!(c, ' ' | ':' | '-' | '.')).collect();
        let is_hex = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
        let lettered = digits.chars().any(|c| c.is_ascii_alphabetic());
        let hex = u128::from_str_radix(&digits, 16).ok().filter(|_| is_hex).map(|number| (number, digits.len()));
        let only_hex = is_hex && (lettered || prefixed);
        let groups = body.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty());
        // A group too long for any card is kept as a number that no card has.
        let decimal = if only_hex { Vec::new() } else { groups.map(|group| (group.parse().unwrap_or(u128::MAX), group.len())).collect() };
        Self { decimal, hex, only_hex }
    }

    /// Its groups of decimal digits, each with its number of digits; none where it is hex.
    #[must_use]
    pub fn groups(&self) -> &[(u128, usize)] {
        &self.decimal
    }

    /// It as one hex number, and the number of digits.
    #[must_use]
    pub const fn hex(&self) -> Option<(u128, usize)> {
        self.hex
    }

    /// How well the fit says what is printed; none where it says something else.
    #[must_use]
    pub fn matches(&self, fit: &Fit, presentation: &Presentation) -> Option<Match> {
        let numbers = Numbers::of(fit);
        self.in_decimal(&numbers, presentation).or_else(|| self.in_hex(&numbers)).or_else(|| self.turned_round(&numbers))
    }

    fn in_decimal(&self, numbers: &Numbers, presentation: &Presentation) -> Option<Match> {
        let Numbers { facility, card, .. } = *numbers;
        let same = |code: u128, number: u128| facility == Some(code) && card == Some(number);
        let decimal: Vec<u128> = self.decimal.iter().take(4).map(|(number, _)| *number).collect();
        match *decimal.as_slice() {
            [one] if Some(one) == card || (card.is_some() && Some(one) == numbers.run_together()) => Some(Match::Numbers),
            [one] if Some(one) == numbers.joined() => Some(Match::Joined),
            [code, number] if same(code, number) => Some(Match::Numbers),
            [whole, code, number] | [code, number, whole] if same(code, number) => {
                (Some(whole) == numbers.joined() || holds(presentation, whole, numbers)).then_some(Match::Numbers)
            }
            // The longer number is the fit's, and the pair is its lower 24 bits written in the other way.
            [whole, code, number] | [code, number, whole] if facility.is_none() && Some(whole) == card && number <= 0xFFFF => {
                (whole & 0xFF_FFFF == code << 16 | number).then_some(Match::Joined)
            }
            _ => None,
        }
    }

    fn in_hex(&self, numbers: &Numbers) -> Option<Match> {
        let (hex, digits) = self.hex?;
        if Some(hex) != numbers.card && Some(hex) != numbers.joined() {
            return None;
        }
        let is_whole = |width: u16| width >= LEAST_BITS && usize::from(width.div_ceil(4)) == digits;
        match self.only_hex {
            true => Some(Match::Numbers),
            false => (is_whole(numbers.card_bits) || is_whole(numbers.joined_bits())).then_some(Match::Rewritten),
        }
    }

    fn turned_round(&self, numbers: &Numbers) -> Option<Match> {
        let one = if let [(one, _)] = *self.decimal.as_slice() { Some(one) } else { None };
        let is_it = |turned: Option<u128>| turned.is_some() && (turned == one || turned == self.hex.map(|(hex, _)| hex));
        let card = turned(numbers.card, numbers.card_bits);
        (is_it(card) || is_it(turned(numbers.joined(), numbers.joined_bits()))).then_some(Match::Rewritten)
    }
}

/// A fit's numbers, with their widths.
struct Numbers {
    facility: Option<u128>,
    card: Option<u128>,
    facility_bits: u16,
    card_bits: u16,
    are_binary: bool,
}

impl Numbers {
    fn of(fit: &Fit) -> Self {
        Self {
            facility: fit.credential.facility_code.map(|code| u128::from(code.0)),
            card: fit.credential.card_number.map(|number| number.0),
            facility_bits: fit.widths.facility_code,
            card_bits: fit.widths.card_number,
            are_binary: fit.widths.are_binary,
        }
    }

    /// Facility code and card number as one binary number.
    fn joined(&self) -> Option<u128> {
        (self.are_binary && self.joined_bits() < 128).then_some(())?;
        Some(self.facility? << self.card_bits | self.card?)
    }

    const fn joined_bits(&self) -> u16 {
        if self.are_binary { self.facility_bits.saturating_add(self.card_bits) } else { 0 }
    }

    /// Facility code and card number with nothing between their decimal digits; the card number has all of its digits.
    fn run_together(&self) -> Option<u128> {
        let digits = (f64::from(self.card_bits) * std::f64::consts::LOG10_2).floor() as u32 + 1;
        let shift = 10_u128.checked_pow(digits).filter(|_| self.card_bits > 0)?;
        self.facility?.checked_mul(shift)?.checked_add(self.card?)
    }
}

/// True where the whole number is that of the card's 32 or 40 bits, whose lower ones are facility code and card number.
fn holds(presentation: &Presentation, whole: u128, numbers: &Numbers) -> bool {
    let Some(bits) = presentation.bits.filter(|bits: &PacsBits| presentation.kind == Kind::Em4100 && bits.len() == 40) else {
        return false;
    };
    let low = |width: usize| bits.number(40 - width, width);
    let joined_bits = usize::from(numbers.joined_bits());
    joined_bits > 0 && joined_bits <= 32 && (whole == low(32) || whole == low(40)) && numbers.joined() == Some(low(joined_bits))
}

/// The number whose bytes come in the other order; none where it has no whole bytes, or too few of them.
fn turned(number: Option<u128>, bits: u16) -> Option<u128> {
    (bits >= LEAST_BITS && bits.is_multiple_of(8) && bits < 128).then_some(())?;
    let number = number?;
    Some((0..bits / 8).fold(0, |turned, byte| turned << 8 | number >> (8 * byte) & 0xFF))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{card::Literal, protocols::Protocols};

    /// The formats that say what is printed, the best match only.
    fn said(literal: &str, print: &str) -> Vec<String> {
        let literal: Literal = literal.parse().unwrap();
        let reading = Protocols::built_in().catalog(&[]).read(Presentation::of_literal(&literal));
        let print = Print::parse(print);
        let matches = |fit: &Fit| print.matches(fit, &reading.presentation);
        let best = reading.fits.iter().filter_map(matches).min();
        reading.fits.iter().filter(|fit| best.is_some() && matches(fit) == best).map(|fit| fit.format.to_string()).collect()
    }

    #[test]
    fn every_notation_that_the_field_prints_is_the_card() {
        let card = "00011000100010000110110001";
        for print in ["4312", "04312", "0004312", "049,04312", "49 4312", "049-04312", "04904312", "4904312"] {
            assert_eq!(said(card, print), ["hid-h10301"], "{print}");
        }
        for print in ["0003215576 049,04312", "049,04312 0003215576", "0x10D8", "10D8"] {
            assert_eq!(said(card, print), ["hid-h10301"], "{print}");
        }
        for print in ["0003215576", "3215576", "3110D8", "0x3110D8", "D81031"] {
            assert_eq!(said(card, print), ["hid-h10301", "indala-26"], "{print} says nothing about where the facility code ends");
        }
        assert_eq!(said("csn:B31B18BB", "BB181BB3"), ["csn-4-byte"]);
        assert_eq!(said("csn:B31B18BB", "BB:18:1B:B3"), ["csn-4-byte"]);
        assert_eq!(said("csn:B31B18BB", "3138919347"), ["csn-4-byte"], "turned round");
        assert_eq!(said("csn:04123456", "04123456"), ["csn-4-byte"], "hex that has no letter");
    }

    #[test]
    fn a_print_of_another_card_is_no_notation_of_this_one() {
        let card = "00011000100010000110110001";
        for print in ["4313", "050,04312", "04904313", "0003215577", "0003215577 049,04312", "049,04312,1", "", "no digits", "10D9"] {
            assert_eq!(said(card, print), [""; 0], "{print}");
        }
        assert_eq!(said("em4100:01005CD7A5", "0006084515"), [""; 0], "a label that differs by two");
        let wide = "9".repeat(60);
        assert_eq!(said(card, &wide), [""; 0], "no number of digits stops anything");
    }

    #[test]
    fn of_a_whole_print_both_halves_must_agree() {
        assert_eq!(said("em4100:0000D507D0", "0013961168 213 02000"), ["em4100-16-16", "em4100-8-16"]);
        assert_eq!(said("em4100:6F007B3972", "0008075634 123,14706"), ["em4100-16-16", "em4100-8-16"]);
        assert_eq!(said("em4100:0000D507D0", "0013961168"), ["em4100-24", "em4100-32", "em4100-40"]);
        assert_eq!(said("em4100:0000D507D0", "0013961169 213 02000"), [""; 0]);
        assert_eq!(said("em4100:0000D507D0", "0013961168 213 02001"), [""; 0]);
    }

    #[test]
    fn a_decimal_number_is_not_taken_for_a_short_hex_one() {
        let credential = "00000000001000101011001111".parse::<PacsBits>().unwrap();
        assert_eq!(said(&credential.to_string(), "4567"), [""; 0]);
    }
}
