//! What is delivered, what waits, and what whoever waits is told of it.

use super::*;
use crate::access::Told;

fn refused(words: &str) -> Outcome {
    Outcome::Refused(Told { result_code: Some(2), description: Some(words.to_owned()), ..Told::default() })
}

fn away() -> Outcome {
    Outcome::Away { why: "no route".to_owned() }
}

impl World {
    /// An order for a card that BluSKY has, which is saved at once.
    fn existing(&mut self, number: u128, user: u128, card: u128, can_be_asked: bool) -> Uuid {
        let id = Uuid::from_u128(number);
        let (order, card) = (Box::new(Order::of(Uuid::from_u128(user))), WhichCard::Existing(Uuid::from_u128(card)));
        let what = What::Enroll { order, card, reassign: Reassign::Ask };
        self.happens(Event::Order(Box::new(Request { id, what, can_be_asked })));
        id
    }

    /// The entries of a world before this one, as a store holds them.
    fn stocked(&mut self, entries: &[Entry]) {
        self.disk.extend(entries.iter().map(|entry| (entry.id, entry.clone())));
        self.happens(Event::Stock((1..).zip(entries.iter().cloned()).collect()));
    }

    fn counts(&self) -> (usize, bool, bool, bool) {
        let station = &self.station;
        (station.waiting(), station.is_at_work(), station.is_sending(), station.is_idle(self.now))
    }
}

/// Three entries that nothing was sent of: two for one user, and one for another with the card of the second.
fn from_before() -> Vec<Entry> {
    let mut before = world(1.0);
    before.happens(Event::Deliver(Scope::Nothing));
    let first = before.existing(11, 1, 21, false);
    let second = before.existing(12, 1, 22, false);
    let other = before.existing(13, 2, 23, false);
    [first, second, other].map(|id| before.disk[&id].clone()).to_vec()
}

#[test]
fn what_nobody_here_ordered_waits_aside_until_everything_is_delivered() {
    let entries = from_before();
    let mut world = world(1.0);
    world.happens(Event::Deliver(Scope::Ordered));
    assert!(!world.station.delivers_all());
    world.stocked(&entries);
    assert_eq!((world.counts(), world.calls.len()), ((3, false, false, true), 0));
    // Somebody comes back for the second one: what stands before it in its user's line goes first, and the third stays.
    world.happens(Event::Resume(entries[1].id));
    let called: Vec<Uuid> = world.calls.iter().map(|(_, id)| *id).collect();
    assert_eq!(called, [entries[0].id, entries[1].id]);
    assert_eq!(world.state(entries[2].id), Some(State::Saved));
    world.happens(Event::Deliver(Scope::All));
    assert!(world.station.delivers_all());
    assert_eq!((world.state(entries[2].id), world.counts().0), (Some(State::Accepted), 0));
}

#[test]
fn an_order_takes_up_what_stands_before_it_for_its_user_or_its_card() {
    let entries = from_before();
    let mut world = world(1.0);
    world.happens(Event::Deliver(Scope::Ordered));
    world.stocked(&entries);
    let mine = world.existing(14, 2, 24, false);
    assert_eq!(world.calls.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [entries[2].id, mine]);
    assert!(world.told.iter().any(|notice| matches!(notice, Notice::WaitsFor(id, before) if (*id, *before) == (mine, entries[2].id))));
    assert_eq!(world.counts().0, 2, "those of the other user are not taken up");
}

#[test]
fn where_nothing_is_delivered_there_is_nothing_to_come_back_for() {
    let mut world = world(1.0);
    world.happens(Event::Deliver(Scope::Nothing));
    world.existing(1, 1, 21, false);
    assert_eq!(world.station.deadline(world.now), None);
    world.passes(TimeDelta::hours(1));
    assert!(world.calls.is_empty());
    world.outcomes.push_back(lost());
    world.happens(Event::Deliver(Scope::All));
    assert_eq!((world.calls.len(), world.station.deadline(world.now).is_some()), (1, true));
}

#[test]
fn whoever_is_about_to_end_knows_what_is_due_soon_and_what_is_not() {
    let mut world = world(1.0);
    world.outcomes.push_back(lost());
    let id = world.existing(1, 1, 21, false);
    // Its first pause is short: that is waited for.
    assert_eq!((world.state(id), world.counts()), (Some(State::InDoubt), (1, true, false, false)));
    // Nobody waits for its outcome any more, and it is still due.
    world.happens(Event::Withdraw(id));
    assert_eq!(world.counts(), (1, false, false, false));
    world.shown.push_back(ReadBack::NotFound);
    world.outcomes.push_back(away());
    world.passes(TimeDelta::seconds(2));
    assert_eq!(world.counts(), (1, false, false, true), "BluSKY is away: nothing is worth waiting for");
}

#[test]
fn whoever_waits_is_told_once_that_blusky_is_away_and_the_station_tells_since_when() {
    let mut world = world(1.0);
    world.outcomes.extend([away(), away(), away()]);
    let began = world.now.wall;
    let id = world.existing(1, 1, 21, false);
    let told = |world: &World| {
        let of = |is: bool| world.told.iter().filter(|notice| matches!(notice, Notice::Away(away, _) if *away == is)).count();
        let postponed = world.told.iter().filter(|notice| matches!(notice, Notice::Postponed(order, None) if *order == id)).count();
        (of(true), of(false), postponed)
    };
    // Once can be a breath; twice in a row is an absence, and it began with the first.
    assert_eq!((told(&world), world.station.blusky().away_since, world.station.blusky().fails), ((0, 0, 0), None, true));
    let why = |world: &World| world.told.iter().find_map(|notice| if let Notice::Away(true, why) = notice { why.clone() } else { None });
    for _ in 0..2 {
        let asks_again = world.station.deadline(world.now).unwrap() - world.now.steady;
        world.passes(asks_again);
        assert_eq!((told(&world), world.station.blusky().away_since), ((1, 0, 1), Some(began)));
        assert_eq!(why(&world).as_deref(), Some("no route"));
    }
    // A second one is told at once, and not asked to wait for an answer.
    let second = world.existing(2, 2, 22, false);
    assert!(world.told.iter().any(|notice| matches!(notice, Notice::Postponed(order, None) if *order == second)));
    for _ in 0..8 {
        world.passes(TimeDelta::minutes(10));
    }
    assert_eq!((world.state(id), world.state(second)), (Some(State::Accepted), Some(State::Accepted)));
    let health = world.station.blusky();
    assert_eq!((told(&world).1, health.away_since, health.fails, health.stopped), (1, None, false, None));
    assert!(health.reached > Some(began));
    let postponed = |id| world.told.iter().filter(|notice| matches!(notice, Notice::Postponed(order, None) if *order == id)).count();
    assert_eq!((postponed(id), postponed(second)), (1, 1), "nothing is put off by its being back");
}

#[test]
fn why_nothing_goes_through_is_said_once_until_something_does() {
    let mut world = world(1.0);
    let stops =
        |why: &str| Called { id: Uuid::from_u128(99), heard: vec![(Reached::Stopped, Some(why.to_owned()))], stands: Stands::Later };
    let said = |world: &World| world.told.iter().filter(|notice| matches!(notice, Notice::Stopped(_))).count();
    for why in ["401", "401", "404"] {
        world.happens(Event::Called(Box::new(stops(why))));
    }
    assert_eq!((said(&world), world.station.blusky().stopped), (2, Some("404".to_owned())));
    let answered = Called { heard: vec![(Reached::Answered, None)], ..stops("") };
    world.happens(Event::Called(Box::new(answered)));
    assert_eq!(world.station.blusky().stopped, None);
    world.happens(Event::Called(Box::new(stops("404"))));
    assert_eq!(said(&world), 3);
}

#[test]
fn only_an_accepted_card_or_a_persons_word_makes_the_next_one_known() {
    let words = |world: &World, id| {
        world.disk.get(&id).map(|entry| entry.origin.evidence.iter().map(|evidence| evidence.what.name()).collect::<Vec<_>>())
    };
    for (outcome, is_known) in [(Outcome::Accepted(Told::default()), true), (refused("no such user"), false)] {
        let mut world = world(1.0);
        world.outcomes.push_back(outcome);
        world.order(1, false);
        world.bytes(FIRST);
        let next = world.order(2, false);
        world.bytes(FIRST);
        assert_eq!(words(&world, next).unwrap().contains(&"facility_code_seen"), is_known);
    }
}

#[test]
fn a_holder_is_asked_about_where_somebody_can_be_asked_and_else_the_entry_is_over() {
    for can_be_asked in [true, false] {
        let mut world = world(1.0);
        world.outcomes.push_back(refused("Card Already Assigned : 1 Lovelace, Ada"));
        let id = world.existing(1, 1, 21, can_be_asked);
        let Some(Notice::Entry(_, question)) = world.told.last().cloned() else { panic!("{:?}", world.told.last()) };
        assert_eq!((question.is_some(), world.state(id)), (can_be_asked, Some(State::Refused)));
        let Some(question) = question else { continue };
        // Another number is no answer, and the order is kept until there is one.
        world.happens(Event::Answer(id, question.number + 1, Answer::Yes));
        assert_eq!((world.calls.len(), world.station.is_at_work()), (1, true));
        world.happens(Event::Answer(id, question.number, Answer::Yes));
        assert_eq!((world.state(id), world.calls.len(), world.station.is_at_work()), (Some(State::Accepted), 2, false));
    }
}

#[test]
fn a_station_that_ends_sends_nothing_more_and_notes_which_cards_lie_there() {
    let mut world = world(1.0);
    world.order(1, false);
    world.bytes(FIRST);
    let effects = world.station.end(world.now);
    let Some(Effect::Seen(card, at)) = effects.first() else { panic!("{effects:?}") };
    assert!(effects.len() == 1 && card.contains("BD88EB80") && *at == world.now.wall, "{card}");
    world.existing(2, 2, 22, false);
    assert_eq!(world.calls.len(), 1);
    assert_eq!(world.station.end(world.now), []);
}

#[test]
fn while_a_call_is_under_way_the_station_is_sending_and_not_idle() {
    let entries = from_before();
    let mut world = world(1.0);
    let effects = world.station.handle(Event::Stock(vec![(1, entries[0].clone())]), world.now);
    assert_eq!(effects, [Effect::Deliver(Work::Step(entries[0].id))]);
    assert_eq!(world.counts(), (1, false, true, false));
    world.stocked(&entries[..1]);
    assert!(world.calls.is_empty(), "what is under way is not begun once more");
    // A person's word on it is told, and whoever is at work on it finds it.
    let word = entries[0].clone().after([(world.now.wall, Step::Retry { absent: false, user: None })]);
    let effects = world.station.handle(Event::Settled(Box::new(word.clone())), world.now);
    assert_eq!(effects, [Effect::Tell(Notice::Entry(Box::new(word), None))]);
    let called = world.called(entries[0].id);
    world.happens(Event::Called(Box::new(called)));
    assert_eq!(world.counts(), (0, false, false, true));
}

#[test]
fn a_card_that_was_taken_back_while_it_was_delivered_makes_no_other_known() {
    for (undone, is_known) in [(None, true), (Some(Step::Undone { by: Uuid::from_u128(9) }), false)] {
        let mut first = world(1.0);
        let id = first.order(1, false);
        first.bytes(FIRST);
        let mut world = world(1.0);
        let accepted = first.disk[&id].clone().after(undone.map(|step| (world.now.wall, step)));
        world.happens(Event::Called(Box::new(Called { id, heard: Vec::new(), stands: Stands::As(Box::new(accepted)) })));
        let next = world.order(2, false);
        world.bytes(FIRST);
        let evidence: Vec<&str> = world.disk[&next].origin.evidence.iter().map(|evidence| evidence.what.name()).collect();
        assert_eq!(evidence.contains(&"facility_code_seen"), is_known, "{evidence:?}");
    }
}
