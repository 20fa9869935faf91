//! What a roster hears of the station's notices.
//!
//! In: notices as JSON. Out: the machine's events. Never: a notice about somebody else's order taken for one of its own; the machine
//! knows its keys.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use uuid::Uuid;

use super::client::Said;
use crate::{
    access::Person,
    outbox::State,
    roster::{Asks, Event, Given, Question, Row, Rows, SeatEntry, Undo, Update, words},
};

/// How many seconds somebody of a roster may take until they show their card: a year, so that they come when they like.
pub const WHENEVER: u64 = 31_536_000;

/// What is known of the readers so far.
#[derive(Debug, Default)]
pub struct Hearing {
    /// The readers that are not there, and the store, where that is gone; each with what was said.
    gone: BTreeMap<String, String>,
}

impl Hearing {
    /// The events that follow from a notice.
    #[must_use]
    pub fn events(&mut self, notice: &Value) -> Vec<Event> {
        let said = notice.text("words").to_owned();
        match notice.text("kind") {
            "waiting" => {
                let first = (notice.at("ahead").as_u64() != Some(0)).then_some(said);
                let ready = (notice.at("ready") == true).then_some(Event::Ready(true));
                ready.into_iter().chain(about(notice, Update::Waiting(first))).collect()
            }
            "ready" => vec![Event::Ready(true)],
            "up" => {
                self.gone.remove(notice.text("reader"));
                vec![self.readers()]
            }
            "lost" => {
                self.gone.insert(notice.text("reader").to_owned(), said);
                vec![self.readers()]
            }
            "store" => {
                match notice.at("why").is_null() {
                    true => drop(self.gone.remove("")),
                    false => drop(self.gone.insert(String::new(), said)),
                }
                vec![self.readers()]
            }
            "lay_there" | "failed" | "note" => vec![Event::Hint(said)],
            "question" => question(notice.at("question")).map(Update::Asked).and_then(|heard| about(notice, heard)).into_iter().collect(),
            "not_enrolled" => {
                let error = notice.at("error");
                let heard = Update::NotEnrolled(error.text("code").to_owned(), error.text("message").to_owned());
                about(notice, heard).into_iter().collect()
            }
            "enrollment" => entry(notice).into_iter().collect(),
            "away" => vec![Event::Delivery((notice.at("away") == true).then_some(said))],
            "stopped" => vec![Event::Delivery(Some(said))],
            "missed" => vec![Event::Gone, Event::Back],
            _ => Vec::new(),
        }
    }

    fn readers(&self) -> Event {
        let said: Vec<&str> = self.gone.values().map(String::as_str).collect();
        Event::Reader((!said.is_empty()).then(|| said.join("; ")))
    }
}

fn about(notice: &Value, heard: Update) -> Option<Event> {
    Some(Event::Update(notice.text("enrollment").parse().ok()?, heard))
}

/// What follows from the answer to an undo.
#[must_use]
pub fn undone(id: Uuid, answer: &Value) -> Event {
    let orders = answer.at("orders").as_array().into_iter().flatten();
    Event::Undone(id, orders.filter_map(|order| order.text("id").parse().ok()).collect())
}

/// What is heard of an entry.
#[must_use]
pub fn entry(notice: &Value) -> Option<Event> {
    let (id, seen) = seen(notice)?;
    Some(Event::Update(id, Update::Entry(Box::new(seen))))
}

/// An entry, with its key.
#[must_use]
pub fn seen(notice: &Value) -> Option<(Uuid, SeatEntry)> {
    let (entry, end) = (notice.at("entry"), notice.at("end"));
    let state: State = serde_json::from_value(entry.at("state").clone()).ok()?;
    let evidence = entry.at("evidence").as_array().into_iter().flatten().map(|evidence| evidence.text("what"));
    let seen = SeatEntry {
        state,
        user_id: entry.text("user_id").parse().ok(),
        card: card(entry),
        evidence: words::evidence(evidence),
        words: notice.text("words").to_owned(),
        description: entry.at("description").as_str().map(ToOwned::to_owned),
        saved_at: entry.text("saved_at").to_owned(),
        end: end.at("code").as_str().map(ToOwned::to_owned),
        is_undone: !entry.at("undone_by").is_null(),
        opens_nothing: entry.at("warnings").as_array().into_iter().flatten().any(|warning| warning == "no_access_level"),
        question: question(notice.at("question")),
    };
    Some((notice.text("enrollment").parse().ok()?, seen))
}

/// The last run of a list that this outbox knows of: its key, and what was given in it, each with the number of its row.
#[must_use]
pub fn earlier(outbox: &Value, rows: &[Row]) -> Option<(Uuid, Vec<(usize, Given)>)> {
    let run_of = |told: &Value| told.at("entry").at("roster").text("run").parse::<Uuid>().ok();
    let entries = outbox.at("entries").as_array()?;
    // The keys of runs grow with time.
    let last = entries.iter().filter_map(run_of).max()?;
    let known: HashMap<Uuid, &Row> = rows.iter().filter(|row| !row.user_id.is_nil()).map(|row| (row.user_id, row)).collect();
    let new: HashMap<usize, &Row> = rows.iter().filter(|row| row.user_id.is_nil()).map(|row| (row.number, row)).collect();
    let mut given = Vec::new();
    for told in entries.iter().filter(|told| run_of(told) == Some(last)) {
        let Some(row) = row_of(told.at("entry"), &known, &new) else { continue };
        given.extend(seen(told).map(|(id, seen)| (row.number, Given { id, seen, undo: Undo::No })));
    }
    Some((last, given))
}

/// Whoever was added by an entry of this outbox, each once for each entry.
#[must_use]
pub fn added(outbox: &Value) -> Vec<Person> {
    let person = |told: &Value| {
        let (entry, user) = (told.at("entry"), told.at("entry").at("new_user"));
        let text = |name: &str| user.text(name).to_owned();
        // Alone, its answer is the user's key; with a card, it is the entry's user.
        let id = entry.at("user_id").as_str().or(entry.at("value").as_str()).filter(|_| user.is_object())?;
        let (first_name, last_name, employee_number) = (text("first_name"), text("last_name"), text("employee_number"));
        Some(Person { user_id: id.parse().ok()?, first_name, last_name, employee_number, ..Person::default() })
    };
    outbox.at("entries").as_array().into_iter().flatten().filter_map(person).collect()
}

/// The same list, where whoever was added before is no new person; with how many they are. Rows in which a card was given in the run that
/// goes on stay as they are.
pub fn added_before(outbox: &Value, rows: &mut Rows, given: &[(usize, Given)]) -> usize {
    rows.were_added(&added(outbox), &given.iter().map(|(row, _)| *row).collect())
}

/// The row of the person to whom an entry gives a card. Somebody new is told by their row and name.
fn row_of<'r>(entry: &Value, known: &HashMap<Uuid, &'r Row>, new: &HashMap<usize, &'r Row>) -> Option<&'r Row> {
    let by_key = || known.get(&entry.text("user_id").parse().ok()?);
    let row = || new.get(&usize::try_from(entry.at("roster").at("row").as_u64()?).ok()?);
    let is_same = |row: &&&Row| entry.at("user").text("name") == row.name;
    by_key().or_else(|| row().filter(is_same)).copied()
}

fn card(entry: &Value) -> String {
    let card = entry.at("card");
    let number = card.at("card_number").as_u64().map(|number| number.to_string());
    let printed = card.at("printed").as_str().map(ToOwned::to_owned);
    words::card(card.at("facility_code").as_u64(), number.or(printed).as_deref(), card.at("format").as_str())
}

fn question(question: &Value) -> Option<Question> {
    let kind = match question.at("kind").as_str()? {
        "second_reading" => Asks::Card,
        "first_seen" => Asks::Print,
        "choose" => Asks::Choice,
        _ => Asks::YesOrNo,
    };
    let choices = question.at("choices").as_array().into_iter().flatten().filter_map(|choice| {
        let at = usize::try_from(choice.at("choice").as_u64()?).ok()?;
        Some((at, format!("{} ({})", choice.text("words"), choice.text("format"))))
    });
    Some(Question { number: question.at("id").as_u64()?, kind, words: question.text("words").to_owned(), choices: choices.collect() })
}
