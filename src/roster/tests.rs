//! What is promised of a roster, turned by hand.

use super::{screen::Screen, *};
use crate::{access::AddUser, station::Answer};

/// A roster of three, with the keys of its orders counted from 1.
struct Desk {
    roster: Roster,
    fresh: u128,
    did: Vec<Effect>,
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn row(number: usize, name: &str) -> Row {
    Row { number, user_id: id(1000 + number as u128), name: name.to_owned(), ..Row::default() }
}

fn seen(state: State, end: Option<&str>) -> SeatEntry {
    SeatEntry {
        state,
        user_id: None,
        card: "123:4567".to_owned(),
        evidence: "parity".to_owned(),
        words: format!("{} it is", state.name()),
        description: None,
        saved_at: "now".to_owned(),
        end: end.map(ToOwned::to_owned),
        is_undone: false,
        opens_nothing: false,
        question: None,
    }
}

fn question(number: u64, kind: Asks) -> Question {
    Question { number, kind, words: "is it so?".to_owned(), choices: vec![(4, "one".to_owned()), (7, "other".to_owned())] }
}

impl Desk {
    fn begun() -> Self {
        let rows = vec![row(2, "Ada"), row(3, "Grace"), row(4, "Kay")];
        let mut desk = Self { roster: Roster::new(rows, Vec::new()), fresh: 0, did: Vec::new() };
        desk.happens(Event::Ready(true));
        desk.fresh = 0;
        desk.happens(Event::Begin);
        desk
    }

    fn happens(&mut self, event: Event) -> &[Effect] {
        self.fresh += 1;
        self.did = self.roster.handle(event, id(self.fresh));
        &self.did
    }

    fn key(&mut self, key: Key) -> &[Effect] {
        self.happens(Event::Key(key))
    }

    fn hears(&mut self, about: u128, update: Update) -> &[Effect] {
        self.happens(Event::Update(id(about), update))
    }

    fn entry(&mut self, about: u128, state: State, end: Option<&str>) -> &[Effect] {
        self.hears(about, Update::Entry(Box::new(seen(state, end))))
    }

    /// The order that was placed last.
    fn ordered(&self) -> Option<(u128, usize)> {
        self.did.iter().find_map(|effect| if let Effect::Order(id, seat) = effect { Some((id.as_u128(), *seat)) } else { None })
    }

    /// Takes the order up at the station, and gives its key.
    fn waits(&mut self) -> u128 {
        let (order, _) = self.ordered().expect("an order was placed");
        self.hears(order, Update::Waiting(None));
        order
    }

    fn screen(&self) -> Screen {
        self.roster.screen()
    }

    fn name(&self) -> Option<String> {
        self.screen().person.map(|person| person.name)
    }

    /// Somebody gets a card, and it is the next one's turn.
    fn gives(&mut self) -> u128 {
        let order = self.waits();
        self.entry(order, State::Saved, None);
        order
    }

    fn outcomes(&self) -> Vec<(String, String)> {
        self.roster.report().into_iter().map(|row| (row[1].clone(), row[6].clone())).collect()
    }
}

#[test]
fn a_name_is_shown_only_while_the_station_gives_the_next_card_to_that_person() {
    let mut desk = Desk::begun();
    assert_eq!(desk.name(), None, "the order is on its way");
    let ada = desk.waits();
    assert_eq!((desk.name().as_deref(), desk.screen().say.as_str()), (Some("Ada"), "hold the card to the reader"));
    // Somebody else's order comes first.
    desk.hears(ada, Update::Waiting(Some("Byron waits for a card before this order".to_owned())));
    assert_eq!((desk.name(), desk.screen().say.as_str()), (None, "Byron waits for a card before this order"));
    desk.hears(ada, Update::Waiting(None));
    // Skipped: until that is withdrawn, nobody's name is there, and nothing is ordered.
    assert!(desk.key(Key::Skip).contains(&Effect::Withdraw(id(ada))));
    assert_eq!((desk.name(), desk.ordered()), (None, None));
    desk.hears(ada, Update::NotEnrolled("withdrawn".to_owned(), String::new()));
    assert_eq!(desk.ordered().unwrap().1, 1);
    desk.waits();
    assert_eq!(desk.name().as_deref(), Some("Grace"));
}

#[test]
fn a_card_is_saved_and_the_next_one_has_their_turn_without_a_key() {
    let mut desk = Desk::begun();
    let ada = desk.waits();
    let did = desk.entry(ada, State::Saved, None).to_vec();
    assert!(did.contains(&Effect::Ring(Bell::Saved)));
    assert!(did.contains(&Effect::Say(Kind::Saved, "Ada: 123:4567 (parity), saved".to_owned())), "{did:?}");
    let (grace, kay) = (desk.gives(), desk.gives());
    for order in [ada, grace] {
        desk.entry(order, State::Accepted, Some("accepted"));
    }
    assert!(!desk.roster.is_complete() && desk.roster.awaits_outcomes());
    assert!(desk.entry(kay, State::Accepted, Some("accepted")).contains(&Effect::Finish));
}

#[test]
fn a_card_that_came_before_the_key_stays_that_persons_and_that_is_said() {
    let mut desk = Desk::begun();
    let ada = desk.waits();
    desk.key(Key::Skip);
    let did = desk.entry(ada, State::Saved, None).to_vec();
    assert!(did.iter().any(|effect| matches!(effect, Effect::Say(Kind::Look, words) if words.contains("before that key"))), "{did:?}");
    assert_eq!((desk.ordered().unwrap().1, &desk.roster.seats()[0].state), (1, &SeatState::Done));
}

#[test]
fn the_last_card_is_taken_back_as_soon_as_it_is_known_what_became_of_it() {
    // Not sent yet: given up. In BluSKY: taken back. Being sent: once that is over.
    for (state, end, effect) in [
        (State::Saved, None, Some(Effect::Discard(id(1)))),
        (State::Accepted, Some("accepted"), Some(Effect::Undo(id(1)))),
        (State::Sending, None, None),
    ] {
        let mut desk = Desk::begun();
        let ada = desk.gives();
        let grace = desk.waits();
        desk.entry(ada, state, end);
        let did = desk.key(Key::Undo).to_vec();
        assert!(did.contains(&Effect::Withdraw(id(grace))), "{did:?}");
        let asked: Vec<&Effect> = did.iter().filter(|effect| matches!(effect, Effect::Undo(_) | Effect::Discard(_))).collect();
        assert_eq!(asked, effect.iter().collect::<Vec<_>>(), "{state:?}");
        // It is that person's turn again.
        desk.hears(grace, Update::NotEnrolled("withdrawn".to_owned(), String::new()));
        assert_eq!(desk.ordered().unwrap().1, 0);
        if effect.is_none() {
            assert_eq!(desk.entry(ada, State::Accepted, Some("accepted")).first(), Some(&Effect::Undo(id(ada))));
            desk.happens(Event::Undone(id(ada), vec![id(77)]));
            desk.entry(77, State::Accepted, Some("accepted"));
            assert_eq!(desk.outcomes()[0], ("Ada".to_owned(), "undone".to_owned()));
        }
    }
}

#[test]
fn what_is_asked_is_answered_in_place_or_left_for_the_end() {
    let mut desk = Desk::begun();
    let ada = desk.waits();
    desk.hears(ada, Update::Asked(question(5, Asks::Print)));
    assert!(desk.screen().takes_text && desk.screen().is_question);
    assert_eq!(desk.key(Key::Typed(" 4567 ".to_owned())), [Effect::Answer(id(ada), 5, Answer::Printed("4567".to_owned()))]);
    desk.hears(ada, Update::Asked(question(6, Asks::Choice)));
    assert_eq!(desk.key(Key::Yes), [], "one of several is no yes");
    assert_eq!(desk.key(Key::Typed("2".to_owned())), [Effect::Answer(id(ada), 6, Answer::Choice(7))]);
    desk.hears(ada, Update::Asked(question(7, Asks::YesOrNo)));
    assert!(desk.key(Key::Aside).contains(&Effect::Withdraw(id(ada))));
    desk.hears(ada, Update::NotEnrolled("withdrawn".to_owned(), String::new()));
    desk.gives();
    desk.gives();
    assert_eq!(desk.outcomes()[0], ("Ada".to_owned(), "set aside".to_owned()));
    // At the end their turn comes again.
    assert!(desk.roster.is_at_rest() && !desk.roster.is_complete());
    desk.key(Key::Again);
    assert_eq!(desk.ordered().unwrap().1, 0);
}

#[test]
fn whether_to_take_a_card_from_its_holder_is_asked_once_all_had_their_turn() {
    let mut desk = Desk::begun();
    let ada = desk.gives();
    let grace = desk.waits();
    let held = SeatEntry { question: Some(question(9, Asks::YesOrNo)), ..seen(State::Refused, Some("refused")) };
    assert!(desk.hears(ada, Update::Entry(Box::new(held.clone()))).contains(&Effect::Ring(Bell::Look)));
    assert_eq!((desk.name().as_deref(), desk.screen().is_question), (Some("Grace"), false));
    // Whoever wants to looks at it at once, and leaves it for later.
    desk.key(Key::Questions);
    assert_eq!(desk.screen().say, "Ada: is it so?");
    desk.key(Key::Aside);
    assert!(!desk.screen().is_question);
    desk.entry(grace, State::Saved, None);
    let kay = desk.gives();
    assert_eq!(desk.screen().say, "Ada: is it so?");
    assert_eq!(desk.key(Key::Yes), [Effect::Answer(id(ada), 9, Answer::Yes)]);
    for order in [grace, kay] {
        desk.entry(order, State::Accepted, Some("accepted"));
    }
    assert!(!desk.roster.is_complete(), "its way goes on");
    desk.entry(ada, State::Saved, None);
    assert!(desk.entry(ada, State::Accepted, Some("accepted")).contains(&Effect::Finish));
    assert!(desk.outcomes().iter().all(|(_, outcome)| outcome == "accepted"), "{:?}", desk.outcomes());
}

#[test]
fn the_same_orders_go_on_at_the_next_station() {
    let mut desk = Desk::begun();
    let ada = desk.gives();
    let grace = desk.waits();
    desk.happens(Event::Gone);
    assert_eq!((desk.name(), desk.key(Key::Skip)), (None, [].as_slice()), "nobody can withdraw anything");
    assert_eq!(desk.happens(Event::Back), [Effect::Follow(id(ada)), Effect::Order(id(grace), 1)]);
    // It was saved before the station ended.
    desk.entry(grace, State::Saved, None);
    assert_eq!(desk.ordered().unwrap().1, 2);
}

#[test]
fn a_run_goes_on_behind_those_who_have_their_card() {
    let given = |number: usize, state: State, end: Option<&str>| {
        (number, Given { id: id(50 + number as u128), seen: seen(state, end), undo: Undo::No })
    };
    let rows = || vec![row(2, "Ada"), row(3, "Grace"), row(4, "Kay")];
    let before = vec![given(2, State::Accepted, Some("accepted")), given(3, State::Refused, Some("refused")), given(4, State::Saved, None)];
    let mut roster = Roster::new(rows(), before);
    let did = roster.handle(Event::Begin, id(1));
    assert_eq!(
        did,
        [Effect::Follow(id(54)), Effect::Order(id(1), 1)],
        "what is on its way is followed, and who was refused has their turn"
    );
}

#[test]
fn going_back_to_somebody_who_has_a_card_orders_no_second_one_unasked() {
    let mut desk = Desk::begun();
    let ada = desk.gives();
    let grace = desk.waits();
    desk.entry(ada, State::Accepted, Some("accepted"));
    desk.key(Key::Back);
    desk.hears(grace, Update::NotEnrolled("withdrawn".to_owned(), String::new()));
    assert_eq!((desk.ordered(), desk.name().as_deref(), desk.screen().say.as_str()), (None, Some("Ada"), "has 123:4567"));
    desk.key(Key::Skip);
    assert_eq!(desk.ordered().unwrap().1, 1);
}

#[test]
fn where_nobody_can_press_a_key_a_person_who_is_asked_about_is_left_for_the_end() {
    let mut desk = Desk::begun();
    desk.roster.handle(Event::Alone, id(90));
    let ada = desk.waits();
    desk.hears(ada, Update::Asked(question(5, Asks::Card)));
    assert!(!desk.did.contains(&Effect::Withdraw(id(ada))), "a card can be shown once more");
    desk.hears(ada, Update::Asked(question(6, Asks::Print)));
    assert!(desk.did.contains(&Effect::Withdraw(id(ada))));
    desk.hears(ada, Update::NotEnrolled("withdrawn".to_owned(), String::new()));
    assert_eq!(desk.ordered().unwrap().1, 1);
}

#[test]
fn a_run_that_was_cut_off_goes_on_with_whoever_stands_there_and_with_those_who_were_skipped_at_the_end() {
    let rows = || ["Ada", "Grace", "Kay"].iter().enumerate().map(|(at, name)| row(at + 2, name)).collect();
    let given = Given { id: id(1), seen: seen(State::Accepted, Some("accepted")), undo: Undo::No };
    let mut roster = Roster::new(rows(), vec![(3, given)]);
    let ordered =
        |effects: Vec<Effect>| effects.iter().find_map(|effect| if let Effect::Order(_, seat) = effect { Some(*seat) } else { None });
    assert_eq!(ordered(roster.handle(Event::Begin, id(7))), Some(2), "Ada was skipped, and Kay stands there");
}

#[test]
fn why_nothing_goes_to_blusky_is_short_while_it_stands_there() {
    let mut roster = Roster::new(vec![row(2, "Ada")], Vec::new());
    let away = "BluSKY cannot be reached: tcp connect error: Connection refused (os error 111); what is saved is sent when it is back";
    let wrong = "nothing is delivered: blusky.base_url: BluSKY answered 404";
    for (said, stands) in [(away, "BluSKY cannot be reached; what is saved is sent when it is back"), (wrong, wrong)] {
        roster.handle(Event::Delivery(Some(said.to_owned())), id(7));
        assert_eq!(roster.screen().trouble, [stands]);
    }
}

fn somebody_new() -> AddUser {
    let body = serde_json::json!({
        "ac_system_id": id(9), "access_rights_suspended": false, "company_instance_id": id(9), "company_instance_type": 1,
        "facility_id": id(9), "first_name": "Ada", "has_login_rights": false, "last_name": "", "web_site_rights_suspended": false,
    });
    serde_json::from_value(body).unwrap()
}

#[test]
fn somebody_new_whose_card_was_refused_or_taken_back_is_not_added_again() {
    for undone in [false, true] {
        let new = Row { user_id: Uuid::nil(), new_user: Some(Box::new(somebody_new())), groups: vec![7], ..row(2, "Ada") };
        let mut roster = Roster::new(vec![new], Vec::new());
        roster.handle(Event::Ready(true), id(90));
        roster.handle(Event::Begin, id(1));
        let heard = |heard| Event::Update(id(1), heard);
        roster.handle(heard(Update::Waiting(None)), id(90));
        roster.handle(heard(Update::Entry(Box::new(seen(State::Saved, None)))), id(90));
        assert!(roster.seats()[0].row.new_user.is_some(), "nobody knows yet whether they are there");
        let state = if undone { State::Accepted } else { State::Refused };
        let added = SeatEntry { user_id: Some(id(5)), ..seen(state, Some(state.name())) };
        roster.handle(heard(Update::Entry(Box::new(added.clone()))), id(90));
        let row = &roster.seats()[0].row;
        assert_eq!((row.user_id, row.new_user.is_some(), row.groups.len()), (id(5), false, 0));
        // The same where the run goes on in another process.
        let new = Row { user_id: Uuid::nil(), new_user: Some(Box::new(somebody_new())), ..self::row(2, "Ada") };
        let given = Given { id: id(1), seen: added, undo: if undone { Undo::Done } else { Undo::No } };
        assert_eq!(Roster::new(vec![new], vec![(2, given)]).seats()[0].row.user_id, id(5));
    }
}

#[test]
fn the_report_at_a_terminal_ends_with_what_somebody_should_look_at() {
    let rows = [(2, "Ada"), (3, "Maximiliane Freifrau von Habsburg"), (4, "Grace"), (5, "Kay"), (6, "Betty")];
    let rows = rows.map(|(number, name)| Row { employee_number: number.to_string(), ..row(number, name) }).to_vec();
    let with = |number: usize, state: State, end: &str| {
        let seen = SeatEntry { card: "123:4567 hid-h10301".to_owned(), description: Some("No".to_owned()), ..seen(state, Some(end)) };
        (number, Given { id: id(50 + number as u128), seen, undo: Undo::No })
    };
    let accepted = |number| with(number, State::Accepted, "accepted");
    let mut nowhere = accepted(3);
    nowhere.1.seen.opens_nothing = true;
    // Ada's first card was refused, and she has another one.
    let given = vec![with(2, State::Refused, "refused"), accepted(2), nowhere, with(4, State::Refused, "refused")];
    let mut roster = Roster::new(rows, given);
    roster.handle(Event::Begin, id(7));
    let closing = roster.closing();
    let row = |cells: [&str; 6]| cells.map(str::to_owned).to_vec();
    assert_eq!(
        closing.done,
        [row(["2", "Ada", "2", "123:4567", "accepted", "No"]), row(["3", "Maximiliane Freifrau von …", "3", "123:4567", "accepted", "No"])]
    );
    let nowhere = "row 3, Maximiliane Freifrau von Habsburg (3): BluSKY lists no access level: the card opens no door until one is given";
    assert_eq!(closing.open, [nowhere, "row 4, Grace (4): 123:4567 hid-h10301 is refused. BluSKY says “No”"]);
    assert_eq!(closing.words, "2 of 5 accepted, 2 not yet, 1 refused");
}

#[test]
fn whoever_comes_again_because_their_card_was_refused_is_told_so() {
    let mut refused = seen(State::Refused, Some("refused"));
    refused.card = "123:4567 hid-h10301".to_owned();
    let given = Given { id: id(1), seen: refused, undo: Undo::No };
    let mut roster = Roster::new(vec![row(2, "Ada")], vec![(2, given)]);
    for event in [Event::Ready(true), Event::Begin, Event::Update(id(7), Update::Waiting(None))] {
        roster.handle(event, id(7));
    }
    assert_eq!(roster.screen().say, "hold another card to the reader (123:4567 was refused)");
}

#[test]
fn a_card_that_opens_no_door_is_said_to_open_none() {
    let mut desk = Desk::begun();
    let ada = desk.gives();
    let accepted = SeatEntry { opens_nothing: true, ..seen(State::Accepted, Some("accepted")) };
    let did = desk.hears(ada, Update::Entry(Box::new(accepted)));
    assert!(did.iter().any(|effect| matches!(effect, Effect::Say(Kind::Note, line) if line.contains("Ada") && line.contains("no door"))));
}

#[test]
fn a_run_that_was_cut_off_goes_on_with_whoever_stood_there_and_not_with_whoever_was_skipped_before() {
    let rows = || vec![row(2, "Ada"), row(3, "Grace"), row(4, "Kay"), row(5, "Lin")];
    let mut desk = Desk { roster: Roster::new(rows(), Vec::new()), fresh: 0, did: Vec::new() };
    desk.happens(Event::Ready(true));
    desk.happens(Event::Begin);
    for (at, stands) in [(0, Standing { row: Some(3), left: vec![2] }), (1, Standing { row: Some(4), left: vec![2, 3] })] {
        let order = desk.waits();
        desk.key(Key::Skip);
        assert_eq!(desk.roster.standing(), stands, "the order of seat {at} is being withdrawn");
        desk.hears(order, Update::NotEnrolled("withdrawn".to_owned(), String::new()));
        assert_eq!(desk.roster.standing(), stands);
    }
    let standing = desk.roster.standing();
    let mut roster = Roster::new(rows(), Vec::new());
    roster.goes_on_at(&standing);
    let mut desk = Desk { roster, fresh: 0, did: Vec::new() };
    desk.happens(Event::Begin);
    assert_eq!(desk.ordered().map(|(_, seat)| seat), Some(2));
    let states: Vec<&SeatState> = desk.roster.seats().iter().map(|seat| &seat.state).collect();
    assert_eq!(states, [&SeatState::Skipped, &SeatState::Skipped, &SeatState::Due, &SeatState::Due]);
    // The list has changed meanwhile, and nobody stands there any more.
    let mut roster = Roster::new(rows(), Vec::new());
    roster.goes_on_at(&Standing { row: Some(9), left: Vec::new() });
    assert!(roster.handle(Event::Begin, id(1)).contains(&Effect::Order(id(1), 0)));
}
