//! Who gets a card, and what becomes of it: a reading for people, an enrollment, or a card handed over.
//!
//! In: a presentation. Out: effects. Never: a card for somebody who asked after it was shown.

use super::*;

impl Station {
    /// A literal, or a card of a capture, for whoever waits.
    pub(super) fn given(&mut self, presentation: Presentation, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let taker = self.takers.pop_front().map(|(taker, _)| taker);
        self.read(presentation, taker, false, now, effects);
    }

    /// A card at a reader, which came after so much had happened, for the first who has waited for it since before.
    pub(super) fn presented(&mut self, presentation: Presentation, came: u64, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let reader = presentation.reader.clone();
        let here = |wanted: &String| reader.as_deref().is_some_and(|device| device == wanted || is_device_of(device, wanted));
        let wants = |(taker, _): &(Taker, u64)| taker.reader.as_ref().is_none_or(here);
        // Whoever waits for a card waits for one that is shown after that, and not for a key.
        let is_card = presentation.kind != Kind::Key;
        let is_shown = |(_, since): &(Taker, u64)| !presentation.was_shown_before() && came > *since;
        let waiting = self.takers.iter().position(|taker| is_card && wants(taker));
        let taker = waiting.and_then(|_| self.takers.iter().position(|taker| wants(taker) && is_shown(taker)));
        let taker = taker.filter(|_| is_card).and_then(|at| self.takers.remove(at)).map(|(taker, _)| taker);
        if let (Some(_), None, Some(reader)) = (waiting, &taker, &reader) {
            effects.push(Effect::Tell(Notice::LayThere(reader.as_str().into())));
        }
        if let Some(card) = presentation.identity().filter(|_| taker.is_none() && is_card && reader.is_some()) {
            effects.push(Effect::Seen(card, now));
        }
        self.read(presentation, taker, true, now, effects);
    }

    /// Every format's verdict on a card, the site's choice, and what it was wanted for.
    fn read(&mut self, presentation: Presentation, taker: Option<Taker>, at_reader: bool, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let mut reading = self.catalog.read(presentation);
        let hints = taker.as_ref().map(hints).unwrap_or_default();
        policy::choose(&mut reading, &self.policy, &hints);
        if hints.printed.is_some() {
            policy::explain(&mut reading, &self.catalog, &self.policy, hints.printed.as_deref());
        }
        effects.push(Effect::Tell(Notice::Read(Box::new(reading.clone()))));
        match taker.map(|taker| (taker.id, taker.purpose)) {
            Some((_, Purpose::Enroll(id, order, reassign))) => self.enroll(id, reading, &order, reassign, at_reader, now, effects),
            Some((id, Purpose::HandOver)) => effects.push(Effect::HandOver(id, Box::new(reading.presentation))),
            None => {}
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one card, one order, one moment")]
    fn enroll(
        &mut self,
        id: Uuid,
        reading: Reading,
        order: &Order,
        reassign: Reassign,
        at_reader: bool,
        now: DateTime<Utc>,
        effects: &mut Vec<Effect>,
    ) {
        let reader: Option<ReaderName> = reading.presentation.reader.as_deref().map(Into::into);
        match enrollment::add_user_card(&reading, order, &self.policy, self.width) {
            Ok(call) => {
                let card = reading.presentation.identity().filter(|_| at_reader);
                let source = reader.as_ref().zip(card).map(|(reader, card)| Source { reader: reader.to_string(), card, seen_at: now });
                let within = self.policy.same_card.filter(|_| !order.same_card && source.is_some());
                let operation = Operation::AddUserCard(call);
                let format = reading.chosen().and_then(|fit| self.catalog.find(&fit.format));
                let origin = Origin::of_reading(order, &reading, format.map_or("", |format| &format.digest));
                let entry = Entry { source, origin, ..Entry::of(id, now, operation, reassign) };
                self.entries.insert(entry.id, reader);
                effects.push(Effect::Save(Box::new(entry), within.and_then(|within| TimeDelta::from_std(within).ok())));
            }
            Err(refused) => {
                if let Some(reader) = reader {
                    self.signal(&reader, Signal::Refused, now, effects);
                }
                effects.push(Effect::Tell(Notice::NotEnrolled(Box::new(reading), refused)));
            }
        }
    }
}

fn hints(taker: &Taker) -> Hints {
    match &taker.purpose {
        Purpose::Enroll(_, order, _) => Hints { card_type: order.card_type, printed: order.printed.clone() },
        Purpose::HandOver => Hints::default(),
    }
}
