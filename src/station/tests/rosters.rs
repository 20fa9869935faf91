//! People who have their turn one after the other: whose card it is, and whose it is not.

use super::*;
use crate::{enroll::origin::RosterRow, outbox::Given};

impl World {
    /// A row's turn in this run.
    fn turn(&mut self, run: u128, row: usize, user: u128) -> Uuid {
        let id = Uuid::from_u128(1000 * run + 10 * row as u128 + self.disk.len() as u128);
        let at = RosterRow { run: Uuid::from_u128(run), file: "monday.csv".to_owned(), row };
        let order = Box::new(Order { roster: Some(at), ..Order::of(Uuid::from_u128(user)) });
        let card = WhichCard::Shown { reader: None, within: TimeDelta::seconds(600) };
        let what = What::Enroll { order, card, reassign: Reassign::Never };
        self.happens(Event::Order(Box::new(Request { id, what, can_be_asked: true })));
        id
    }

    /// One card, shown for the first two rows: the second one's order.
    fn shows_one_card_to_two(&mut self) -> Uuid {
        self.turn(1, 1, 101);
        self.bytes(FIRST);
        let next = self.turn(1, 2, 102);
        self.bytes(FIRST);
        next
    }

    fn shown_for(&self) -> Option<Given> {
        match self.asked()?.1.kind {
            QuestionKind::InTheWay(InTheWay::Shown(given), _) => Some(given),
            _ => None,
        }
    }

    fn answers(&mut self, answer: Answer) {
        let (order, question) = self.asked().unwrap();
        self.happens(Event::Answer(order, question.number, answer));
    }
}

#[test]
fn a_card_that_was_shown_for_one_is_the_next_ones_only_after_a_yes() {
    let mut world = world(1.0);
    let next = world.shows_one_card_to_two();
    let given = world.shown_for().unwrap();
    assert_eq!((given.user, given.seconds, world.state(next)), (Uuid::from_u128(101), 1, None));
    // Another card answers what was asked about that one.
    world.bytes(SECOND);
    assert_eq!((world.state(next), world.disk.len()), (Some(State::Accepted), 2));
}

#[test]
fn a_yes_gives_the_same_card_and_a_no_waits_for_another() {
    for (answer, cards) in [(Answer::Yes, 2), (Answer::No, 1)] {
        let mut world = world(1.0);
        let next = world.shows_one_card_to_two();
        world.answers(answer);
        assert_eq!(world.disk.len(), cards);
        world.told.clear();
        world.bytes(SECOND);
        assert_eq!((world.state(next), world.shown_for()), (Some(State::Accepted), None));
    }
}

#[test]
fn the_same_person_again_and_another_run_are_no_question() {
    let mut world = world(1.0);
    for (run, row, user) in [(1, 1, 101), (1, 1, 101), (1, 5, 101), (2, 2, 102)] {
        world.turn(run, row, user);
        world.bytes(FIRST);
        assert_eq!(world.shown_for(), None, "{run} {row}");
    }
    // Two people who are not in BluSKY yet are two people, although neither has a key.
    world.turn(3, 1, 0);
    world.bytes(SECOND);
    world.turn(3, 2, 0);
    world.bytes(SECOND);
    assert!(world.shown_for().is_some());
}

#[test]
fn a_card_that_lay_there_before_somebodys_turn_answers_nothing() {
    let mut world = world(1.0);
    world.shows_one_card_to_two();
    let asked = world.asked();
    assert!(world.shown_for().is_some());
    // The same card once more says nothing new.
    world.bytes(FIRST);
    assert_eq!((world.asked(), world.disk.len()), (asked, 1));
}

#[test]
fn a_card_that_lay_there_as_its_reader_came_back_does_not_answer_what_was_asked_about_another() {
    let mut world = world(1.0);
    let next = world.shows_one_card_to_two();
    assert!(world.shown_for().is_some());
    if let Some(ReaderSetup { kind: ReaderKind::Serial(_, hints), .. }) = world.station.setup.readers.first_mut() {
        hints.card_left = Some(std::time::Duration::from_secs(5));
    }
    world.happens(Event::Reader("desk".into(), ReaderEvent::Up));
    world.bytes(SECOND);
    assert_eq!((world.state(next), world.disk.len()), (None, 1));
}

#[test]
fn after_a_day_a_card_that_was_shown_for_somebody_is_the_next_ones_unasked() {
    for (seconds, is_asked) in [(-1, true), (0, false)] {
        let mut world = world(1.0);
        world.turn(1, 1, 101);
        world.bytes(FIRST);
        world.passes(TimeDelta::days(1) + TimeDelta::seconds(seconds - 1));
        world.turn(1, 2, 102);
        world.bytes(FIRST);
        assert_eq!(world.shown_for().is_some(), is_asked);
    }
}

#[test]
fn a_new_person_whose_row_has_its_turn_again_is_the_same_person() {
    let mut world = world(1.0);
    for _ in 0..2 {
        world.turn(3, 1, 0);
        world.bytes(SECOND);
        assert_eq!(world.shown_for(), None);
    }
}

#[test]
fn in_a_list_also_a_card_that_was_refused_for_somebody_a_moment_ago_is_asked_about_and_at_a_desk_it_is_not() {
    for (is_roster, is_asked) in [(true, true), (false, false)] {
        let mut world = world(1.0);
        world.station.setup.policy.same_card = Some(std::time::Duration::from_secs(60));
        world.outcomes.push_back(Outcome::Refused(Default::default()));
        world.order(901, false);
        world.bytes(FIRST);
        assert_eq!(world.state(Uuid::from_u128(901)), Some(State::Refused));
        let next = if is_roster { world.turn(1, 1, 101) } else { world.order(902, true) };
        world.bytes(FIRST);
        assert_eq!((world.asked().is_some(), world.state(next).is_none()), (is_asked, is_asked));
    }
}

#[test]
fn a_card_that_was_given_since_the_run_began_is_asked_about_however_short_the_sites_own_time_is() {
    let mut world = world(1.0);
    world.station.setup.policy.same_card = Some(std::time::Duration::from_secs(10));
    let seconds = u64::try_from(world.now.wall.timestamp()).unwrap();
    let run = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0)).as_u128();
    world.order(901, false);
    world.bytes(FIRST);
    world.passes(TimeDelta::seconds(30));
    let at = RosterRow { run: Uuid::from_u128(run), file: "monday.csv".to_owned(), row: 1 };
    let order = Box::new(Order { roster: Some(at), ..Order::of(Uuid::from_u128(101)) });
    let what = What::Enroll { order, card: WhichCard::Shown { reader: None, within: TimeDelta::seconds(60) }, reassign: Reassign::Never };
    world.happens(Event::Order(Box::new(Request { id: Uuid::from_u128(902), what, can_be_asked: true })));
    world.bytes(FIRST);
    assert!(
        matches!(world.asked(), Some((_, Question { kind: QuestionKind::InTheWay(InTheWay::Given(_), _), .. }))),
        "{:?}",
        world.told.last()
    );
}

#[test]
fn in_a_list_also_a_card_that_was_not_read_whole_voids_what_is_asked_about_the_one_before() {
    let mut world = world(1.0);
    let next = world.shows_one_card_to_two();
    assert!(world.shown_for().is_some());
    let (_, question) = world.asked().unwrap();
    world.bytes(b"1AFD88EB80\r");
    world.happens(Event::Answer(next, question.number, Answer::Yes));
    assert_eq!((world.state(next), world.disk.len()), (None, 1));
}
