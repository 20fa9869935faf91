//! Readers that type: one TOML file each; how they are known by their USB ids, what they type, how to switch them.
//!
//! In: a file's name and text. Out: a [`KnownKeyboard`] or findings with line and column. What it types is proven: each
//! sample is a burst that its template reads. Never: a proof that a device is a reader; one id may be many things.

use crate::{
    card::Kind,
    decode::{
        dialect::{Confidence, Dialect, Reads},
        message::{Heard, read_frame},
        payload::Template,
    },
    reader::ReaderHints,
    sheet::{At, Keys, Sheet},
};

/// A reader that types, as its file knows it.
#[derive(Debug, Clone)]
pub struct KnownKeyboard {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Where the facts come from.
    pub source: String,
    /// How far they can be believed.
    pub confidence: Confidence,
    /// The USB vendors and products that it shows.
    pub usb: Vec<(u16, u16)>,
    /// What else has these ids, and what else to know.
    pub caveat: Option<String>,
    /// How it is made to speak something better than keys.
    pub switch: Option<String>,
    /// What it was seen to type.
    pub types: Vec<Burst>,
}

/// What a reader was seen to type.
#[derive(Debug, Clone)]
pub struct Burst {
    /// Where it comes from.
    pub source: String,
    /// The characters, without the key that ends them.
    pub typed: String,
    /// The template of a `[[reader]]` that reads it.
    pub template: String,
}

/// Reads one file. Findings go to the sheet.
#[must_use]
pub fn read(sheet: &Sheet<'_>) -> Option<KnownKeyboard> {
    let mut keys = sheet.root()?;
    let id = keys.text("id");
    let name = keys.text("name");
    let source = keys.text("source");
    let confidence = super::confidence(&mut keys);
    let texts = keys.texts("usb");
    if texts.is_empty() {
        keys.missing("usb");
    }
    let usb = texts.iter().filter_map(|text| usb_ids(&keys, text)).collect();
    let caveat = keys.optional_text("caveat").map(|caveat| caveat.value);
    let switch = keys.optional_text("switch").map(|switch| switch.value);
    let types = keys.tables("sample").into_iter().filter_map(burst).collect();
    keys.finish();
    if !sheet.is_clean() {
        return None;
    }
    Some(KnownKeyboard { id: id?.value, name: name?.value, source: source?.value, confidence: confidence?, usb, caveat, switch, types })
}

/// USB vendor and product, as a file writes them.
pub(super) fn usb_ids(keys: &Keys<'_, '_>, text: &At<String>) -> Option<(u16, u16)> {
    let id = |digits: &str| u16::from_str_radix(digits, 16).ok();
    let ids = text.value.split_once(':').and_then(|(vid, pid)| Some((id(vid)?, id(pid)?)));
    if ids.is_none() {
        keys.complain(text.span, "`usb` has vendor and product in hex, such as \"0c27:3bfa\"".to_owned());
    }
    ids
}

/// A burst, and its proof.
fn burst(mut keys: Keys<'_, '_>) -> Option<Burst> {
    let span = keys.span();
    let source = keys.text("source");
    let typed = keys.text("typed");
    let template = keys.text("template");
    let kind = keys.optional_text("kind").and_then(|kind| super::kind(&keys, &kind));
    let bits = keys.number("bits", 1_u16, 256).map(|bits| bits.value);
    let wanted = keys.text("reads");
    let parsed = template.as_ref().and_then(|template| super::serial::template_of(&keys, template));
    let burst = Burst { source: source?.value, typed: typed?.value, template: template?.value };
    let read = read_as(parsed?, &burst.typed, ReaderHints { bits, kind, ..ReaderHints::default() });
    let wanted = Reads::As(wanted?.value);
    if read != wanted {
        keys.complain(span, format!("the sample reads as {read}, not as {wanted}"));
    }
    keys.finish();
    Some(burst)
}

fn read_as(template: Template, typed: &str, told: ReaderHints) -> Reads {
    let line = format!("{typed}\r");
    let heard = Dialect::of_lines(template).and_then(|dialect| read_frame(&dialect, &told, line.as_bytes()));
    match heard {
        Some(Heard::Shown(presentation, _)) if presentation.kind != Kind::Key => super::serial::read_as(&presentation),
        _ => Reads::As("nothing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "id = \"a\"\nname = \"b\"\nsource = \"c\"\nconfidence = \"captured\"\nusb = [\"ffff:0035\"]\n\
                        [[sample]]\nsource = \"d\"\ntyped = \"09876\"\ntemplate = \"{card_number:dec5}\"\nreads = \"card number 9876\"\n";

    #[test]
    fn a_file_that_fails_its_own_sample_does_not_load() {
        let sheet = Sheet::new("x.toml", FILE);
        assert_eq!(read(&sheet).unwrap().usb, [(0xFFFF, 0x35)]);
        for (old, new, words) in [
            ("09876", "0987", "reads as nothing, not as card number 9876"),
            ("number 9876", "number 9877", "reads as card number 9876"),
            ("ffff:0035", "ffff", "vendor and product in hex"),
            ("dec5}", "dec5", "expected text"),
        ] {
            let text = FILE.replace(old, new);
            let sheet = Sheet::new("x.toml", &text);
            assert!(read(&sheet).is_none() && sheet.into_findings()[0].to_string().contains(words), "{new}");
        }
    }
}
