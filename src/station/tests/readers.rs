//! What the station knows of its readers, what they are told, and what is typed at them.

use super::*;
use crate::reader::Signal;

/// A station whose one reader is of this kind; its dialect shows nothing by itself.
pub(super) fn with(kind: ReaderKind) -> World {
    let mut world = world(1.0);
    world.station.setup.readers = vec![ReaderSetup { name: "desk".to_owned(), kind, proof: None }];
    world.station.health = vec![health::ReaderHealth::of("desk")];
    world.station.up.clear();
    world.told.clear();
    world.at_desk(ReaderEvent::Up);
    world
}

impl World {
    fn at_desk(&mut self, event: ReaderEvent) {
        self.happens(Event::Reader("desk".into(), event));
    }

    /// Keys at an OSDP reader, a moment after what came before.
    fn types(&mut self, keys: &str) {
        for key in keys.bytes() {
            self.passes(TimeDelta::milliseconds(300));
            self.at_desk(ReaderEvent::OsdpKeys(vec![if key == b'#' { 0x0D } else { key }]));
        }
    }

    /// The entries that were typed, each with its warnings.
    fn typed(&self) -> Vec<(String, usize)> {
        let keys = |notice: &Notice| match notice {
            Notice::Read(reading) => Some((reading.presentation.keys.clone()?, reading.presentation.warnings.len())),
            _ => None,
        };
        self.told.iter().filter_map(keys).collect()
    }

    fn signals(&self) -> Vec<Signal> {
        let signal =
            |(_, command): &(ReaderName, ReaderCommand)| if let ReaderCommand::Signal(shown) = command { Some(*shown) } else { None };
        self.commands.iter().filter_map(signal).collect()
    }
}

pub(super) fn osdp() -> World {
    with(ReaderKind::Osdp(ReaderHints { card_left: Some(std::time::Duration::ZERO), ..ReaderHints::default() }))
}

pub(super) fn osdp_card() -> ReaderEvent {
    ReaderEvent::OsdpCard(crate::reader::OsdpCard { reader: 0, format: 1, length: 26, bytes: vec![0xBD, 0x88, 0xEB, 0x80], check_bits: 16 })
}

#[test]
fn a_reader_says_since_when_it_is_there_or_not_and_when_it_was_heard() {
    let mut world = world(1.0);
    let began = world.now.wall;
    let health = |world: &World| world.station.readers()[0].clone();
    assert_eq!((health(&world).up, health(&world).since, health(&world).last_heard), (true, Some(began), None));
    world.at_desk(ReaderEvent::Note("a word".to_owned()));
    assert_eq!(health(&world).last_heard, None, "a driver's word is none of the reader's");
    world.bytes(FIRST);
    let heard = world.now.wall;
    assert_eq!(health(&world).last_heard, Some(heard));
    for (later, last) in [(999, heard), (1, heard + TimeDelta::seconds(1))] {
        world.passes(TimeDelta::milliseconds(later));
        world.at_desk(ReaderEvent::Bytes(FIRST.to_vec()));
        assert_eq!(health(&world).last_heard, Some(last), "to the second is enough");
    }
    // Whatever the clock does, a reader that speaks was heard.
    world.now.wall -= TimeDelta::hours(1);
    world.at_desk(ReaderEvent::Bytes(FIRST.to_vec()));
    assert_eq!(health(&world).last_heard, Some(world.now.wall));
    for why in ["unplugged", "still unplugged"] {
        world.passes(TimeDelta::minutes(1));
        world.at_desk(ReaderEvent::Lost { why: why.to_owned() });
    }
    let lost = health(&world);
    assert_eq!((lost.up, lost.why.as_deref(), lost.since), (false, Some("still unplugged"), Some(world.now.wall - TimeDelta::minutes(1))));
    world.passes(TimeDelta::minutes(1));
    world.at_desk(ReaderEvent::Up);
    assert_eq!((health(&world).up, health(&world).why, health(&world).since), (true, None, Some(world.now.wall)));
}

#[test]
fn a_reader_counts_its_cards_by_length_and_by_codes_that_the_site_does_not_list() {
    let mut world = world(1.0);
    world.station.setup.policy.facility_codes = vec![31];
    for _ in 0..2 {
        world.bytes(FIRST);
    }
    world.bytes(SECOND);
    world.bytes(b"1A3D88EB80\r");
    world.bytes(b"\x01\x02\x03\r");
    world.passes(TimeDelta::seconds(5));
    let health = world.station.readers()[0].clone();
    assert_eq!((health.cards, health.strange_codes), (4, BTreeMap::from([(123, 2)])));
    assert_eq!(health.lengths, BTreeMap::from([(26, health::Fitting { cards: 4, fit: 3 })]));
    assert!(health.noise_bytes > 0, "what was no card is counted");
    // Where the site lists no code, none is strange; and of endlessly many, sixteen are counted apart.
    world.station.setup.policy.facility_codes.clear();
    world.bytes(SECOND);
    assert_eq!(world.station.readers()[0].strange_codes.len(), 1);
    world.station.setup.policy.facility_codes = vec![250];
    for code in 0..40_u64 {
        let bits = u32::from_str_radix(&h10301(code, 1), 2).unwrap() << 6;
        world.bytes(format!("1A{bits:08X}\r").as_bytes());
    }
    world.bytes(FIRST);
    let codes = world.station.readers()[0].strange_codes.clone();
    assert_eq!((codes.len(), codes.get(&123)), (16, Some(&3)), "those that are counted already go on");
}

/// The 26 bits of H10301, as they are drawn.
fn h10301(facility_code: u64, number: u64) -> String {
    let data = format!("{facility_code:08b}{number:016b}");
    let ones = |half: &str| half.matches('1').count();
    let (even, odd) = data.split_at(12);
    format!("{}{data}{}", ones(even) % 2, 1 - ones(odd) % 2)
}

#[test]
fn a_reader_shows_that_a_card_was_read_saved_and_accepted_or_refused() {
    let mut world = osdp();
    world.passes(TimeDelta::seconds(2));
    world.order(1, false);
    world.at_desk(osdp_card());
    assert_eq!(world.signals(), [Signal::Read, Signal::Saved, Signal::Accepted]);
    world.commands.clear();
    world.outcomes.push_back(Outcome::Refused(Default::default()));
    world.order(2, false);
    world.at_desk(osdp_card());
    assert_eq!(world.signals(), [Signal::Read, Signal::Saved, Signal::Refused]);
    world.commands.clear();
    // Nothing is enrolled: the card is of no format that is known.
    world.order(3, false);
    world.at_desk(ReaderEvent::OsdpCard(crate::reader::OsdpCard {
        reader: 0,
        format: 1,
        length: 9,
        bytes: vec![0xBD, 0x80],
        check_bits: 16,
    }));
    assert_eq!(world.signals(), [Signal::Read, Signal::Refused]);
    world.commands.clear();
    // What cannot be saved is no card in nobody's hand either.
    world.order(4, false);
    let effects = world.station.handle(Event::Reader("desk".into(), osdp_card()), world.now);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Save(..))));
    world.happens(Event::NotSaved(Uuid::from_u128(4), "full".to_owned()));
    assert_eq!((world.signals(), world.ended(Uuid::from_u128(4))), (vec![Signal::Refused], Some(&Ended::NotSaved("full".to_owned()))));
}

#[test]
fn whoever_comes_while_a_card_lies_there_that_nobody_waited_for_is_told_to_lift_it() {
    let mut world = with(ReaderKind::Pcsc(ReaderHints::default()));
    let lies = |world: &World| world.told.iter().filter(|notice| matches!(notice, Notice::LayThere(_))).count();
    let card = || ReaderEvent::CardIn { atr: vec![0x3B, 0x80, 0x80, 1, 1], device: "reader".to_owned(), lay_there: true };
    world.at_desk(card());
    assert_eq!(lies(&world), 0, "nobody waits");
    world.order(1, false);
    assert_eq!(lies(&world), 1);
    world.at_desk(ReaderEvent::CardOut);
    world.station.handle(Event::Withdraw(Uuid::from_u128(1)), world.now);
    world.order(2, false);
    assert_eq!(lies(&world), 1, "it was lifted");
}

#[test]
fn whoever_waits_while_the_last_card_still_lies_at_a_reader_that_says_it_again_is_told_once_to_lift_it() {
    let hints = ReaderHints { card_left: Some(std::time::Duration::from_secs(2)), ..ReaderHints::default() };
    let mut world = with(ReaderKind::Osdp(hints));
    let lies = |world: &World| world.told.iter().filter(|notice| matches!(notice, Notice::LayThere(_))).count();
    world.passes(TimeDelta::seconds(2));
    world.order(1, false);
    world.at_desk(osdp_card());
    assert_eq!(world.state(Uuid::from_u128(1)), Some(State::Accepted));
    world.order(2, false);
    for told in [0, 1, 1] {
        world.passes(TimeDelta::seconds(1));
        world.at_desk(osdp_card());
        assert_eq!((lies(&world), world.disk.len()), (told, 1), "it takes a moment to lift a card, and it is said once");
    }
}

#[test]
fn nobody_is_told_to_lift_the_card_about_which_somebody_before_them_is_asked() {
    let hints = ReaderHints { card_left: Some(std::time::Duration::from_secs(2)), ..ReaderHints::default() };
    let mut world = with(ReaderKind::Osdp(hints));
    world.station.setup.proof = PROOF;
    world.passes(TimeDelta::seconds(2));
    let (asked, waits) = (world.order(1, true), world.order(2, false));
    for _ in 0..6 {
        world.passes(TimeDelta::seconds(1));
        world.at_desk(osdp_card());
    }
    assert!(world.asked().is_some_and(|(order, _)| order == asked));
    assert!(!world.told.iter().any(|notice| matches!(notice, Notice::LayThere(_))) && world.ended(waits).is_none());
}

#[test]
fn a_card_that_lies_there_is_noted_every_five_seconds_and_when_it_goes() {
    let hints = ReaderHints { card_left: Some(std::time::Duration::from_secs(2)), ..ReaderHints::default() };
    let mut world = with(ReaderKind::Osdp(hints));
    // What comes while a reader is opened lay there already.
    world.order(1, false);
    world.at_desk(osdp_card());
    assert!(world.told.iter().any(|notice| matches!(notice, Notice::LayThere(_))) && world.disk.is_empty());
    assert!(!world.told.iter().any(|notice| matches!(notice, Notice::Ready(name) if &**name == "desk")));
    world.passes(TimeDelta::seconds(2));
    assert!(world.told.iter().any(|notice| matches!(notice, Notice::Ready(name) if &**name == "desk")));
    world.passes(TimeDelta::seconds(3));
    world.at_desk(osdp_card());
    assert_eq!(world.state(Uuid::from_u128(1)), Some(State::Accepted));
    world.seen.clear();
    for _ in 0..11 {
        world.passes(TimeDelta::seconds(1));
        world.at_desk(osdp_card());
    }
    assert_eq!(world.seen.len(), 2, "{:?}", world.seen.len());
    world.at_desk(ReaderEvent::Lost { why: "unplugged".to_owned() });
    assert_eq!((world.seen.len(), world.seen.last().unwrap().1), (3, world.now.wall));
    world.at_desk(ReaderEvent::Lost { why: "unplugged".to_owned() });
    assert_eq!(world.seen.len(), 3);
}

#[test]
fn keys_become_an_entry_at_their_end_key_after_a_pause_or_before_a_card() {
    let mut world = osdp();
    world.types("1234#");
    assert_eq!(world.typed(), [("1234".to_owned(), 0)]);
    world.types("567");
    assert!(world.typed().len() == 1 && world.station.deadline(world.now).is_some());
    world.passes(TimeDelta::minutes(1));
    assert_eq!(world.typed()[1], ("567".to_owned(), 1), "nobody ended it, and that is said");
    assert_eq!(world.station.deadline(world.now), None);
    world.types("89");
    world.at_desk(osdp_card());
    assert_eq!(world.typed()[2], ("89".to_owned(), 1));
    // An entry is nobody's card.
    let id = world.order(1, false);
    world.types("42#");
    assert_eq!((world.typed().len(), world.state(id)), (4, None));
    assert_eq!(world.station.readers()[0].cards, 1, "nor does it count as one");
    // What was begun is gone with its reader.
    world.types("7");
    world.at_desk(ReaderEvent::Lost { why: "unplugged".to_owned() });
    world.at_desk(ReaderEvent::Up);
    world.passes(TimeDelta::minutes(1));
    assert_eq!(world.typed().len(), 4);
}

#[test]
fn a_key_that_nobody_can_name_is_an_entry_by_itself_and_ends_what_was_typed() {
    let mut world = osdp();
    world.types("12");
    world.at_desk(ReaderEvent::OsdpKeys(vec![0xEE]));
    assert_eq!(world.typed(), [("12".to_owned(), 1)]);
    let Some(Notice::Read(reading)) = world.told.last() else { panic!("{:?}", world.told.last()) };
    assert!(reading.presentation.keys.is_none() && reading.is_typed(), "{:?}", reading.presentation.warnings);
}

pub(super) fn serial(dialect: &str) -> World {
    with(ReaderKind::Serial(Protocols::built_in().dialect(dialect).unwrap().clone(), ReaderHints::default()))
}

#[test]
fn a_reader_is_told_what_its_dialect_says_and_is_showing_until_it_was_told_all_of_it() {
    let mut silent = serial("twn3-hidprox");
    silent.bytes(FIRST);
    assert_eq!((silent.commands.len(), silent.station.is_showing()), (0, false));
    let mut world = serial("twn4-simple");
    let written = |world: &World| match &world.commands[..] {
        [(_, ReaderCommand::Write(bytes)), ..] => bytes.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(written(&world), b"0400070000\r");
    let answers = |world: &mut World| {
        for _ in 0..10 {
            world.passes(TimeDelta::milliseconds(100));
            world.at_desk(ReaderEvent::Bytes(b"0001\r".to_vec()));
        }
    };
    answers(&mut world);
    assert!(!world.station.is_showing());
    world.at_desk(ReaderEvent::Bytes(b"0001491A04BD88EB80\r".to_vec()));
    assert!(world.station.is_showing());
    answers(&mut world);
    assert!(!world.station.is_showing());
}

#[test]
fn a_station_that_is_woken_when_it_said_does_what_was_due_and_names_a_later_time() {
    let waits = |mut world: World| {
        world.order(1, true);
        world
    };
    let repeats = || {
        let mut world = waits(world(PROOF));
        if let Some(ReaderSetup { kind: ReaderKind::Serial(_, hints), .. }) = world.station.setup.readers.first_mut() {
            hints.repeats = Some(std::time::Duration::from_millis(200));
        }
        world.bytes(FIRST);
        world
    };
    let typed = || {
        let mut world = osdp();
        world.types("12");
        world
    };
    for mut world in [waits(serial("twn4-simple")), repeats(), typed(), serial("twn3-hidprox")] {
        let mut times = 0;
        while let Some(due) = world.station.deadline(world.now).filter(|_| times < 20) {
            assert!(due > world.now.steady, "what was due was not done");
            world.passes(due - world.now.steady);
            times += 1;
        }
        assert!(times > 0);
    }
}

/// What comes on Wiegand wires, at a site that names these formats and lists this facility code.
fn on_wires(formats: &[&str], facility_code: u64, frames: &[String]) -> World {
    let mut world = with(ReaderKind::Osdp(ReaderHints::default()));
    let formats: Vec<String> = formats.iter().map(ToString::to_string).collect();
    world.station.setup.catalog = Arc::new(Protocols::built_in().catalog(&formats));
    world.station.setup.policy = SitePolicy { formats, facility_codes: vec![facility_code], ..SitePolicy::default() };
    for frame in frames {
        world.passes(TimeDelta::milliseconds(300));
        let bits = format!("{frame:0<32}");
        let bytes = u32::from_str_radix(&bits, 2).unwrap().to_be_bytes().to_vec();
        world.at_desk(ReaderEvent::OsdpCard(crate::reader::OsdpCard {
            reader: 0,
            format: 1,
            length: frame.len() as u16,
            bytes,
            check_bits: 16,
        }));
    }
    world
}

#[test]
fn a_key_that_comes_as_a_frame_is_typed_and_where_two_tables_read_it_in_two_ways_only_at_a_site_that_names_one() {
    let protocols = Protocols::built_in();
    let keys = |table: &str, keys: &str| {
        let key = |key: char| {
            let mut credential = crate::card::Credential::default();
            credential.set("key", crate::decode::keypad::number(&key.to_string()).unwrap().into());
            protocols.format(table).unwrap().format.encode(&credential).unwrap().to_binary()
        };
        keys.chars().map(key).collect::<Vec<_>>()
    };
    let typed = |formats: &[&str], table| on_wires(formats, 123, &keys(table, "112#")).typed();
    assert_eq!(typed(&[], "keypad-4"), [("112".to_owned(), 0)]);
    // What keypad-6 reads as # is * in Rosslare's table.
    assert_eq!(typed(&[], "keypad-6"), [("112".to_owned(), 1)]);
    assert_eq!(typed(&["hid-h10301"], "keypad-6"), [("112".to_owned(), 1)], "that one says nothing about keys");
    assert_eq!(typed(&["keypad-6"], "keypad-6"), [("112".to_owned(), 0)]);
}

#[test]
fn a_pin_in_a_cards_frame_is_typed_where_the_site_leaves_nothing_else() {
    // 311964 in the 26 bits of a card with facility code 49.
    let frame = ["00011000100011001011001000".to_owned()];
    let is_typed = |formats: &[&str], facility_code| match on_wires(formats, facility_code, &frame).told.last() {
        Some(Notice::Read(reading)) => reading.is_typed(),
        other => panic!("{other:?}"),
    };
    assert!(is_typed(&["hid-h10301", "keypad-bcd-26"], 123));
    assert!(!is_typed(&["hid-h10301", "keypad-bcd-26"], 49) && !is_typed(&["hid-h10301"], 123), "it may be a card of this site");
}

#[test]
fn a_byte_that_stands_for_no_key_is_no_part_of_an_entry() {
    let mut world = serial("s4a-converter");
    for key in [b"1", b"2", b"+", b"3", b"#"] {
        world.passes(TimeDelta::milliseconds(300));
        world.at_desk(ReaderEvent::Bytes(key.to_vec()));
    }
    world.passes(TimeDelta::milliseconds(300));
    assert_eq!(world.typed(), [("12".to_owned(), 1), ("+".to_owned(), 1), ("3".to_owned(), 0)]);
}
