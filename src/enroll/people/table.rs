//! Many people kept close together: their texts in one, and the same folded beside it, so that a hundred thousand take little memory
//! and are looked through at once.
//!
//! In: people, one after the other. Out: a person by their place or key, whoever may be meant by a folded text, and who has a card.
//! Never: a person's cards with the person.

use std::sync::OnceLock;

use uuid::Uuid;

use super::{folded, names};
use crate::access::{HeldCard, Person};

/// People by their places.
#[derive(Clone, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    texts: String,
    folded: String,
    /// The cards of a list that shows them, each with the place of whoever has it.
    cards: Vec<(u32, HeldCard)>,
    /// The places in the order of the keys and of the employee numbers; made where they are first asked for.
    by_key: OnceLock<Vec<u32>>,
    by_number: OnceLock<Vec<u32>>,
}

/// Where somebody's texts begin; they end where the next one's begin.
#[derive(Clone, Copy)]
struct Row {
    user_id: Uuid,
    text: u32,
    folded: u32,
    access_levels: Option<u16>,
}

/// How near a text comes to what somebody is called, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Near {
    /// It is their name, number or address.
    Whole,
    /// It is one or more whole words of it.
    Words,
    /// A word begins with it.
    Beginning,
    /// It stands within a word.
    Within,
}

/// Stands between two texts of a person, in which no such character is.
const BETWEEN: char = '\u{1F}';
/// The place of the employee number among a person's texts.
const NUMBER: usize = 3;

impl Table {
    pub(super) fn push(&mut self, person: &Person) {
        let Person { first_name, last_name, nickname, employee_number, email, company, facility, .. } = person;
        let begin = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let access_levels = person.access_levels.map(|count| u16::try_from(count).unwrap_or(u16::MAX));
        self.rows.push(Row { user_id: person.user_id, text: begin(&self.texts), folded: begin(&self.folded), access_levels });
        let at = u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX);
        (self.by_key, self.by_number) = (OnceLock::new(), OnceLock::new());
        self.cards.extend(person.cards.iter().map(|card| (at, card.clone())));
        for text in [first_name, last_name, nickname, employee_number, email, company, facility] {
            self.texts.extend(text.split(BETWEEN));
            self.texts.push(BETWEEN);
        }
        for text in names(person, false).iter().map(String::as_str).chain([&*folded(employee_number), &*folded(email)]) {
            self.folded.extend([text, "\u{1F}"]);
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// The person at this place.
    pub(super) fn get(&self, at: usize) -> Option<Person> {
        let row = self.rows.get(at)?;
        let mut texts = self.texts_at(at).map(ToOwned::to_owned);
        let mut next = || texts.next().unwrap_or_default();
        Some(Person {
            user_id: row.user_id,
            first_name: next(),
            last_name: next(),
            nickname: next(),
            employee_number: next(),
            email: next(),
            company: next(),
            facility: next(),
            access_levels: row.access_levels.map(usize::from),
            cards: Vec::new(),
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Person> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// The place of the person with this key.
    pub(super) fn place(&self, id: Uuid) -> Option<usize> {
        let key = |at: u32| self.rows.get(at as usize).map(|row| row.user_id);
        let order = self.by_key.get_or_init(|| self.in_order(key));
        let first = order.partition_point(|at| key(*at) < Some(id));
        order.get(first).filter(|at| key(**at) == Some(id)).map(|at| *at as usize)
    }

    /// The places of those with this employee number.
    pub(super) fn numbered(&self, number: &str) -> impl Iterator<Item = usize> {
        let theirs = |at: u32| self.texts_at(at as usize).nth(NUMBER).unwrap_or_default();
        let order = self.by_number.get_or_init(|| self.in_order(theirs));
        let first = order.partition_point(|at| theirs(*at) < number);
        order.iter().skip(first).take_while(move |at| theirs(**at) == number).map(|at| *at as usize)
    }

    /// All places by what stands there; of equal ones the first stays first.
    fn in_order<'a, Theirs: Ord>(&'a self, theirs: impl Fn(u32) -> Theirs + 'a) -> Vec<u32> {
        let mut order: Vec<u32> = (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).collect();
        order.sort_by_key(|at| theirs(*at));
        order
    }

    /// Everybody's cards, each with the place of whoever has it.
    pub(super) fn cards(&self) -> impl Iterator<Item = (usize, &HeldCard)> {
        self.cards.iter().map(|(at, card)| (*at as usize, card))
    }

    /// The places of everybody, each by their key.
    pub(super) fn places(&self) -> impl Iterator<Item = (Uuid, usize)> {
        self.rows.iter().enumerate().map(|(at, row)| (row.user_id, at))
    }

    /// Everybody's employee number, in the order of their places.
    pub(super) fn numbers(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|at| self.texts_at(at).nth(NUMBER).unwrap_or_default())
    }

    /// The places of those whose names, number or address hold this text, which is folded.
    pub(super) fn holding(&self, text: &str) -> impl Iterator<Item = usize> {
        self.all_folded().enumerate().filter(move |(_, theirs)| theirs.contains(text)).map(|(at, _)| at)
    }

    /// The same, each with how near the text comes to what they are called.
    pub(super) fn near(&self, text: &str) -> impl Iterator<Item = (usize, Near)> {
        self.all_folded().enumerate().filter_map(move |(at, theirs)| Some((at, near(theirs, text)?)))
    }

    /// The places of those whose whole names stand in a text, which is folded.
    pub(super) fn named_in(&self, text: &str) -> impl Iterator<Item = usize> {
        let stands = move |name: &str| name.contains(' ') && near(text, name).is_some_and(|near| near <= Near::Words);
        self.all_folded().enumerate().filter(move |(_, theirs)| theirs.split(BETWEEN).any(stands)).map(|(at, _)| at)
    }

    /// What somebody is called, all of it folded, in the order of the places.
    fn all_folded(&self) -> impl Iterator<Item = &str> {
        let ends = self.rows.iter().skip(1).map(|row| row.folded as usize).chain([self.folded.len()]);
        self.rows.iter().zip(ends).map(|(row, end)| self.folded.get(row.folded as usize..end).unwrap_or_default())
    }

    fn texts_at(&self, at: usize) -> impl Iterator<Item = &str> {
        let begin = |at: usize| self.rows.get(at).map_or(self.texts.len(), |row| row.text as usize);
        self.texts.get(begin(at)..begin(at + 1)).unwrap_or_default().split(BETWEEN)
    }
}

/// The nearest place at which a text stands in another.
fn near(theirs: &str, text: &str) -> Option<Near> {
    if text.is_empty() {
        return Some(Near::Whole);
    }
    let near = |(at, found): (usize, &str)| {
        let before = theirs.get(..at).and_then(|before| before.chars().next_back());
        let behind = theirs.get(at + found.len()..).and_then(|behind| behind.chars().next());
        let ends = |edge: Option<char>| edge.is_none_or(|edge| !edge.is_alphanumeric());
        let ends_all = |edge: Option<char>| edge.is_none_or(|edge| edge == BETWEEN);
        match (ends(before), ends(behind)) {
            (true, true) if ends_all(before) && ends_all(behind) => Near::Whole,
            (true, true) => Near::Words,
            (true, false) => Near::Beginning,
            (false, _) => Near::Within,
        }
    };
    theirs.match_indices(text).map(near).min()
}

/// Shows how many there are, and nobody.
impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("people", &self.rows.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_comes_out_as_they_went_in() {
        let mut table = Table::default();
        let person = |id: u128, name: &str, access_levels| Person {
            user_id: Uuid::from_u128(id),
            first_name: name.to_owned(),
            email: format!("{id}@acme.example"),
            access_levels,
            ..Person::default()
        };
        let people = [person(1, "Zoë", Some(0)), person(2, "", None), person(3, "Kay", Some(70_000))];
        people.iter().for_each(|person| table.push(person));
        let most = Person { access_levels: Some(65_535), ..people[2].clone() };
        assert!(table.iter().eq([people[0].clone(), people[1].clone(), most]));
        assert_eq!(table.holding("zoe").collect::<Vec<_>>(), [0]);
        assert_eq!(table.holding("acme").collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!((table.place(Uuid::from_u128(3)), table.place(Uuid::nil()), table.get(3)), (Some(2), None, None));
        // Of two with one key the first is meant; a number is found whoever comes later.
        let later = |id, number: &str| Person { employee_number: number.to_owned(), ..person(id, "Later", None) };
        [later(1, "7"), later(9, "07"), later(8, "7")].iter().for_each(|person| table.push(person));
        assert_eq!((table.place(Uuid::from_u128(1)), table.place(Uuid::from_u128(9))), (Some(0), Some(4)));
        let numbered = |number| table.numbered(number).collect::<Vec<_>>();
        assert_eq!((numbered("7"), numbered("07"), numbered("8")), (vec![3, 5], vec![4], vec![]));
        table.push(&Person { first_name: "A\u{1F}B".to_owned(), last_name: "C".to_owned(), ..Person::default() });
        assert_eq!(table.get(6).map(|person| person.name()), Some("AB C".to_owned()));
    }
}
