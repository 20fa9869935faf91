//! Which device file is which reader, where one description means several.
//!
//! In: the devices that are there, and what each reader was before. Out: the one that a reader is now: it keeps its device
//! while others come and go, and gets it back when it is plugged in again. Never: a device that is another reader's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::reader::{ReaderName, configured_name};

/// A device file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Its path, which may be another one when it is plugged in again.
    pub path: String,
    /// Its serial number, where it has one.
    pub serial: Option<String>,
}

/// What each reader is, or was when it was there last.
#[derive(Clone, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<ReaderName, Place>>>);

impl Places {
    /// The device that a reader is now, of those that its description means; `index` is its place among them at first.
    pub(super) fn take(&self, reader: &ReaderName, index: usize, found: &[Place]) -> Option<Place> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = choose(reader, index, found, &known)?.clone();
        known.insert(reader.clone(), place.clone());
        Some(place)
    }

    /// Gives a new reader the first device that is nobody's. One that is known keeps what it has.
    pub(super) fn take_free(&self, reader: &ReaderName, found: &[Place]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = found.iter().find(|place| !is_anothers(reader, place, &known));
        if let Some(place) = free.cloned().filter(|_| !known.contains_key(reader)) {
            known.insert(reader.clone(), place);
        }
    }
}

/// The other readers of its description, with what they are.
fn others<'a>(reader: &'a ReaderName, known: &'a HashMap<ReaderName, Place>) -> impl Iterator<Item = &'a Place> {
    let others = known.iter().filter(move |(other, _)| *other != reader && configured_name(other) == configured_name(reader));
    others.map(|(_, place)| place)
}

fn is_anothers(reader: &ReaderName, place: &Place, known: &HashMap<ReaderName, Place>) -> bool {
    others(reader, known).any(|other| other == place)
}

fn choose<'a>(reader: &ReaderName, index: usize, found: &'a [Place], known: &HashMap<ReaderName, Place>) -> Option<&'a Place> {
    let is_anothers = |place: &Place| is_anothers(reader, place, known);
    let Some(own) = known.get(reader) else { return found.get(index).filter(|place| !is_anothers(place)) };
    let same = || found.iter().find(|place| *place == own);
    let moved = || found.iter().find(|place| place.serial.is_some() && place.serial == own.serial && !is_anothers(place));
    // One that stands in for it is no other reader's, also not of one that is unplugged and known by its serial number.
    let is_free =
        |place: &&Place| !is_anothers(place) && (place.serial.is_none() || others(reader, known).all(|other| other.serial != place.serial));
    same().or_else(moved).or_else(|| found.iter().find(is_free))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        let (path, serial) = text.split_once('=').map_or((text, None), |(path, serial)| (path, Some(serial.to_owned())));
        Place { path: path.to_owned(), serial }
    }

    /// Two readers of one description, `desk#1` and `desk#2`, that find these devices, time after time.
    fn two(times: &[&[&str]]) -> Vec<[Option<String>; 2]> {
        let places = Places::default();
        let found = |texts: &[&str]| texts.iter().map(|text| place(text)).collect::<Vec<_>>();
        let of = |number: usize, texts| places.take(&format!("desk#{number}").into(), number - 1, &found(texts)).map(|place| place.path);
        times.iter().map(|texts| [of(1, texts), of(2, texts)]).collect()
    }

    fn paths(first: &str, second: &str) -> [Option<String>; 2] {
        [first, second].map(|path| (!path.is_empty()).then(|| path.to_owned()))
    }

    #[test]
    fn two_readers_keep_their_names_when_a_third_is_plugged_in_before_them() {
        let times: &[&[&str]] = &[&["USB1=A", "USB2=B"], &["USB0=C", "USB1=A", "USB2=B"]];
        assert_eq!(two(times)[1], paths("USB1", "USB2"));
        let nameless: &[&[&str]] = &[&["USB1", "USB2"], &["USB0", "USB1", "USB2"]];
        assert_eq!(two(nameless)[1], paths("USB1", "USB2"));
    }

    #[test]
    fn a_reader_that_is_plugged_in_again_is_the_one_it_was() {
        let swapped: &[&[&str]] = &[&["USB0=A", "USB1=B"], &["USB1=B"], &["USB1=B", "USB2=A"], &[], &["USB0=B", "USB1=A"]];
        let became = two(swapped);
        assert_eq!(became[1], paths("", "USB1"), "the other one's device is not taken");
        assert_eq!((&became[2], &became[3], &became[4]), (&paths("USB2", "USB1"), &paths("", ""), &paths("USB1", "USB0")));
        // Two whose makers gave them one serial number, or none.
        for [a, b] in [["=0001", "=0001"], ["", ""]] {
            let times =
                [vec![format!("USB0{a}"), format!("USB1{b}")], vec![format!("USB1{b}")], vec![format!("USB1{b}"), format!("USB2{a}")]];
            let times: Vec<Vec<&str>> = times.iter().map(|time| time.iter().map(String::as_str).collect()).collect();
            let became = two(&times.iter().map(Vec::as_slice).collect::<Vec<_>>());
            assert_eq!((&became[1], &became[2]), (&paths("", "USB1"), &paths("USB2", "USB1")));
        }
    }

    #[test]
    fn a_new_reader_stands_in_for_one_that_is_gone() {
        let times: &[&[&str]] = &[&["USB0=A", "USB1=B"], &["USB1=B", "USB2=C"]];
        assert_eq!(two(times)[1], paths("USB2", "USB1"));
    }
}
