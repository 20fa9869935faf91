//! Another card, where something is asked about the one before: the question is void, and it all begins anew with the card that was shown
//! last. So what is asked, and what a person says to it, is always about the card in their hand.
//!
//! In: cards shown while something is asked, cards of which nothing became. Out: an order as it came, which looks at the new card or waits
//! for the next one. Never: an answer about one card taken for another.

use super::{
    desks::{Desk, Got, ShownCard, State},
    *,
};
use crate::{card::Verdict, enroll::evidence::Word};

impl Station {
    /// The place of whoever is asked about another card than this one.
    pub(super) fn asked_about_another(&self, presentation: &Presentation, came: u64) -> Option<usize> {
        let reader = presentation.reader.as_deref()?;
        let is_shown = |desk: &Desk| !presentation.was_shown_before() && came > desk.since;
        self.desks.iter().position(|desk| is_shown(desk) && self.is_asked_about_another(desk, presentation, reader))
    }

    fn is_asked_about_another(&self, desk: &Desk, presentation: &Presentation, reader: &str) -> bool {
        let State::Asked(Got::Card(shown), _) = &desk.state else { return false };
        // Of a card that was not read whole nobody can say that it is another one.
        let is_whole = || desk.order.roster.is_some() || self.setup.catalog.read(presentation.clone()).verdict != Verdict::Damaged;
        shown.presentation.identity() != presentation.identity() && stands_at(desk, shown, reader) && is_whole()
    }

    /// True while somebody stands at this reader with the card about which they are asked: the same card again is theirs alone.
    pub(super) fn is_asked_at(&self, reader: &str) -> bool {
        let stands = |desk: &Desk| matches!(&desk.state, State::Asked(Got::Card(shown), _) if stands_at(desk, shown, reader));
        self.desks.iter().any(stands)
    }

    /// Another card voids what was asked about the one before; what was said about that one is forgotten.
    pub(super) fn begin_anew(&mut self, at: usize, presentation: Presentation, turn: &mut Turn) {
        if let Some(desk) = self.desks.remove(at) {
            let (person, ready) = (desk.person(), self.can_hold(&desk));
            turn.tell(Notice::Waiting { order: desk.id, person, ahead: 0, first: None, ready });
            self.consider(as_it_came(desk), ShownCard::first(presentation, true), true, turn);
        }
    }

    /// Nothing became of the card that was shown: the next one is waited for.
    pub(super) fn wait_on(&mut self, desk: Desk, turn: &mut Turn) {
        self.desks.push_front(Desk { since: self.happened, ahead: None, state: State::Waits, ..as_it_came(desk) });
        self.tell_places(turn);
    }

    /// The card was not read whole, and is waited for once more.
    pub(super) fn show_again(&mut self, desk: Desk, reading: &Reading, turn: &mut Turn) {
        if let Some(reader) = reading.presentation.reader.as_deref() {
            self.signal(&reader.into(), Signal::Refused, turn);
        }
        self.wait_on(desk, turn);
    }

    /// True where a reader is there to which somebody can hold their card now.
    pub(super) fn can_hold(&self, desk: &Desk) -> bool {
        self.up.iter().any(|name| desk.wants(name) && !self.opening.contains_key(name))
    }
}

/// True where whoever is asked about their card stands at this reader with it. At another reader somebody else may stand, and whoever was
/// sent to the front desk stands at none; whoever is of a list, at all of theirs.
fn stands_at(desk: &Desk, shown: &ShownCard, reader: &str) -> bool {
    let is_there = !desk.has_left && shown.at_reader && shown.presentation.reader.as_deref() == Some(reader);
    if desk.order.roster.is_some() { desk.wants(reader) } else { is_there }
}

/// An order without what was said about a card.
fn as_it_came(desk: Desk) -> Desk {
    let order = (*desk.came_as).clone();
    let word = if order.confirmed { Word::Confirmed } else { Word::None };
    Desk { order, word, supersedes: None, keeps: None, ..desk }
}
