//! `cardbridge lookup users`: the people whom BluSKY lists, asked for, kept with their age, shown with what tells namesakes apart.

use std::process::ExitCode;

use chrono::Utc;
use serde_json::{Map, Value, json};

use super::{Arguments, is_young, written};
use crate::{
    access::{NoList, Person},
    cli::{
        out::{self, Failure},
        table,
    },
    host::{
        Site,
        directory::{Asked, Directory},
    },
    store::{StoreError, StoreHandle},
    views::page::ago,
};

const HEAD: [&str; 6] = ["id", "name", "number", "company", "facility", "e-mail"];
/// So many people are one table: a whole list would take more memory than the people themselves.
const PAGE: usize = 1000;

pub async fn run(site: &Site, store: StoreHandle, arguments: &Arguments) -> Result<ExitCode, Failure> {
    if site.config.people.of.is_empty() {
        let help = "add [people] blusky = { occupancy = [\"GUID\"] }; `cardbridge lookup occupancies` shows them";
        return Err(Failure::usage("people", "the configuration does not say whose people are to be listed", help));
    }
    super::blusky(site)?;
    let directory = Directory::new(site, store);
    let stale = renewed(&directory, arguments).await?;
    let failed = |error: StoreError| Failure::impossible("store", error.to_string(), "");
    let (at, asked) = directory.asked().await.map_err(failed)?.ok_or_else(|| Failure::impossible("lookup", "there is no list", ""))?;
    let listed = directory.listed().await.map_err(failed)?;
    let as_of = written(at);
    if arguments.json {
        for person in listed.iter() {
            let mut line = json!({"id": person.user_id, "name": person.name(), "raw": raw(&person), "as_of": as_of});
            if let Some(members) = line.as_object_mut().filter(|_| stale.is_some()) {
                members.insert("stale".to_owned(), true.into());
            }
            out::print_json(&line);
        }
    } else {
        let mut rows = listed.iter().map(|person| row(&person)).peekable();
        let mut page: Vec<Vec<String>> = rows.by_ref().take(PAGE).collect();
        table::print(&HEAD, &page);
        while rows.peek().is_some() {
            page = rows.by_ref().take(PAGE).collect();
            table::print(&HEAD, &page);
        }
    }
    match stale {
        Some(why) => out::hint(&format!("{why}; this is what BluSKY said {} ago ({as_of})", ago(Utc::now() - at))),
        None => tell(&asked, &as_of),
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks BluSKY where the kept list is not young enough; gives why it is an older one.
async fn renewed(directory: &Directory, arguments: &Arguments) -> Result<Option<String>, Failure> {
    let kept = directory.asked().await.ok().flatten().map(|(at, _)| at);
    if kept.is_some_and(|at| is_young(at, arguments.max_age)) {
        return Ok(None);
    }
    let Err(error) = directory.refresh().await else { return Ok(None) };
    let why = error.to_string();
    match (error, kept) {
        (NoList::Away(_) | NoList::Later(_), Some(_)) if arguments.stale => Ok(Some(why)),
        (NoList::Away(_) | NoList::Later(_), Some(at)) => {
            let help = format!("try again later; --stale shows what BluSKY said {} ago ({})", ago(Utc::now() - at), written(at));
            Err(Failure::impossible("blusky", why, help))
        }
        (NoList::Away(_) | NoList::Later(_), None) => Err(Failure::impossible("blusky", why, "try again later")),
        (NoList::Stopped(_), _) => Err(Failure::impossible("blusky", why, "")),
        (NoList::Missing(_) | NoList::Unreadable(_), _) => {
            let help = "[people] blusky = { path = \"api/…\" } names a path of the site's own; a list in a file does without BluSKY's";
            Err(Failure::impossible("lookup", why, help))
        }
    }
}

/// Where the list comes from, and how much of it there is: what the token may not see is missing without a word.
fn tell(asked: &Asked, as_of: &str) {
    out::hint(&format!("{} people, as {} listed them ({as_of})", asked.people, asked.paths.join(", ")));
    if asked.unnamed > 0 {
        out::hint(&format!("{} records name no user and are left out", asked.unnamed));
    }
}

fn row(person: &Person) -> Vec<String> {
    let id = person.user_id.to_string();
    vec![id, person.name(), person.employee_number.clone(), person.company.clone(), person.facility.clone(), person.email.clone()]
}

/// The members that are kept, by BluSKY's names for them.
fn raw(person: &Person) -> Map<String, Value> {
    let known = [
        ("FirstName", &person.first_name),
        ("LastName", &person.last_name),
        ("Nickname", &person.nickname),
        ("EmployeeNumber", &person.employee_number),
        ("DefaultEmail", &person.email),
        ("CompanyName", &person.company),
        ("FacilityName", &person.facility),
    ];
    known.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), json!(value))).collect()
}
