//! What happens at readers, up to a card: each reader's line, conversation or OSDP desk, and which card lies there.
//!
//! In: a reader's event. Out: commands to it, notices, and presentations, handed on to whoever waits. Never: a device.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;

impl Station {
    pub(super) fn at_reader(&mut self, name: &ReaderName, event: ReaderEvent, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        match event {
            ReaderEvent::Up => {
                self.stages.remove(name);
                effects.push(Effect::Tell(Notice::Up(name.clone())));
                self.line(name, Input::Opened, now, effects);
                self.opened(name, now, effects);
            }
            ReaderEvent::Lost { why } => {
                self.stages.remove(name);
                self.deadlines.remove(name);
                self.opening.remove(name);
                self.left(name, now, effects);
                effects.push(Effect::Tell(Notice::Lost(name.clone(), why)));
            }
            ReaderEvent::Bytes(bytes) => self.line(name, Input::Bytes(&bytes), now, effects),
            ReaderEvent::Typed(events) => self.line(name, Input::Keys(&events), now, effects),
            ReaderEvent::Faulty(byte) => self.line(name, Input::Faulty(byte), now, effects),
            ReaderEvent::CardIn { atr, device, lay_there } => {
                let mut conversation = Conversation::new(&self.scripts, &atr, &device);
                let next = conversation.begin();
                self.stages.insert(name.clone(), Stage::Card(Some((Box::new(conversation), self.happened, lay_there))));
                self.go_on(name, next, now, effects);
            }
            ReaderEvent::Answer(answer) => {
                if let Some(Stage::Card(Some((conversation, ..)))) = self.stages.get_mut(name) {
                    let next = conversation.answer(&answer);
                    self.go_on(name, next, now, effects);
                }
            }
            ReaderEvent::CardFailed { why } => {
                // A partial read is never submitted.
                self.stages.insert(name.clone(), Stage::Card(None));
                effects.push(Effect::Tell(Notice::Failed(name.clone(), why)));
            }
            ReaderEvent::CardOut => {
                self.stages.insert(name.clone(), Stage::Card(None));
                self.left(name, now, effects);
            }
            ReaderEvent::OsdpCard(card) => match self.osdp_desk(name).and_then(|(desk, told)| desk.card(card, told, now)) {
                Some(presentation) => self.shown(name, Transport::Osdp, presentation, now, effects),
                None => self.lies_there(name, now, effects),
            },
            ReaderEvent::OsdpKeys(codes) => self.shown(name, Transport::Osdp, osdp::keys(&codes), now, effects),
            ReaderEvent::OsdpFormatted(text) => self.shown(name, Transport::Osdp, osdp::formatted(&text), now, effects),
            ReaderEvent::Note(words) => effects.push(Effect::Tell(Notice::Note(name.clone(), words))),
        }
    }

    fn osdp_desk(&mut self, name: &ReaderName) -> Option<(&mut osdp::Desk, ReaderHints)> {
        let Some(ReaderKind::Osdp(told)) = self.kind(name).cloned() else { return None };
        match self.stages.entry(name.clone()).or_insert_with(|| Stage::Osdp(osdp::Desk::default())) {
            Stage::Osdp(desk) => Some((desk, told)),
            Stage::Line(_) | Stage::Keyboard(_) | Stage::Card(_) => None,
        }
    }

    pub(super) fn line(&mut self, name: &ReaderName, input: Input<'_>, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        if !self.stages.contains_key(name) {
            let stage = match self.kind(name).cloned() {
                Some(ReaderKind::Serial(dialect, told)) => Stage::Line(Box::new(Line::new(dialect, told))),
                Some(ReaderKind::Keyboard(dialect, told)) => Stage::Keyboard(Box::new(Keyboard::new(dialect, told))),
                _ => return,
            };
            self.stages.insert(name.clone(), stage);
        }
        let (transport, output) = match self.stages.get_mut(name) {
            Some(Stage::Line(line)) => (Transport::Serial, line.handle(input, now)),
            Some(Stage::Keyboard(keyboard)) => (Transport::Keyboard, keyboard.handle(input, now)),
            _ => return,
        };
        match output.deadline {
            Some(deadline) => self.deadlines.insert(name.clone(), deadline),
            None => self.deadlines.remove(name),
        };
        if !output.write.is_empty() {
            effects.push(Effect::Command(name.clone(), ReaderCommand::Write(output.write)));
        }
        if output.unanswered {
            let why = "the reader does not answer; check its dialect, its baud rate and its cable".to_owned();
            effects.push(Effect::Tell(Notice::Failed(name.clone(), why)));
        }
        if let Some(noise) = output.noise_to_tell {
            effects.push(Effect::Tell(Notice::Noise(name.clone(), noise)));
        }
        for presentation in output.presentations {
            self.shown(name, transport, presentation, now, effects);
        }
        if output.lies_there {
            self.lies_there(name, now, effects);
        }
    }

    fn go_on(&mut self, name: &ReaderName, next: Next, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        match next {
            Next::Say(command) => effects.push(Effect::Command(name.clone(), ReaderCommand::Write(command))),
            Next::SayWithKey(command, key) => effects.push(Effect::Command(name.clone(), ReaderCommand::WriteWithKey(command, key))),
            Next::Done(presentation) => {
                let came = match self.stages.insert(name.clone(), Stage::Card(None)) {
                    Some(Stage::Card(Some((_, came, lay_there)))) => (came, lay_there),
                    _ => (self.happened, false),
                };
                effects.push(Effect::Command(name.clone(), ReaderCommand::Release));
                let told = self.kind(name).map_or_else(ReaderHints::default, ReaderKind::told);
                self.shown_since(name, Transport::Pcsc, in_byte_order(*presentation, told), came, now, effects);
            }
        }
    }

    /// A reader was opened: for a while, what comes from it is a card that lay there.
    fn opened(&mut self, name: &ReaderName, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        let window = match (self.stages.get(name), self.kind(name)) {
            (Some(Stage::Line(line)), _) => line.opens_for(),
            (Some(Stage::Keyboard(keyboard)), _) => keyboard.opens_for(),
            (_, Some(ReaderKind::Osdp(told))) => osdp::card_left(*told),
            // A driver of these says itself which card lay there.
            _ => Duration::ZERO,
        };
        match TimeDelta::from_std(window) {
            Ok(window) if window > TimeDelta::zero() => drop(self.opening.insert(name.clone(), now + window)),
            _ => effects.push(Effect::Tell(Notice::Ready(name.clone()))),
        }
    }

    /// The card that was shown last lies there still.
    fn lies_there(&mut self, name: &ReaderName, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        if let Some((card, seen)) = self.lying.get_mut(name).filter(|(_, seen)| now >= *seen + SEEN_EVERY) {
            *seen = now;
            effects.push(Effect::Seen(card.clone(), now));
        }
    }

    /// The card that lay there has gone.
    fn left(&mut self, name: &ReaderName, now: DateTime<Utc>, effects: &mut Vec<Effect>) {
        effects.extend(self.lying.remove(name).map(|(card, _)| Effect::Seen(card, now)));
    }

    /// A card was shown at one of the readers.
    fn shown(
        &mut self,
        name: &ReaderName,
        transport: Transport,
        presentation: Presentation,
        now: DateTime<Utc>,
        effects: &mut Vec<Effect>,
    ) {
        let lay_there = self.opening.contains_key(name);
        self.shown_since(name, transport, presentation, (self.happened, lay_there), now, effects);
    }

    /// A card was shown at one of the readers, where it came after so much had happened, or lay there already.
    fn shown_since(
        &mut self,
        name: &ReaderName,
        transport: Transport,
        mut presentation: Presentation,
        (came, lay_there): (u64, bool),
        now: DateTime<Utc>,
        effects: &mut Vec<Effect>,
    ) {
        if lay_there && presentation.kind != Kind::Key {
            presentation.warnings.push(LAY_THERE.to_owned());
        }
        match presentation.identity().filter(|_| presentation.kind != Kind::Key) {
            Some(card) => drop(self.lying.insert(name.clone(), (card, now))),
            None => drop(self.lying.remove(name)),
        }
        presentation.reader = Some(name.to_string());
        presentation.transport = Some(transport);
        // A damaged frame was held back for a while.
        presentation.at.get_or_insert(now);
        // A keypad beeps by itself.
        if presentation.kind != Kind::Key {
            self.signal(name, Signal::Read, now, effects);
        }
        self.presented(presentation, came, now, effects);
    }
}
