//! What lies at a reader: the same card again while it lies there is one presentation.
//!
//! In: what was read, and when. Out: the presentations that are new, and a deadline. Several cards may lie there, which a
//! reader reads in turn. A damaged frame is held back for a while: of a card that lies there it says nothing, and before a
//! whole one it was the same card. Never: a clock; time is told.

use chrono::{DateTime, Utc};
use std::time::Duration;

use crate::card::{Csn, Kind, Numbers, PacsBits, Presentation, SHOWN_BEFORE};

/// No more cards than this lie at one reader.
const MOST_CARDS: usize = 8;

/// What a frame was, after what lies at its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// A card that did not lie there, or a key.
    New(Presentation),
    /// A card that lies there, read once more.
    Again(Presentation),
    /// Nothing new.
    Nothing,
}

/// What tells a card from others: what it handed over. Where nothing was understood, only the same bytes are the same card.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Card {
    kind: Kind,
    bits: Option<PacsBits>,
    csn: Option<Csn>,
    numbers: Option<Numbers>,
    raw: Option<String>,
}

impl Card {
    fn of(shown: &Presentation) -> Self {
        let Presentation { kind, bits, csn, numbers, raw, .. } = shown;
        let is_understood = bits.is_some() || csn.is_some() || numbers.is_some();
        let raw = (!is_understood).then(|| raw.clone());
        Self { kind: *kind, bits: *bits, csn: csn.clone(), numbers: numbers.clone(), raw }
    }
}

/// What lies at one reader.
#[derive(Debug, Clone)]
pub struct Lying {
    card_left: Duration,
    hold_back: Duration,
    /// The cards, and when each was read last; the one that came last at the end.
    cards: Vec<(Card, DateTime<Utc>)>,
    /// The card that was shown last, whether it lies there or the reader holds it in its memory.
    last: Option<Card>,
    /// A damaged frame, and when it is to be said.
    damaged: Option<(Presentation, DateTime<Utc>)>,
    /// When a damaged frame was said, or came again since.
    damage_told: Option<DateTime<Utc>>,
}

impl Lying {
    /// Nothing lies there. A card that is not read for so long has left.
    #[must_use]
    pub const fn new(card_left: Duration) -> Self {
        Self { card_left, hold_back: card_left, cards: Vec::new(), last: None, damaged: None, damage_told: None }
    }

    /// From now on a damaged frame is said at once.
    pub const fn hold_nothing_back(&mut self) {
        self.hold_back = Duration::ZERO;
    }

    /// Time passed: a damaged frame after which no whole one came is said.
    pub fn let_time_pass(&mut self, now: DateTime<Utc>) -> Option<Presentation> {
        // A clock that was set back makes nobody wait.
        let is_due = |since: DateTime<Utc>| now >= since || now + self.hold_back < since;
        let (damaged, _) = self.damaged.take_if(|(_, due)| is_due(*due))?;
        Some(self.tell_damage(damaged, now))
    }

    /// When to come back.
    #[must_use]
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        self.damaged.as_ref().map(|(_, due)| *due)
    }

    /// A card was read, or a key. `is_held`: the reader holds it in its memory, and nobody shows it now.
    pub fn shown(&mut self, mut shown: Presentation, is_held: bool, now: DateTime<Utc>) -> Sight {
        shown.at = Some(now);
        let card_left = self.card_left;
        let is_there = |at: DateTime<Utc>| now >= at && now < at + card_left;
        self.cards.retain(|(_, at)| is_there(*at));
        if shown.kind == Kind::Key {
            return Sight::New(shown);
        }
        if shown.damage.is_some() {
            return self.damaged(shown, is_there, now);
        }
        self.damaged = None;
        if is_held {
            return self.held(shown);
        }
        let shown_card = Card::of(&shown);
        self.last = Some(shown_card.clone());
        if let Some((_, at)) = self.cards.iter_mut().find(|(card, _)| *card == shown_card) {
            *at = now;
            return Sight::Again(shown);
        }
        if self.cards.len() == MOST_CARDS {
            self.cards.remove(0);
        }
        self.cards.push((shown_card, now));
        Sight::New(shown)
    }

    /// While a card lies there a damaged frame is of that card, and no reason to count it anew.
    fn damaged(&mut self, shown: Presentation, is_there: impl Fn(DateTime<Utc>) -> bool, now: DateTime<Utc>) -> Sight {
        if !self.cards.is_empty() || self.damaged.is_some() {
            return Sight::Nothing;
        }
        if self.damage_told.is_some_and(is_there) {
            self.damage_told = Some(now);
            return Sight::Nothing;
        }
        if self.hold_back.is_zero() {
            return Sight::New(self.tell_damage(shown, now));
        }
        self.damaged = Some((shown, now + self.hold_back));
        Sight::Nothing
    }

    fn tell_damage(&mut self, damaged: Presentation, now: DateTime<Utc>) -> Presentation {
        self.damage_told = Some(now);
        damaged
    }

    /// A card in the reader's memory does not lie there: shown anew, it is a card.
    fn held(&mut self, mut shown: Presentation) -> Sight {
        let card = Card::of(&shown);
        if self.last.as_ref() == Some(&card) {
            return Sight::Nothing;
        }
        self.cards.clear();
        shown.warnings.push(SHOWN_BEFORE.to_owned());
        self.last = Some(card);
        Sight::New(shown)
    }
}
