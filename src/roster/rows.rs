//! The list of a roster as spreadsheets write it.
//!
//! In: the bytes of a file, as the list of people takes them, and that list. Out: the people in their order, and every finding with row
//! and column. Never: a row that is wrong costing another one, somebody who stands there twice taken for two, or a person guessed.

use std::{cell::OnceCell, collections::HashMap, str::FromStr};

use uuid::Uuid;

use crate::{
    access::{AddUser, Moment, check::guid},
    enroll::people::{Finding, Index, People, Person, WhoError, decoded, delimiter, no_workbook, plain},
    text,
};

/// A person who is to get a card, and what stands about the card in their row.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// The row of the file, counted from 1; the headings are one.
    pub number: usize,
    /// The user's key.
    pub user_id: Uuid,
    /// The name as people say it.
    pub name: String,
    /// The employee number, empty where there is none.
    pub employee_number: String,
    /// BluSKY's number of the card type.
    pub card_type: Option<i64>,
    /// The number printed on the card.
    pub printed: Option<String>,
    /// The external number to send.
    pub external_number: Option<String>,
    /// When the card begins to work.
    pub activate: Option<Moment>,
    /// When it ends to work.
    pub deactivate: Option<Moment>,
    /// What stands about somebody whom BluSKY does not have yet, by the headings of a new user; their key is all zero.
    pub members: Vec<(String, String)>,
    /// The same as a person to be added.
    pub new_user: Option<Box<AddUser>>,
    /// The groups of access levels that somebody new is given.
    pub groups: Vec<i64>,
}

/// Shows which row, and nothing of the person.
impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Row {
    /// What tells the person from others: their key, and of a new one how they are called.
    fn key(&self) -> (Uuid, String) {
        (self.user_id, if self.user_id.is_nil() { self.called() } else { String::new() })
    }

    /// Somebody new has been added, and is this user from now on.
    pub fn is_user(&mut self, id: Uuid) {
        (self.user_id, self.new_user) = (id, None);
        self.members.clear();
        self.groups.clear();
    }

    /// The person, as everything shown to people calls them.
    #[must_use]
    pub fn called(&self) -> String {
        if self.employee_number.is_empty() { self.name.clone() } else { format!("{} ({})", self.name, self.employee_number) }
    }
}

/// A list, read.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// The people in their order.
    pub rows: Vec<Row>,
    /// What is wrong in which row; such a row is left out.
    pub findings: Vec<Finding>,
    /// The headings of columns that say nothing here.
    pub unused: Vec<String>,
}

const USER_ID: &str = "user_id";
const FIRST_NAME: &str = "first_name";
const LAST_NAME: &str = "last_name";
const EMPLOYEE_NUMBER: &str = "employee_number";
/// Everything a row may say.
const HEADINGS: [&str; 10] =
    [USER_ID, FIRST_NAME, LAST_NAME, EMPLOYEE_NUMBER, "card_type", "printed", "external_number", "activate", "deactivate", GROUPS];
/// Several of them stand in one field with blanks between them.
const GROUPS: &str = "access_level_group";

impl Rows {
    /// Reads a list. Whoever has no `user_id` in it is looked for in the list of people, by their employee number; whoever is not
    /// there is a new person, of whom columns with the headings of `members` say more. Where there are none, nobody is new.
    ///
    /// # Errors
    /// Nobody can be read at all: the headings are not there.
    pub fn read(bytes: &[u8], people: &People, members: &[String]) -> Result<Self, Finding> {
        no_workbook(bytes)?;
        let text = decoded(bytes);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter(&text)).flexible(true).has_headers(false).from_reader(text.as_bytes());
        let mut records = (1..).zip(reader.records()).filter(|(_, record)| !is_blank(record));
        let headings = match records.next() {
            Some((row, Ok(headings))) => Headings::of(&headings, row, members)?,
            Some((row, Err(error))) => return Err(Finding { row, column: 1, message: error.to_string() }),
            None => return Err(Finding { row: 1, column: 1, message: format!("the file is empty; {WANTED}") }),
        };
        let mut rows = Self { unused: headings.unused.clone(), ..Self::default() };
        let mut rows_of: HashMap<(Uuid, String), usize> = HashMap::new();
        let by_name = OnceCell::new();
        for (number, record) in records {
            let row = record.map_err(|error| Finding { row: number, column: 1, message: error.to_string() });
            match row.and_then(|record| Fields { headings: &headings, record: &record, number, by_name: &by_name }.row(people)) {
                Ok(row) => match rows_of.get(&row.key()) {
                    Some(first) => rows.left_out(Finding {
                        row: number,
                        column: 1,
                        message: format!("{} stands in row {first} already", row.called()),
                    }),
                    None => {
                        rows_of.insert(row.key(), number);
                        rows.rows.push(row);
                    }
                },
                Err(finding) => rows.left_out(finding),
            }
        }
        Ok(rows)
    }

    /// Has every new person made of what their row says; whoever cannot be is left out.
    pub fn make_new(&mut self, mut make: impl FnMut(&[(String, String)]) -> Result<AddUser, String>) {
        let mut rows = std::mem::take(&mut self.rows);
        for row in rows.iter_mut().filter(|row| row.user_id.is_nil()) {
            match make(&row.members) {
                Ok(user) => row.new_user = Some(Box::new(user)),
                Err(why) => {
                    let message = format!("{} is nobody whom [people] lists, and cannot be added as somebody new: {why}", row.called());
                    self.left_out(Finding { row: row.number, column: 1, message });
                }
            }
        }
        rows.retain(|row| !row.user_id.is_nil() || row.new_user.is_some());
        self.rows = rows;
    }

    pub(super) fn left_out(&mut self, finding: Finding) {
        self.findings.push(Finding { message: format!("{}; the row is left out", finding.message), ..finding });
    }
}

const WANTED: &str = "its headings are user_id or employee_number, first_name, last_name, and any of card_type, printed, external_number, \
                      activate, deactivate";

/// Where each column stands.
struct Headings {
    places: HashMap<&'static str, usize>,
    /// Those that say something of a new person.
    members: Vec<(String, usize)>,
    unused: Vec<String>,
}

impl Headings {
    fn of(record: &csv::StringRecord, row: usize, members: &[String]) -> Result<Self, Finding> {
        let (mut places, mut unused, mut of_new) = (HashMap::new(), Vec::new(), Vec::new());
        for (at, heading) in record.iter().enumerate().filter(|(_, heading)| !heading.trim().is_empty()) {
            let member = members.iter().find(|known| plain(known) == plain(heading));
            of_new.extend(member.map(|known| (known.clone(), at)));
            match HEADINGS.iter().find(|known| plain(known) == plain(heading)) {
                Some(known) => drop(places.entry(*known).or_insert(at)),
                None if member.is_none() => unused.push(text::shown(heading.trim())),
                None => {}
            }
        }
        let is_named = !members.is_empty() && places.contains_key(FIRST_NAME) && places.contains_key(LAST_NAME);
        if !places.contains_key(USER_ID) && !places.contains_key(EMPLOYEE_NUMBER) && !is_named {
            return Err(Finding { row, column: 1, message: format!("the first row does not say who a row is about; {WANTED}") });
        }
        Ok(Self { places, members: of_new, unused })
    }
}

/// One row, by the names of its columns.
struct Fields<'a, 'p> {
    headings: &'a Headings,
    record: &'a csv::StringRecord,
    number: usize,
    /// Everybody who is known, once somebody new is compared with them.
    by_name: &'a OnceCell<Index<'p>>,
}

impl<'p> Fields<'_, 'p> {
    fn row(&self, people: &'p People) -> Result<Row, Finding> {
        if self.record.iter().any(|field| field.trim().contains('\n')) {
            return Err(Finding { row: self.number, column: 1, message: "a quote in it is not closed".to_owned() });
        }
        let user_id = self.user(people)?;
        let known = people.person(user_id).filter(|_| !user_id.is_nil());
        let written = [FIRST_NAME, LAST_NAME].map(|name| self.text(name).unwrap_or_default()).join(" ").trim().to_owned();
        let name = match &known {
            _ if !written.is_empty() => text::shown(&written),
            Some(person) => text::shown(&person.name()),
            None => return Err(self.finding(FIRST_NAME, "there is no name")),
        };
        let number = self.text(EMPLOYEE_NUMBER).or_else(|| known.map(|person| person.employee_number));
        let row = Row {
            number: self.number,
            user_id,
            name,
            employee_number: text::shown(&number.unwrap_or_default()),
            card_type: self.parsed("card_type", "a whole number")?,
            printed: self.text("printed"),
            external_number: self.text("external_number"),
            activate: self.parsed("activate", "a time with its offset, as 2026-01-01T08:00:00+01:00")?,
            deactivate: self.parsed("deactivate", "a time with its offset, as 2026-01-01T08:00:00+01:00")?,
            members: if user_id.is_nil() { self.members() } else { Vec::new() },
            new_user: None,
            groups: self.groups(user_id.is_nil())?,
        };
        Ok(row)
    }

    /// The groups of somebody new.
    fn groups(&self, is_new: bool) -> Result<Vec<i64>, Finding> {
        let text = self.text(GROUPS).unwrap_or_default();
        let numbers =
            text.split([' ', ';', ',']).filter(|number| !number.is_empty()).map(|number| number.parse().ok().filter(|id| *id > 0_i64));
        let groups: Option<Vec<i64>> = numbers.collect();
        match groups {
            Some(groups) if is_new || groups.is_empty() => Ok(groups),
            Some(_) => Err(self.finding(GROUPS, "BluSKY has this person already; `cardbridge access add` gives them a group")),
            None => Err(self.finding(GROUPS, "write the groups' numbers with blanks between them")),
        }
    }

    /// The user's key; all zero for somebody new.
    fn user(&self, people: &'p People) -> Result<Uuid, Finding> {
        if let Some(id) = self.text(USER_ID) {
            return guid(&id).map_err(|why| self.finding(USER_ID, &why));
        }
        let number = self.text(EMPLOYEE_NUMBER);
        // A number that could be a name is none: only the number itself is looked for.
        let has_it = |person: &Person| number.as_ref() == Some(&person.employee_number);
        let found = number.as_ref().and_then(|number| people.with_number(number)).filter(has_it);
        let by_name = || self.by_name.get_or_init(|| Index::of(people));
        let nearly = found.as_ref().map_or_else(|| number.as_ref().and_then(|number| by_name().nearly(number)), |_| None);
        if let Some(person) = nearly {
            return Err(self.finding(EMPLOYEE_NUMBER, &near_miss(&person)));
        }
        match (found, &number) {
            (Some(person), _) => Ok(person.user_id),
            (None, _) if !self.headings.members.is_empty() => self.new_user(people, number.as_deref()),
            (None, None) => Err(self.finding(USER_ID, "there is neither a user_id nor an employee_number")),
            (None, Some(_)) => Err(self.finding(EMPLOYEE_NUMBER, "nobody in [people] has this employee number; give the user_id")),
        }
    }

    /// Somebody new; a namesake of somebody whom the site knows has to be told from them by a number.
    fn new_user(&self, people: &'p People, number: Option<&str>) -> Result<Uuid, Finding> {
        let name = [FIRST_NAME, LAST_NAME].map(|name| self.text(name).unwrap_or_default()).join(" ");
        let (is_known, known) = match self.by_name.get_or_init(|| Index::of(people)).find(&name) {
            Ok(id) => (true, people.person(id)),
            Err(WhoError::Several(..)) => (true, None),
            Err(_) => (false, None),
        };
        let is_another = number.is_some() && known.is_some_and(|person| !person.employee_number.is_empty());
        match is_known && !is_another {
            true => Err(self.finding(
                FIRST_NAME,
                "somebody of this name is in [people]: give their user_id or employee_number, or another number for somebody new",
            )),
            false => Ok(Uuid::nil()),
        }
    }

    /// What the row says of somebody new.
    fn members(&self) -> Vec<(String, String)> {
        let text = |at: &usize| self.record.get(*at).map(str::trim).filter(|text| !text.is_empty());
        self.headings.members.iter().filter_map(|(name, at)| Some((name.clone(), text(at)?.to_owned()))).collect()
    }

    fn parsed<T: FromStr>(&self, name: &'static str, what: &str) -> Result<Option<T>, Finding> {
        let wrong = |_| self.finding(name, &format!("this is not {what}"));
        self.text(name).map(|text| text.parse().map_err(wrong)).transpose()
    }

    fn text(&self, name: &'static str) -> Option<String> {
        let field = self.record.get(*self.headings.places.get(name)?)?.trim();
        (!field.is_empty()).then(|| field.to_owned())
    }

    fn finding(&self, name: &'static str, message: &str) -> Finding {
        let column = self.headings.places.get(name).map_or(1, |at| at + 1);
        Finding { row: self.number, column, message: message.to_owned() }
    }
}

/// A number that is nearly another one's.
pub(super) fn near_miss(person: &Person) -> String {
    let Person { employee_number, .. } = person;
    let (name, number) = (text::shown(&person.name()), text::shown(employee_number));
    format!("{name} has the number {number}, which differs by zeros in front that spreadsheets drop: write it as it is")
}

fn is_blank(record: &csv::Result<csv::StringRecord>) -> bool {
    record.as_ref().is_ok_and(|record| record.iter().all(|field| field.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "0f83442e-a446-4577-8cdd-8ffdd51ab9c1";
    const GRACE: &str = "309fbabb-0642-44e1-b262-67442dc491ed";

    fn people() -> People {
        let list = format!("user_id,first_name,last_name,employee_number\n{ADA},Ada,Lovelace,1815\n{GRACE},Grace,Hopper,1906\n");
        People::read(list.as_bytes()).unwrap()
    }

    #[test]
    fn a_row_names_a_person_by_key_or_number_and_says_what_it_knows_of_the_card() {
        let list = format!("User ID;First Name;Employee Number;Printed;Card Type;Department\n{ADA};Ada King;;04567;3;x\n;;1906;;;y\n");
        let rows = Rows::read(list.as_bytes(), &people(), &[]).unwrap();
        assert_eq!(rows.findings, []);
        let called: Vec<String> = rows.rows.iter().map(Row::called).collect();
        assert_eq!(called, ["Ada King (1815)", "Grace Hopper (1906)"]);
        assert_eq!((rows.rows[0].printed.as_deref(), rows.rows[0].card_type), (Some("04567"), Some(3)));
        assert_eq!(rows.unused, ["Department"]);
    }

    #[test]
    fn every_wrong_row_is_named_and_costs_nobody_else_and_a_person_who_stands_there_twice_is_asked_for_once() {
        let list = format!(
            "user_id,employee_number,last_name,card_type\n{ADA},1815,Lovelace,three\n,,Turing,\n,1907,Nobody,\nx,,Turing,\n{GRACE},,Hopper,\n,1906,Hopper,\n"
        );
        let rows = Rows::read(list.as_bytes(), &people(), &[]).unwrap();
        assert_eq!(rows.rows.iter().map(|row| row.number).collect::<Vec<_>>(), [6]);
        let said: Vec<String> = rows.findings.iter().map(ToString::to_string).collect();
        assert_eq!(said[0], "row 2, column 4: this is not a whole number; the row is left out");
        assert_eq!(said[1], "row 3, column 1: there is neither a user_id nor an employee_number; the row is left out");
        assert_eq!(said[2], "row 4, column 2: nobody in [people] has this employee number; give the user_id; the row is left out");
        assert!(said[3].starts_with("row 5, column 1: "), "{said:?}");
        assert_eq!(said[4], "row 7, column 1: Hopper (1906) stands in row 6 already; the row is left out");
        assert!(Rows::read(b"", &people(), &[]).is_err() && Rows::read(b"first_name,last_name\nAda,Lovelace\n", &people(), &[]).is_err());
    }

    #[test]
    fn whoever_has_no_key_and_no_known_number_is_new_and_a_namesake_is_told_apart_by_a_number() {
        let members = ["first_name", "last_name", "employee_number", "facility_id"].map(str::to_owned);
        let list = "First Name,Last Name,Employee Number,Facility ID,Card Type\n\
            Kay,McNulty,1921,f1,3\nGrace,Hopper,1906,,\nAda,Lovelace,,,\nAda,Lovelace,7,,\nKay,McNulty,1921,,\n";
        let rows = Rows::read(list.as_bytes(), &people(), &members).unwrap();
        let read: Vec<(usize, bool)> = rows.rows.iter().map(|row| (row.number, row.user_id.is_nil())).collect();
        assert_eq!(read, [(2, true), (3, false), (5, true)]);
        let said = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(
            rows.rows[0].members,
            [said("first_name", "Kay"), said("last_name", "McNulty"), said("employee_number", "1921"), said("facility_id", "f1")]
        );
        let findings: Vec<String> = rows.findings.iter().map(ToString::to_string).collect();
        assert!(findings[0].starts_with("row 4, column 1: somebody of this name is in [people]"), "{findings:?}");
        assert_eq!(findings[1], "row 6, column 1: Kay McNulty (1921) stands in row 2 already; the row is left out");
    }

    #[test]
    fn ten_thousand_new_people_are_told_from_ten_thousand_known_ones_at_once() {
        let id = |at: u128| Uuid::from_u128(0xB000_0000_0000_4000_8000_0000_0000_0000 + at);
        let known: String = (0..10_000).map(|at| format!("{},First{at},Last{at},{at}\n", id(at))).collect();
        let people = People::read(format!("user_id,first_name,last_name,employee_number\n{known}").as_bytes()).unwrap();
        let new: String = (0..10_000).map(|at| format!("New{at},Last{at}\n")).collect();
        let begin = std::time::Instant::now();
        let members = ["first_name", "last_name"].map(str::to_owned);
        let rows = Rows::read(format!("first_name,last_name\n{new}First7,Last7\n").as_bytes(), &people, &members).unwrap();
        let took = begin.elapsed();
        assert_eq!((rows.rows.len(), rows.findings.len()), (10_000, 1), "who is known is not new");
        assert!(took < std::time::Duration::from_secs(10), "{took:?}");
    }

    #[test]
    fn a_number_whose_zeros_a_spreadsheet_dropped_makes_nobody_new() {
        let list = format!("user_id,first_name,last_name,employee_number\n{ADA},Ada,Lovelace,0815\n");
        let people = People::read(list.as_bytes()).unwrap();
        for members in [&["first_name".to_owned(), "last_name".to_owned()][..], &[]] {
            let rows = Rows::read(b"Employee #,First Name,Last Name\n815,Ada,Lovelace\n0815,Ada,Lovelace\n", &people, members).unwrap();
            assert_eq!(rows.rows.iter().map(|row| (row.number, row.user_id.to_string())).collect::<Vec<_>>(), [(3, ADA.to_owned())]);
            let said = rows.findings[0].to_string();
            assert!(said.starts_with("row 2, column 1: Ada Lovelace has the number 0815"), "{said}");
        }
        assert!(Rows::read(b"PK\x03\x04", &people, &[]).unwrap_err().message.contains("save it as CSV"));
    }
}
