//! What happens at readers, up to a card: each reader's line, conversation or OSDP desk, and which card lies there.
//!
//! In: a reader's event. Out: commands to it, notices, and presentations, handed on to whoever waits. Never: a device.

use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::{
    card::Csn,
    decode::{lying::Sight, message},
    reader::ByteOrder,
};

/// So long it may take to lift the last card before the next person is told of it.
const LIFTED_WITHIN: TimeDelta = TimeDelta::seconds(2);

impl Station {
    pub(super) fn at_reader(&mut self, name: &ReaderName, event: ReaderEvent, turn: &mut Turn) {
        match event {
            ReaderEvent::Up => {
                self.stages.remove(name);
                self.keypads.remove(name);
                self.up.push(name.clone());
                turn.tell(Notice::Up(name.clone()));
                self.line(name, Input::Opened, turn);
                self.opened(name, turn);
            }
            ReaderEvent::Lost { why } => {
                self.stages.remove(name);
                self.keypads.remove(name);
                self.deadlines.remove(name);
                self.opening.remove(name);
                self.up.retain(|up| up != name);
                self.left(name, turn);
                turn.tell(Notice::Lost(name.clone(), why));
            }
            ReaderEvent::Bytes(bytes) => self.line(name, Input::Bytes(&bytes), turn),
            ReaderEvent::Typed(events) => self.line(name, Input::Keys(&events), turn),
            ReaderEvent::Faulty(byte) => self.line(name, Input::Faulty(byte), turn),
            ReaderEvent::CardIn { atr, device, lay_there } => {
                let conversation = Conversation::new(&self.setup.scripts, &atr, &device);
                self.begin(name, CardConversation { conversation, came: self.happened, lay_there, is_second: false }, turn);
            }
            ReaderEvent::Answer(answer) => {
                if let Some(Stage::Card(Some(talk))) = self.stages.get_mut(name) {
                    let next = talk.conversation.answer(&answer);
                    self.go_on(name, next, turn);
                }
            }
            ReaderEvent::CardFailed { why } => {
                // A partial read is never submitted.
                self.stages.insert(name.clone(), Stage::Card(None));
                turn.tell(Notice::Failed(name.clone(), why));
            }
            ReaderEvent::CardOut => {
                self.stages.insert(name.clone(), Stage::Card(None));
                self.left(name, turn);
            }
            ReaderEvent::OsdpCard(card) => match self.osdp_desk(name).map(|(desk, hints)| desk.card(card, hints, turn.now.steady)) {
                Some(Sight::New(presentation)) => self.shown(name, Transport::Osdp, presentation, turn),
                Some(Sight::Again(presentation)) => self.again(name, Transport::Osdp, presentation, turn),
                Some(Sight::Nothing) | None => {}
            },
            ReaderEvent::OsdpKeys(codes) => self.shown(name, Transport::Osdp, osdp::keys(&codes), turn),
            ReaderEvent::OsdpFormatted(text) => self.shown(name, Transport::Osdp, osdp::formatted(&text), turn),
            ReaderEvent::Note(words) => turn.tell(Notice::Note(name.clone(), words)),
        }
    }

    fn osdp_desk(&mut self, name: &ReaderName) -> Option<(&mut osdp::LastCard, ReaderHints)> {
        let Some(ReaderKind::Osdp(hints)) = self.reader(name).map(|reader| reader.kind.clone()) else { return None };
        match self.stages.entry(name.clone()).or_insert_with(|| Stage::Osdp(osdp::LastCard::default())) {
            Stage::Osdp(desk) => Some((desk, hints)),
            Stage::Line(_) | Stage::Keyboard(_) | Stage::Card(_) | Stage::Read(_) => None,
        }
    }

    pub(super) fn line(&mut self, name: &ReaderName, input: Input<'_>, turn: &mut Turn) {
        if !self.stages.contains_key(name) {
            let stage = match self.reader(name).map(|reader| reader.kind.clone()) {
                Some(ReaderKind::Serial(dialect, hints)) => Stage::Line(Box::new(Line::new(dialect, hints))),
                Some(ReaderKind::Keyboard(dialect, hints)) => Stage::Keyboard(Box::new(Keyboard::new(dialect, hints))),
                _ => return,
            };
            self.stages.insert(name.clone(), stage);
        }
        let (transport, output) = match self.stages.get_mut(name) {
            Some(Stage::Line(line)) => (Transport::Serial, line.handle(input, turn.now.steady)),
            Some(Stage::Keyboard(keyboard)) => (Transport::Keyboard, keyboard.handle(input, turn.now.steady)),
            _ => return,
        };
        match output.deadline {
            Some(deadline) => self.deadlines.insert(name.clone(), deadline),
            None => self.deadlines.remove(name),
        };
        if !output.write.is_empty() {
            turn.effects.push(Effect::Command(name.clone(), ReaderCommand::Write(output.write)));
        }
        if output.unanswered {
            let why = "the reader does not answer; check its dialect, its baud rate and its cable".to_owned();
            turn.tell(Notice::Failed(name.clone(), why));
        }
        if let Some(noise) = output.noise_to_tell {
            turn.tell(Notice::Noise(name.clone(), noise));
        }
        for presentation in output.presentations {
            self.shown(name, transport, presentation, turn);
        }
        for presentation in output.again {
            self.again(name, transport, presentation, turn);
        }
    }

    fn go_on(&mut self, name: &ReaderName, next: Next, turn: &mut Turn) {
        match next {
            Next::Say(command) => turn.effects.push(Effect::Command(name.clone(), ReaderCommand::Write(command))),
            Next::SayWithKey(command, key) => turn.effects.push(Effect::Command(name.clone(), ReaderCommand::WriteWithKey(command, key))),
            Next::Done(presentation) => {
                let Some(Stage::Card(Some(talk))) = self.stages.insert(name.clone(), Stage::Card(None)) else { return };
                let hints = self.reader(name).map_or_else(ReaderHints::default, |reader| reader.kind.told());
                self.card_read(name, *talk, in_byte_order(*presentation, hints), turn);
            }
        }
    }

    fn begin(&mut self, name: &ReaderName, mut talk: CardConversation, turn: &mut Turn) {
        let next = talk.conversation.begin();
        self.stages.insert(name.clone(), Stage::Card(Some(Box::new(talk))));
        self.go_on(name, next, turn);
    }

    /// A smart card has been read. It is let go, unless one reading is not enough: then it is read once more by itself.
    fn card_read(&mut self, name: &ReaderName, talk: CardConversation, presentation: Presentation, turn: &mut Turn) {
        let release = Effect::Command(name.clone(), ReaderCommand::Release);
        if talk.is_second {
            turn.effects.push(release);
            return self.again(name, Transport::Pcsc, presentation, turn);
        }
        if let Some(conversation) = talk.conversation.again() {
            self.stages.insert(name.clone(), Stage::Read(Box::new(CardConversation { conversation, is_second: true, ..talk })));
        }
        // A reader shows nothing while its card is held.
        let before = turn.effects.len();
        self.shown_since(name, Transport::Pcsc, presentation, (talk.came, talk.lay_there), turn);
        match self.stages.insert(name.clone(), Stage::Card(None)) {
            Some(Stage::Read(again)) if self.second_reading_at(name).is_some() => self.begin(name, *again, turn),
            _ => turn.effects.insert(before, release),
        }
    }

    /// A reader was opened: for a while, what comes from it is a card that lay there.
    fn opened(&mut self, name: &ReaderName, turn: &mut Turn) {
        let window = match (self.stages.get(name), self.reader(name).map(|reader| &reader.kind)) {
            (Some(Stage::Line(line)), _) => line.opens_for(),
            (Some(Stage::Keyboard(keyboard)), _) => keyboard.opens_for(),
            (_, Some(ReaderKind::Osdp(hints))) => osdp::card_left(*hints),
            // A driver of these says itself which card lay there.
            _ => Duration::ZERO,
        };
        match TimeDelta::from_std(window) {
            Ok(window) if window > TimeDelta::zero() => drop(self.opening.insert(name.clone(), turn.now.steady + window)),
            _ => turn.tell(Notice::Ready(name.clone())),
        }
    }

    /// The card that was shown last lies there still.
    fn lies_there(&mut self, name: &ReaderName, turn: &mut Turn) {
        if let Some((card, seen)) = self.lying.get_mut(name).filter(|(_, seen)| turn.now.steady >= *seen + SEEN_EVERY) {
            *seen = turn.now.steady;
            turn.effects.push(Effect::Seen(card.clone(), turn.now.wall));
        }
    }

    /// The card that lies at a reader was somebody else's, or was shown before anybody waited: whoever waits there for a while is told once,
    /// unless somebody is still asked about it.
    pub(super) fn lies_in_the_way(&mut self, card: &Presentation, turn: &mut Turn) {
        let Some(reader) = card.reader.as_deref().filter(|reader| !self.is_asked_at(reader)) else { return };
        let first = self.desks.iter_mut().find(|desk| matches!(desk.state, desks::State::Waits) && desk.wants(reader));
        let waits_for_long = |desk: &&mut Desk| desk.until.is_some_and(|until| turn.now.steady >= until - desk.within + LIFTED_WITHIN);
        if let Some(desk) = first.filter(waits_for_long).filter(|desk| !desk.is_told_to_lift) {
            desk.is_told_to_lift = true;
            turn.tell(Notice::LayThere(reader.into()));
        }
    }

    /// The card that lay there has gone.
    fn left(&mut self, name: &ReaderName, turn: &mut Turn) {
        self.unclaimed.remove(name);
        turn.effects.extend(self.lying.remove(name).map(|(card, _)| Effect::Seen(card, turn.now.wall)));
    }

    /// The card that lies at a reader was read once more; or a key was pressed once more.
    fn again(&mut self, name: &ReaderName, transport: Transport, presentation: Presentation, turn: &mut Turn) {
        if let Some(typed) = self.typed(&presentation) {
            return self.pressed(name, transport, presentation, typed, turn);
        }
        let presentation = at_reader(name, transport, presentation, turn);
        turn.effects.push(Effect::Again(Box::new(presentation.clone())));
        self.read_again(presentation, turn);
        self.lies_there(name, turn);
    }

    /// A card was shown at one of the readers.
    fn shown(&mut self, name: &ReaderName, transport: Transport, presentation: Presentation, turn: &mut Turn) {
        let lay_there = self.opening.contains_key(name);
        self.shown_since(name, transport, presentation, (self.happened, lay_there), turn);
    }

    /// A card was shown at one of the readers, where it came after so much had happened, or lay there already.
    fn shown_since(
        &mut self,
        name: &ReaderName,
        transport: Transport,
        mut presentation: Presentation,
        (came, lay_there): (u64, bool),
        turn: &mut Turn,
    ) {
        if let Some(typed) = self.typed(&presentation) {
            return self.pressed(name, transport, presentation, typed, turn);
        }
        self.stop_typing(name, turn);
        if lay_there {
            presentation.warnings.push(LAY_THERE.to_owned());
        }
        match presentation.identity() {
            Some(card) => drop(self.lying.insert(name.clone(), (card, turn.now.steady))),
            None => drop(self.lying.remove(name)),
        }
        let presentation = at_reader(name, transport, presentation, turn);
        self.signal(name, Signal::Read, turn);
        self.presented(presentation, came, turn);
    }
}

/// A presentation with where it was shown, and when. A damaged frame was held back for a while, by the steady clock.
pub(super) fn at_reader(name: &ReaderName, transport: Transport, mut presentation: Presentation, turn: &Turn) -> Presentation {
    presentation.reader = Some(name.to_string());
    presentation.transport = Some(transport);
    presentation.at = Some(presentation.at.map_or(turn.now.wall, |at| turn.now.wall_of(at)));
    presentation
}

/// The serial number in the order the card sends it, where the site says that its reader turns it round.
pub(super) fn in_byte_order(mut presentation: Presentation, hints: ReaderHints) -> Presentation {
    if presentation.kind == Kind::Csn && hints.byte_order == ByteOrder::Reversed {
        presentation.csn = presentation.csn.and_then(|csn| Csn::new(&message::ordered(csn.bytes().to_vec(), hints.byte_order)));
        presentation.bits = presentation.csn.as_ref().map(Csn::bits);
    }
    presentation
}
