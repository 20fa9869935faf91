//! What a look at the user's cards shows about an entry.
//!
//! In: the entry with what was sent, the cards that are shown, and whether BluSKY has had the time to show it. Out: the step that is
//! written down. Never: "not there" of what may not be shown yet, or may be there and cannot be read.

use super::{Entry, ReadBack, State};
use crate::access::{Operation, Sameness, StoredCard};

impl ReadBack {
    /// The card among the user's: by the key BluSKY gave, else by what was sent; compared with what was sent. Until BluSKY has had the
    /// time to show it, what is not there proves nothing.
    #[must_use]
    pub fn of(entry: &Entry, sent: &Operation, cards: Vec<StoredCard>, too_early: bool) -> Self {
        let key = entry.progress().told.value;
        let by_key = |card: &&StoredCard| key.is_some() && card.user_card_id == key && !card.deleted;
        let is = |sameness: Sameness| cards.iter().find(|card| card.is(sent) == sameness);
        let (known, open) = (cards.iter().find(by_key).or_else(|| is(Sameness::TheOne)), is(Sameness::CannotBeTold));
        if matches!(entry.operation, Operation::RemoveUserCard(_)) {
            return match known {
                Some(_) if too_early => Self::NotYet { why: "BluSKY still shows the card".to_owned() },
                Some(card) => Self::Found(Box::new(card.clone())),
                None if open.is_some() => Self::CannotTell,
                // Lists that are behind show what was, and not what will be.
                None => Self::NotFound,
            };
        }
        match known.map(|card| card.clone().compare(sent)) {
            Some(Ok(card)) if too_early && !entry.is_done(&card) && entry.progress().state == State::InDoubt => {
                Self::NotYet { why: "BluSKY does not show the change yet".to_owned() }
            }
            Some(Ok(card)) => Self::Found(Box::new(card)),
            Some(Err(error)) => Self::Failed { why: error.to_string() },
            None if too_early => Self::NotYet { why: "BluSKY does not show the card as the user's, or not yet".to_owned() },
            None if open.is_some() => Self::CannotTell,
            None => Self::NotFound,
        }
    }
}
