//! A printed number's template, filled with a card's numbers.
//!
//! In: `{facility_code:03}-{card_number}` and the card's numbers. Out: the text, or what is wrong. Never: a number that is not there.

use crate::card::{Credential, Csn, to_hex};

/// No number is padded to more digits.
const WIDEST: usize = 64;

/// Fills a template with a credential's numbers, by their names, and with its card serial number as `{csn}`. What stands behind a colon
/// is done one after the other: `{csn:reversed}` turns its bytes round, `{card_number:hex}` writes hex digits, `{card_number:last8}`
/// keeps the last ones, `{facility_code:05}` pads with zeros.
///
/// # Errors
/// What is wrong with the template, or which number is not there.
pub fn render(template: &str, credential: &Credential, csn: Option<&Csn>) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (inner, after) = after.split_once('}').ok_or_else(|| format!("`{{{after}` has no closing brace"))?;
        text.push_str(before);
        text.push_str(&filled(inner, credential, csn)?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// What stands between braces, filled.
fn filled(inner: &str, credential: &Credential, csn: Option<&Csn>) -> Result<String, String> {
    let mut words = inner.split(':').peekable();
    let name = words.next().unwrap_or_default();
    let missing = || format!("the card has no {name}");
    let mut text = if name == "csn" {
        let mut bytes = csn.ok_or_else(missing)?.bytes().to_vec();
        if words.next_if_eq(&"reversed").is_some() {
            bytes.reverse();
        }
        match words.next_if_eq(&"hex") {
            Some(_) => to_hex(&bytes),
            None => bytes.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte)).to_string(),
        }
    } else {
        let value = credential.number(name).ok_or_else(missing)?;
        if words.next_if_eq(&"hex").is_some() { format!("{value:X}") } else { value.to_string() }
    };
    for word in words {
        text = cut_or_padded(text, word).ok_or_else(|| {
            format!("`{word}` in {{{inner}}} says nothing here; write {{{name}:08}}, {{{name}:last8}}, {{{name}:hex}} or {{csn:reversed}}")
        })?;
    }
    Ok(text)
}

/// The last digits, or zeros before them.
fn cut_or_padded(text: String, word: &str) -> Option<String> {
    if let Some(count) = word.strip_prefix("last") {
        let count: usize = count.parse().ok()?;
        return Some(text.get(text.len().saturating_sub(count)..)?.to_owned());
    }
    let width: usize = word.parse().ok().filter(|width| *width <= WIDEST)?;
    Some(format!("{text:0>width$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_cuts_pads_and_turns_numbers_and_names_what_is_missing() {
        let mut credential = Credential::default();
        credential.set("card_number", 1_234_567);
        credential.set("facility_code", 7);
        let csn = Csn::new(&[0x04, 0xA2, 0xB3, 0xC4]);
        let render = |template: &str| render(template, &credential, csn.as_ref());
        for (template, text) in [
            ("{facility_code:03}-{card_number:08}", "007-01234567"),
            ("{card_number:last4}", "4567"),
            ("{facility_code:last4:04}", "0007"),
            ("{card_number:hex:08}", "0012D687"),
            ("{csn}", "77771716"),
            ("{csn:hex}", "04A2B3C4"),
            ("{csn:reversed}", "3300106756"),
            ("{csn:reversed:hex:last6}", "B3A204"),
            ("K{facility_code}-{card_number}Z", "K7-1234567Z"),
        ] {
            assert_eq!(render(template).as_deref(), Ok(text), "{template}");
        }
        assert_eq!(render("{facility_code:64}").map(|text| text.len()), Ok(64));
        assert_eq!(render("{issue_code}").unwrap_err(), "the card has no issue_code");
        assert!(render("{card_number").unwrap_err().contains("closing brace"));
        for template in ["{card_number:x}", "{card_number:65}", "{card_number:reversed}", "{csn:hex:reversed}", "{card_number:last}"] {
            assert!(render(template).unwrap_err().contains("says nothing here"), "{template}");
        }
        assert_eq!(super::render("{csn}", &credential, None).unwrap_err(), "the card has no csn");
    }
}
