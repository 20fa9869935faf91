//! What is typed at a reader: keys become entries, and each entry is shown once.
//!
//! In: what a reader handed over, or a time. Out: a reading for each entry. Never: a card for anybody (whoever waits for one
//! goes on waiting), or a key that two tables read in two ways. How keys become an entry is the site's word, else the dialect's.

use super::{stages::at_reader, *};
use crate::{
    card::{Fit, TYPED, Verdict},
    decode::keypad::{self, Ended, Keypad, TypedEntry},
    reader::KeypadRules,
};

/// No end key came.
pub const NOT_ENDED: &str = "entry_not_ended";

/// What a reader hands over that is no card.
pub(super) enum Typed {
    /// Keys, one after the other.
    Keys(String),
    /// A whole entry in one frame; or a key that nobody can name.
    Whole,
}

/// What is being typed at a reader.
pub(super) struct Typing {
    keypad: Keypad,
    transport: Transport,
}

impl Typing {
    /// When what was typed is an entry although nobody has ended it.
    pub(super) fn deadline(&self) -> Option<DateTime<Utc>> {
        self.keypad.deadline()
    }
}

impl Station {
    /// What was typed; none for a card.
    pub(super) fn typed(&self, presentation: &Presentation) -> Option<Typed> {
        if presentation.kind == Kind::Key {
            let keys = presentation.keys.clone().filter(|keys| keys.chars().all(is_known));
            return Some(keys.map_or(Typed::Whole, Typed::Keys));
        }
        // Of what fits, a site that names formats of entries may leave nothing else.
        let names_entries = self.setup.policy.formats.iter().any(|name| self.setup.catalog.is_of_entries(name));
        if !names_entries && self.setup.catalog.is_card(presentation) {
            return None;
        }
        let reading = self.setup.catalog.read(presentation.clone());
        let is_typed = reading.verdict == Verdict::Keypad || self.setup.policy.leaves_an_entry(&reading);
        is_typed.then(|| self.key_of(&reading.fits).map_or(Typed::Whole, |key| Typed::Keys(key.to_string())))
    }

    /// The key that all tables read; where the site names tables, all of those.
    fn key_of(&self, fits: &[Fit]) -> Option<char> {
        let named = self.setup.policy.named_formats();
        let is_named = |fit: &&Fit| named.iter().any(|format| **format == *fit.format);
        let any_named = fits.iter().any(|fit| is_named(&fit));
        let believed = fits.iter().filter(|fit| !any_named || is_named(fit));
        let mut keys = believed.map(|fit| keypad::key(fit.credential.number("key")?));
        let first = keys.next()??;
        keys.all(|key| key == Some(first)).then_some(first)
    }

    fn keypad_rules(&self, name: &str) -> KeypadRules {
        match self.reader(name).map(|reader| &reader.kind) {
            Some(ReaderKind::Serial(dialect, hints) | ReaderKind::Keyboard(dialect, hints)) => hints.keypad_of(Some(dialect)),
            Some(ReaderKind::Pcsc(hints) | ReaderKind::Osdp(hints)) => hints.keypad_of(None),
            None => KeypadRules::default(),
        }
    }

    /// Keys were pressed, or something came that is an entry by itself.
    pub(super) fn pressed(&mut self, name: &ReaderName, transport: Transport, mut shown: Presentation, typed: Typed, turn: &mut Turn) {
        let Typed::Keys(keys) = typed else {
            self.stop_typing(name, turn);
            shown.warnings.push(TYPED.to_owned());
            return self.read(at_reader(name, transport, shown, turn), turn);
        };
        let now = turn.now.steady;
        let rules = self.keypad_rules(name);
        let typing = self.keypads.entry(name.clone()).or_insert_with(|| Typing { keypad: Keypad::new(rules), transport });
        let mut entries: Vec<TypedEntry> = typing.keypad.time(now).into_iter().collect();
        entries.extend(keys.chars().filter_map(|key| typing.keypad.press(key, now)));
        for entry in entries {
            self.entered(name, transport, entry, turn);
        }
    }

    /// What was typed and left lying.
    pub(super) fn left_typing(&mut self, turn: &mut Turn) {
        let now = turn.now.steady;
        let left = self.keypads.iter_mut().filter_map(|(name, typing)| Some((name.clone(), typing.transport, typing.keypad.time(now)?)));
        for (name, transport, entry) in left.collect::<Vec<_>>() {
            self.entered(&name, transport, entry, turn);
        }
    }

    /// Something else begins at that reader: what was typed there is an entry.
    pub(super) fn stop_typing(&mut self, name: &ReaderName, turn: &mut Turn) {
        let Some(mut typing) = self.keypads.remove(name) else { return };
        if let Some(entry) = typing.keypad.give_up() {
            self.entered(name, typing.transport, entry, turn);
        }
    }

    /// An entry. The bytes as they came would only be the same secret once more, and are not kept.
    fn entered(&mut self, name: &ReaderName, transport: Transport, entry: TypedEntry, turn: &mut Turn) {
        let warnings = if entry.ended == Ended::GivenUp { vec![NOT_ENDED.to_owned()] } else { Vec::new() };
        let entered = Presentation { keys: Some(entry.keys), warnings, ..Presentation::of(Kind::Key) };
        self.read(at_reader(name, transport, entered, turn), turn);
    }
}

/// A keypad's own key, not a byte that stands for none.
fn is_known(key: char) -> bool {
    key.is_ascii_alphanumeric() || matches!(key, '*' | '#')
}
