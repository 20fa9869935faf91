//! People who have their turn one after the other, in a rush: a card that was shown for one of them is nobody else's unasked.
//!
//! In: cards that somebody of a roster got. Out: what is in their way. Never: a card given to the next one because it still lies there.

use super::{desks::Desk, *};
use crate::outbox::Given;

/// What was shown for longer ago than this is forgotten.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

/// The cards that were shown in each run, and for whom they were shown last.
#[derive(Default)]
pub(super) struct Rosters(HashMap<(Uuid, String), ShownFor>);

struct ShownFor {
    /// The user, or of a new one the row.
    user: Uuid,
    row: usize,
    name: Option<String>,
    at: DateTime<Utc>,
}

impl Station {
    /// Notes for whom a card is shown; whoever else it was shown for in the same run, unless a person has said that this is meant.
    pub(super) fn shown_for_another(&mut self, desk: &Desk, reading: &Reading, now: Now) -> Option<InTheWay> {
        let (row, card) = (desk.order.roster.as_ref()?, reading.presentation.identity()?);
        let shown = &mut self.rosters.0;
        let key = (row.run, card);
        shown.retain(|_, shown| now.steady - shown.at < REMEMBERED);
        let is_same = |other: &ShownFor| other.row == row.row || (other.user == desk.order.user_id && !other.user.is_nil());
        let other = shown.get(&key).filter(|other| !is_same(other) && !desk.order.same_card);
        if let Some(other) = other {
            let words = reading.chosen().map(|fit| fit.credential.words());
            let seconds = (now.steady - other.at).num_seconds().max(0);
            let given = Given { entry: Uuid::nil(), user: other.user, name: other.name.clone(), card: words, seconds };
            return Some(InTheWay::Shown(given));
        }
        let name = desk.person();
        shown.insert(key, ShownFor { user: desk.order.user_id, row: row.row, name, at: now.steady });
        None
    }

    /// For how long after it was last seen the card of this entry is nobody else's unasked: in a roster, since its run began.
    pub(super) fn same_card_within(&self, entry: &Entry, now: Now) -> Option<TimeDelta> {
        let site = self.setup.policy.same_card.and_then(|within| TimeDelta::from_std(within).ok());
        let run = entry.origin.roster.as_ref().and_then(|row| row.began()).map(|began| now.wall - began);
        site.max(run)
    }
}
