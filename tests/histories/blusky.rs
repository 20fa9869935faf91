//! The reference model of BluSKY: cards and who holds them, requests that are still on their way, and lists that are behind.
//!
//! In: requests, each with when it arrives and from when on its effect is shown. Out: what is answered and shown; and the whole truth,
//! which no station sees. Never: a rule of the station's.

use cardbridge::access::{
    Operation, Outcome, StoredCard, Told,
    shown::{Is, Shown},
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// The true time, which no clock that is set changes.
pub type True = DateTime<Utc>;

/// A call on its way.
#[derive(Debug, Clone)]
pub struct Request {
    /// The entry, and how many decisions of people it had seen.
    pub entry: (Uuid, usize),
    pub operation: Operation,
    pub arrives: True,
    pub shown_from: True,
    /// True where the wish to take a card is older than two minutes by the time it is sent, and when it was made.
    pub wish: (bool, True),
}

/// An assignment that was made.
#[derive(Debug, Clone)]
pub struct Made {
    pub entry: Option<(Uuid, usize)>,
    pub user: Uuid,
    pub card: Option<u64>,
    pub at: True,
    pub shown_from: True,
    pub key: Uuid,
    pub operation: Operation,
    pub is_gone: bool,
}

/// BluSKY.
#[derive(Debug, Default)]
pub struct Blusky {
    /// It gives a card that somebody holds to another one too.
    pub allows_double: bool,
    pub made: Vec<Made>,
    pub on_the_way: Vec<Request>,
    /// What must never be.
    pub broken: Vec<String>,
}

impl Blusky {
    /// Whatever arrives by now, in the order it arrives.
    pub fn until(&mut self, now: True) {
        self.on_the_way.sort_by_key(|request| request.arrives);
        while self.on_the_way.first().is_some_and(|request| request.arrives <= now) {
            let request = self.on_the_way.remove(0);
            self.takes(request);
        }
    }

    /// Carries out what arrives, and says what it answers.
    pub fn takes(&mut self, request: Request) -> Outcome {
        let card = request.operation.card();
        let is_held = self.holders(card).next().is_some();
        let takes = request.operation.takes_from_its_holder();
        if is_held && !takes && !self.allows_double {
            let description = Some("Card Already Assigned : 1 Lovelace, Ada".to_owned());
            return Outcome::Refused(Told { result_code: Some(5), description, ..Told::default() });
        }
        let (is_stale, wished) = request.wish;
        if takes && is_stale && self.holders(card).any(|made| made.at > wished && made.entry.map(|(id, _)| id) != Some(request.entry.0)) {
            self.broken.push(format!("a stale wish took a card: {}", request.entry.0));
        }
        // Where a held card is given again, one that another call has taken away meanwhile is given again too.
        let counts = |made: &Made| made.entry == Some(request.entry) && !(self.allows_double && made.is_gone);
        if self.made.iter().any(counts) {
            self.broken.push(format!("one enrollment, two assignments: {}", request.entry.0));
        }
        let value = self.gives(Some(request.entry), request.operation, (request.arrives, request.shown_from.max(request.arrives)));
        Outcome::Accepted(Told { result_code: Some(0), value: Some(value), ..Told::default() })
    }

    /// A card changes hands.
    pub fn gives(&mut self, entry: Option<(Uuid, usize)>, operation: Operation, (at, shown_from): (True, True)) -> Uuid {
        let (card, key) = (operation.card(), Uuid::from_u128(1 + self.made.len() as u128));
        if !self.allows_double || operation.takes_from_its_holder() {
            self.made.iter_mut().filter(|made| made.card == card).for_each(|made| made.is_gone = true);
        }
        let user = operation.user().unwrap();
        self.made.push(Made { entry, user, card, at, shown_from, key, operation, is_gone: false });
        key
    }

    fn holders(&self, card: Option<u64>) -> impl Iterator<Item = &Made> {
        self.made.iter().filter(move |made| made.card == card && !made.is_gone)
    }

    /// True where this user holds the card, or may yet be given it by something on its way.
    pub fn is_there(&self, entry: Uuid, card: Option<u64>, user: Uuid) -> bool {
        self.holders(card).any(|made| made.user == user) || self.on_the_way.iter().any(|request| request.entry.0 == entry)
    }

    /// A user's cards as far as they are shown yet; with `nulls`, facility codes cannot be read.
    pub fn shows(&self, user: Uuid, nulls: bool, now: True) -> Vec<StoredCard> {
        let theirs = self.made.iter().filter(|made| made.user == user && !made.is_gone && made.shown_from <= now);
        theirs.map(|made| stored(made, nulls)).collect()
    }
}

fn stored(made: &Made, nulls: bool) -> StoredCard {
    let members = made.operation.leaves().unwrap();
    let keys = ["user_card_id", "card_id"].map(|name| (name, Is::Text(made.key.to_string())));
    let is = |name: &str, value: &Value| if nulls && name == "facility_code" { Is::Empty } else { is(value) };
    StoredCard::of(Shown::of(members.iter().map(|(name, value)| (name.as_str(), is(name, value))).chain(keys)), Value::Null)
}

fn is(value: &Value) -> Is {
    match value {
        Value::String(text) => Is::Text(text.clone()),
        Value::Bool(flag) => Is::Flag(*flag),
        Value::Number(number) => number.as_i64().map_or(Is::Unreadable, Is::Number),
        Value::Null => Is::Empty,
        Value::Array(_) | Value::Object(_) => Is::Unreadable,
    }
}
