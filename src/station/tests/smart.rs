//! Smart cards, which are asked and answer: whose they are, when they are asked once more, and what is never taken for a whole reading.

use super::{readers::with, *};
use crate::{card::Reading, reader::ByteOrder, station::notice::Asked};

/// A smart-card reader at a site that uses serial numbers.
fn smart(hints: ReaderHints) -> World {
    let mut world = with(ReaderKind::Pcsc(hints));
    let formats = vec!["csn-4-byte".to_owned()];
    let protocols = Protocols::built_in();
    world.station.setup.catalog = Arc::new(protocols.catalog(&formats));
    world.station.setup.scripts = protocols.scripts.clone();
    let policy = &mut world.station.setup.policy;
    policy.card_types[0].formats.clone_from(&formats);
    policy.formats = formats;
    world
}

/// What a card is asked.
fn apdu(command: ReaderCommand) -> Option<Vec<u8>> {
    match command {
        ReaderCommand::Write(apdu) | ReaderCommand::WriteWithKey(apdu, _) => Some(apdu),
        _ => None,
    }
}

/// It tells its serial number, and nothing else.
fn answer(apdu: &[u8]) -> ReaderEvent {
    let serial = vec![0x04, 0xA2, 0xB3, 0xC4, 0x90, 0x00];
    ReaderEvent::Answer(if apdu.starts_with(&[0xFF, 0xCA, 0, 0]) { serial } else { vec![0x6A, 0x82] })
}

impl World {
    fn lays_a_card_down(&mut self) {
        self.passes(TimeDelta::seconds(1));
        self.commands.clear();
        let atr = vec![0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0, 0, 0x03, 0x06, 0x03, 0, 0x01, 0, 0, 0, 0, 0x6A];
        self.smart(ReaderEvent::CardIn { atr, device: "reader".to_owned(), lay_there: false });
    }

    fn smart(&mut self, event: ReaderEvent) {
        self.happens(Event::Reader("desk".into(), event));
    }

    /// The card answers whatever it is asked: its serial number, and nothing else. How often it was let go.
    fn answers_all(&mut self) -> usize {
        let mut released = 0;
        loop {
            let commands = std::mem::take(&mut self.commands);
            released += commands.iter().filter(|(_, command)| matches!(command, ReaderCommand::Release)).count();
            let asked = |(_, command): (ReaderName, ReaderCommand)| apdu(command);
            let Some(apdu) = commands.into_iter().find_map(asked) else { return released };
            self.smart(answer(&apdu));
        }
    }

    fn cards_read(&self) -> Vec<&Reading> {
        self.told.iter().filter_map(|notice| if let Notice::Read(reading) = notice { Some(&**reading) } else { None }).collect()
    }
}

#[test]
fn a_smart_card_that_was_being_read_before_somebody_came_is_not_theirs() {
    let mut world = smart(ReaderHints::default());
    world.lays_a_card_down();
    let id = world.order(1, false);
    assert_eq!(world.answers_all(), 1);
    assert_eq!((world.cards_read().len(), world.state(id), world.ended(id)), (1, None, None));
    assert!(world.told.iter().any(|notice| matches!(notice, Notice::LayThere(_))), "they are told to lift it");
    world.smart(ReaderEvent::CardOut);
    world.lays_a_card_down();
    world.answers_all();
    assert_eq!(world.state(id), Some(State::Accepted), "{:?}", world.ended(id));
}

#[test]
fn a_smart_card_that_one_reading_does_not_prove_is_asked_once_more_by_itself() {
    let mut world = smart(ReaderHints::default());
    world.station.setup.proof = 1e-6;
    let id = world.order(1, true);
    world.lays_a_card_down();
    assert_eq!(world.answers_all(), 1, "it is held until it was read twice");
    assert_eq!(world.state(id), Some(State::Accepted), "{:?} {:?}", world.ended(id), world.asked());
    assert!(!world.told.iter().any(|notice| matches!(notice, Notice::Asked(..))), "nobody has to show it again");
    assert_eq!(world.cards_read().len(), 1);
}

#[test]
fn a_smart_card_that_does_not_answer_a_second_time_is_to_be_shown_again() {
    let mut world = smart(ReaderHints::default());
    world.station.setup.proof = 1e-6;
    world.order(1, true);
    world.lays_a_card_down();
    while world.cards_read().is_empty() {
        let (_, command) = world.commands.pop().unwrap();
        if let Some(apdu) = apdu(command) {
            world.smart(answer(&apdu));
        }
    }
    world.smart(ReaderEvent::CardFailed { why: "it was lifted".to_owned() });
    (0..3).for_each(|_| world.passes(TimeDelta::seconds(2)));
    assert_eq!(world.asked().map(|(_, question)| question.kind.asked()), Some(Asked::SecondReading));
}

#[test]
fn of_a_card_that_was_lifted_or_failed_while_it_was_read_nothing_is_taken() {
    for event in [ReaderEvent::CardOut, ReaderEvent::CardFailed { why: "it was lifted".to_owned() }] {
        let mut world = smart(ReaderHints::default());
        let id = world.order(1, false);
        world.lays_a_card_down();
        world.smart(event);
        world.answers_all();
        assert_eq!((world.cards_read().len(), world.state(id)), (0, None));
    }
}

#[test]
fn a_serial_number_is_turned_round_where_the_site_says_that_its_reader_does_so() {
    let read = |byte_order| {
        let mut world = smart(ReaderHints { byte_order, ..ReaderHints::default() });
        world.lays_a_card_down();
        world.answers_all();
        world.cards_read()[0].presentation.csn.as_ref().map(|csn| csn.bytes().to_vec())
    };
    assert_eq!(read(ByteOrder::default()), Some(vec![0x04, 0xA2, 0xB3, 0xC4]));
    assert_eq!(read(ByteOrder::Reversed), Some(vec![0xC4, 0xB3, 0xA2, 0x04]));
}
