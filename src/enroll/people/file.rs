//! The list of people as spreadsheets write it.
//!
//! In: the bytes of a file: comma, semicolon or tab; UTF-8 with or without a mark, UTF-16 with one, or Windows-1252; headings in any
//! case and spacing. Out: the people, and every finding with row and column. Never: a row that is wrong costing another one, or
//! somebody taken for a heading.

use std::collections::{HashMap, HashSet};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use uuid::Uuid;

use super::{People, Person, codes::Codes, table::Table};
use crate::text;

/// What is wrong in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The row, counted from 1; the headings are one.
    pub row: usize,
    /// The column, counted from 1.
    pub column: usize,
    /// What is wrong, and what to write.
    pub message: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "row {}, column {}: {}", self.row, self.column, self.message)
    }
}

/// The headings that must be there; `employee_number` and `kiosk_code` may.
const REQUIRED: [&str; 3] = ["user_id", "first_name", "last_name"];
const EMPLOYEE_NUMBER: &str = "employee_number";
const KIOSK_CODE: &str = "kiosk_code";
/// The shortest code: a shorter one is guessed too easily.
const SHORTEST_CODE: usize = 4;
/// A code of fewer digits is taken, and said to be one that can be guessed.
const SAFE_CODE: usize = 6;

impl People {
    /// Reads a list.
    ///
    /// # Errors
    /// Nobody can be read at all: the headings are not there.
    pub fn read(bytes: &[u8]) -> Result<Self, Finding> {
        no_workbook(bytes)?;
        let text = decoded(bytes);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter(&text)).flexible(true).has_headers(false).from_reader(text.as_bytes());
        let mut rows = reader.records().enumerate().map(|(at, row)| (at + 1, row)).filter(|(_, row)| !is_blank(row));
        let places = match rows.next() {
            Some((row, Ok(headings))) => Places::of(&headings, row)?,
            Some((row, Err(error))) => return Err(Finding { row, column: 1, message: error.to_string() }),
            None => return Err(Finding { row: 1, column: 1, message: format!("the file is empty; its headings are {}", wanted()) }),
        };
        let mut people = Self { codes: places.code.map(|_| Codes::default()), ..Self::default() };
        let (mut rows_of, mut short): (HashMap<Uuid, usize>, _) = (HashMap::new(), Vec::new());
        let (mut places_of, mut contested): (HashMap<Uuid, usize>, _) = (HashMap::new(), Vec::new());
        let mut take = |number: usize, person: Result<(Person, &str), Finding>| match person {
            // A person who stands there twice is one person, as the first row has it.
            Ok((person, _)) if rows_of.contains_key(&person.user_id) => {
                let first = places_of.get(&person.user_id).and_then(|at| people.table.get(*at));
                contested.extend(first.filter(|first| !is_same(first, &person)).map(|first| (first.user_id, number)));
            }
            Ok((person, code)) => {
                rows_of.insert(person.user_id, number);
                places_of.insert(person.user_id, people.table.len());
                if (1..SHORTEST_CODE).contains(&code.chars().count()) {
                    let message = format!("the kiosk_code has less than {SHORTEST_CODE} characters, which is soon guessed; it is left out");
                    people.findings.push(Finding { row: number, column: places.code.map_or(1, |at| at + 1), message });
                } else if let Some(codes) = people.codes.as_mut().filter(|_| !code.is_empty()) {
                    codes.push(code, person.user_id);
                    short.extend(is_short(code).then_some((number, code.len())));
                }
                people.table.push(&person);
            }
            Err(finding) => people.findings.push(Finding { message: format!("{}; the row is left out", finding.message), ..finding }),
        };
        for (number, row) in rows {
            match row {
                Ok(row) if places.swallowed(&row) => {
                    take(number, Err(Finding { row: number, column: 1, message: "a quote in it is not closed".to_owned() }));
                    // Those behind it were taken for a part of it: each line stands for itself.
                    for (at, line) in swallowed(&text, &row).lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
                        let mut alone = csv::ReaderBuilder::new();
                        alone.delimiter(delimiter(&text)).has_headers(false);
                        if let Some(Ok(row)) = alone.from_reader(line.as_bytes()).records().next() {
                            take(number + at, places.person(&row, number + at));
                        }
                    }
                }
                Ok(row) => take(number, places.person(&row, number)),
                Err(error) => take(number, Err(Finding { row: number, column: 1, message: error.to_string() })),
            }
        }
        people.one_person_each(&contested, &rows_of, places.required[0]);
        people.one_number_each(&rows_of, places.number);
        for user in people.codes.iter_mut().flat_map(Codes::one_each) {
            let (row, column) = (rows_of.get(&user).copied().unwrap_or_default(), places.code.map_or(1, |at| at + 1));
            people.findings.push(Finding { row, column, message: "several people have this kiosk_code; it finds none of them".to_owned() });
        }
        people.short_codes = guessed(&short, places.code.map_or(1, |at| at + 1));
        people.findings.extend(people.short_codes.clone());
        Ok(people)
    }

    /// A key that stands with different people is nobody's: nobody can tell whose card it would be.
    fn one_person_each(&mut self, contested: &[(Uuid, usize)], rows_of: &HashMap<Uuid, usize>, column: usize) {
        let users: HashSet<Uuid> = contested.iter().map(|(user, _)| *user).collect();
        let firsts = users.iter().filter_map(|user| rows_of.get(user).copied());
        let mut rows: Vec<usize> = firsts.chain(contested.iter().map(|(_, row)| *row)).collect();
        if rows.is_empty() {
            return;
        }
        rows.sort_unstable();
        let message = "this user_id stands with different people, and none of them is found; correct the rows that are wrong";
        let finding = |row| Finding { row, column: column + 1, message: message.to_owned() };
        self.findings.extend(rows.into_iter().map(finding));
        let mut table = Table::default();
        self.table.iter().filter(|person| !users.contains(&person.user_id)).for_each(|person| table.push(&person));
        self.table = table;
    }

    /// A number that two people have is nobody's.
    fn one_number_each(&mut self, rows_of: &HashMap<Uuid, usize>, column: Option<usize>) {
        let mut known = HashSet::new();
        let numbers = self.table.numbers().filter(|number| !number.is_empty());
        let several: HashSet<String> = numbers.filter(|number| !known.insert(*number)).map(ToOwned::to_owned).collect();
        if several.is_empty() {
            return;
        }
        let mut table = Table::default();
        for mut person in self.table.iter() {
            if several.contains(&person.employee_number) {
                let (row, column) = (rows_of.get(&person.user_id).copied().unwrap_or_default(), column.map_or(1, |at| at + 1));
                let message = format!("several people have the employee number {:?}; it finds none of them", person.employee_number);
                self.findings.push(Finding { row, column, message });
                person.employee_number.clear();
            }
            table.push(&person);
        }
        self.table = table;
    }
}

/// True for one person written twice, and not for a key that was copied into somebody else's row.
fn is_same(first: &Person, second: &Person) -> bool {
    let called = |person: &Person| [&person.first_name, &person.last_name, &person.employee_number].map(|text| text.to_lowercase());
    called(first) == called(second)
}

/// The lines of a row that goes on over several.
fn swallowed<'t>(text: &'t str, row: &csv::StringRecord) -> &'t str {
    let begin = row.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
    let lines = 1 + row.iter().map(|field| field.matches('\n').count()).sum::<usize>();
    let rest = text.get(begin..).unwrap_or_default();
    let end = rest.match_indices('\n').nth(lines.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
    rest.get(..end).unwrap_or_default()
}

/// Where each column stands.
struct Places {
    required: [usize; 3],
    number: Option<usize>,
    code: Option<usize>,
}

impl Places {
    fn of(headings: &csv::StringRecord, row: usize) -> Result<Self, Finding> {
        let names: Vec<String> = headings.iter().map(plain).collect();
        let at = |wanted: &str| names.iter().position(|name| *name == plain(wanted));
        let missing: Vec<&str> = REQUIRED.iter().copied().filter(|name| at(name).is_none()).collect();
        if !missing.is_empty() {
            let message = format!("the first row has no heading {}; the headings are {}", missing.join(", "), wanted());
            return Err(Finding { row, column: 1, message });
        }
        Ok(Self { required: REQUIRED.map(|name| at(name).unwrap_or_default()), number: at(EMPLOYEE_NUMBER), code: at(KIOSK_CODE) })
    }

    /// True for a row in which a name or a number goes on over several lines, as none does.
    fn swallowed(&self, row: &csv::StringRecord) -> bool {
        let ours = self.required.into_iter().chain(self.number);
        ours.filter_map(|at| row.get(at)).any(|field| field.trim().contains('\n'))
    }

    /// The person of a row, and their code.
    fn person<'r>(&self, row: &'r csv::StringRecord, number: usize) -> Result<(Person, &'r str), Finding> {
        let field = |at: usize| row.get(at).unwrap_or_default().trim();
        let [id, first, last] = self.required;
        let finding = |column: usize, message: &str| Finding { row: number, column: column + 1, message: message.to_owned() };
        let user_id = match Uuid::try_parse(field(id)) {
            Ok(user_id) if user_id.is_nil() => return Err(finding(id, "the all-zero GUID is nobody; give the user's own")),
            Ok(user_id) => user_id,
            Err(_) if field(id).is_empty() => return Err(finding(id, "there is no user_id; give the user's GUID")),
            Err(_) => return Err(finding(id, "the user_id is not a GUID; write it as 0f83442e-a446-4577-8cdd-8ffdd51ab9c1")),
        };
        if field(first).is_empty() && field(last).is_empty() {
            return Err(finding(first, "there is no name"));
        }
        let employee_number = self.number.map(|at| text::shown(field(at))).unwrap_or_default();
        let code = self.code.and_then(|at| row.get(at)).unwrap_or_default().trim();
        let (first_name, last_name) = (text::shown(field(first)), text::shown(field(last)));
        Ok((Person { user_id, first_name, last_name, employee_number, ..Person::default() }, code))
    }
}

fn is_short(code: &str) -> bool {
    code.len() < SAFE_CODE && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is said of short codes: the row and the digits of each.
fn guessed(short: &[(usize, usize)], column: usize) -> Option<Finding> {
    let (row, _) = *short.first()?;
    // Whoever guesses takes the length with the most codes for its size.
    let with = |digits: u32| short.iter().filter(|(_, of)| *of == digits as usize).count() as u64;
    let tries = (SHORTEST_CODE as u32..SAFE_CODE as u32).filter_map(|digits| 10_u64.pow(digits).checked_div(with(digits))).min()?;
    let message = format!(
        "{} people, this one first, have a kiosk_code of fewer than {SAFE_CODE} digits, and one guess in {tries} is right; the kiosk \
         lets some 300 wrong ones be tried in a day. 8 digits, made by chance, are not guessed",
        short.len()
    );
    Some(Finding { row, column, message })
}

fn wanted() -> String {
    [&REQUIRED[..], &[EMPLOYEE_NUMBER]].concat().join(", ")
}

/// A heading without what spreadsheets do to it: `User ID` is `user_id`, and `Employee #` is `employee_number`.
#[must_use]
pub fn plain(heading: &str) -> String {
    heading.replace('#', "number").chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_blank(row: &csv::Result<csv::StringRecord>) -> bool {
    row.as_ref().is_ok_and(|row| row.iter().all(|field| field.trim().is_empty()))
}

/// Refuses a workbook (such as xlsx), which its first bytes show.
///
/// # Errors
/// It is one, and what to do.
pub fn no_workbook(bytes: &[u8]) -> Result<(), Finding> {
    let is_one = [&b"PK\x03\x04"[..], b"\xD0\xCF\x11\xE0"].iter().any(|begin| bytes.starts_with(begin));
    let message = || "this is a workbook (such as xlsx or ods), and not a CSV file; save it as CSV in the spreadsheet program".to_owned();
    if is_one { Err(Finding { row: 1, column: 1, message: message() }) } else { Ok(()) }
}

/// The text: by its mark, else UTF-8 where it is, else Windows-1252, which old spreadsheets write.
#[must_use]
pub fn decoded(bytes: &[u8]) -> String {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        // Without a mark, the zero in each pair of a heading tells which one it is.
        None if bytes.iter().skip(1).step_by(2).take(8).all(|byte| *byte == 0) && bytes.len() >= 16 => UTF_16LE,
        None if bytes.iter().step_by(2).take(8).all(|byte| *byte == 0) && bytes.len() >= 16 => UTF_16BE,
        None if std::str::from_utf8(bytes).is_ok() => UTF_8,
        None => WINDOWS_1252,
    };
    encoding.decode(bytes).0.into_owned()
}

/// What stands most often in the first line that is not blank.
#[must_use]
pub fn delimiter(text: &str) -> u8 {
    let line = text.lines().find(|line| !line.trim_matches([' ', ',', ';', '\t']).is_empty()).unwrap_or_default();
    let count = |delimiter: u8| line.bytes().filter(|byte| *byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "0f83442e-a446-4577-8cdd-8ffdd51ab9c1";

    fn read(bytes: &[u8]) -> People {
        People::read(bytes).unwrap_or_else(|finding| panic!("{finding}"))
    }

    #[test]
    fn utf_16_without_a_mark_is_read_in_either_order() {
        let text = format!("user_id;first_name;last_name\r\n{ADA};Zoë;Müller\r\n");
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(order).collect();
            assert_eq!(read(&bytes).table.get(0).unwrap().name(), "Zoë Müller");
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_costs_its_own_row_and_nobody_behind_it() {
        let text = "user_id,first_name,last_name,employee_number\n\
            0f83442e-a446-4577-8cdd-8ffdd51ab9c1,\"Ada,Lovelace,1815\n\
            8991f3ac-26cd-4c60-9a78-ecca8f441631,Grace,Hopper,1906\n\
            8991f3ac-26cd-4c60-9a78-ecca8f441632,Kay,McNulty,1921\n";
        let people = People::read(text.as_bytes()).unwrap();
        let found: Vec<String> = people.all().map(|person| person.last_name).collect();
        assert_eq!(found, ["Hopper", "McNulty"]);
        let said: Vec<String> = people.findings.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["row 2, column 1: a quote in it is not closed; the row is left out"]);
    }

    #[test]
    fn a_list_is_read_however_a_spreadsheet_writes_it() {
        let list = |separator: &str| {
            format!(
                "User ID{separator}First Name{separator}LAST NAME{separator}Employee-Number\r\n\r\n{ADA}{separator}Zoë{separator}Lovelace{separator}0815\r\n{separator}{separator}{separator}\r\n"
            )
        };
        let utf_16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> { format!("\u{feff}{}", list("\t")).encode_utf16().flat_map(order).collect() };
        let written: [Vec<u8>; 6] = [
            list(",").into_bytes(),
            format!("\u{feff}{}", list(";")).into_bytes(),
            list("\t").into_bytes(),
            utf_16(u16::to_le_bytes),
            utf_16(u16::to_be_bytes),
            list(";").replace('ë', "\u{1}").bytes().map(|byte| if byte == 1 { 0xEB } else { byte }).collect(),
        ];
        for bytes in written {
            let people = read(&bytes);
            assert_eq!((people.len(), people.findings.len()), (1, 0), "{:?}", people.findings);
            let person = people.table.get(0).unwrap();
            assert_eq!((person.first_name.as_str(), person.employee_number.as_str()), ("Zoë", "0815"));
        }
    }

    #[test]
    fn every_wrong_row_is_named_with_row_and_column_and_costs_nobody_else() {
        let list = format!(
            "user_id,first_name,last_name,employee_number\n{ADA},Ada,Lovelace,1\nx,Alan,Turing,2\n\
             00000000-0000-0000-0000-000000000000,No,Body,3\n,Grace,Hopper,4\n309fbabb-0642-44e1-b262-67442dc491ed,Grace,Hopper,7\n\
             d8f00538-00a9-4db3-acc8-e64d728390f2,Edsger,Dijkstra,7\n{ADA},Ada,Lovelace,1\n"
        );
        let people = read(list.as_bytes());
        assert_eq!(people.len(), 3, "the same person twice is one person");
        let found: Vec<(usize, usize)> = people.findings.iter().map(|finding| (finding.row, finding.column)).collect();
        assert_eq!(found, [(3, 1), (4, 1), (5, 1), (6, 4), (7, 4)]);
        assert!(people.all().skip(1).all(|person| person.employee_number.is_empty()));
    }

    #[test]
    fn a_key_that_stands_with_different_people_finds_none_of_them_and_each_row_is_named() {
        let list = format!(
            "user_id,first_name,last_name,employee_number\n{ADA},Ada,Lovelace,1815\n309fbabb-0642-44e1-b262-67442dc491ed,Alan,Turing,1912\n\
             {ADA},Grace,Hopper,1906\n309FBABB-0642-44E1-B262-67442DC491ED,alan,TURING,1912\n"
        );
        let people = read(list.as_bytes());
        let said: Vec<(usize, usize)> = people.findings.iter().map(|finding| (finding.row, finding.column)).collect();
        assert_eq!(said, [(2, 1), (4, 1)], "{:?}", people.findings);
        assert_eq!(people.all().map(|person| person.last_name).collect::<Vec<_>>(), ["Turing"], "who stands there twice is one person");
    }

    #[test]
    fn what_is_missing_is_said_otherwise_than_what_is_wrong_and_one_name_is_enough() {
        let list =
            format!("user_id,first_name,last_name\n,Ada,Lovelace\nx,Ada,Lovelace\n{ADA},,\n309fbabb-0642-44e1-b262-67442dc491ed,,Hopper\n");
        let people = read(list.as_bytes());
        let said: Vec<String> = people.findings.iter().map(|finding| finding.message.clone()).collect();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(
            said[0].starts_with("there is no user_id")
                && said[1].starts_with("the user_id is not a GUID")
                && said[2].starts_with("there is no name")
        );
        assert_eq!(people.all().map(|person| person.last_name).collect::<Vec<_>>(), ["Hopper"]);
    }

    #[test]
    fn eight_characters_are_enough_to_tell_utf_16_without_a_mark() {
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes: Vec<u8> = "user_id;".encode_utf16().flat_map(order).collect();
            assert_eq!(decoded(&bytes), "user_id;");
        }
    }

    #[test]
    fn without_headings_nobody_is_taken_for_them() {
        let finding = People::read(format!("{ADA},Ada,Lovelace,1815\n").as_bytes()).unwrap_err();
        assert!(finding.message.contains("user_id, first_name, last_name") && finding.row == 1, "{finding}");
        let finding = People::read(b"user_id;first_name\n").unwrap_err();
        assert!(finding.message.contains("no heading last_name"), "{finding}");
        assert!(People::read(b"").is_err() && People::read(b"\n\n").is_err());
    }

    #[test]
    fn a_workbook_is_said_to_be_none_and_a_heading_may_be_short_for_a_number() {
        for workbook in [&b"PK\x03\x04\x14"[..], b"\xD0\xCF\x11\xE0\xA1"] {
            let finding = People::read(workbook).unwrap_err();
            assert!(finding.message.contains("save it as CSV"), "{finding}");
        }
        let people = read(format!("User ID,First Name,Last Name,Employee #\n{ADA},Ada,Lovelace,0815\n").as_bytes());
        assert_eq!(people.table.get(0).unwrap().employee_number, "0815");
    }
}
