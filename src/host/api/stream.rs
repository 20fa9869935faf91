//! Notices as they come, as server-sent events: the event's id is the notice's number.
//!
//! In: where a listener left off. Out: everything since, and then each notice as it is told. Never: a listener that holds anybody up;
//! what is not read stays in its connection, and one that was away too long is told so.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, PoisonError},
};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event as Sent, KeepAlive, Sse},
    },
};
use futures_util::stream::unfold;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Shared,
    body::{Asked, Failed},
};
use crate::{
    card::Reading,
    enroll::policy,
    host::{
        hosting::Control,
        notices::{Listener, NextNotice, Numbered},
    },
    reader::configured_name,
    station::{Ended, Event, Notice},
    views,
};

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    /// After the notice of this number; without it, from now on.
    after: Option<u64>,
    /// The listener wants this reader open, or all (`*`).
    reader: Option<String>,
    /// The listener wants to know which keys were typed, and not only how many.
    keys: bool,
}

pub(super) async fn notices(
    State(shared): State<Arc<Shared>>,
    Asked(wanted): Asked<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let after = last.or(wanted.after).unwrap_or_else(|| shared.notices.last());
    let listener = shared.notices.listen(after);
    if let Some(reader) = wanted.reader {
        let reader = Some(reader).filter(|reader| reader != "*");
        known(&shared, reader.as_deref())?;
        drop(shared.control.send(Control::Open(reader)));
    }
    Ok(Sse::new(unfold(Following { shared, listener, keys: wanted.keys, order: None, _leaves: None }, Following::next))
        .keep_alive(KeepAlive::default())
        .into_response())
}

/// The notices about one order and about readers, from the order on. Whoever hangs up before a card is taken has withdrawn it.
pub(super) fn order(shared: &Arc<Shared>, listener: Listener, id: Uuid, first: Vec<Value>) -> Response {
    let _leaves = Some(Leaves::of(shared, id));
    let following = Following { shared: shared.clone(), listener, keys: false, order: Some((id, first.into())), _leaves };
    Sse::new(unfold(following, Following::next)).keep_alive(KeepAlive::default()).into_response()
}

/// A reader that is asked for is one of the station's.
pub(super) fn known(shared: &Shared, reader: Option<&str>) -> Result<(), Failed> {
    let names: Vec<&str> = shared.site.config.readers.iter().map(|reader| reader.name.as_str()).collect();
    if names.is_empty() {
        let help = "configure a [[reader]], or give the card with --bits; `cardbridge readers` shows what is plugged in";
        return Err(Failed::usage("no_reader", "no reader is configured", help));
    }
    match reader {
        Some(reader) if !names.contains(&configured_name(reader)) => {
            Err(Failed::usage("unknown_reader", format!("no reader is named {reader:?}"), format!("the readers are {}", names.join(", "))))
        }
        _ => Ok(()),
    }
}

struct Following {
    shared: Arc<Shared>,
    listener: Listener,
    /// Which keys were typed is told.
    keys: bool,
    /// One order only, and what is said of it first.
    order: Option<(Uuid, VecDeque<Value>)>,
    _leaves: Option<Leaves>,
}

/// Withdraws an order once nobody listens to it any more.
struct Leaves {
    shared: Arc<Shared>,
    id: Uuid,
}

impl Leaves {
    fn of(shared: &Arc<Shared>, id: Uuid) -> Self {
        let mut following = shared.following.lock().unwrap_or_else(PoisonError::into_inner);
        *following.entry(id).or_default() += 1;
        Self { shared: shared.clone(), id }
    }
}

impl Drop for Leaves {
    fn drop(&mut self) {
        let mut following = self.shared.following.lock().unwrap_or_else(PoisonError::into_inner);
        let left = following.get(&self.id).map_or(0, |count| count.saturating_sub(1));
        if left > 0 {
            following.insert(self.id, left);
        } else {
            following.remove(&self.id);
            drop(self.shared.post.send(Event::Withdraw(self.id)));
        }
    }
}

impl Following {
    async fn next(mut self) -> Option<(Result<Sent, Infallible>, Self)> {
        if let Some(first) = self.order.as_mut().and_then(|(_, first)| first.pop_front()) {
            return Some((Ok(Sent::default().data(first.to_string())), self));
        }
        loop {
            let sent = match self.listener.next().await? {
                NextNotice::Missed(count) => Sent::default().data(json!({"kind": "missed", "count": count}).to_string()),
                NextNotice::Notice(numbered) if self.is_wanted(&numbered.notice) => {
                    Sent::default().id(numbered.number.to_string()).data(said(&self.shared, &numbered, self.keys).to_string())
                }
                NextNotice::Notice(_) => continue,
            };
            return Some((Ok(sent), self));
        }
    }

    fn is_wanted(&self, notice: &Notice) -> bool {
        self.order.as_ref().is_none_or(|(id, _)| notice.order().is_none_or(|about| about == *id))
    }
}

/// Explains a card that reads wrong, unless that was done by its print.
fn explain(shared: &Shared, reading: &mut Reading) {
    if reading.suggestions.is_empty() {
        policy::explain(reading, &shared.site.catalog, &shared.site.config.policy, None);
    }
}

/// A notice as JSON. A card that reads wrong is explained to whoever listens, and to nobody else; which keys were typed is told to
/// whoever asks for it.
pub(super) fn said(shared: &Shared, numbered: &Numbered, keys: bool) -> Value {
    let policy = &shared.site.config.policy;
    let mut json = match &numbered.notice {
        Notice::Read(reading) if keys && reading.is_typed() => views::notice::reading_with_keys(reading),
        Notice::Read(reading) => {
            let mut reading = reading.clone();
            explain(shared, &mut reading);
            views::notice::json(&Notice::Read(reading), policy)
        }
        Notice::NotEnrolled(order, ended) => {
            let mut ended = ended.clone();
            if let Ended::Refused(reading, _) = &mut *ended {
                explain(shared, reading);
            }
            views::notice::json(&Notice::NotEnrolled(*order, ended), policy)
        }
        notice => views::notice::json(notice, policy),
    };
    if let Some(members) = json.as_object_mut() {
        members.insert("number".to_owned(), numbered.number.into());
    }
    json
}
