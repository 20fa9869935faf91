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
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
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
    views::notice::{self, NoticeJson},
};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct NoticesFrom {
    /// After the notice of this number; without it, from now on.
    after: Option<u64>,
    /// Have this reader open, or all (`*`).
    reader: Option<String>,
    /// Tell which keys were typed on a keypad, and not only how many: they may be somebody's PIN.
    keys: bool,
    /// A key by which orders belong to this listener: once it has gone, they are withdrawn; what is saved stays.
    listener: Option<Uuid>,
}

/// Everything that is told, as server-sent events without end; an event's id is the notice's number.
#[utoipa::path(
    get,
    path = "/v1/notices",
    params(NoticesFrom, ("Last-Event-ID" = Option<String>, Header, description = "Goes on after the notice of this number")),
    responses((status = 200, description = "Notices", body = NoticeJson, content_type = "text/event-stream"))
)]
pub(super) async fn notices(
    State(shared): State<Arc<Shared>>,
    Asked(wanted): Asked<NoticesFrom>,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let wrong = |_| Failed::usage("last_event_id", "Last-Event-ID is no number of a notice", "send the id of the event that came last");
    let last = headers.get("last-event-id").filter(|id| !id.is_empty());
    let last = last.map(|id| id.to_str().unwrap_or_default().parse::<u64>().map_err(wrong)).transpose()?;
    let after = last.or(wanted.after).unwrap_or_else(|| shared.notices.last());
    let listener = shared.notices.listen(after);
    if let Some(reader) = wanted.reader {
        let reader = Some(reader).filter(|reader| reader != "*");
        known(&shared, reader.as_deref())?;
        drop(shared.control.send(Control::Open(reader)));
    }
    let _leaves = wanted.listener.map(|whose| Leaves::begin(&shared, Whose::Listener(whose)));
    Ok(Sse::new(unfold(Following { shared, listener, keys: wanted.keys, order: None, _leaves }, Following::next))
        .keep_alive(KeepAlive::default())
        .into_response())
}

/// The notices about one order and about readers, from the order on. Whoever hangs up before a card is taken has withdrawn it.
pub(super) fn order(shared: &Arc<Shared>, listener: Listener, id: Uuid, first: Vec<Value>) -> Response {
    let _leaves = Some(Leaves::begin(shared, Whose::Order(id)));
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

/// Somebody listens by this key.
pub(super) fn listens(shared: &Shared, whose: Uuid) -> Result<(), Failed> {
    let listening = shared.listening.lock().unwrap_or_else(PoisonError::into_inner);
    listening.contains_key(&whose).then_some(()).ok_or_else(nobody_listens)
}

/// The order, which was taken, belongs to this listener; where the listener has gone meanwhile, it is withdrawn.
pub(super) fn belongs(shared: &Shared, whose: Uuid, id: Uuid) -> Result<(), Failed> {
    let mut listening = shared.listening.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(listener) = listening.get_mut(&whose) else {
        shared.post(Event::Withdraw(id))?;
        return Err(nobody_listens());
    };
    listener.orders.push(id);
    Ok(())
}

fn nobody_listens() -> Failed {
    Failed::usage("listener", "nobody listens by this key", "listen first: GET /v1/notices?listener=KEY")
}

/// The connections that listen by one key, and the orders that belong to them: one that is broken off and one that was begun in its
/// place are there at once for a while.
#[derive(Debug, Default)]
pub(super) struct Listening {
    connections: usize,
    orders: Vec<Uuid>,
}

/// Withdraws orders once nobody listens to them any more.
struct Leaves {
    shared: Arc<Shared>,
    whose: Whose,
}

/// Whose orders they are.
#[derive(Debug, Clone, Copy)]
enum Whose {
    /// One order's, which any number may listen to.
    Order(Uuid),
    /// All that belong to one listener.
    Listener(Uuid),
}

impl Leaves {
    fn begin(shared: &Arc<Shared>, whose: Whose) -> Self {
        match whose {
            Whose::Order(id) => *shared.following.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default() += 1,
            Whose::Listener(key) => {
                shared.listening.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().connections += 1;
            }
        }
        Self { shared: shared.clone(), whose }
    }

    /// True where nobody else listens to that order.
    fn is_last(&self, id: Uuid) -> bool {
        let mut following = self.shared.following.lock().unwrap_or_else(PoisonError::into_inner);
        let left = following.get(&id).map_or(0, |count| count.saturating_sub(1));
        if left > 0 {
            following.insert(id, left)
        } else {
            following.remove(&id)
        };
        left == 0
    }

    /// The orders of a listener, where this was its last connection.
    fn left_by(&self, key: Uuid) -> Vec<Uuid> {
        let mut listening = self.shared.listening.lock().unwrap_or_else(PoisonError::into_inner);
        match listening.get_mut(&key) {
            Some(others) if others.connections > 1 => {
                others.connections -= 1;
                Vec::new()
            }
            _ => listening.remove(&key).unwrap_or_default().orders,
        }
    }
}

impl Drop for Leaves {
    fn drop(&mut self) {
        let left: Vec<Uuid> = match self.whose {
            Whose::Order(id) => self.is_last(id).then_some(id).into_iter().collect(),
            Whose::Listener(key) => self.left_by(key),
        };
        left.into_iter().for_each(|id| drop(self.shared.post.send(Event::Withdraw(id))));
    }
}

impl Following {
    async fn next(mut self) -> Option<(Result<Sent, Infallible>, Self)> {
        if let Some(first) = self.order.as_mut().and_then(|(_, first)| first.pop_front()) {
            return Some((Ok(Sent::default().data(first.to_string())), self));
        }
        loop {
            let sent = match self.listener.next().await? {
                NextNotice::Missed(count) => Sent::default().data(notice::missed(count).to_string()),
                NextNotice::Notice(numbered) if self.is_wanted(&numbered.notice) => {
                    Sent::default().id(numbered.number.to_string()).data(said(&self.shared, &numbered, self.keys, |notice| notice.line()))
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

/// A notice, shown as JSON. A card that reads wrong is explained to whoever listens, and to nobody else; which keys were typed is told
/// to whoever asks for it.
pub(super) fn said<T>(shared: &Shared, numbered: &Numbered, keys: bool, show: impl FnOnce(&NoticeJson<'_>) -> T) -> T {
    let number = Some(numbered.number);
    if let Notice::Read(reading) = &numbered.notice
        && keys
        && reading.is_typed()
    {
        return show(&NoticeJson::of_reading_with_keys(reading, number));
    }
    let show = |notice: &Notice| show(&NoticeJson::of(notice, number, &shared.site.config.policy));
    match &numbered.notice {
        Notice::Read(reading) => {
            let mut reading = reading.clone();
            explain(shared, &mut reading);
            show(&Notice::Read(reading))
        }
        Notice::NotEnrolled(order, ended) => {
            let mut ended = ended.clone();
            if let Ended::Refused(reading, _) = &mut *ended {
                explain(shared, reading);
            }
            show(&Notice::NotEnrolled(*order, ended))
        }
        notice => show(notice),
    }
}
