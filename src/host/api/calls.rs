//! Other calls than an enrollment: a new user, a change of a card. Judged, written down, delivered like everything else.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};

use chrono::Utc;

use super::{
    OrderedBy, Shared,
    again::{another_order, place, resumed},
    body::{CallBody, Failed, Sent},
    orders::{Ordered, accepts, ordered},
    people::named,
    stream,
};
use crate::{
    access::{AddUser, Operation, Person, check::guid},
    blusky::{
        call,
        lookup::{Item, Kind},
    },
    enroll::{origin::Origin, people::folded},
    host::directory::Directory,
    station::{Request, What},
    store::{StoreError, StoreHandle},
    views::notice::NoticeJson,
};

/// Order another call: a new user, a change of a card. The answer is its way, as it goes; with Accept: application/json, that it is
/// ordered.
#[utoipa::path(post, path = "/v1/calls", request_body = CallBody, responses(
    (status = 200, description = "Its way; or, of an order that was saved before, how it stands", content(
        (NoticeJson = "application/json"),
        (NoticeJson = "text/event-stream"),
    )),
    (status = 202, description = "Ordered", body = Ordered),
))]
pub(super) async fn call(
    State(shared): State<Arc<Shared>>,
    OrderedBy(ordered_by): OrderedBy,
    headers: HeaderMap,
    Sent(body): Sent<CallBody>,
) -> Result<Response, Failed> {
    let follows = !accepts(&headers, "application/json");
    let listener = shared.notices.listen(shared.notices.last());
    if let Ok(before) = shared.store.entry(body.id).await {
        if *before.begun_as() != body.operation {
            return Err(another_order(body.id));
        }
        let first = resumed(&shared, before)?;
        return Ok(if follows { stream::order(&shared, listener, body.id, vec![first]) } else { Json(first).into_response() });
    }
    let mut operation = body.operation;
    if let Some(secret) = body.secret {
        if secret.expose().is_empty() {
            return Err(Failed::usage("secret", "the password or PIN is empty", "leave it out where there is none"));
        }
        operation.put_secret(secret);
    }
    let wire = shared.site.config.blusky.as_ref().map(|blusky| blusky.wire).unwrap_or_default();
    let judged = call::judge(&operation, shared.site.config.integer_width, wire);
    judged.map_err(|wrong| Failed::usage("member", wrong.to_string(), "nothing was sent"))?;
    groups(&body.access_level_groups, Some(&operation))?;
    let judged_at = matches!(operation, Operation::AddUser(_)).then(Utc::now);
    if let Operation::AddUser(user) = &operation {
        new_user(&shared, user, false, body.namesake).await?;
    }
    let person = match operation.user() {
        Some(user) => named(&shared.directory, user).await,
        None => None,
    };
    let origin = Origin { ordered_by: Some(ordered_by), person, judged_at, groups_after: body.access_level_groups, ..Origin::default() };
    let what = What::Call { operation: Box::new(operation), origin: Box::new(origin) };
    let request = Request { id: body.id, what, can_be_asked: false };
    place(
        shared,
        request,
        None,
        move |shared| if follows { stream::order(shared, listener, body.id, Vec::new()) } else { ordered(body.id) },
    )
    .await
}

fn store(error: &StoreError) -> Failed {
    Failed::impossible("store", error.to_string(), "")
}

/// Judges an order of a new user beside what the store knows. Where BluSKY lists people, and has not yet, it is asked now, unless there
/// is time until a card is shown: whether somebody is new is seen beside a list from before. A `namesake` is somebody else than whoever is
/// known by their name, as a person says.
///
/// # Errors
/// The same user is on the way already, is in the directory, or belongs to no such company.
pub(super) async fn new_user(shared: &Arc<Shared>, user: &AddUser, has_time: bool, namesake: bool) -> Result<(), Failed> {
    nobody_yet(shared, user, namesake).await?;
    company(&shared.store, user).await?;
    if shared.directory.asks() && matches!(shared.directory.asked().await, Ok(None)) {
        let with = shared.clone();
        let asking = tokio::spawn(async move { drop(with.directory.refresh().await) });
        if !has_time {
            drop(asking.await);
        }
    }
    Ok(())
}

/// Refuses somebody who is on the way already, or in the directory.
pub(super) async fn nobody_yet(shared: &Shared, user: &AddUser, namesake: bool) -> Result<(), Failed> {
    unordered(&shared.store, user).await?;
    unknown(&shared.directory, user, namesake).await
}

/// Judges the groups of access levels that somebody new is to have.
///
/// # Errors
/// A number that is no group's, or nobody new.
pub(super) fn groups(groups: &[i64], first: Option<&Operation>) -> Result<(), Failed> {
    if !groups.is_empty() && !matches!(first, Some(Operation::AddUser(_))) {
        let help = "`cardbridge access add` gives somebody a group whom BluSKY has";
        return Err(Failed::usage("access_level_group", "a group is given with somebody who is added", help));
    }
    match groups.iter().find(|group| !(1..=i64::from(i32::MAX)).contains(*group)) {
        Some(group) => {
            Err(Failed::usage("access_level_group", format!("{group} is not a group's number"), "`cardbridge lookup access-level-groups`"))
        }
        None => Ok(()),
    }
}

/// Refuses a second order of a user whose first one has not come to its end.
async fn unordered(entries: &StoreHandle, user: &AddUser) -> Result<(), Failed> {
    let Some(open) = entries.open_user(user).await.map_err(|error| store(&error))? else { return Ok(()) };
    let message = format!("a user of this name or number is in the outbox already ({}), and its outcome is not known yet", open.id);
    let help = format!("`cardbridge outbox show {}` says what to do; a second user was not ordered", open.id);
    Err(Failed::impossible("user_in_outbox", message, help))
}

/// Refuses somebody whom the directory has: by their number, or by their name where neither a number nor a person tells the two apart.
async fn unknown(directory: &Directory, user: &AddUser, namesake: bool) -> Result<(), Failed> {
    // Where the lists cannot be read, nobody is known of.
    let Ok(people) = directory.people().await else { return Ok(()) };
    let told = |number: &str| !matches!(number, "" | "0");
    let number = user.employee_number.as_deref().map(str::trim).filter(|number| told(number)).unwrap_or_default();
    let name = format!("{} {}", user.first_name.trim(), user.last_name.trim());
    let holder = || people.search(number).find(|person| person.employee_number == number);
    if let Some(person) = (!number.is_empty()).then(holder).flatten() {
        let message = format!("{} has the employee number {number} already; nobody was added", person.name());
        return Err(Failed::impossible("number_taken", message, it_is(&person)));
    }
    let is_another = |person: &Person| namesake || !number.is_empty() && told(&person.employee_number);
    let called = folded(&name);
    let mut namesakes = people.search(&name).filter(|person| folded(&person.name()) == called);
    match namesakes.find(|person| !is_another(person)) {
        Some(person) => {
            let message = format!("somebody called {name} is known, and no employee number tells the two apart; nobody was added");
            Err(Failed::impossible("namesake", message, it_is(&person)))
        }
        None => Ok(()),
    }
}

fn it_is(person: &Person) -> String {
    format!(
        "`cardbridge enroll --user {}` gives them a card; somebody else of that name has an employee number of their own, or none and \
         --namesake says that it is somebody else",
        person.user_id
    )
}

/// The kinds of companies, in the order of CompanyInstanceType.
const COMPANIES: [Kind; 4] = [Kind::Occupancies, Kind::Vendors, Kind::Owners, Kind::Integrators];

/// Refuses a company of another kind than its type says, where a list that was looked up shows it.
async fn company(lists: &StoreHandle, user: &AddUser) -> Result<(), Failed> {
    let mut holders = Vec::new();
    for (number, kind) in (1..).zip(COMPANIES) {
        let kept = lists.kept(kind.name()).await.map_err(|error| store(&error))?;
        let items: Vec<Item> = kept.and_then(|(_, text)| serde_json::from_str(&text).ok()).unwrap_or_default();
        let is_meant = |item: &Item| item.id.as_deref().and_then(|id| guid(id).ok()) == Some(user.company_instance_id);
        if items.iter().any(is_meant) {
            holders.push((number, kind.name()));
        }
    }
    match holders.as_slice() {
        [(number, kind), ..] if holders.iter().all(|(number, _)| *number != user.company_instance_type) => {
            let message =
                format!("the company is in BluSKY's list of {kind}, and CompanyInstanceType {} is another", user.company_instance_type);
            Err(Failed::usage("company", message, format!("give --company-instance-type {number}, or look the company up again")))
        }
        _ => Ok(()),
    }
}
