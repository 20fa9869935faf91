//! The people file.
//!
//! In: a CSV file whose first line names `user_id`, `first_name`, `last_name` and, if wanted, `employee_number`, in any order; other
//! columns are passed over. Out: the people, or the line that is wrong. It never takes half a file.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use serde::Deserialize;
use uuid::Uuid;

use crate::simulator::words::error::SimulatorError;

/// One line of the file.
pub struct Person {
    pub user_id: Uuid,
    pub first_name: String,
    pub last_name: String,
    pub employee_number: String,
}

/// More than a million people.
const LARGEST: u64 = 128 << 20;

#[derive(Deserialize)]
struct Row {
    user_id: String,
    first_name: String,
    last_name: String,
    #[serde(default)]
    employee_number: String,
}

/// Reads the whole file.
pub fn read(path: &Path) -> Result<Vec<Person>, SimulatorError> {
    let wrong = |problem: String| SimulatorError::People { path: path.to_owned(), problem };
    let unreadable = |error: io::Error| wrong(format!("{error}. Name a readable CSV file with --people"));
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(unreadable(io::Error::other("it is no file, or too large to be a list of people")));
    }
    let file = File::open(path).map_err(unreadable)?.take(LARGEST);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let mut people = Vec::new();
    let mut seen = HashSet::new();
    for row in reader.deserialize::<Row>() {
        let row = row.map_err(|error| wrong(format!("{error}. The first line must read user_id,first_name,last_name,employee_number")))?;
        // Header and one line a person: right as long as no name holds a line break, and near enough if one does.
        let line = people.len() + 2;
        let user_id = Uuid::try_parse(&row.user_id)
            .ok()
            .filter(|id| !id.is_nil())
            .ok_or_else(|| wrong(format!("line {line}: user_id is not a GUID; write it like 0f83442e-a446-4577-8cdd-8ffdd51ab9c1")))?;
        if !seen.insert(user_id) {
            return Err(wrong(format!("line {line}: this user_id stands in an earlier line already; delete one of the two")));
        }
        people.push(Person { user_id, first_name: row.first_name, last_name: row.last_name, employee_number: row.employee_number });
    }
    Ok(people)
}
