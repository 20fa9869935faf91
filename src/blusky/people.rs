//! BluSKY's lists of people, read as they come: a list can be long, and a record can hold what nobody here is to know.
//!
//! In: whose people are wanted; the pieces of an answer, as they arrive. Out: the paths that may list them, and people with their named
//! members alone. Never: a whole list in memory as it came, or a record kept.

use serde::Deserialize;
use uuid::Uuid;

use crate::access::{Belongs, Member};

/// No record is larger.
const LARGEST_RECORD: usize = 256 << 10;
/// More people than this are no list of people of one company.
const MOST: usize = 250_000;

/// The paths that may list them, the likeliest first. The pages of 2016 name the last; that the others follow the renaming of their
/// neighbours is derived, so they are only ever read from.
#[must_use]
pub fn paths(of: Belongs) -> Vec<String> {
    let (newer, older, id) = match of {
        Belongs::Occupancy(id) => ("OccupancyId", "GetAllUsersByOccupancyId", id),
        Belongs::Facility(id) => ("FacilityId", "GetAllUsersByFacility", id),
        Belongs::Vendor(id) => ("VendorId", "GetAllUsersByVendorId", id),
    };
    vec![format!("api/v2/Users?{newer}={id}"), format!("api/v1/Users?{newer}={id}"), format!("api/Person/{older}/{id}")]
}

/// The members of a record that are kept; all others are passed over without being stored.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    #[serde(alias = "UserId", alias = "personId", alias = "userId")]
    person_id: Option<Uuid>,
    #[serde(alias = "firstName")]
    first_name: Option<String>,
    #[serde(alias = "lastName")]
    last_name: Option<String>,
    #[serde(alias = "nickname")]
    nickname: Option<String>,
    #[serde(alias = "employeeNumber")]
    employee_number: Option<String>,
    #[serde(alias = "defaultEmail")]
    default_email: Option<String>,
    #[serde(alias = "companyName")]
    company_name: Option<String>,
    #[serde(alias = "facilityName")]
    facility_name: Option<String>,
}

impl Record {
    fn member(self) -> Option<Member> {
        Some(Member {
            id: self.person_id.filter(|id| !id.is_nil())?,
            first_name: self.first_name.unwrap_or_default(),
            last_name: self.last_name.unwrap_or_default(),
            nickname: self.nickname.unwrap_or_default(),
            employee_number: self.employee_number.unwrap_or_default(),
            email: self.default_email.unwrap_or_default(),
            company: self.company_name.unwrap_or_default(),
            facility: self.facility_name.unwrap_or_default(),
        })
    }
}

/// Takes a list apart while it arrives: an array of records, and nothing else.
#[derive(Default)]
pub struct Reading {
    people: Vec<Member>,
    unnamed: usize,
    record: Vec<u8>,
    depth: usize,
    in_text: bool,
    escaped: bool,
    begun: bool,
    ended: bool,
}

impl Reading {
    /// Takes the next piece.
    ///
    /// # Errors
    /// In words: this is no list of people, or a larger one than there can be.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        piece.iter().try_for_each(|byte| self.byte(*byte))
    }

    /// The people, and how many records name no user.
    ///
    /// # Errors
    /// In words: the list broke off, or there was none.
    pub fn end(self) -> Result<(Vec<Member>, usize), &'static str> {
        if self.ended { Ok((self.people, self.unnamed)) } else { Err("BluSKY's list of people breaks off, or is none") }
    }

    fn byte(&mut self, byte: u8) -> Result<(), &'static str> {
        const NO_LIST: &str = "BluSKY's answer is no list of people";
        if self.depth == 0 {
            let is_open = self.begun && !self.ended;
            match byte {
                b'[' if !self.begun => self.begun = true,
                b']' if is_open => self.ended = true,
                b'{' if is_open => {
                    self.depth = 1;
                    self.record.push(byte);
                }
                b',' if is_open => {}
                // A mark at the front says that it is UTF-8.
                0xEF | 0xBB | 0xBF if !self.begun => {}
                space if space.is_ascii_whitespace() => {}
                _ => return Err(NO_LIST),
            }
            return Ok(());
        }
        self.record.push(byte);
        if self.record.len() > LARGEST_RECORD {
            return Err("a record in BluSKY's list of people is larger than any record should be");
        }
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_text => self.escaped = true,
            b'"' => self.in_text = !self.in_text,
            b'{' | b'[' if !self.in_text => self.depth += 1,
            b'}' | b']' if !self.in_text => self.depth -= 1,
            _ => {}
        }
        if self.depth == 0 { self.whole() } else { Ok(()) }
    }

    fn whole(&mut self) -> Result<(), &'static str> {
        // Its text names people and may name secrets: the complaint is ours.
        let record: Record = serde_json::from_slice(&self.record).map_err(|_| "a record in BluSKY's list of people cannot be read")?;
        self.record.clear();
        match record.member() {
            Some(_) if self.people.len() >= MOST => return Err("BluSKY's list of people is longer than 250000"),
            Some(member) => self.people.push(member),
            None => self.unnamed += 1,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, piece: usize) -> Result<(Vec<Member>, usize), &'static str> {
        let mut reading = Reading::default();
        text.as_bytes().chunks(piece).try_for_each(|piece| reading.take(piece))?;
        reading.end()
    }

    #[test]
    fn a_list_is_read_in_pieces_of_any_size_and_only_what_is_named_is_kept() {
        let id = Uuid::from_u128(7);
        let record = format!(
            "{{\"PersonId\":\"{id}\",\"FirstName\":\"A \\\"}}] da\",\"LastName\":null,\"Cards\":[{{\"PIN\":\"90417\"}}],\"CompanyName\":\"ACME\"}}"
        );
        let mark = "\u{feff}";
        let text = format!("{mark} [ {record},{{\"UserId\":null}} , {record}]\n");
        for piece in [1, 2, 7, 1000] {
            let (people, unnamed) = read(&text, piece).unwrap();
            assert_eq!((people.len(), unnamed), (2, 1));
            assert_eq!((people[0].id, people[0].first_name.as_str(), people[0].company.as_str()), (id, "A \"}] da", "ACME"));
            assert!(!format!("{people:?}").contains("ACME"));
        }
        assert_eq!(read("[]", 1).unwrap().0.len(), 0);
    }

    #[test]
    fn what_is_no_list_or_breaks_off_or_does_not_end_is_said_and_nobody_is_taken_from_it() {
        for text in ["", "{}", "null", "<ArrayOfA/>", "[", "[{\"PersonId\":7}]", "[{", "[] x", "[7]", "[{\"a\":]}]"] {
            assert!(read(text, 3).is_err(), "{text}");
        }
        let endless = format!("[{{\"a\":\"{}", "x".repeat(LARGEST_RECORD));
        assert!(read(&endless, 1000).unwrap_err().contains("larger"));
    }
}
