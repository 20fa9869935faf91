//! BluSKY's lists of people, read as they come: a list can be long, and a record can hold what nobody here is to know.
//!
//! In: whose people are wanted; the pieces of an answer, as they arrive. Out: the paths that may list them, and people with their named
//! members alone. Never: a whole list in memory as it came, or a record kept.
//!
//! - `cutter`: records out of a text; - `asked`: the call.

mod asked;
mod cutter;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    lookup::Item,
    wire::{Document, names::any_case},
};
use crate::access::{Belongs, HeldCard, PeopleLines, Person};
use cutter::{Cut, Cutter};

/// More people than this are no list of people of one company.
const MOST_PEOPLE: usize = 250_000;
/// Nor are so many bytes of what is kept of them.
const LARGEST_LIST: usize = 128 << 20;

/// Where the id of an occupancy, a facility or a vendor stands in a site's own path.
pub const ID: &str = "{id}";

/// The paths that may list them: the site's own, or the likeliest first. The pages of 2016 name the last; that the others follow the
/// renaming of their neighbours is derived, so they are only ever read from.
#[must_use]
pub fn paths(of: Belongs, own: Option<&str>) -> Vec<String> {
    let (newer, older, id) = match of {
        Belongs::Occupancy(id) => ("OccupancyId", "GetAllUsersByOccupancyId", id),
        Belongs::Facility(id) => ("FacilityId", "GetAllUsersByFacility", id),
        Belongs::Vendor(id) => ("VendorId", "GetAllUsersByVendorId", id),
        Belongs::Anywhere => return own.map(ToOwned::to_owned).into_iter().collect(),
    };
    match own {
        Some(own) => vec![own.replace(ID, &id.to_string())],
        None => vec![format!("api/v2/Users?{newer}={id}"), format!("api/v1/Users?{newer}={id}"), format!("api/Person/{older}/{id}")],
    }
}

/// A list of people under reading.
#[derive(Default)]
pub struct Reading {
    people: PeopleLines,
    ids: Vec<Uuid>,
    unnamed: usize,
    cutter: Cutter,
}

/// What was read.
pub struct Read {
    /// The people.
    pub people: PeopleLines,
    /// Their keys, in the same order.
    pub ids: Vec<Uuid>,
    /// How many records name no user, or cannot be read.
    pub unnamed: usize,
    /// The text with one empty record for those of a list: by it a list is told from a refusal, and a whole one from one that broke off.
    pub frame: Vec<u8>,
}

impl Read {
    /// True where these are the items of a list of people that has been taken apart.
    #[must_use]
    pub fn is_list(items: &[Item]) -> bool {
        items.iter().all(|item| item.raw.as_object().is_some_and(Map::is_empty))
    }
}

impl Reading {
    /// Takes the next piece.
    ///
    /// # Errors
    /// In words: this is no list of people, or a larger one than there can be.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        for byte in piece {
            let Some(cut) = self.cutter.take(*byte)? else { continue };
            let person = if let Cut::Record(record) = cut { person(record) } else { None };
            if self.ids.len() + self.unnamed >= MOST_PEOPLE || self.people.as_str().len() > LARGEST_LIST {
                return Err("BluSKY's list of people is longer than 250000");
            }
            match person {
                Some(person) => {
                    self.people.push(&person);
                    self.ids.push(person.user_id);
                }
                None => self.unnamed += 1,
            }
            self.cutter.forget();
        }
        Ok(())
    }

    /// All of it.
    ///
    /// # Errors
    /// In words: what was read as a list is one of something else.
    pub fn end(self) -> Result<Read, &'static str> {
        let Self { people, ids, unnamed, cutter } = self;
        let frame = cutter.frame();
        let is_one = Document::read(&frame).is_some_and(|frame| ["PersonId", "UserId"].iter().any(|name| frame.member(name).is_some()));
        if is_one || (ids.is_empty() && unnamed > 0) {
            return Err(cutter::NO_LIST);
        }
        Ok(Read { people, ids, unnamed, frame })
    }
}

/// Whom a record names. One that cannot be read names nobody, and costs nobody else; a character of another encoding costs itself.
fn person(record: &[u8]) -> Option<Person> {
    let record = &Document::read(String::from_utf8_lossy(record).as_bytes())?;
    let text = |name: &str| record.member(name).and_then(plain).unwrap_or_default();
    let id = |name: &str| text(name).parse::<Uuid>().ok().filter(|id| !id.is_nil());
    Some(Person {
        user_id: id("PersonId").or_else(|| id("UserId"))?,
        first_name: text("FirstName"),
        last_name: text("LastName"),
        nickname: text("Nickname"),
        employee_number: text("EmployeeNumber"),
        email: text("DefaultEmail"),
        company: text("CompanyName"),
        facility: text("FacilityName"),
        access_levels: access_levels(record),
        cards: cards(record),
    })
}

/// The pages show no list of a person's access; where a record has one by a likely name, it is counted.
fn access_levels(record: &Document) -> Option<usize> {
    let names = ["AccessLevels", "AccessLevelGroups", "UserAccessLevels", "UserAccessLevelGroups"];
    let lists = names.iter().filter_map(|name| record.items(record.member(name)?));
    lists.map(|list| list.len()).reduce(|sum, more| sum + more)
}

/// The pages say that a record has the person's cards, and not under which name.
fn cards(record: &Document) -> Vec<HeldCard> {
    let found = ["Cards", "UserCards", "PersonCards"].iter().find_map(|name| record.items(record.member(name)?));
    found.unwrap_or_default().into_iter().filter_map(card).collect()
}

/// A card as a list has it; none where it is deleted, or nothing names it.
#[must_use]
pub fn card(card: &Value) -> Option<HeldCard> {
    let text = |name: &str| any_case(card, name).and_then(plain);
    let number = |name: &str| text(name)?.parse().ok();
    let held = HeldCard {
        card_id: text("CardId").and_then(|id| id.parse::<Uuid>().ok()).filter(|id| !id.is_nil()),
        card_type: number("CardType"),
        internal_card_number: number("InternalCardNumber"),
        facility_code: number("FacilityCode"),
        external_card_number: text("ExternalCardNumber").unwrap_or_default(),
    };
    let is_deleted = text("Deleted").is_some_and(|deleted| deleted.eq_ignore_ascii_case("true"));
    (!is_deleted && held != HeldCard::default()).then_some(held)
}

/// A simple value as text; a serializer may write an employee number without quotes.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
