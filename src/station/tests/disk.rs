//! What the disk says, what is put off, and what whoever waits or has gone is told of it.

use super::*;
use crate::{access::Told, enroll::origin::Undoes, outbox::Step};

fn held() -> Outcome {
    let words = Some("Card Already Assigned : 1 Lovelace, Ada".to_owned());
    Outcome::Refused(Told { result_code: Some(2), description: words, ..Told::default() })
}

/// An entry that was saved by an earlier station, and sent by none.
fn an_open_entry() -> Entry {
    let mut before = world(1.0);
    before.happens(Event::Deliver(Scope::Nothing));
    let id = before.saves(1, 1);
    before.disk[&id].clone()
}

impl World {
    /// An order for a card that BluSKY has.
    fn of_existing(&mut self, number: u128, user: u128) -> Request {
        let order = Box::new(Order::of(Uuid::from_u128(user)));
        let what = What::Enroll { order, card: WhichCard::Existing(Uuid::from_u128(20 + number)), reassign: Reassign::Ask };
        Request { id: Uuid::from_u128(number), what, can_be_asked: true }
    }

    fn saves(&mut self, number: u128, user: u128) -> Uuid {
        let request = self.of_existing(number, user);
        let id = request.id;
        self.happens(Event::Order(Box::new(request)));
        id
    }

    /// The entry that is to be written down, and is not yet.
    fn is_saving(&mut self, number: u128, user: u128) -> Box<Entry> {
        let request = self.of_existing(number, user);
        let effects = self.station.handle(Event::Order(Box::new(request)), self.now);
        effects.into_iter().find_map(|effect| if let Effect::Save(entry, _) = effect { Some(entry) } else { None }).unwrap()
    }

    fn last_question(&self) -> Option<Question> {
        let Some(Notice::Entry(_, question)) = self.told.last() else { panic!("{:?}", self.told.last()) };
        question.as_deref().cloned()
    }

    fn postponed(&self, id: Uuid) -> usize {
        self.told.iter().filter(|notice| matches!(notice, Notice::Postponed(order, _) if *order == id)).count()
    }

    fn lets_nothing_through(&mut self) {
        let heard = vec![(Reached::Stopped, Some("401".to_owned()))];
        self.happens(Event::Called(Box::new(Called { id: Uuid::from_u128(99), heard, stands: Stands::Later })));
    }
}

#[test]
fn why_nothing_can_be_saved_is_known_until_something_is() {
    let mut world = world(1.0);
    let why = |world: &World| world.station.unsaved().map(ToOwned::to_owned);
    assert_eq!(why(&world), None);
    let entry = world.is_saving(1, 1);
    world.happens(Event::NotSaved(entry.id, "full".to_owned()));
    assert_eq!((why(&world).as_deref(), world.station.is_at_work()), (Some("full"), false));
    world.saves(2, 2);
    assert_eq!(why(&world), None);
    world.happens(Event::Unwritten("read-only".to_owned()));
    assert_eq!(why(&world).as_deref(), Some("read-only"));
    world.happens(Event::StoreGone(Some("no such file".to_owned())));
    assert_eq!(why(&world).as_deref(), Some("no such file"), "where it is not there at all, that is why");
    assert!(matches!(world.told.last(), Some(Notice::StoreGone(Some(_)))));
    world.happens(Event::StoreGone(None));
    assert_eq!(why(&world).as_deref(), Some("read-only"));
    let stepped = world.disk[&Uuid::from_u128(2)].clone();
    world.happens(Event::Stepped(Box::new(stepped)));
    assert_eq!(why(&world), None);
}

#[test]
fn while_the_store_takes_nothing_one_entry_a_second_finds_that_out_until_one_is_written() {
    let World { mut station, mut now, .. } = world(1.0);
    let begun = |station: &mut Station, event: Event, now: Now| -> Vec<Uuid> {
        let effects = station.handle(event, now).into_iter();
        effects.filter_map(|effect| if let Effect::Deliver(Work::Step(id) | Work::Ask(id)) = effect { Some(id) } else { None }).collect()
    };
    let open = (1..=20).map(|number| (number, *world(1.0).is_saving(number.into(), number.into()))).collect();
    let mut under_way = begun(&mut station, Event::Stock(open), now);
    assert_eq!(under_way.len(), 4);
    for seconds in 1..4 {
        for id in under_way.drain(..) {
            let called = Called { id, heard: Vec::new(), stands: Stands::Later };
            for event in [Event::Unwritten("full".to_owned()), Event::Called(Box::new(called))] {
                assert_eq!(begun(&mut station, event, now), [] as [Uuid; 0]);
            }
        }
        assert_eq!(station.is_idle(now), seconds > 1, "once may be a moment; after that, nobody waits for it");
        now = Now { wall: now.wall + TimeDelta::seconds(1), steady: now.steady + TimeDelta::seconds(1) };
        assert_eq!(station.deadline(now), Some(now.steady));
        under_way = begun(&mut station, Event::Time, now);
        assert_eq!(under_way.len(), 1);
    }
    let written = Event::Stepped(Box::new(an_open_entry()));
    assert_eq!(begun(&mut station, written, now).len(), 3);
}

#[test]
fn a_station_is_at_work_while_something_is_written_down_also_for_whoever_has_gone_and_not_while_it_asks() {
    let mut world = world(1.0);
    world.happens(Event::Deliver(Scope::Nothing));
    let entry = world.is_saving(1, 1);
    world.happens(Event::Withdraw(entry.id));
    assert!(world.station.is_at_work());
    world.disk.insert(entry.id, (*entry).clone());
    world.happens(Event::Saved(entry));
    let mut asked = self::world(1.0);
    asked.happens(Event::Deliver(Scope::Nothing));
    let first = asked.order(1, false);
    asked.bytes(FIRST);
    asked.happens(Event::Withdraw(first));
    asked.order(2, true);
    asked.bytes(FIRST);
    assert!(asked.asked().is_some() && !asked.station.is_at_work());
}

#[test]
fn whoever_waits_behind_somebody_who_gets_nothing_is_told_that_it_is_their_turn() {
    let mut world = world(1.0);
    let (first, next) = (world.order(1, false), world.order(2, false));
    world.told.clear();
    world.bytes(b"1A3D88EB80\r");
    assert!(world.ended(first).is_some());
    assert!(matches!(world.told.last(), Some(Notice::Waiting { order, ahead: 0, .. }) if *order == next), "{:?}", world.told.last());
}

#[test]
fn an_entry_that_turns_out_to_be_damaged_holds_up_nobody_and_whoever_waits_for_it_is_told() {
    let mut world = world(1.0);
    let [first, second] = [1, 2].map(|number| *self::world(1.0).is_saving(number, 7));
    for (entry, place) in [(&first, 1), (&second, 2)] {
        world.disk.insert(entry.id, entry.clone());
        world.station.handle(Event::Stock(vec![(place, entry.clone())]), world.now);
    }
    world.station.handle(Event::Resume(first.id), world.now);
    assert!(!world.station.is_idle(world.now));
    let stands = Stands::Lost("entry 1 is damaged".to_owned());
    world.happens(Event::Called(Box::new(Called { id: first.id, heard: Vec::new(), stands })));
    assert_eq!((world.state(second.id), world.station.is_idle(world.now)), (Some(State::Accepted), true));
    assert_eq!(world.ended(first.id), Some(&Ended::Unreadable("entry 1 is damaged".to_owned())));
    assert!(!world.station.is_at_work());
}

#[test]
fn what_is_not_on_disk_yet_is_not_told_to_be_put_off_before_it_is_saved() {
    let mut world = world(1.0);
    world.happens(Event::Deliver(Scope::Nothing));
    let entry = world.is_saving(1, 1);
    let id = entry.id;
    world.happens(Event::CannotDeliver(Some("no certificate".to_owned())));
    assert_eq!(world.postponed(id), 0);
    world.disk.insert(id, (*entry).clone());
    world.happens(Event::Saved(entry));
    assert_eq!(world.postponed(id), 1);
}

#[test]
fn whoever_has_gone_is_not_asked_whether_a_card_is_taken_from_its_holder() {
    let mut world = world(1.0);
    world.outcomes.extend([Outcome::Away { why: "no route".to_owned() }, held()]);
    let id = world.saves(1, 1);
    world.happens(Event::Withdraw(id));
    world.passes(TimeDelta::minutes(1));
    assert_eq!((world.disk[&id].progress().awaits_reassignment(), world.last_question()), (true, None), "{:?}", world.state(id));
}

#[test]
fn whoever_comes_back_for_an_entry_of_before_waits_for_it_and_is_asked_nothing() {
    let open = an_open_entry();
    let id = open.id;
    let comes_back = |outcomes: Vec<Outcome>| {
        let mut world = world(1.0);
        world.happens(Event::Deliver(Scope::Nothing));
        world.disk.insert(id, open.clone());
        world.happens(Event::Stock(vec![(1, open.clone())]));
        world.happens(Event::Resume(id));
        assert!(world.station.is_at_work());
        world.outcomes.extend(outcomes);
        world.happens(Event::Deliver(Scope::Ordered));
        world
    };
    let refused = comes_back(vec![held()]);
    assert_eq!((refused.state(id), refused.last_question()), (Some(State::Refused), None));
    let mut away = comes_back(vec![Outcome::Away { why: "no route".to_owned() }; 2]);
    away.passes(TimeDelta::seconds(2));
    assert_eq!((away.state(id), away.postponed(id)), (Some(State::Saved), 1));
    for _ in 0..3 {
        away.passes(TimeDelta::minutes(2));
    }
    assert!(away.told.contains(&Notice::Away(false, None)), "that it is back has no reason");
    assert_eq!(away.postponed(id), 1, "and puts nothing off");
}

#[test]
fn entries_of_one_user_are_sent_in_the_order_in_which_they_were_saved_whatever_their_keys() {
    let mut world = world(1.0);
    world.happens(Event::Deliver(Scope::Nothing));
    let saved = [3, 1, 2].map(|number| world.saves(number, 7));
    world.happens(Event::Deliver(Scope::All));
    assert_eq!(world.calls.iter().map(|(_, id)| *id).collect::<Vec<_>>(), saved);
}

#[test]
fn a_persons_word_ends_the_pause_of_a_blusky_that_lets_nothing_through_and_what_they_give_up_is_over() {
    let mut world = world(1.0);
    world.lets_nothing_through();
    let (one, other) = (world.saves(1, 1), world.saves(2, 2));
    assert_eq!((world.calls.len(), world.station.waiting()), (0, 2));
    let said = |world: &mut World, id, step: Step| {
        let entry = world.disk[&id].clone().after([(world.now.wall, step)]);
        world.disk.insert(id, entry.clone());
        world.happens(Event::Settled(Box::new(entry)));
    };
    said(&mut world, other, Step::Discarded { superseded_by: None });
    assert_eq!((world.state(other), world.station.waiting()), (Some(State::Discarded), 0), "and the way is tried once more");
    assert_eq!((world.state(one), world.calls.len()), (Some(State::Accepted), 1));
    world.lets_nothing_through();
    let third = world.saves(3, 3);
    world.happens(Event::Deliver(Scope::All));
    assert_eq!(world.state(third), Some(State::Accepted), "so it is where somebody begins to deliver");
    let mut ordered = self::world(1.0);
    ordered.happens(Event::Deliver(Scope::Ordered));
    ordered.disk.extend([(third, Entry { history: Default::default(), ..world.disk[&third].clone() })]);
    let waits = ordered.disk[&third].clone();
    ordered.happens(Event::Stock(vec![(1, waits)]));
    assert_eq!(ordered.calls.len(), 0);
    said(&mut ordered, third, Step::Retry { absent: false, user: None });
    assert_eq!((ordered.state(third), ordered.station.waiting()), (Some(State::Accepted), 0), "whoever asked for it waits for it");
    let asked = world.saves(4, 4);
    world.lets_nothing_through();
    world.outcomes.push_back(held());
    let again = Entry { history: Default::default(), ..world.disk[&asked].clone() };
    world.disk.insert(asked, again);
    said(&mut world, asked, Step::Retry { absent: false, user: None });
    assert_eq!((world.state(asked), world.last_question()), (Some(State::Refused), None), "and nobody here is asked about it");
}

#[test]
fn where_a_card_was_not_taken_back_the_entries_that_hang_on_it_are_looked_at() {
    let [given, gives_back] = [31, 32].map(Uuid::from_u128);
    let looks = |steps: Vec<Step>| {
        let mut world = world(1.0);
        let mut entry = *world.is_saving(1, 1);
        entry.origin.undoing = Some(Undoes { entry: given, gives_back: Some(gives_back) });
        let entry = entry.after(steps.into_iter().map(|step| (world.now.wall, step)));
        let called = Called { id: entry.id, heard: Vec::new(), stands: Stands::As(Box::new(entry)) };
        let effects = world.station.handle(Event::Called(Box::new(called)), world.now);
        effects.into_iter().filter_map(|effect| if let Effect::Look(id) = effect { Some(id) } else { None }).collect::<Vec<_>>()
    };
    let accepted = Step::Answered(Outcome::Accepted(Told::default()));
    let unavailable = Step::ReadBack(ReadBack::Unavailable { why: "404".to_owned() });
    assert_eq!(looks(vec![Step::Discarded { superseded_by: None }]), [given, gives_back]);
    assert_eq!(looks(vec![Step::Sending { reassign: false }, accepted, unavailable]), [] as [Uuid; 0]);
    // Tried anew, it may take the card after all.
    let mut world = world(1.0);
    let mut entry = *world.is_saving(1, 1);
    entry.origin.undoing = Some(Undoes { entry: given, gives_back: None });
    let steps = [Step::Discarded { superseded_by: None }, Step::Retry { absent: true, user: None }];
    let entry = entry.after(steps.map(|step| (world.now.wall, step)));
    let effects = world.station.handle(Event::Settled(Box::new(entry)), world.now);
    assert!(effects.contains(&Effect::Look(given)), "{effects:?}");
}

#[test]
fn a_wish_to_take_a_card_is_as_old_as_the_clock_that_nobody_sets_says() {
    let mut world = world(1.0);
    world.outcomes.extend([lost(), lost(), lost()]);
    let id = world.saves(1, 1);
    let began = world.now.wall;
    world.now = Now { wall: began - TimeDelta::hours(1), steady: world.now.steady + TimeDelta::minutes(3) };
    assert_eq!(world.station.at_least(id, world.now), began + TimeDelta::minutes(3));
    assert_eq!(world.station.at_least(Uuid::from_u128(9), world.now), world.now.wall);
    let mut next = self::world(1.0);
    next.happens(Event::Deliver(Scope::Nothing));
    next.happens(Event::Stock(vec![(1, world.disk[&id].clone())]));
    let began = next.now.wall;
    next.now = Now { wall: began - TimeDelta::hours(1), steady: next.now.steady + TimeDelta::minutes(3) };
    assert_eq!(next.station.at_least(id, next.now), began + TimeDelta::minutes(3));
}

#[test]
fn a_notice_says_which_order_it_is_about() {
    let id = Uuid::from_u128(1);
    let mut world = world(PROOF);
    let about = |notices: &[Notice]| notices.iter().filter_map(Notice::order).collect::<Vec<_>>();
    world.order(1, true);
    world.told.retain(|notice| matches!(notice, Notice::Waiting { .. }));
    assert_eq!(about(&world.told), [id]);
    world.told.clear();
    world.bytes(FIRST);
    world.told.retain(|notice| matches!(notice, Notice::Asked(..)));
    assert_eq!(about(&world.told), [id]);
    let entry = world.is_saving(2, 2);
    let entry_id = entry.id;
    let others = [Notice::NotEnrolled(id, Box::new(Ended::Withdrawn)), Notice::WaitsFor(id, entry_id), Notice::Postponed(id, None)];
    assert_eq!(about(&others), [id, id, id]);
    assert_eq!(about(&[Notice::Entry(entry, None), Notice::Away(true, None)]), [entry_id]);
}

#[test]
fn what_the_store_shows_is_taken_up_also_where_somebody_waits_for_it_already_or_it_had_come_to_its_end() {
    let open = an_open_entry();
    let id = open.id;
    let stock = |world: &mut World, entry: &Entry| {
        world.disk.insert(id, entry.clone());
        world.happens(Event::Stock(vec![(1, entry.clone())]));
    };
    // Whoever came back for it before it was read from the store waits for it all the same.
    let mut early = world(1.0);
    early.happens(Event::Deliver(Scope::Ordered));
    early.happens(Event::Resume(id));
    stock(&mut early, &open);
    assert_eq!((early.state(id), early.station.waiting()), (Some(State::Accepted), 0));
    // What has come to its end here another program has tried again.
    let mut world = world(1.0);
    let given_up = open.after([(world.now.wall, Step::Discarded { superseded_by: None })]);
    world.disk.insert(id, given_up.clone());
    world.happens(Event::Settled(Box::new(given_up.clone())));
    let again = given_up.after([(world.now.wall, Step::Retry { absent: true, user: None })]);
    stock(&mut world, &again);
    assert_eq!(world.state(id), Some(State::Accepted));
}

#[test]
fn an_order_that_was_taken_back_can_come_again_and_one_that_is_saved_is_never_told_to_be_taken_back() {
    let mut world = world(1.0);
    let (id, next) = (world.order(1, true), world.order(2, true));
    world.told.clear();
    world.happens(Event::Withdraw(id));
    assert_eq!(world.ended(id), Some(&Ended::Withdrawn));
    assert!(matches!(world.told.last(), Some(Notice::Waiting { order, ahead: 0, .. }) if *order == next), "{:?}", world.told.last());
    world.told.clear();
    world.order(1, true);
    assert_eq!(world.ended(id), None);
    world.outcomes.push_back(lost());
    let saved = world.saves(3, 3);
    world.happens(Event::Withdraw(saved));
    world.saves(3, 3);
    assert_eq!((world.ended(saved), world.state(saved)), (None, Some(State::InDoubt)));
}

#[test]
fn what_came_to_its_end_before_anything_is_delivered_is_not_taken_up_where_it_was_read_as_open_before() {
    let open = an_open_entry();
    let World { station, .. } = world(1.0);
    let mut begins = world(1.0);
    begins.station = Station::new(station.setup);
    let given_up = open.clone().after([(begins.now.wall, Step::Discarded { superseded_by: None })]);
    begins.happens(Event::Stock(vec![(1, open.clone())]));
    assert_eq!(begins.station.waiting(), 1);
    begins.happens(Event::Settled(Box::new(given_up)));
    assert_eq!(begins.station.waiting(), 0);
    begins.happens(Event::Stock(vec![(1, open)]));
    assert_eq!(begins.station.waiting(), 0);
}

#[test]
fn why_blusky_is_away_is_what_was_said_last_of_it() {
    let mut world = world(1.0);
    for why in [Some("no route".to_owned()), None] {
        let heard = vec![(Reached::Away(None), why)];
        world.happens(Event::Called(Box::new(Called { id: Uuid::from_u128(99), heard, stands: Stands::Later })));
    }
    assert!(world.told.contains(&Notice::Away(true, Some("no route".to_owned()))), "{:?}", world.told);
}

#[test]
fn how_an_order_stands_is_told_to_whoever_has_missed_it() {
    let mut world = world(PROOF);
    let (asked, waits) = (world.order(1, true), world.order(2, true));
    world.bytes(FIRST);
    let (_, question) = world.asked().unwrap();
    assert_eq!(world.station.stands(asked), Some(Notice::Asked(asked, Box::new(question))));
    assert!(matches!(world.station.stands(waits), Some(Notice::Waiting { order, .. }) if order == waits));
    assert_eq!(world.station.stands(Uuid::from_u128(9)), None);
}
