//! Who is meant: a GUID, an employee number, an e-mail address, or a name from the site's directory.
//!
//! In: the site's list ([`People::read`]), the people whom BluSKY lists ([`People::with`]), and a word. Out: one person, or why not.
//! Names match in any case, with or without accents, however those are composed; a family name or a nickname alone where one person has
//! it. Never: the first of several, or a number that is only nearly the one given: a near miss is offered, and not taken.

mod codes;
mod file;
mod index;
mod table;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use uuid::Uuid;

use crate::access::HeldCard;
pub use crate::access::Person;
pub use file::{Finding, decoded, delimiter, no_workbook, plain};
pub use index::Index;

use crate::text;
use codes::Codes;
use table::{Near, Table};

/// The site's people: of its list, of BluSKY's, or of both.
#[derive(Debug, Clone, Default)]
pub struct People {
    table: Table,
    /// People who stand in BluSKY's list too, as the site's own list calls them.
    also: Table,
    /// The places of these.
    also_at: Vec<usize>,
    /// How many of the people, from the first, are in BluSKY's list.
    listed: usize,
    /// The codes that people type at a kiosk; `None` if the site's own list has no such column.
    codes: Option<Codes>,
    /// Some of them are so short that they can be guessed; this stands among the findings, too.
    pub short_codes: Option<Finding>,
    /// What is wrong in which row of the site's own list, and whether it was left out.
    pub findings: Vec<Finding>,
}

/// Why nobody is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhoError {
    /// The all-zero GUID, which BluSKY takes as a value.
    #[error("the all-zero GUID is nobody; give the user's own")]
    Zero,
    /// Not a GUID, and no list to look in.
    #[error(
        "\"{}\" is not a GUID; give the user's GUID, or name a list of people under [people]: file = \"…\", or whose people BluSKY lists",
        text::shown(.0)
    )]
    NotAGuid(String),
    /// Nobody has that name or number.
    #[error(
        "nobody in the list of people has the employee number, e-mail address or name \"{}\"; give an employee number, \"First Last\", or a GUID",
        text::shown(.0)
    )]
    Unknown(String),
    /// Nobody has that number, but somebody has one that differs only in leading zeros.
    #[error(
        "nobody has the employee number \"{}\"; {} has one that differs by zeros in front, which spreadsheets drop: give it as it is written there",
        text::shown(.0), .1
    )]
    Nearly(String, String),
    /// Several people have that name.
    #[error("\"{}\" is the name of several people; give one of the employee numbers or GUIDs: {}", text::shown(.0), .1)]
    Several(String, String),
    /// Several of that number.
    #[error("\"{}\" is the employee number of several people; give one of their GUIDs: {}", text::shown(.0), .1)]
    SameNumber(String, String),
}

impl WhoError {
    /// True where the word itself cannot be right, whatever the list says.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Zero | Self::NotAGuid(_))
    }

    /// True where a newer list may know better.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::NotAGuid(_) | Self::Unknown(_) | Self::Nearly(..))
    }
}

/// The key that a word is, where it is one.
///
/// # Errors
/// The all-zero one, which BluSKY takes as a value.
pub fn key(who: &str) -> Result<Option<Uuid>, WhoError> {
    match Uuid::try_parse(who.trim()) {
        Ok(id) if id.is_nil() => Err(WhoError::Zero),
        Ok(id) => Ok(Some(id)),
        Err(_) => Ok(None),
    }
}

impl People {
    /// The same directory with those whom BluSKY lists. Who is in both is one person: as BluSKY has them, with what only the site's list
    /// says, and found by what either says.
    #[must_use]
    pub fn with(self, listed: impl IntoIterator<Item = Person>) -> Self {
        let (own, mut places) = (self.table, HashMap::new());
        places.extend(own.places());
        let (mut table, mut also, mut also_at, mut known) = (Table::default(), Table::default(), Vec::new(), HashSet::new());
        for person in listed {
            let mut person = shown(person);
            if !known.insert(person.user_id) {
                continue;
            }
            if let Some(own) = places.get(&person.user_id).and_then(|at| own.get(*at)) {
                complete(&mut person, &own);
                also.push(&own);
                also_at.push(table.len());
            }
            table.push(&person);
        }
        if known.is_empty() {
            return Self { table: own, ..self };
        }
        let listed = table.len();
        own.iter().filter(|person| !known.contains(&person.user_id)).for_each(|person| table.push(&person));
        Self { table, also, also_at, listed, codes: self.codes, short_codes: self.short_codes, findings: self.findings }
    }

    /// The same directory with people who stand in none of its lists yet; what cards they have is not known.
    #[must_use]
    pub fn and(mut self, others: impl IntoIterator<Item = Person>) -> Self {
        let mut known: HashSet<Uuid> = self.table.places().map(|(id, _)| id).collect();
        for person in others.into_iter().filter(|person| known.insert(person.user_id)) {
            self.table.push(&shown(person));
        }
        self
    }

    /// The user that is meant.
    ///
    /// # Errors
    /// Nobody, or several.
    pub fn find(&self, who: &str) -> Result<Uuid, WhoError> {
        // What tells namesakes apart stands behind a name.
        self.find_among(who, |name| self.holding(name.split(" (").next().unwrap_or_default()))
    }

    /// The same, among whoever may be called so.
    fn find_among(&self, who: &str, near: impl FnOnce(&str) -> Vec<(usize, Person)>) -> Result<Uuid, WhoError> {
        let who = who.trim();
        if let Some(id) = key(who)? {
            return Ok(id);
        }
        if self.is_empty() && self.findings.is_empty() {
            return Err(WhoError::NotAGuid(who.to_owned()));
        }
        let name = folded(who);
        let ways: [&dyn Fn(&Person) -> bool; 4] = [
            &|person| person.employee_number == who,
            &|person| person.email.eq_ignore_ascii_case(who),
            &|person| names(person, name.contains('(')).contains(&name),
            &|person| folded(&person.last_name) == name || folded(&person.nickname) == name,
        ];
        let near = near(&name);
        let is = |is: &&dyn Fn(&Person) -> bool| {
            self.those(near.iter().filter(|(_, person)| is(person)).map(|(at, _)| *at).collect()).collect::<Vec<_>>()
        };
        let found = ways.iter().filter(|_| !name.is_empty()).map(is).find(|found| !found.is_empty());
        match found.as_deref() {
            Some([person]) => Ok(person.user_id),
            Some(several) if several.iter().all(|person| person.employee_number == who) => {
                let ids = several.iter().map(|person| format!("{} ({})", person.name(), person.user_id));
                Err(WhoError::SameNumber(who.to_owned(), ids.collect::<Vec<_>>().join("; ")))
            }
            Some(several) => {
                let ids = several.iter().map(|person| format!("{} ({})", person.told_apart_by(), person.user_id));
                Err(WhoError::Several(who.to_owned(), ids.collect::<Vec<_>>().join("; ")))
            }
            None => Err(self.near(who)),
        }
    }

    /// Whoever holds a folded text as either list calls them, each with their place.
    fn holding(&self, text: &str) -> Vec<(usize, Person)> {
        let own = self.also.holding(text).filter_map(|at| Some((*self.also_at.get(at)?, self.also.get(at)?)));
        let listed = self.table.holding(text).filter_map(|at| Some((at, self.table.get(at)?)));
        listed.chain(own).collect()
    }

    /// Those at these places, each once, in the order of the lists.
    fn those(&self, places: BTreeSet<usize>) -> impl Iterator<Item = Person> {
        places.into_iter().filter_map(|at| self.table.get(at))
    }

    /// The error if nobody is found: with the one person, if any, whose number differs only in leading zeros.
    fn near(&self, who: &str) -> WhoError {
        let mut numbers = self.table.numbers();
        let bare = bare(who);
        let near = bare.and_then(|wanted| numbers.position(|number| number.trim_start_matches('0') == wanted));
        let near = near.and_then(|at| self.table.get(at));
        match near {
            Some(person) => WhoError::Nearly(who.to_owned(), format!("{} ({})", person.name(), person.employee_number)),
            None => WhoError::Unknown(who.to_owned()),
        }
    }

    /// Everybody whose name, nickname, employee number or e-mail address holds this text, whatever its case and accents: first whoever
    /// is called so, last those in whose names it only stands.
    pub fn search(&self, text: &str) -> impl Iterator<Item = Person> {
        let text = folded(text);
        let mut nearest = BTreeMap::new();
        let own = self.also.near(&text).filter_map(|(at, near)| Some((*self.also_at.get(at)?, near)));
        for (at, near) in self.table.near(&text).chain(own) {
            nearest.entry(at).and_modify(|nearest: &mut Near| *nearest = near.min(*nearest)).or_insert(near);
        }
        let in_order: BTreeSet<(Near, usize)> = nearest.into_iter().map(|(at, near)| (near, at)).collect();
        in_order.into_iter().filter_map(|(_, at)| self.table.get(at))
    }

    /// Whoever is called by their whole name, or by their key, in somebody else's words.
    #[must_use]
    pub fn named_in(&self, words: &str) -> Vec<Person> {
        let words = folded(words);
        let own = self.also.named_in(&words).filter_map(|at| self.also_at.get(at).copied());
        let keys = words.split(|c: char| c != '-' && !c.is_alphanumeric()).filter_map(|word| self.table.place(word.parse().ok()?));
        self.those(self.table.named_in(&words).chain(own).chain(keys).collect()).collect()
    }

    /// How many people there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.table.len()
    }

    /// True where there is nobody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    /// The person with that key.
    #[must_use]
    pub fn person(&self, id: Uuid) -> Option<Person> {
        self.table.get(self.table.place(id)?)
    }

    /// The one person with that employee number, whichever list says so; none where several have it.
    #[must_use]
    pub fn with_number(&self, number: &str) -> Option<Person> {
        let own = self.also.numbered(number).filter_map(|at| self.also_at.get(at).copied());
        let mut those = self.those(self.table.numbered(number).chain(own).collect());
        those.next().filter(|_| those.next().is_none())
    }

    /// The one person with that code, or, where `number` is enough, that employee number; none where several are meant.
    #[must_use]
    pub fn at_kiosk(&self, typed: &str, number: bool) -> Option<Person> {
        let by_code = self.codes.as_ref().and_then(|codes| codes.find(typed)).and_then(|user| self.person(user));
        let by_number = if number && !typed.is_empty() { self.with_number(typed) } else { None };
        match (by_code, by_number) {
            (Some(one), Some(other)) if one.user_id != other.user_id => None,
            (one, other) => one.or(other),
        }
    }

    /// How many people have a code; none where the site's own list has no such column.
    #[must_use]
    pub fn kiosk_codes(&self) -> Option<usize> {
        self.codes.as_ref().map(Codes::len)
    }

    /// Whether BluSKY's list shows a card of this user; none where it does not list them, or shows nobody's cards.
    #[must_use]
    pub fn has_card(&self, user: Uuid) -> Option<bool> {
        let at = self.table.place(user).filter(|at| *at < self.listed && self.has_cards())?;
        Some(self.table.cards().any(|(place, _)| place == at))
    }

    /// Whoever has a card of which this is true, as BluSKY's list shows it.
    pub fn holder(&self, is: impl Fn(&HeldCard) -> bool) -> Option<Person> {
        self.table.cards().find(|(_, card)| is(card)).and_then(|(at, _)| self.table.get(at))
    }

    /// True where the lists show cards at all.
    #[must_use]
    pub fn has_cards(&self) -> bool {
        self.table.cards().next().is_some()
    }

    /// Everybody, in the order of the lists; their cards are told by [`Self::holder`].
    pub fn all(&self) -> impl Iterator<Item = Person> {
        self.table.iter()
    }
}

/// What only the site's own list says.
fn complete(person: &mut Person, own: &Person) {
    if person.first_name.is_empty() && person.last_name.is_empty() {
        (person.first_name, person.last_name) = (own.first_name.clone(), own.last_name.clone());
    }
    if person.employee_number.is_empty() {
        person.employee_number = own.employee_number.clone();
    }
}

/// A person whose texts can be shown.
fn shown(mut person: Person) -> Person {
    let Person { first_name, last_name, nickname, employee_number, email, company, facility, .. } = &mut person;
    let texts = [first_name, last_name, nickname, employee_number, email, company, facility];
    for text in texts.into_iter().filter(|text| !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')) {
        *text = text::shown(text);
    }
    person
}

/// A person's whole names; where they are wanted, with what tells namesakes apart behind them.
fn names(person: &Person, apart: bool) -> Vec<String> {
    let Person { first_name, last_name, nickname, company, facility, .. } = person;
    let mut names = vec![folded(&format!("{first_name} {last_name}")), folded(&format!("{last_name}, {first_name}"))];
    if !nickname.is_empty() {
        names.push(folded(&format!("{nickname} {last_name}")));
    }
    let apart = [company, facility].into_iter().filter(|of| apart && !of.is_empty()).map(|of| folded(&format!("({of})")));
    let with: Vec<String> = apart.flat_map(|of| names.iter().map(move |name| format!("{name} {of}")).collect::<Vec<_>>()).collect();
    names.extend(with);
    names
}

/// A number without the zeros in front, which spreadsheets drop; none for what is no number.
#[must_use]
pub fn bare(number: &str) -> Option<&str> {
    let bare = number.trim_start_matches('0');
    (!bare.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(bare)
}

/// Letters that are no letter with an accent, as they are typed where a keyboard lacks them.
const LETTERS: [(char, &str); 10] =
    [('ß', "ss"), ('æ', "ae"), ('œ', "oe"), ('ø', "o"), ('ł', "l"), ('đ', "d"), ('ð', "d"), ('þ', "th"), ('ħ', "h"), ('ı', "i")];

/// A name without case, accents and spare blanks.
#[must_use]
pub fn folded(name: &str) -> String {
    let plain: String = match name.is_ascii() {
        true => name.to_ascii_lowercase(),
        false => {
            let letters = name.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
            letters.fold(String::with_capacity(name.len()), |mut plain, letter| {
                match LETTERS.iter().find(|(of, _)| *of == letter) {
                    Some((_, as_typed)) => plain.push_str(as_typed),
                    None => plain.push(letter),
                }
                plain
            })
        }
    };
    let mut whole = String::with_capacity(plain.len());
    for word in plain.split_whitespace() {
        if !whole.is_empty() {
            whole.push(' ');
        }
        whole.push_str(word);
    }
    whole
}

#[cfg(test)]
mod tests;
