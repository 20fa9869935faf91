//! The files built into this binary, and what the build script saw in each without reading it whole.
//!
//! In: nothing, or bits and names. Out: [`Protocols`] of all files, or of those alone that can speak about these. Never: a file's
//! samples read again where a test has proved them.

use std::ops::Range;

use super::{Protocols, Room};
use crate::{card::PacsBits, decode::track, sheet::Sheet};

/// A file that is built in.
struct BuiltIn {
    /// Its path from `protocols/` on.
    path: &'static str,
    /// Where it stands in all of them.
    text: Range<usize>,
    /// Its values without its samples, as JSON.
    values: &'static str,
    /// The SHA-256 digest of its text, in hex.
    digest: &'static str,
    /// Its id and its aliases.
    names: &'static [&'static str],
    /// How many bits it draws; none where that is open.
    length: Option<usize>,
}

/// The texts of all files, one after the other. They lie apart from what every start reads, so that a start does not bring them into memory.
static TEXTS: &str = include_str!(concat!(env!("OUT_DIR"), "/texts"));

static BUILT_IN: &[BuiltIn] = &include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

impl BuiltIn {
    fn text(&self) -> &'static str {
        TEXTS.get(self.text.clone()).unwrap_or_default()
    }
}

impl Protocols {
    /// The files built into this binary, proved by their samples.
    #[must_use]
    pub fn built_in() -> Self {
        Self::embedded(false, |_, _| true)
    }

    /// The same without their samples: a test has proved the files that this binary was built with, and nobody waits for that
    /// again.
    #[must_use]
    pub fn proved() -> Self {
        Self::embedded(true, |_, _| true)
    }

    /// Of these only what the bits are held against, and whatever is named here.
    #[must_use]
    pub fn proved_for(bits: &[PacsBits], is_named: impl Fn(&str) -> bool) -> Self {
        let tracks: Vec<PacsBits> = bits.iter().filter_map(track::find).collect();
        let draws = |length| bits.iter().chain(&tracks).any(|bits| bits.len() == length);
        Self::embedded(true, |room, file| match room {
            Room::Advice => true,
            Room::Cards if file.length.map_or(!tracks.is_empty(), draws) => true,
            _ => file.names.iter().any(|name| is_named(name)),
        })
    }

    fn embedded(are_proved: bool, is_wanted: impl Fn(Room, &BuiltIn) -> bool) -> Self {
        let mut protocols = Self::default();
        for (room, folder) in Room::ALL {
            let of_room = |file: &&BuiltIn| file.path.split('/').next() == Some(folder);
            for file in BUILT_IN.iter().filter(of_room).filter(|file| is_wanted(room, file)) {
                let name = format!("protocols/{}", file.path);
                // What a keyboard reader types is told by its samples.
                let is_proved = are_proved && room != Room::Keyboards;
                let sheet = match is_proved {
                    true => Sheet::proved(&name, file.text(), file.values, file.digest),
                    false => Sheet::new(&name, file.text()),
                };
                protocols.take(room, &name, sheet);
            }
        }
        // A station keeps them for as long as it runs.
        protocols.formats.shrink_to_fit();
        protocols
    }
}

#[cfg(test)]
pub(super) fn text_of(path: &str) -> &'static str {
    BUILT_IN.iter().find(|file| file.path == path).unwrap().text()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        card::{Literal, MAX_BITS, Presentation},
        decode::{catalog::Catalog, dialect::Dialect},
        protocols::CardFormat,
        smartcard::script::Script,
    };

    #[test]
    fn every_built_in_file_proves_itself() {
        let protocols = Protocols::built_in();
        let findings: Vec<String> = protocols.findings.iter().map(ToString::to_string).collect();
        assert_eq!(findings, [""; 0]);
        assert!(protocols.formats.len() >= 10 && protocols.dialects.len() >= 4 && protocols.scripts.len() >= 2);
    }

    #[test]
    fn without_its_samples_every_built_in_file_says_the_same() {
        let (mut with, without) = (Protocols::built_in(), Protocols::proved());
        assert_eq!(without.findings, []);
        for format in &mut with.formats {
            format.samples.clear();
        }
        let lengths = |format: &CardFormat| {
            let mut lengths: Vec<String> = format.formats().map(|of_length| format!("{:03} {of_length:?}", of_length.len())).collect();
            lengths.sort();
            (lengths, format.kinds.clone(), format.only_named, format.never_a_card, format.is_track)
        };
        assert!(with.formats.iter().map(lengths).eq(without.formats.iter().map(lengths)));
        let said = |dialect: &Arc<Dialect>| format!("{:?}", Dialect { samples: Vec::new(), ..(**dialect).clone() });
        assert!(with.dialects.iter().map(said).eq(without.dialects.iter().map(said)));
        let script = |script: &Arc<Script>| format!("{:?}", Script { samples: Vec::new(), ..(**script).clone() });
        assert!(with.scripts.iter().map(script).eq(without.scripts.iter().map(script)));
        assert_eq!(format!("{:?} {:?}", with.keyboards, with.advice), format!("{:?} {:?}", without.keyboards, without.advice));
        assert_eq!((with.models.len(), with.names), (without.models.len(), without.names));
    }

    #[test]
    fn what_is_read_for_some_bits_says_of_them_what_all_files_say() {
        let whole = Protocols::proved();
        let samples = || Protocols::built_in().formats.into_iter().flat_map(|format| format.samples).map(|sample| sample.bits);
        let literals = samples().chain((1..=MAX_BITS).map(|len| Literal::Bits(PacsBits::zeros(len))));
        let catalog = whole.catalog(&[]);
        let said = |catalog: &Catalog, literal: &Literal| format!("{:?}", catalog.read(Presentation::of_literal(literal)));
        for literal in literals {
            let some = Protocols::proved_for(&[literal.bits()], |_| false);
            assert!(some.formats.len() * 3 < whole.formats.len());
            assert_eq!(said(&some.catalog(&[]), &literal), said(&catalog, &literal));
        }
        let named = Protocols::proved_for(&[], |name| name == "hid-h10301" || name == "twn3-hidprox");
        assert_eq!((named.formats.len(), named.dialects.len(), named.scripts.len()), (1, 1, 0));
    }
}
