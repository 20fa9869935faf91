//! The lists that people can go through one after the other: files of one folder, and the site's own people.
//!
//! In: what somebody chose by its name. Out: the people in their order. Never: a file of another folder; the page sends a name and no
//! bytes.

use std::{fs, path::Path, sync::Arc};

use tokio::task::spawn_blocking;

use super::front::Desks;
use crate::{
    enroll::people::People,
    file,
    host::api::body::Failed,
    roster::{Row, Rows},
};

/// No list is larger, and so many are shown.
const LARGEST: u64 = 8 << 20;
const MOST: usize = 200;
/// What a list of people is called, where it is no file.
const PEOPLE: &str = "people";

/// A list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum List {
    /// A file of the folder.
    File(String),
    /// The site's people of whom something holds this text.
    People(String),
}

impl List {
    /// The list that a form names: by its file, else by what its people have in common.
    pub(super) fn chosen(file: &str, filter: &str) -> Self {
        if file.is_empty() { Self::People(filter.trim().to_owned()) } else { Self::File(file.to_owned()) }
    }

    /// How entries call it, so that an earlier run of it is found.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(name) => name.clone(),
            Self::People(filter) if filter.is_empty() => PEOPLE.to_owned(),
            Self::People(filter) => format!("{PEOPLE}: {filter}"),
        }
    }

    /// Its people.
    pub(super) async fn read(&self, desks: &Arc<Desks>) -> Result<Rows, Failed> {
        let words = &desks.room.words;
        let directory = desks.shared.directory();
        let people = match self {
            Self::People(_) => directory.people().await?,
            Self::File(_) => directory.of_lists().await?,
        };
        let rows = match self {
            Self::People(filter) => of_people(&people, filter),
            Self::File(name) => {
                let folder = desks.settings.rosters.clone();
                // Only what stands in the list of the folder is opened.
                let known = folder.filter(|folder| names(folder).iter().any(|known| known == name)).map(|folder| folder.join(name));
                let path = known.ok_or_else(|| Failed::impossible("roster", words.fill("roster_unknown", &[("list", name)]), ""))?;
                let bytes = spawn_blocking(move || file::read(&path, LARGEST))
                    .await
                    .map_err(|error| Failed::usage("roster_list", error.to_string(), ""))?;
                let failed = |why: String| Failed::usage("roster_list", format!("{name}: {why}"), "correct the list");
                let new_people = desks.new_people.as_ref();
                let members = if new_people.is_some() { NEW.map(str::to_owned).to_vec() } else { Vec::new() };
                let mut rows = Rows::read(&bytes.map_err(|error| failed(error.to_string()))?, &people, &members)
                    .map_err(|finding| failed(finding.to_string()))?;
                rows.make_new(|said| {
                    let text = |name: &str| said.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str()).unwrap_or_default();
                    let user = new_people.map(|new| new.user(text("first_name"), text("last_name"), text("employee_number")));
                    user.ok_or_else(|| "new people are not added here".to_owned())
                });
                rows
            }
        };
        match rows.rows.is_empty() {
            true => Err(Failed::impossible(
                "roster",
                words.say("roster_nobody"),
                rows.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            )),
            false => Ok(rows),
        }
    }
}

/// What a row says of somebody new.
const NEW: [&str; 3] = ["first_name", "last_name", "employee_number"];

/// Everybody of whom something holds this text, in the order of the site's list.
fn of_people(people: &People, filter: &str) -> Rows {
    let row = |(number, person): (usize, crate::access::Person)| Row {
        number,
        user_id: person.user_id,
        name: person.name(),
        employee_number: person.employee_number.clone(),
        ..Row::default()
    };
    Rows { rows: (1..).zip(people.search(filter)).map(row).collect(), ..Rows::default() }
}

/// The lists of a folder, by name.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let is_list = |name: &str| [".csv", ".tsv", ".txt"].iter().any(|end| name.to_lowercase().ends_with(end)) && !name.starts_with('.');
    let files = fs::read_dir(folder).into_iter().flatten().flatten().filter(|file| file.path().is_file());
    let mut names: Vec<String> = files.filter_map(|file| file.file_name().into_string().ok()).filter(|name| is_list(name)).collect();
    names.sort_unstable();
    names.truncate(MOST);
    names
}
