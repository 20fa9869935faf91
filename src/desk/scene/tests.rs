//! What stands on a desk, one notice after the other.

use chrono::{FixedOffset, Utc};

use super::*;
use crate::{
    access::Operation,
    card::{DecidedBy, Presentation},
    desk::{html, words::Words},
    enroll::{
        enrollment::{Order, add_existing_card},
        evidence,
    },
    host::known::{Is, Known},
    outbox::Reassign,
    protocols::Protocols,
    station::notice::QuestionKind,
};

const DESK: Uuid = Uuid::from_u128(1);
const ORDER: Uuid = Uuid::from_u128(2);

fn read_at(reader: &str) -> Notice {
    let literal = "{26}BD88EB80".parse().unwrap();
    let presentation = Presentation { reader: Some(reader.to_owned()), ..Presentation::of_literal(&literal) };
    Notice::Read(Box::new(Protocols::built_in().catalog(&[]).read(presentation)))
}

fn entry(id: Uuid) -> Entry {
    let call = add_existing_card(Uuid::from_u128(8), &Order::of(Uuid::from_u128(9))).unwrap();
    Entry::of(id, Utc::now(), Operation::AddUserCard(call), Reassign::Never)
}

#[test]
fn a_desk_shows_the_cards_of_its_reader_and_no_others() {
    let mut scene = Scene::default();
    scene.desk(DESK, "Kim", Some("desk"));
    scene.take(&read_at("door"));
    assert_eq!(scene.desk(DESK, "", None).card, None);
    scene.take(&read_at("desk#2"));
    assert!(scene.desk(DESK, "", None).card.is_some());
    scene.desk(Uuid::from_u128(7), "Lou", None);
    scene.take(&read_at("door"));
    assert!(scene.desk(Uuid::from_u128(7), "", None).card.is_some(), "who named no reader sees all");
}

#[test]
fn a_card_at_the_kiosk_is_at_no_desk_that_has_not_named_its_reader() {
    let mut scene = Scene::beside(Some("lobby".to_owned()));
    for (desk, reader) in [(1, None), (2, Some("lobby"))] {
        scene.desk(Uuid::from_u128(desk), "Kim", reader);
    }
    scene.take(&read_at("lobby#1"));
    let mut sees = |desk| scene.desk(Uuid::from_u128(desk), "", None).card.is_some();
    assert_eq!((sees(1), sees(2)), (false, true));
}

#[test]
fn an_order_is_followed_from_the_card_to_the_entry_and_another_ones_notices_change_nothing() {
    let mut scene = Scene::default();
    scene.desk(DESK, "Kim", Some("desk"));
    scene.ordered(DESK, Ordered { id: ORDER, person: "Ada Lovelace".to_owned(), replaces: false });
    let waits = |order| Notice::Waiting { order, person: None, ahead: 0, first: None, ready: true };
    for notice in [waits(Uuid::from_u128(3)), Notice::Ready("desk".into())] {
        scene.take(&notice);
        assert_eq!(scene.desk(DESK, "", None).stage, Stage::Ordered, "nobody is asked for a card that the station would not take");
    }
    scene.take(&waits(ORDER));
    assert!(matches!(scene.desk(DESK, "", None).stage, Stage::Waits { ready: true, .. }));
    // The reader is unplugged and plugged in again; what another one does changes nothing.
    for (notice, can_hold) in [
        (Notice::Lost("desk".into(), "unplugged".to_owned()), false),
        (Notice::Ready("door".into()), false),
        (Notice::Ready("desk".into()), true),
        (Notice::Lost("door".into(), "unplugged".to_owned()), true),
    ] {
        scene.take(&notice);
        assert!(matches!(scene.desk(DESK, "", None).stage, Stage::Waits { ready, .. } if ready == can_hold), "{notice:?}");
    }
    scene.take(&Notice::LayThere("desk".into()));
    assert_eq!(scene.desk(DESK, "", None).note, Some(Note::LayThere));
    scene.take(&read_at("desk"));
    scene.take(&Notice::Entry(Box::new(entry(ORDER)), None));
    scene.take(&Notice::Postponed(ORDER, None));
    let desk = scene.desk(DESK, "", None);
    assert!(matches!(&desk.stage, Stage::Entry { is_postponed: true, .. }) && desk.card.is_some() && desk.note.is_none());
    // The next card that nobody asked for clears the desk.
    scene.take(&read_at("desk"));
    let desk = scene.desk(DESK, "", None);
    assert!(desk.stage == Stage::Free && desk.order.is_none());
    // Its end comes later, and stands in the list.
    scene.take(&Notice::Entry(Box::new(entry(ORDER)), None));
    assert_eq!((scene.desk(DESK, "", None).stage.clone(), scene.board.today.len()), (Stage::Free, 1));
}

#[test]
fn desks_that_nobody_looks_at_are_forgotten_and_the_one_that_is_looked_at_stays() {
    let mut scene = Scene::default();
    for number in 0..1000_u128 {
        scene.desk(Uuid::from_u128(number + 10), "Kim", None);
        scene.desk(DESK, "Kim", None);
    }
    assert_eq!(scene.desks.len(), MOST_DESKS);
    assert!(scene.desks.contains_key(&DESK) && scene.desks.contains_key(&Uuid::from_u128(1009)));
    for _ in 0..=REMEMBERED_HOURS {
        scene.desk(DESK, "Kim", None);
        scene.hour_passed();
    }
    assert_eq!(scene.desks.len(), 1);
}

/// A card of these bits, read at the desk's reader.
fn card(literal: &str) -> Box<Reading> {
    let presentation = Presentation { reader: Some("desk".to_owned()), ..Presentation::of_literal(&literal.parse().unwrap()) };
    let mut reading = Protocols::built_in().catalog(&["hid-h10301".to_owned()]).read(presentation);
    reading.choice = (!reading.fits.is_empty()).then_some((0, DecidedBy::OnlyFit));
    Box::new(reading)
}

/// A desk at which it is asked what card 4567 is; with what stands on its stage.
fn asked_about_4567() -> (Scene, impl Fn(&mut Scene) -> String) {
    let mut scene = Scene::default();
    scene.desk(DESK, "Kim", Some("desk"));
    scene.ordered(DESK, Ordered { id: ORDER, person: "Ada Lovelace (1815)".to_owned(), replaces: false });
    let open = evidence::Question::FirstSeen { format: "hid-h10301".into(), facility_code: Some(123), odds: 0.25 };
    let question = Question { number: 7, kind: QuestionKind::FirstSeen(card("{26}BD88EB80"), open) };
    scene.take(&Notice::Read(card("{26}BD88EB80")));
    scene.take(&Notice::Asked(ORDER, Box::new(question)));
    let words = Words::of("en").unwrap();
    let stage = move |scene: &mut Scene| {
        let desk = scene.desk(DESK, "Kim", None).clone();
        html::stage::stage(&desk, scene.waited_for(DESK).as_ref(), &scene.board, &words, FixedOffset::east_opt(0).unwrap()).into_string()
    };
    (scene, stage)
}

#[test]
fn while_something_is_asked_the_number_that_is_shown_is_the_one_that_is_asked_about() {
    for (other, note) in [("{26}8F80A8C0", Note::Another), ("{26}FD88EB80", Note::NotWhole)] {
        let (mut scene, stage) = asked_about_4567();
        let asks = stage(&mut scene);
        assert!(asks.contains("Facility code 123, Card number 4567") && asks.contains("<dd class=\"number\">4567</dd>"), "{asks}");
        // It came at another reader of this desk, or was not read whole.
        scene.take(&Notice::Read(card(other)));
        let asks = stage(&mut scene);
        assert!(asks.contains("<dd class=\"number\">4567</dd>") && !asks.contains("337"), "{asks}");
        assert_eq!(scene.desk(DESK, "", None).note, Some(note));
    }
}

#[test]
fn a_card_that_voids_what_was_asked_is_shown_once_the_station_has_said_so() {
    let (mut scene, stage) = asked_about_4567();
    scene.take(&Notice::Waiting { order: ORDER, person: None, ahead: 0, first: None, ready: true });
    scene.take(&Notice::Read(card("{26}8F80A8C0")));
    let open = evidence::Question::FirstSeen { format: "hid-h10301".into(), facility_code: Some(31), odds: 0.25 };
    scene.take(&Notice::Asked(ORDER, Box::new(Question { number: 8, kind: QuestionKind::FirstSeen(card("{26}8F80A8C0"), open) })));
    let asks = stage(&mut scene);
    assert!(asks.contains("Facility code 31, Card number 337") && !asks.contains("4567"), "{asks}");
}

#[test]
fn a_card_that_was_not_read_whole_is_said_to_be_shown_again_while_it_is_waited_for() {
    let (mut scene, stage) = asked_about_4567();
    let waits = Notice::Waiting { order: ORDER, person: None, ahead: 0, first: None, ready: true };
    [&waits, &Notice::Read(card("{26}FD88EB80")), &waits].into_iter().for_each(|notice| scene.take(notice));
    let waits = stage(&mut scene);
    assert!(waits.contains("Show the card now.") && waits.contains("The card was not read whole. Show it again."), "{waits}");
}

#[test]
fn a_free_desk_is_told_who_is_waited_for_at_its_reader_and_no_other() {
    for (reader, is_told) in [(Some("desk"), true), (None, true), (Some("door"), false)] {
        let (mut scene, stage) = asked_about_4567();
        scene.desk(Uuid::from_u128(7), "Lou", reader);
        let ada = is_told.then(|| ("Ada Lovelace (1815)".to_owned(), "Kim".to_owned()));
        assert_eq!(scene.waited_for(Uuid::from_u128(7)), ada, "{reader:?}");
        assert_eq!(scene.waited_for(DESK), None, "their own is shown large");
        scene.take(&Notice::NotEnrolled(ORDER, Box::new(Ended::Withdrawn)));
        assert_eq!(scene.waited_for(Uuid::from_u128(7)), None);
        scene.ordered(Uuid::from_u128(7), Ordered { id: ORDER, person: "Grace Hopper (1906)".to_owned(), replaces: false });
        scene.take(&read_at("desk"));
        let said = "Grace Hopper (1906) (ordered by Lou) is waited for at this reader.";
        assert_eq!(stage(&mut scene).contains(said), is_told);
    }
}

fn ordered(id: u128, person: &str) -> Ordered {
    Ordered { id: Uuid::from_u128(id), person: person.to_owned(), replaces: false }
}

#[test]
fn whoever_is_chosen_later_takes_the_place_of_whoever_was_before_and_each_order_is_taken_back_once() {
    let mut scene = Scene::default();
    scene.desk(DESK, "Kim", Some("desk"));
    assert_eq!(scene.ordered(DESK, ordered(2, "Ada")), None);
    assert_eq!(scene.ordered(DESK, ordered(2, "Ada")), None, "the same order is the same order");
    assert_eq!(scene.ordered(DESK, ordered(3, "Grace")), Some(ORDER), "the station has not said yet that it has it");
    assert_eq!(scene.ordered(DESK, ordered(4, "Kay")), Some(Uuid::from_u128(3)));
    scene.take(&Notice::Entry(Box::new(entry(Uuid::from_u128(4))), None));
    assert_eq!(scene.ordered(DESK, ordered(5, "Ada")), None, "what is saved stays");
}

#[test]
fn a_desk_that_nobody_looks_at_waits_for_nothing_and_says_so_to_whoever_comes_back() {
    let (mut scene, stage) = asked_about_4567();
    assert_eq!(scene.unwatched(DESK), Some(ORDER));
    scene.take(&Notice::NotEnrolled(ORDER, Box::new(Ended::Withdrawn)));
    let said = stage(&mut scene);
    assert!(said.contains("Ada Lovelace (1815)") && said.contains("Nobody had this page open"), "{said}");
    assert_eq!((scene.unwatched(DESK), scene.orders().len()), (None, 0));
    // Where the card was there first, it counts.
    scene.take(&Notice::Entry(Box::new(entry(ORDER)), None));
    assert!(matches!(scene.desk(DESK, "", None).stage, Stage::Entry { .. }));
}

#[test]
fn what_was_waited_for_before_a_restart_is_said_where_nothing_else_stands() {
    for is_free in [true, false] {
        let (mut scene, stage) = asked_about_4567();
        if is_free {
            scene.leave(DESK);
            scene.desk(DESK, "Kim", Some("desk"));
        }
        scene.restarted(DESK, ordered(9, "Grace Hopper (1906)"));
        let said = stage(&mut scene);
        assert_eq!(said.contains("Grace Hopper (1906)") && said.contains("started again"), is_free, "{said}");
    }
}

#[test]
fn a_card_is_called_nobodys_only_where_that_is_known() {
    let (mut scene, stage) = asked_about_4567();
    scene.take(&Notice::NotEnrolled(ORDER, Box::new(Ended::Withdrawn)));
    scene.take(&Notice::Read(card("{26}BD88EB80")));
    assert!(!stage(&mut scene).contains("nobody's"), "nobody has looked yet");
    let holder = Is::Assigned("Lovelace, Ada".to_owned());
    for (is, is_nobodys) in [(holder, false), (Is::Listed, false), (Is::Available, true), (Is::New, true)] {
        scene.known(&card("{26}BD88EB80"), &Known { is: is.clone(), from: None, as_of: None, print: None });
        assert_eq!(stage(&mut scene).contains("It is nobody's yet."), is_nobodys, "{is:?}");
    }
}

#[test]
fn a_blusky_that_answers_with_errors_is_not_said_to_be_unasked_or_to_answer() {
    let mut scene = Scene::default();
    let desk = scene.desk(DESK, "Kim", None).clone();
    let words = Words::of("en").unwrap();
    for (reached, fails, says) in [
        (None, false, "BluSKY not asked yet"),
        (None, true, "BluSKY answers with errors"),
        (Some(Utc::now()), true, "BluSKY answers with errors"),
        (Some(Utc::now()), false, "BluSKY answers<"),
    ] {
        (scene.board.status.blusky.reached, scene.board.status.blusky.fails) = (reached, fails);
        let bar = html::bar::bar(&desk, &scene.board, &words, FixedOffset::east_opt(0).unwrap()).into_string();
        assert!(bar.contains(says), "{bar}");
    }
}

#[test]
fn namesakes_are_told_apart_by_their_number_from_the_moment_they_are_chosen() {
    let words = Words::of("en").unwrap();
    let people = ["1815", "2002", ""].map(|number| serde_json::json!({"id": "x", "name": "Ada Lovelace", "employee_number": number}));
    let found = html::people::found(&people, None, &words).into_string();
    for person in ["Ada Lovelace (1815)", "Ada Lovelace (2002)", "Ada Lovelace"] {
        assert_eq!(found.matches(&format!("name=\"person\" value=\"{person}\"")).count(), 2, "{found}");
    }
}
