//! What an order is about. A key belongs to one order: what comes under it again is that order, or is refused.
//!
//! In: a request. Out: whether something else was ordered here under its key and has not come to its end; what is saved, the store knows.
//! Never: more in memory of an order than a hash.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{
    Station,
    event::{Request, What, WhichCard},
};
use crate::access::Operation;

/// A hash of what is ordered, for whom: two orders with one key and the same hash are the same order.
pub(super) type About = u64;

/// What an order is about. How long it waits, at which reader, and what a person says beside it may change when it comes again.
pub(super) fn about(what: &What) -> About {
    let (operation, user, card) = match what {
        What::Call { operation, .. } => (Some(operation.as_ref()), None, None),
        What::Enroll { order, card, .. } => {
            let new_user = order.before.as_deref().filter(|first| matches!(first, Operation::AddUser(_)));
            (new_user, Some(order.user_id), Some(card))
        }
    };
    let operation = operation.cloned().map(|mut operation| {
        operation.take_secret();
        operation
    });
    let (shown, existing) = match card {
        Some(WhichCard::Named(card) | WhichCard::Captured(card, _)) => (Some(card), None),
        Some(WhichCard::Existing(card)) => (None, Some(card)),
        Some(WhichCard::Shown { .. }) | None => (None, None),
    };
    let mut hasher = DefaultHasher::new();
    // What cannot be written is no order: it was read from the same text.
    serde_json::to_string(&(operation, user, shown, existing)).unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}

impl Station {
    /// True where something else was ordered here under the key of this request, and has not come to its end.
    #[must_use]
    pub fn knows_another(&self, request: &Request) -> bool {
        let at_desk = self.desks.iter().find(|desk| desk.id == request.id).map(|desk| desk.about);
        at_desk.or_else(|| self.sending.order(request.id)?.about).is_some_and(|known| known != about(&request.what))
    }
}
