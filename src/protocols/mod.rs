//! The data files: everything known about card formats, serial readers and smart cards, loaded and judged.
//!
//! In: the files built into the binary, and names and texts of a site's own. Out: [`Protocols`], and every finding with file, line
//! and column. A file with a finding is left out whole. Never: a folder read.
//!
//! The folder has `cards/`, `serial/`, `keyboards/`, `smartcards/`, `readers/` and `advice/`.

pub mod advice;
mod built_in;
pub mod cards;
pub mod keyboards;
mod keypad;
pub mod readers;
pub mod serial;
pub mod smartcards;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::{
    card::Kind,
    decode::{
        catalog::{Advices, Catalog},
        dialect::{Confidence, Dialect},
    },
    sheet::{At, Finding, Keys, Sheet},
    smartcard::{reader::Model, script::Script},
};
use advice::CardAdvice;
use cards::CardFormat;
use keyboards::KnownKeyboard;
pub use keypad::keypad;

/// Everything known about readers and cards.
#[derive(Debug, Default, Clone)]
pub struct Protocols {
    /// Card formats.
    pub formats: Vec<CardFormat>,
    /// Serial dialects.
    pub dialects: Vec<Arc<Dialect>>,
    /// Readers that type.
    pub keyboards: Vec<KnownKeyboard>,
    /// Smart-card scripts.
    pub scripts: Vec<Arc<Script>>,
    /// Kinds of PC/SC readers.
    pub models: Vec<Arc<Model>>,
    /// What cards are worth.
    pub advice: Vec<CardAdvice>,
    /// What is wrong with files that were left out.
    pub findings: Vec<Finding>,
    /// A digest of the files that are not built in; empty where there are none.
    pub own: String,
    names: BTreeMap<(Room, String), String>,
    /// The names of card formats that stand in, or are replaced by, a file with a finding.
    broken: BTreeMap<String, String>,
}

/// Whose names are to be taken.
struct Names<'a> {
    room: Room,
    file: &'a str,
    text: &'a str,
    /// The file whose names become free by it.
    freed: Option<&'a str>,
}

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// A card format.
    Cards,
    /// A serial dialect.
    Serial,
    /// A reader that types.
    Keyboards,
    /// A smart-card script.
    Smartcards,
    /// A kind of PC/SC reader.
    Readers,
    /// What cards are worth.
    Advice,
}

impl Room {
    /// Every room, with the name of its folder.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Cards, "cards"),
        (Self::Serial, "serial"),
        (Self::Keyboards, "keyboards"),
        (Self::Smartcards, "smartcards"),
        (Self::Readers, "readers"),
        (Self::Advice, "advice"),
    ];
}

impl Protocols {
    /// Adds one file to the room it belongs to, if its samples prove it.
    pub fn add(&mut self, room: Room, file: &str, text: &str) {
        self.take(room, file, Sheet::new(file, text));
    }

    fn take(&mut self, room: Room, file: &str, sheet: Sheet<'_>) {
        let text = sheet.text();
        let names = Names { room, file, text, freed: None };
        match room {
            Room::Cards => {
                let mut own = Vec::new();
                match cards::read(file, &sheet, &mut own) {
                    Some(format) if self.add_format(&sheet, text, &format) => self.formats.push(format),
                    // A site that names it must not be served by what it replaces.
                    _ => {
                        own.extend(Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned()));
                        self.broken.extend(own.into_iter().map(|name| (name.to_lowercase(), file.to_owned())));
                    }
                }
            }
            Room::Serial => {
                if let Some(dialect) = serial::read(file, &sheet)
                    && self.claim(&names, &sheet, &dialect.id, &dialect.aliases)
                {
                    self.dialects.push(Arc::new(dialect));
                }
            }
            Room::Keyboards => {
                if let Some(keyboard) = keyboards::read(&sheet)
                    && self.claim(&names, &sheet, &keyboard.id, &[])
                {
                    self.keyboards.push(keyboard);
                }
            }
            Room::Smartcards => {
                if let Some(script) = smartcards::read(file, &sheet)
                    && self.claim(&names, &sheet, &script.id, &[])
                {
                    self.scripts.push(Arc::new(script));
                }
            }
            Room::Readers => {
                if let Some(model) = readers::read(file, &sheet)
                    && self.claim(&names, &sheet, &model.id, &[])
                {
                    self.models.push(Arc::new(model));
                }
            }
            Room::Advice => {
                if let Some(advice) = advice::read(file, &sheet)
                    && self.claim(&names, &sheet, &advice.advice.id, &[])
                {
                    self.advice.push(advice);
                }
            }
        }
        self.findings.extend(sheet.into_findings());
    }

    /// Takes a format's names, and out the one that it says it replaces: both, or neither and a finding.
    fn add_format(&mut self, sheet: &Sheet<'_>, text: &str, format: &CardFormat) -> bool {
        let replaced = match &format.replaces {
            None => None,
            Some(name) => {
                let Some(at) = self.formats.iter().position(|known| is_named(name, &known.format.id, &known.format.aliases)) else {
                    let line = 1 + text.lines().position(|line| line.trim_start().starts_with("replaces")).unwrap_or(0);
                    sheet.add_at(line, 1, format!("`replaces` names `{name}`, and no card format has that name"));
                    return false;
                };
                Some(at)
            }
        };
        let freed = replaced.and_then(|at| self.formats.get(at)).map(|known| known.file.clone());
        let names = Names { room: Room::Cards, file: &format.file, text, freed: freed.as_deref() };
        if !self.claim(&names, sheet, &format.format.id, &format.format.aliases) {
            return false;
        }
        replaced.map(|at| self.formats.remove(at));
        true
    }

    /// Takes the names of a file; false, with findings, where one is malformed or taken already.
    fn claim(&mut self, of: &Names<'_>, sheet: &Sheet<'_>, id: &str, aliases: &[String]) -> bool {
        let names = || aliases.iter().map(String::as_str).chain([id]);
        let line_of = |name: &str| 1 + of.text.lines().position(|line| line.contains(&format!("\"{name}\""))).unwrap_or(0);
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            sheet.add_at(line_of(id), 1, format!("the id {id:?} has other characters than small letters, digits and -"));
        }
        for (at, name) in names().enumerate() {
            let owner = self.names.get(&(of.room, name.to_lowercase())).filter(|owner| Some(owner.as_str()) != of.freed);
            if let Some(owner) = owner {
                let message = format!("the name `{name}` is taken by {owner}; every id and alias stands in one file only");
                sheet.add_at(line_of(name), 1, message);
            } else if name.is_empty() || !name.chars().all(|c| c.is_ascii_graphic()) {
                sheet.add_at(
                    line_of(name),
                    1,
                    format!("the name {name:?} is empty, or has a space or another character that cannot be typed"),
                );
            } else if names().take(at).any(|before| before.eq_ignore_ascii_case(name)) {
                sheet.add_at(line_of(name), 1, format!("the name `{name}` stands here twice"));
            }
        }
        if !sheet.is_clean() {
            return false;
        }
        self.names.retain(|(room, _), owner| *room != of.room || Some(owner.as_str()) != of.freed);
        for name in names() {
            self.names.insert((of.room, name.to_lowercase()), of.file.to_owned());
        }
        true
    }

    /// The broken file that has or replaces the card format of this name.
    #[must_use]
    pub fn broken_file(&self, name: &str) -> Option<&str> {
        self.broken.get(&name.to_lowercase()).map(String::as_str)
    }

    /// The catalog of the card formats that are on by themselves, and of those that are named by id.
    #[must_use]
    pub fn catalog(&self, named: &[String]) -> Catalog {
        let on = self.formats.iter().filter(|format| format.is_on(named));
        let formats = on.flat_map(|format| format.formats().map(|of_length| (of_length.clone(), format.kinds.clone())));
        Catalog::new(formats).with_advice(self.advices())
    }

    /// What cards are worth; of two files that speak of the same, the one that was loaded later.
    fn advices(&self) -> Advices {
        let mut advices = Advices::default();
        for advice in &self.advice {
            advices.of_kinds.extend(advice.kinds.iter().map(|kind| (*kind, advice.advice.clone())));
            advices.of_formats.extend(advice.formats.iter().map(|format| (format.clone(), advice.advice.clone())));
        }
        advices
    }

    /// The card format of that id or alias.
    #[must_use]
    pub fn format(&self, name: &str) -> Option<&CardFormat> {
        self.formats.iter().find(|format| is_named(name, &format.format.id, &format.format.aliases))
    }

    /// The readers that type and show this USB vendor and product.
    pub fn keyboards_with(&self, usb: (u16, u16)) -> impl Iterator<Item = &KnownKeyboard> {
        self.keyboards.iter().filter(move |known| known.usb.contains(&usb))
    }

    /// The serial dialect of that id or alias.
    #[must_use]
    pub fn dialect(&self, name: &str) -> Option<&Arc<Dialect>> {
        self.dialects.iter().find(|dialect| is_named(name, &dialect.id, &dialect.aliases))
    }
}

fn is_named(name: &str, id: &str, aliases: &[String]) -> bool {
    id.eq_ignore_ascii_case(name) || aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
}

/// Reads `confidence`, which every file has.
fn confidence(keys: &mut Keys<'_, '_>) -> Option<Confidence> {
    let word = keys.text("confidence")?;
    match word.value.as_str() {
        "card" => Some(Confidence::Card),
        "captured" => Some(Confidence::Captured),
        "documented" => Some(Confidence::Documented),
        "implementation" => Some(Confidence::Implementation),
        "table" => Some(Confidence::Table),
        "derived" => Some(Confidence::Derived),
        _ => {
            let message = "`confidence` must be \"card\", \"captured\", \"documented\", \"implementation\", \"table\" or \"derived\"";
            keys.complain(word.span, message.to_owned());
            None
        }
    }
}

/// Reads the name of a kind.
pub fn kind(keys: &Keys<'_, '_>, name: &At<String>) -> Option<Kind> {
    let kind = Kind::from_name(&name.value);
    if kind.is_none() {
        let known = Kind::ALL.map(Kind::name).join(", ");
        keys.complain(name.span, format!("`{}` is no kind; the kinds are {known}", name.value));
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::{built_in::text_of, *};

    #[test]
    fn a_name_that_is_taken_names_its_owner() {
        let mut protocols = Protocols::built_in();
        let text = text_of("cards/hid-h10301.toml");
        protocols.add(Room::Cards, "site/mine.toml", &text.replace("\"hid-h10301\"", "\"mine\""));
        assert_eq!(
            protocols.findings[0].to_string(),
            "site/mine.toml:5:1: the name `H10301` is taken by protocols/cards/hid-h10301.toml; every id and alias stands in one file only"
        );
    }

    #[test]
    fn a_mistake_in_a_drawing_is_found_at_its_line_of_the_file() {
        let mut protocols = Protocols::default();
        let text = text_of("cards/hid-h10301.toml");
        protocols.add(Room::Cards, "x.toml", &text.replace("EXXXXXXXXXXXX.............", "EXXXXXXXXXXXX............"));
        assert!(protocols.findings[0].to_string().starts_with("x.toml:8:26: this row has 25 columns"), "{:?}", protocols.findings);
        assert!(protocols.formats.is_empty());
    }

    #[test]
    fn a_format_that_fails_its_own_sample_does_not_load() {
        let mut protocols = Protocols::default();
        let text = text_of("cards/hid-h10301.toml");
        protocols.add(Room::Cards, "x.toml", &text.replace("card_number = 4567", "card_number = 4568"));
        assert!(protocols.findings[0].to_string().contains("read as facility_code = 123, card_number = 4567, not as it says"));
        assert!(protocols.formats.is_empty());
    }
}
