//! An index of all people by name and number, for looking up many of them: a list of new people is compared with all known people.
//!
//! In: a directory, and words. Out: what [`People::find`] says, without a look at everybody for each word. Never: kept with the people;
//! it takes more memory than they do, and a single look-up does not need it.

use std::hash::{DefaultHasher, Hash, Hasher};

use uuid::Uuid;

use super::{People, Person, WhoError, bare, folded, names};

/// A directory in the order of its names.
pub struct Index<'a> {
    people: &'a People,
    /// The hash of each text, with its list and its place there.
    texts: Vec<(u64, List, u32)>,
}

/// The list that calls somebody so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    All,
    Own,
}

impl<'a> Index<'a> {
    /// Everybody of this directory.
    #[must_use]
    pub fn of(people: &'a People) -> Self {
        let mut index = Self { people, texts: Vec::new() };
        index.add(List::All, people.table.iter());
        index.add(List::Own, people.also.iter());
        index.texts.sort_unstable();
        index
    }

    fn add(&mut self, list: List, people: impl Iterator<Item = Person>) {
        for (at, person) in (0..).zip(people) {
            let Person { last_name, nickname, employee_number, email, .. } = &person;
            let alone = [last_name, nickname, employee_number, email].map(|text| folded(text));
            self.texts.extend(bare(employee_number).map(|number| (digest(&apart(number)), list, at)));
            self.texts.extend(names(&person, false).iter().chain(&alone).map(|text| (digest(text), list, at)));
        }
    }

    /// The user that is meant.
    ///
    /// # Errors
    /// Nobody, or several.
    pub fn find(&self, who: &str) -> Result<Uuid, WhoError> {
        self.people.find_among(who, |name| self.near(name))
    }

    /// Whoever may be called so, by either list, each with their place.
    fn near(&self, name: &str) -> Vec<(usize, Person)> {
        // Behind a name may stand what tells namesakes apart.
        let parts = name.match_indices(" (").filter_map(|(at, _)| name.get(..at)).chain([name]);
        parts.flat_map(|text| self.with(text)).collect()
    }

    /// Somebody whose number differs from this one by zeros in front.
    #[must_use]
    pub fn nearly(&self, number: &str) -> Option<Person> {
        let wanted = bare(number)?;
        let is_near = |person: &Person| person.employee_number != number && bare(&person.employee_number) == Some(wanted);
        self.with(&apart(wanted)).map(|(_, person)| person).find(is_near)
    }

    /// Whoever may be called by this text, with their place.
    fn with(&self, text: &str) -> impl Iterator<Item = (usize, Person)> {
        let wanted = digest(text);
        let from = self.texts.partition_point(|(digest, ..)| *digest < wanted);
        let person = |(_, list, at): &(u64, List, u32)| match list {
            List::All => Some((*at as usize, self.people.table.get(*at as usize)?)),
            List::Own => Some((*self.people.also_at.get(*at as usize)?, self.people.also.get(*at as usize)?)),
        };
        self.texts.iter().skip(from).take_while(move |(digest, ..)| *digest == wanted).filter_map(person)
    }
}

/// A number without its zeros is no number that somebody has.
fn apart(bare: &str) -> String {
    format!("#{bare}")
}

/// A hash. Two texts rarely have the same one, so each person found by it is compared once more.
fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
