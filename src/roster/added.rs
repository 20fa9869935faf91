//! New people of a list who were added before, by an earlier run of it or one by one.
//!
//! In: a list, and whoever was added from here. Out: whoever is known by now, with their key. Never: somebody added twice, or a namesake
//! taken for somebody.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Row, Rows, rows::near_miss};
use crate::{
    access::Person,
    enroll::people::{Finding, bare, folded},
};

impl Rows {
    /// Has whoever was added before under their name and number keep the user they have, and gives their number. Rows of these numbers
    /// belong to a run that goes on, and stay as they are.
    pub fn were_added(&mut self, added: &[Person], going_on: &HashSet<usize>) -> usize {
        let mut by_name: HashMap<String, Vec<&Person>> = HashMap::new();
        for person in added {
            by_name.entry(folded(&person.name())).or_default().push(person);
        }
        let mut keys: HashMap<Uuid, usize> = self.rows.iter().map(|row| (row.user_id, row.number)).collect();
        let (mut kept, mut known) = (Vec::new(), 0);
        for mut row in std::mem::take(&mut self.rows) {
            let is_new = row.user_id.is_nil() && !going_on.contains(&row.number);
            match by_name.get(&folded(&row.name)).filter(|_| is_new).map_or(Ok(None), |before| before_of(&row, before)) {
                Ok(Some(id)) => match keys.insert(id, row.number) {
                    Some(first) => self.left_out(finding(&row, format!("{} stands in row {first} already", row.called()))),
                    None => {
                        known += 1;
                        row.is_user(id);
                        kept.push(row);
                    }
                },
                Ok(None) => kept.push(row),
                Err(why) => self.left_out(finding(&row, why)),
            }
        }
        self.rows = kept;
        known
    }
}

/// The user whom somebody of this name and number is; none for another person.
fn before_of(row: &Row, before: &[&Person]) -> Result<Option<Uuid>, String> {
    let number = row.employee_number.as_str();
    let same: HashSet<Uuid> = before.iter().filter(|person| person.employee_number == number).map(|person| person.user_id).collect();
    let wanted = bare(number).filter(|_| same.is_empty());
    if let Some(person) = before.iter().find(|person| wanted.is_some() && bare(&person.employee_number) == wanted) {
        return Err(near_miss(person));
    }
    let users = |of: &[&Person]| of.iter().map(|person| person.user_id.to_string()).collect::<Vec<_>>().join(", ");
    match (same.iter().next(), same.len()) {
        (Some(id), 1) if !number.is_empty() => Ok(Some(*id)),
        // Everybody of this name has another number.
        (None, _) if !number.is_empty() && before.iter().all(|person| !person.employee_number.is_empty()) => Ok(None),
        _ => Err(format!(
            "somebody of this name was added here before (user {}): write that into user_id, or give another number for somebody new",
            users(before)
        )),
    }
}

fn finding(row: &Row, message: String) -> Finding {
    Finding { row: row.number, column: 1, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_added_before_is_the_same_person_by_their_number_and_never_by_their_name_alone() {
        let person = |id: u128, name: &str, number: &str| Person {
            user_id: Uuid::from_u128(id),
            last_name: name.to_owned(),
            employee_number: number.to_owned(),
            ..Person::default()
        };
        let row = |number: usize, name: &str, employee: &str| Row {
            number,
            name: name.to_owned(),
            employee_number: employee.to_owned(),
            groups: vec![7],
            ..Row::default()
        };
        let known = Row { user_id: Uuid::from_u128(4), ..row(9, "Jean", "4") };
        let rows = vec![
            row(2, "KING", "1"),
            row(3, "King", ""),
            row(4, "King", "5"),
            row(5, "Hopper", "2"),
            row(6, "Kay", "3"),
            row(7, "Kay", "3"),
            row(8, "Jean", "4"),
            known,
            row(10, "Betty", "6"),
            row(12, "King", "01"),
            row(11, "New", ""),
        ];
        let mut rows = Rows { rows, ..Rows::default() };
        let added = [
            person(1, "King", "1"),
            person(2, "Hopper", ""),
            person(3, "Kay", "3"),
            person(4, "Jean", "4"),
            person(5, "Betty", "6"),
            person(6, "Betty", "6"),
        ];
        assert_eq!(rows.were_added(&added, &HashSet::from([7])), 2);
        let left: Vec<(usize, u128, bool)> =
            rows.rows.iter().map(|row| (row.number, row.user_id.as_u128(), row.groups.is_empty())).collect();
        assert_eq!(left, [(2, 1, true), (4, 0, false), (6, 3, true), (7, 0, false), (9, 4, false), (11, 0, false)]);
        let said: Vec<String> = rows.findings.iter().map(ToString::to_string).collect();
        assert!(said[0].starts_with("row 3, column 1: somebody of this name was added here before (user 00000000"), "{said:?}");
        assert_eq!(rows.findings.iter().map(|finding| finding.row).collect::<Vec<_>>(), [3, 5, 8, 10, 12]);
        assert!(said[2].contains("stands in row 9 already"), "{said:?}");
    }
}
