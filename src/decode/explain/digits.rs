//! What may have happened to a card's digits: the number read is right or nearly so, and written in another way than the
//! print.

use super::Tried;
use crate::{
    card::{CardNumber, FacilityCode, Fit, Suggestion},
    decode::printed::Print,
};

/// Fewer digits than these are alike by chance too often.
const LEAST_DIGITS: usize = 4;

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

            let is_cut = width < 128 && number >> width > 0 && number & ((1 << width) - 1) == read;
            let words = format!("only the low {width} bits of the number arrive (set the reader to send all of them)");
            add("cut", words, one, is_cut.then_some(Corrected::Number(number)));

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
    let bytes = width.unsigned_abs().div_ceil(8);
    let without_zeros: String = (0..bytes).rev().map(|byte| format!("{:X}", read >> (8 * byte) & 0xFF)).collect();
    let words = "the zeros in front of single bytes are lost in the print (keep the number read)".to_owned();
    let is_same = print.hex().is_some_and(|(hex, digits)| digits == without_zeros.len() && format!("{hex:X}") == without_zeros);
    let is_same = is_same && without_zeros.len() < 2 * bytes as usize;
    add("zeros_lost", words, one * f64::from(1_u32 << bytes.min(20)), is_same.then_some(Corrected::Number(read)));
}

/// The numbers once it is undone.
enum Corrected {
    Number(u128),
    Both(FacilityCode, u128),
}

impl Corrected {
    fn of(self, fit: &Fit) -> Fit {
        let mut fit = fit.clone();
        let number = match self {
            Self::Number(number) => number,
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
