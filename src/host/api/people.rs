//! Who is in the directory: people looked for, and the person that a word means.
//!
//! In: a part of a name or number; or a word. Out: people, with what tells namesakes apart. Never: a card, or more people at once than
//! somebody could look through.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    Shared,
    body::{Asked, Failed},
};
use crate::{
    access::Person,
    enroll::{origin::Named, people::Finding},
    host::directory::{Directory, Meant, NoDirectory, NotMeant},
};

/// How many people are shown at most, and if the request does not say.
const MOST_PEOPLE: usize = 1000;
/// How many wrong rows are named if somebody is not found.
const MOST_FINDINGS: usize = 10;

#[derive(Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// A part of a name, nickname, employee number or e-mail address.
    q: String,
    /// So many at most; 1000 where nothing is said.
    limit: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self { q: String::new(), limit: MOST_PEOPLE }
    }
}

/// People of the directory whose name, nickname, employee number or e-mail address holds this text.
#[utoipa::path(get, path = "/v1/people", params(Search), responses((status = 200, description = "People", body = People)))]
pub(super) async fn search(State(shared): State<Arc<Shared>>, Asked(search): Asked<Search>) -> Result<Json<People>, Failed> {
    let people = shared.directory.people().await?;
    let asked = shared.directory.asked().await.map_err(|error| Failed::impossible("store", error.to_string(), ""))?;
    let mut found = people.search(&search.q);
    let shown = found.by_ref().take(search.limit.min(MOST_PEOPLE)).map(PersonJson::of).collect();
    let as_of = asked.map(|(at, _)| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    // Who is not found may stand in a list that could not be had.
    let (asks, why) = (shared.directory.asks(), shared.directory.trouble());
    Ok(Json(People { people: shown, left_off: found.count(), as_of, asks, why }))
}

/// People who were found.
#[derive(Serialize, ToSchema)]
pub(super) struct People {
    people: Vec<PersonJson>,
    /// How many more there are.
    left_off: usize,
    /// When BluSKY was asked last; null where it is not asked.
    #[schema(format = DateTime)]
    as_of: Option<String>,
    /// BluSKY is asked for people too.
    asks: bool,
    /// Why BluSKY gave no list when it was asked last; null where it did, or was not asked yet.
    why: Option<String>,
}

/// A person of the directory.
#[derive(Serialize, ToSchema)]
#[schema(as = Person)]
struct PersonJson {
    id: Uuid,
    name: String,
    employee_number: String,
    nickname: String,
    email: String,
    company: String,
    facility: String,
}

impl PersonJson {
    fn of(person: Person) -> Self {
        let name = person.name();
        let Person { user_id: id, employee_number, nickname, email, company, facility, .. } = person;
        Self { id, name, employee_number, nickname, email, company, facility }
    }
}

impl From<NoDirectory> for Failed {
    fn from(error: NoDirectory) -> Self {
        match error {
            NoDirectory::List(why) => Self::usage("people", why, "correct the file named under [people]"),
            NoDirectory::Store(error) => Self::impossible("store", error.to_string(), ""),
        }
    }
}

/// Who is meant by a word.
pub(super) async fn who(directory: &Directory, who: &str) -> Result<Meant, Failed> {
    directory.who(who).await.map_err(|error| match error {
        NotMeant::NoDirectory(error) => error.into(),
        NotMeant::Who { error, findings, more } => {
            let failed = match error.is_usage() {
                true => Failed::usage("user", error.to_string(), ""),
                false => Failed::impossible("unknown_user", error.to_string(), ""),
            };
            with_help(failed, &findings, more)
        }
    })
}

/// What to check if somebody is not found: rows that cannot be used, and a list that could not be read.
fn with_help(mut failed: Failed, findings: &[Finding], more: Option<String>) -> Failed {
    let mut lines: Vec<String> = more.into_iter().collect();
    lines.extend(findings.iter().take(MOST_FINDINGS).map(|finding| format!("the list of people, {finding}")));
    if findings.len() > MOST_FINDINGS {
        lines.push(format!("and {} more", findings.len() - MOST_FINDINGS));
    }
    if let Some(error) = failed.error.as_object_mut().filter(|_| !lines.is_empty()) {
        error.insert("help".to_owned(), lines.join("\n").into());
    }
    failed
}

/// What an entry is told of a person.
pub(super) fn called(person: &Person) -> Named {
    let employee_number = Some(person.employee_number.clone()).filter(|number| !number.is_empty());
    Named { name: person.name(), employee_number, without_access: person.access_levels == Some(0) }
}

/// How the directory calls a user; none where it does not, or cannot be read.
pub(super) async fn named(directory: &Directory, id: Uuid) -> Option<Named> {
    directory.people().await.ok()?.person(id).as_ref().map(called)
}
