//! What stands on a desk, one notice after the other.

use chrono::Utc;

use super::*;
use crate::{
    access::Operation,
    card::Presentation,
    enroll::enrollment::{Order, add_existing_card},
    outbox::Reassign,
    protocols::Protocols,
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
