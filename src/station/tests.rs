//! The whole way, turned by hand: no thread, no socket, no sleep.

use std::{collections::BTreeMap, sync::LazyLock};

use proptest::prelude::*;

use super::{notice::QuestionKind, *};
use crate::{
    access::Outcome,
    enroll::{evidence::PROOF, policy::CardType},
    outbox::{InTheWay, Next, ReadBack, State, reach::Heard, schedule::Work},
    protocols::Protocols,
};

/// H10301, facility code 123, card number 4567; and 31/337.
const FIRST: &[u8] = b"1ABD88EB80\r";
const SECOND: &[u8] = b"1A8F80A8C0\r";

/// A station with a disk and a BluSKY that do what a test says.
struct World {
    station: Station,
    now: Now,
    disk: BTreeMap<Uuid, Entry>,
    /// What becomes of what is sent, one after the other; without one it is accepted.
    outcomes: VecDeque<Outcome>,
    /// What is shown, one after the other; without one the read-back is not available.
    shown: VecDeque<ReadBack>,
    told: Vec<Notice>,
    calls: Vec<(DateTime<Utc>, Uuid)>,
}

/// The formats and the dialect, read once.
static KNOWN: LazyLock<(SharedCatalog, Arc<Dialect>)> = LazyLock::new(|| {
    let protocols = Protocols::built_in();
    (Arc::new(protocols.catalog(&["hid-h10301".to_owned()])), protocols.dialect("twn3-hidprox").unwrap().clone())
});

fn world(proof: f64) -> World {
    let (catalog, dialect) = KNOWN.clone();
    let formats = vec!["hid-h10301".to_owned()];
    let card_type = CardType {
        blusky: 3,
        name: "HID 26-bit".to_owned(),
        formats: formats.clone(),
        system: Uuid::from_u128(9),
        requires: Vec::new(),
        external_number: None,
    };
    let hints = ReaderHints { card_left: Some(std::time::Duration::ZERO), ..ReaderHints::default() };
    let station = Station::new(Setup {
        catalog,
        scripts: Vec::new(),
        policy: SitePolicy { formats, card_types: vec![card_type], ..SitePolicy::default() },
        width: IntegerWidth::Bits32,
        proof,
        parallel: 4,
        readers: vec![ReaderSetup { name: "desk".to_owned(), kind: ReaderKind::Serial(dialect, hints), proof: None }],
    });
    let now = Now::from(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let (disk, told) = (BTreeMap::new(), Vec::new());
    let mut world = World { station, now, disk, outcomes: VecDeque::new(), shown: VecDeque::new(), told, calls: Vec::new() };
    world.happens(Event::Reader("desk".into(), ReaderEvent::Up));
    world.happens(Event::Deliver(Scope::All));
    world
}

impl World {
    /// Lets something happen, and carries out what follows until nothing does.
    fn happens(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.station.handle(event, self.now) {
                match effect {
                    Effect::Save(entry, terms) => {
                        let card = |entry: &Entry| entry.source.as_ref().map(|source| source.card.clone());
                        let others = self.disk.values().filter(|other| card(other) == card(&entry)).cloned().collect::<Vec<_>>();
                        let superseded = match terms.judge(&entry, others.into_iter()) {
                            Ok(superseded) => superseded,
                            Err(other) => {
                                events.push_back(Event::InTheWay(entry.id, other));
                                continue;
                            }
                        };
                        if let Some(superseded) = superseded {
                            let step = Step::Discarded { superseded_by: Some(entry.id) };
                            let given_up = superseded.after([(self.now.wall, step)]);
                            self.disk.insert(given_up.id, given_up.clone());
                            events.push_back(Event::Settled(Box::new(given_up)));
                        }
                        assert!(self.disk.insert(entry.id, (*entry).clone()).is_none(), "one order is one entry");
                        events.push_back(Event::Saved(entry));
                    }
                    Effect::Append(id, step) => {
                        self.disk.get_mut(&id).unwrap().add(self.now.wall, step);
                        events.push_back(Event::Settled(Box::new(self.disk[&id].clone())));
                    }
                    Effect::Deliver(Work::Step(id) | Work::Ask(id)) => events.push_back(Event::Called(Box::new(self.called(id)))),
                    Effect::Tell(notice) => self.told.push(notice),
                    Effect::Command(..) | Effect::Seen(..) | Effect::Again(_) => {}
                }
            }
        }
    }

    /// One entry's calls, as far as they can be made at once.
    fn called(&mut self, id: Uuid) -> Called {
        self.calls.push((self.now.steady, id));
        let entry = self.disk.get_mut(&id).unwrap();
        let mut next = entry.due(self.now.wall);
        let mut heard = Vec::new();
        loop {
            match next {
                Next::Send { reassign } => {
                    entry.add(self.now.wall, Step::Sending { reassign });
                    let outcome = self.outcomes.pop_front().unwrap_or_else(|| Outcome::Accepted(Default::default()));
                    let trouble = matches!(outcome, Outcome::NoAnswer { .. });
                    heard.push((if trouble { Heard::Trouble } else { Heard::Answered }, None));
                    entry.add(self.now.wall, Step::Answered(outcome));
                    if trouble {
                        break;
                    }
                }
                Next::ReadBack => {
                    let nothing = || ReadBack::Unavailable { why: "nobody shows it".to_owned() };
                    entry.add(self.now.wall, Step::ReadBack(self.shown.pop_front().unwrap_or_else(nothing)));
                }
                Next::Reassign | Next::Wait(_) | Next::Person | Next::Done => break,
            }
            next = entry.next(self.now.wall);
        }
        Called { id, user: entry.operation.user(), heard, entry: Some(entry.clone()) }
    }

    fn passes(&mut self, time: TimeDelta) {
        self.now = Now { wall: self.now.wall + time, steady: self.now.steady + time };
        self.happens(Event::Time);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.passes(TimeDelta::seconds(1));
        self.happens(Event::Reader("desk".into(), ReaderEvent::Bytes(bytes.to_vec())));
    }

    fn order(&mut self, number: u128, can_be_asked: bool) -> Uuid {
        let id = Uuid::from_u128(number);
        let order = Box::new(Order::of(Uuid::from_u128(1000 + number)));
        let card = Wanted::Shown { reader: None, within: TimeDelta::seconds(60) };
        let what = What::Enroll { order, card, reassign: Reassign::Never };
        self.happens(Event::Order(Box::new(Request { id, what, can_be_asked })));
        id
    }

    fn state(&self, id: Uuid) -> Option<State> {
        self.disk.get(&id).map(|entry| entry.progress().state)
    }

    /// What was asked last.
    fn asked(&self) -> Option<(Uuid, Question)> {
        self.told.iter().rev().find_map(|notice| match notice {
            Notice::Asked(order, question) => Some((*order, (**question).clone())),
            _ => None,
        })
    }

    fn ended(&self, id: Uuid) -> Option<&Ended> {
        self.told.iter().find_map(|notice| match notice {
            Notice::NotEnrolled(order, why) if *order == id => Some(&**why),
            _ => None,
        })
    }
}

fn lost() -> Outcome {
    Outcome::NoAnswer { why: "the connection broke".to_owned(), slow: false }
}

#[test]
fn a_frame_becomes_an_entry_and_a_lost_answer_is_settled_by_what_is_shown() {
    let mut world = world(1.0);
    let id = world.order(1, false);
    world.outcomes.push_back(lost());
    world.bytes(FIRST);
    assert_eq!(world.state(id), Some(State::InDoubt));
    // It is not shown, and it may be under way no longer: it is sent again.
    world.shown.push_back(ReadBack::NotFound);
    world.passes(TimeDelta::seconds(2));
    assert_eq!((world.state(id), world.calls.len()), (Some(State::Accepted), 2));
    assert_eq!(world.disk[&id].progress().attempts, 2);
    let states: Vec<State> = world
        .told
        .iter()
        .filter_map(|notice| match notice {
            Notice::Entry(entry, None) => Some(entry.progress().state),
            _ => None,
        })
        .collect();
    assert_eq!((states.first(), states.last()), (Some(&State::Saved), Some(&State::Accepted)));
}

#[test]
fn a_clock_that_is_set_neither_hurries_nor_stops_a_wait() {
    for jump in [TimeDelta::hours(25), -TimeDelta::hours(25)] {
        let mut world = world(1.0);
        let (waits, saved) = (world.order(1, false), world.order(2, false));
        world.happens(Event::Withdraw(waits));
        world.outcomes.push_back(lost());
        world.bytes(FIRST);
        assert_eq!(world.state(saved), Some(State::InDoubt));
        let (late, began) = (world.order(3, false), world.now.steady);
        world.now.wall += jump;
        world.happens(Event::Time);
        assert_eq!((world.calls.len(), world.ended(late)), (1, None), "nothing is due yet");
        world.passes(TimeDelta::milliseconds(1100));
        assert_eq!(world.calls.len(), 2, "the pause is over, whatever the wall's clock says");
        world.passes(began + TimeDelta::seconds(60) - world.now.steady);
        assert_eq!(world.ended(late), Some(&Ended::NoCard(60)));
    }
}

#[test]
fn what_nothing_proves_is_read_twice_and_a_person_says_what_it_is() {
    let mut world = world(PROOF);
    let id = world.order(1, true);
    world.bytes(FIRST);
    assert!(matches!(world.asked(), Some((order, Question { kind: QuestionKind::SecondReading(..), .. })) if order == id));
    // Another card begins anew.
    world.bytes(SECOND);
    world.bytes(FIRST);
    assert!(matches!(world.asked(), Some((_, Question { kind: QuestionKind::SecondReading(..), .. }))));
    world.bytes(FIRST);
    let Some((_, question @ Question { kind: QuestionKind::FirstSeen(..), .. })) = world.asked() else { panic!("{:?}", world.asked()) };
    assert!(world.disk.is_empty());
    // An answer to another question is none.
    world.happens(Event::Answer(id, question.number + 1, Answer::Yes));
    assert!(world.disk.is_empty());
    world.happens(Event::Answer(id, question.number, Answer::Printed("4567".to_owned())));
    assert_eq!(world.state(id), Some(State::Accepted));
    let evidence: Vec<&str> = world.disk[&id].origin.evidence.iter().map(|evidence| evidence.what.name()).collect();
    assert_eq!(evidence, ["checks", "read_twice", "printed"]);
    // The next one with this facility code is read twice and asked no more.
    let next = world.order(2, false);
    world.bytes(b"1ABD88EB80\r");
    world.bytes(b"1ABD88EB80\r");
    assert_eq!(world.state(next), Some(State::Accepted), "{:?}", world.ended(next));
}

#[test]
fn what_fits_no_format_and_comes_twice_is_an_unknown_format_and_no_damage() {
    let mut world = world(PROOF);
    // H10301 with a wrong parity bit, twice; a good card between them makes the next one damaged again.
    for (frame, verdict) in
        [(&b"1A3D88EB80\r"[..], "damaged"), (b"1A3D88EB80\r", "unknown_format"), (FIRST, "ambiguous"), (b"1A3D88EB80\r", "damaged")]
    {
        world.bytes(frame);
        let Some(Notice::Read(reading)) = world.told.last() else { panic!("{:?}", world.told.last()) };
        assert_eq!(reading.verdict.name(), verdict);
    }
}

#[test]
fn a_reader_that_repeats_its_card_answers_before_the_person_is_asked() {
    let asked = |repeats_after: i64| {
        let mut world = world(PROOF);
        let every = std::time::Duration::from_millis(200);
        if let Some(ReaderSetup { kind: ReaderKind::Serial(_, hints), .. }) = world.station.setup.readers.first_mut() {
            (hints.repeats, hints.card_left) = (Some(every), Some(every * 3));
        }
        world.happens(Event::Reader("desk".into(), ReaderEvent::Up));
        world.passes(TimeDelta::seconds(1));
        world.order(1, true);
        world.bytes(FIRST);
        world.passes(TimeDelta::milliseconds(repeats_after));
        world.happens(Event::Reader("desk".into(), ReaderEvent::Bytes(FIRST.to_vec())));
        let kinds = world.told.iter().filter_map(|notice| match notice {
            Notice::Asked(_, question) => Some(question.kind.name()),
            _ => None,
        });
        kinds.collect::<Vec<_>>()
    };
    assert_eq!(asked(200), ["first_seen"], "it was read twice with one tap");
    assert_eq!(asked(900), ["second_reading", "first_seen"]);
}

#[test]
fn where_nobody_can_be_asked_a_first_card_is_not_enrolled() {
    let mut world = world(PROOF);
    let id = world.order(1, false);
    world.bytes(FIRST);
    world.bytes(FIRST);
    assert!(matches!(world.ended(id), Some(Ended::Unproven(..))), "{:?}", world.ended(id));
    let waits = world.order(2, false);
    world.bytes(FIRST);
    world.passes(TimeDelta::seconds(61));
    assert!(matches!(world.ended(waits), Some(Ended::Unproven(..))), "no second reading came");
    assert!(world.disk.is_empty());
}

#[test]
fn a_card_goes_to_the_first_who_waits_and_to_nobody_who_came_after_it() {
    let mut world = world(1.0);
    world.bytes(FIRST);
    let (first, second) = (world.order(1, false), world.order(2, false));
    world.happens(Event::Withdraw(first));
    world.bytes(SECOND);
    assert_eq!((world.state(first), world.state(second)), (None, Some(State::Accepted)));
}

#[test]
fn who_ordered_first_keeps_their_place_whoever_says_it_first() {
    let mut world = world(1.0);
    let key = |second: u64| Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 1_700_000_000 + second, 0)).as_u128();
    // The station that had both orders has ended, and the second one is quicker to say it again.
    let (second, first) = (world.order(key(2), false), world.order(key(1), false));
    world.bytes(FIRST);
    assert_eq!((world.state(first), world.state(second)), (Some(State::Accepted), None));
    let places: Vec<(Uuid, usize)> = world
        .told
        .iter()
        .filter_map(|notice| match notice {
            Notice::Waiting { order, ahead, .. } => Some((*order, *ahead)),
            _ => None,
        })
        .collect();
    assert_eq!(places, [(second, 0), (first, 0), (second, 1), (second, 0)]);
    // The same order again is the same order.
    world.order(second.as_u128(), false);
    world.bytes(SECOND);
    world.bytes(SECOND);
    assert_eq!((world.state(second), world.disk.len()), (Some(State::Accepted), 2));
}

#[test]
fn an_entry_that_the_store_shows_before_it_is_said_to_be_saved_is_called_once() {
    let mut world = world(1.0);
    let id = Uuid::from_u128(1);
    let order = Box::new(Order::of(Uuid::from_u128(7)));
    let what = What::Enroll { order, card: Wanted::Existing(Uuid::from_u128(8)), reassign: Reassign::Never };
    let effects = world.station.handle(Event::Order(Box::new(Request { id, what, can_be_asked: false })), world.now);
    let Some(entry) = effects.into_iter().find_map(|effect| if let Effect::Save(entry, _) = effect { Some(entry) } else { None }) else {
        panic!("nothing is saved")
    };
    world.disk.insert(id, (*entry).clone());
    assert_eq!(world.station.handle(Event::Stock(vec![(1, (*entry).clone())]), world.now), []);
    world.happens(Event::Saved(entry));
    assert_eq!((world.calls.len(), world.state(id)), (1, Some(State::Accepted)));
}

#[test]
fn a_card_that_waits_unsent_for_somebody_goes_to_somebody_else_only_where_a_person_says_so() {
    let mut world = world(1.0);
    world.happens(Event::Deliver(Scope::Nothing));
    let [first, unasked, asked] = [1, 2, 3].map(|number| {
        let id = world.order(number, number == 3);
        world.bytes(FIRST);
        id
    });
    assert_eq!((world.state(first), world.state(unasked)), (Some(State::Saved), None));
    assert!(
        matches!(world.ended(unasked), Some(Ended::InTheWay(InTheWay::Ordered(given))) if given.entry == first),
        "{:?}",
        world.ended(unasked)
    );
    let Some((_, Question { kind: QuestionKind::InTheWay(InTheWay::Ordered(given), _), number })) = world.asked() else {
        panic!("{:?}", world.asked())
    };
    assert_eq!((given.entry, world.disk.len()), (first, 1), "nothing is written down before the answer");
    world.happens(Event::Answer(asked, number, Answer::Yes));
    assert_eq!(world.disk[&first].progress().superseded_by, Some(asked));
    world.happens(Event::Deliver(Scope::All));
    assert_eq!((world.state(first), world.state(asked)), (Some(State::Discarded), Some(State::Accepted)));
    assert_eq!(world.calls.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [asked], "the older one is never sent");
}

#[derive(Debug, Clone)]
enum Move {
    Order(bool),
    Withdraw(u128),
    Frame(bool),
    Answer(u8),
    Passes(i64),
    WallIsSet(i64),
    Lost,
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        any::<bool>().prop_map(Move::Order),
        (1_u128..12).prop_map(Move::Withdraw),
        any::<bool>().prop_map(Move::Frame),
        (0_u8..4).prop_map(Move::Answer),
        (0_i64..90).prop_map(Move::Passes),
        (-90_000_i64..90_000).prop_map(Move::WallIsSet),
        Just(Move::Lost),
    ]
}

proptest! {
    /// Whatever happens in whatever order: an order ends once, as an entry or as none; what is saved comes to an end.
    #[test]
    fn every_order_ends_once(moves in prop::collection::vec(a_move(), 1..60), proof in prop_oneof![Just(1.0), Just(PROOF)]) {
        let mut world = world(proof);
        let mut orders = 0;
        for next in moves {
            match next {
                Move::Order(can_be_asked) => {
                    orders += 1;
                    world.order(orders, can_be_asked);
                }
                Move::Withdraw(number) => world.happens(Event::Withdraw(Uuid::from_u128(number))),
                Move::Frame(first) => world.bytes(if first { FIRST } else { SECOND }),
                Move::Answer(kind) => if let Some((order, question)) = world.asked() {
                    let answer = match kind {
                        0 => Answer::Yes,
                        1 => Answer::No,
                        2 => Answer::Printed("4567".to_owned()),
                        _ => Answer::Choice(0),
                    };
                    world.happens(Event::Answer(order, question.number, answer));
                },
                Move::Passes(seconds) => world.passes(TimeDelta::seconds(seconds)),
                Move::WallIsSet(seconds) => world.now.wall += TimeDelta::seconds(seconds),
                Move::Lost => world.outcomes.push_back(lost()),
            }
        }
        // Time enough for everybody who waits, and for every pause.
        for _ in 0..40 {
            world.passes(TimeDelta::seconds(61));
        }
        for number in 1..=orders {
            let id = Uuid::from_u128(number);
            let ends = world.told.iter().filter(|notice| matches!(notice, Notice::NotEnrolled(order, _) if *order == id)).count();
            prop_assert_eq!(ends + usize::from(world.disk.contains_key(&id)), 1, "order {}", number);
            // An entry of which nobody can tell what became of it holds up the later ones for its card until a person has looked.
            let is_held_up = world.disk.values().any(|entry| entry.progress().needs_a_person());
            prop_assert!(world.disk.get(&id).is_none_or(|entry| entry.progress().is_settled() || is_held_up), "order {}", number);
        }
        prop_assert!(!world.station.is_sending());
    }
}
