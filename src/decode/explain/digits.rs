//! What may have happened to a card's digits: the number read is right or nearly so, and written in another way than the
//! print.

use super::Tried;
use crate::{
    card::{CardNumber, FacilityCode, Fit, Suggestion},
    decode::printed::Print,
};

/// Fewer digits than these are alike by chance too often.
const LEAST_DIGITS: usize = 4;

/// From so many bits on, a print whose bytes are turned round is a notation of the number, and nothing is wrong with it.
const LEAST_TURNED: i32 = 24;

/// How common all of these are: behind what happens to bits.
const RANK: u8 = 4;

/// Compares the number read with the print, in every way in which programs and people write one for the other.
pub(super) fn compare(fit: &Fit, print: &str, tried: &mut Tried) {
    let Some(CardNumber(read)) = fit.credential.card_number else { return };
    let print = Print::parse(print);
    let width = i32::from(fit.widths.card_number.min(128));
    let mut add = |transform, words: String, chance: f64, corrected: Option<Corrected>| {
        let found = corrected.map(|corrected| Suggestion { transform, words, bits: None, fit: corrected.of(fit), odds: chance });
        tried.add(RANK, chance, found);
    };
    let one = 0.5_f64.powi(width);
    match print.groups() {
        [(number, digits)] => {
            let (number, digits) = (*number, *digits);
            let shown = ten_to(digits).filter(|_| digits >= LEAST_DIGITS);
            let is_low = shown.is_some_and(|shown| read >= shown && read % shown == number);
            let words = format!("the print shows the last {digits} digits only (keep the number read)");
            add("low_digits", words, 0.1_f64.powi(digits as i32) + one, is_low.then_some(Corrected::Number(read)));

            let as_hex = u128::from_str_radix(&read.to_string(), 16).ok();
            let words =
                "hex digits were taken for decimal ones (set the reader to send decimal digits, or hex for what they are)".to_owned();
            add("hex_as_decimal", words, one, (as_hex == Some(number)).then_some(Corrected::Number(number)));

            let words = "the print is in hex (type it with 0x in front)".to_owned();
            let is_hex = print.hex().is_some_and(|(hex, _)| hex == read && hex != number);
            add("printed_in_hex", words, one, is_hex.then_some(Corrected::Number(read)));
        }
        [(code, _), (number, digits)] => {
            let together = |digits: usize| ten_to(digits).and_then(|shift| code.checked_mul(shift)?.checked_add(*number));
            let both = || FacilityCode(u64::try_from(*code).unwrap_or(u64::MAX));
            let words = "facility code and card number come as one number (use a format or template that parts them)".to_owned();
            let is_together = together((*digits).max(5)) == Some(read);
            add("run_together", words, one, is_together.then(|| Corrected::Both(both(), *number)));

            let words =
                "facility code and card number come as one number that has lost zeros (set the reader to send all digits)".to_owned();
            let lost = together(number.to_string().len()) == Some(read) && !is_together;
            add("zeros_lost", words, one, lost.then(|| Corrected::Both(both(), *number)));
        }
        _ => {}
    }
    let turned = turned(read, fit.widths.card_number);
    for (number, bits) in whole(&print) {
        // What is left of it may stand in the card number, or in facility code and card number together.
        let alone = (read, width, Corrected::Number as fn(u128) -> Corrected, false);
        let both = joined(fit).map(|(read, width)| (read, width, Corrected::Whole as fn(u128) -> Corrected, false));
        let round = turned.filter(|_| width >= LEAST_TURNED).map(|read| (read, width, Corrected::Number as fn(u128) -> Corrected, true));
        let ways = [alone].into_iter().chain(both).chain(round);
        for (read, width, corrected, is_turned) in ways.filter(|(_, width, ..)| (1..128).contains(width)) {
            let [low, first] = cut(width, is_turned);
            let is_low = number >> width > 0 && number & ((1 << width) - 1) == read;
            add("cut", low, 0.5_f64.powi(width), is_low.then(|| corrected(number)));
            if let Some(over) = bits.and_then(|bits| bits.checked_sub(width as u32)).filter(|over| *over > 0) {
                add("cut", first, 0.5_f64.powi(width), (number >> over == read).then(|| corrected(number)));
            }
        }
    }
    if let Some(turned) = turned {
        cut_in_the_print(read, turned, width, &print, &mut add);
        let is_turned = match print.groups() {
            // Of a longer number the print may have the other order: then it is a notation of it.
            [(number, _)] if width < LEAST_TURNED => *number == turned,
            [(code, _), (number, _)] => fit.credential.facility_code.is_some_and(|own| u128::from(own.0) == *code) && *number == turned,
            _ => print.hex().is_some_and(|(hex, digits)| hex == turned && digits as i32 * 4 <= width),
        };
        let words = "the bytes of the card number are turned round, at the reader or in the print (see what another reader reads)";
        add("bytes_swapped", words.to_owned(), one, is_turned.then_some(Corrected::Number(turned)));
    }
    let bytes = width.unsigned_abs().div_ceil(8);
    let without_zeros: String = (0..bytes).rev().map(|byte| format!("{:X}", read >> (8 * byte) & 0xFF)).collect();
    let words = "the zeros in front of single bytes are lost in the print (keep the number read)".to_owned();
    let is_same = print.hex().is_some_and(|(hex, digits)| digits == without_zeros.len() && format!("{hex:X}") == without_zeros);
    let is_same = is_same && without_zeros.len() < 2 * bytes as usize;
    add("zeros_lost", words, one * f64::from(1_u32 << bytes.min(20)), is_same.then_some(Corrected::Number(read)));
}

/// A print of some whole bytes of the number: readers that know serial numbers of four bytes alone cut longer ones, at either end,
/// and converters keep three.
fn cut_in_the_print(
    read: u128,
    turned: u128,
    width: i32,
    print: &Print,
    add: &mut impl FnMut(&'static str, String, f64, Option<Corrected>),
) {
    let pair = match print.groups() {
        [(code @ ..=0xFF, _), (number @ ..=0xFFFF, _)] => Some((code << 16 | number, Some(24))),
        _ => None,
    };
    for (number, bits) in whole(print).chain(pair) {
        for kept in [32, 24].into_iter().filter(|kept| *kept < width) {
            let (is_so_long, over) = (bits.is_none_or(|bits| bits as i32 == kept), width - kept);
            let low = |number: u128| number & ((1 << kept) - 1);
            let bytes = kept / 8;
            let parts = [
                (read >> over, format!("the print shows the first {bytes} bytes of the number only (keep the number read)")),
                (low(read), format!("the print shows the last {bytes} bytes of the number only (keep the number read)")),
                (low(turned), format!("the print shows the first {bytes} bytes of the number only, turned round (keep the number read)")),
                (turned >> over, format!("the print shows the last {bytes} bytes of the number only, turned round (keep the number read)")),
            ];
            for (part, words) in parts {
                let found = (is_so_long && part == number).then_some(Corrected::Number(read));
                add("print_cut", words, 0.5_f64.powi(kept), found);
            }
        }
    }
}

/// Only the low bits of a number arrive, or only the first ones.
fn cut(width: i32, is_turned: bool) -> [String; 2] {
    if is_turned {
        return [
            format!("only the low {width} bits of the number arrive, turned round (set the reader to send all of them)"),
            format!("only the first {width} bits of the number arrive, turned round (set the reader to send all of them)"),
        ];
    }
    [
        format!("only the low {width} bits of the number arrive (set the reader to send all of them)"),
        format!("only the first {width} bits of the number arrive (set the reader to send all of them)"),
    ]
}

/// The number whose bytes come in the other order; none where it has no whole bytes, or one alone.
fn turned(number: u128, bits: u16) -> Option<u128> {
    let turned = || (0..bits / 8).fold(0, |turned, byte| turned << 8 | number >> (8 * byte) & 0xFF);
    ((16..128).contains(&bits) && bits.is_multiple_of(8)).then(turned)
}

/// The whole numbers that a print can be: in decimal digits, or in hex ones, whose bits can be counted.
fn whole(print: &Print) -> impl Iterator<Item = (u128, Option<u32>)> {
    let decimal = if let [(number, _)] = print.groups() { Some((*number, None)) } else { None };
    let hex = print.hex().filter(|(_, digits)| *digits <= 32).map(|(number, digits)| (number, Some(4 * digits as u32)));
    decimal.into_iter().chain(hex)
}

/// Facility code and card number as one binary number, and how many bits it has.
fn joined(fit: &Fit) -> Option<(u128, i32)> {
    let widths = fit.widths;
    let bits = widths.facility_code.checked_add(widths.card_number).filter(|bits| widths.are_binary && *bits < 128)?;
    let code = u128::from(fit.credential.facility_code?.0);
    Some((code << widths.card_number | fit.credential.card_number?.0, i32::from(bits)))
}

/// The numbers once it is undone.
enum Corrected {
    Number(u128),
    /// One number, where two were read.
    Whole(u128),
    Both(FacilityCode, u128),
}

impl Corrected {
    fn of(self, fit: &Fit) -> Fit {
        let mut fit = fit.clone();
        let number = match self {
            Self::Number(number) => number,
            Self::Whole(number) => {
                fit.credential.facility_code = None;
                number
            }
            Self::Both(code, number) => {
                fit.credential.facility_code = Some(code);
                number
            }
        };
        fit.credential.card_number = Some(CardNumber(number));
        fit
    }
}

fn ten_to(digits: usize) -> Option<u128> {
    10_u128.checked_pow(u32::try_from(digits).ok()?)
}
