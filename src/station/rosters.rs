//! People who have their turn one after the other, in a rush: a card that was shown for one of them is nobody else's unasked, and another
//! card answers what was asked about the one before.
//!
//! In: cards that somebody of a roster got. Out: what is in their way. Never: a card given to the next one because it still lies there.

use super::{
    desks::{Desk, Got, Shown, State},
    *,
};
use crate::{enroll::evidence::Word, outbox::Given};

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
        let name = desk.order.person.as_ref().map(|person| person.name.clone());
        shown.insert(key, ShownFor { user: desk.order.user_id, row: row.row, name, at: now.steady });
        None
    }

    /// The place of whoever goes through a roster and is asked about another card than this one.
    pub(super) fn asked_about_another(&self, presentation: &Presentation, came: u64) -> Option<usize> {
        let reader = presentation.reader.as_deref()?;
        let is_other = |desk: &Desk| match &desk.state {
            State::Asked(Got::Card(shown), _) => shown.presentation.identity() != presentation.identity(),
            State::Asked(Got::Existing(_), _) | State::Waits | State::Saving(_) => false,
        };
        let is_shown = |desk: &Desk| !presentation.was_shown_before() && came > desk.since;
        self.desks.iter().position(|desk| desk.came_as.is_some() && desk.wants(reader) && is_other(desk) && is_shown(desk))
    }

    /// Another card answers what was asked about the one before; what was said about that one is forgotten.
    pub(super) fn begin_anew(&mut self, at: usize, presentation: Presentation, turn: &mut Turn) {
        if let Some(desk) = self.desks.remove(at) {
            self.consider(as_it_came(desk), Shown::first(presentation, true), true, turn);
        }
    }

    /// Nothing became of the card that was shown: the next one is waited for.
    pub(super) fn wait_on(&mut self, desk: Desk, turn: &mut Turn) {
        self.desks.push_front(Desk { since: self.happened, ahead: None, state: State::Waits, ..as_it_came(desk) });
        self.tell_places(turn);
    }

    /// For how long after it was last seen the card of this entry is nobody else's unasked: in a roster, since its run began.
    pub(super) fn same_card_within(&self, entry: &Entry, now: Now) -> Option<TimeDelta> {
        let site = self.setup.policy.same_card.and_then(|within| TimeDelta::from_std(within).ok());
        let run = entry.origin.roster.as_ref().and_then(|row| row.began()).map(|began| now.wall - began);
        site.max(run)
    }
}

/// An order without what was said about a card.
fn as_it_came(mut desk: Desk) -> Desk {
    if let Some(order) = &desk.came_as {
        desk.order = (**order).clone();
    }
    desk.word = if desk.order.confirmed { Word::Confirmed } else { Word::None };
    (desk.supersedes, desk.keeps) = (None, None);
    desk
}
