//! An entry of several parts: a new person, then their groups, then their card; or a lost card taken back, then the new one.

use super::*;
use crate::{
    access::{AccessLevelGroup, AddUser, AddUserCard, RemoveUserCard, Secret},
    card::{CardNumber, Credential, Evidence, Verdict, What},
    enroll::origin::{CardRead, Ordered},
    outbox::Standing,
};

/// The key that BluSKY gives to the new person, as [`told`] has it.
const NEW: Uuid = Uuid::from_u128(5);

fn accepted() -> Step {
    Step::Answered(Outcome::Accepted(told(0, "Success")))
}

fn refused() -> Step {
    Step::Answered(Outcome::Refused(told(5, "No")))
}

fn add(entry: &mut Entry, answer: Step) {
    entry.add(at(1), SENDING);
    entry.add(at(2), answer);
}

fn ada() -> AddUser {
    let Operation::AddUser(ada) = user(vec![]).operation else { unreachable!() };
    *ada
}

fn card() -> AddUserCard {
    let order = Order { pin: Some(Secret::new("0417")), ..Order::of(Uuid::nil()) };
    let card = add_existing_card(Uuid::from_u128(9), &order).unwrap();
    AddUserCard { card_id: None, internal_card_number: Some(4567), external_card_number: Some("Z-4567".to_owned()), ..card }
}

/// A new person with these groups and, where it is so, a card.
fn newcomer(ada: AddUser, groups: &[i64], with_card: bool) -> Entry {
    let operation = Operation::AddUser(Box::new(ada));
    let mut entry = if with_card {
        Entry::of_card(Uuid::from_u128(1), at(0), card(), Some(operation), Reassign::Never)
    } else {
        Entry::of(Uuid::from_u128(1), at(0), operation, Reassign::Never)
    };
    entry.origin.groups_after = groups.to_vec();
    entry
}

fn group(number: i64) -> Operation {
    Operation::AddAccessLevelGroup(AccessLevelGroup { access_level_group_id: number, user_id: NEW })
}

fn read() -> CardRead {
    CardRead {
        transport: None,
        raw: String::new(),
        bits: None,
        format: "one".to_owned(),
        format_digest: String::new(),
        credential: Credential { card_number: Some(CardNumber(89)), ..Credential::default() },
        fits: Vec::new(),
        verdict: Verdict::Likely,
    }
}

#[test]
fn a_new_person_is_given_their_groups_one_after_the_other_and_then_the_card() {
    let mut entry = newcomer(ada(), &[3, 4], true);
    let whose = entry.card();
    assert!(whose.is_some() && entry.new_user().is_some(), "the card that is to come holds up others for the same card");
    add(&mut entry, accepted());
    assert_eq!(entry.operation, group(3));
    add(&mut entry, accepted());
    assert_eq!((&entry.operation, entry.next(at(9))), (&group(4), Next::Send { reassign: false }));
    add(&mut entry, no_answer());
    let given = Operation::AddUserCard(AddUserCard { user_id: NEW, ..card() });
    assert_eq!((&entry.operation, entry.card()), (&given, whose), "a group in doubt holds up nobody's card");
    add(&mut entry, accepted());
    let progress = entry.progress();
    assert_eq!(
        (progress.state, progress.first.as_ref().map(|first| (first.call, first.state))),
        (State::Accepted, Some(("AddUser", State::Accepted)))
    );
    let groups: Vec<_> = progress.groups.iter().map(|(group, part)| (*group, part.state)).collect();
    assert_eq!((groups, progress.attempts), (vec![(3, State::Accepted), (4, State::InDoubt)], 4));
    assert_eq!(entry.new_user().map(|user| user.first_name.as_str()), Some("Ada"));
    assert_eq!(entry.upto(2).operation, group(3), "its way is told again as it was");
}

#[test]
fn a_new_person_without_a_card_is_that_person_again_once_the_groups_are_through() {
    let mut entry = newcomer(ada(), &[3], false);
    add(&mut entry, accepted());
    add(&mut entry, refused());
    assert!(matches!(entry.operation, Operation::AddUser(_)));
    let progress = entry.progress();
    assert_eq!((progress.state, progress.told.value, entry.next(at(9))), (State::Accepted, Some(NEW), Next::Done));
    assert_eq!(progress.groups.iter().map(|(group, part)| (*group, part.state)).collect::<Vec<_>>(), [(3, State::Refused)]);
}

#[test]
fn whoever_was_not_added_is_given_nothing() {
    for answer in [refused(), Step::Answered(Outcome::Accepted(Told { value: Some(Uuid::nil()), ..told(0, "") })), no_answer()] {
        let mut entry = newcomer(ada(), &[3], true);
        add(&mut entry, answer.clone());
        assert!(matches!(entry.operation, Operation::AddUser(_)), "{answer:?}");
    }
}

#[test]
fn what_is_given_up_before_its_card_is_followed_by_no_card() {
    let lost = Operation::RemoveUserCard(RemoveUserCard { card_id: Uuid::from_u128(8), user_id: NEW });
    let card = AddUserCard { user_id: NEW, ..card() };
    let mut entry = Entry::of_card(Uuid::from_u128(1), at(0), card, Some(lost), Reassign::Never);
    entry.add(at(1), Step::Discarded { superseded_by: None });
    assert_eq!((entry.next(at(9)), entry.progress().state), (Next::Done, State::Discarded));
    assert!(matches!(entry.operation, Operation::RemoveUserCard(_)), "the card does not follow: {:?}", entry.operation.name());
}

#[test]
fn a_pin_goes_with_the_card_and_a_password_with_the_person_and_each_is_kept_until_it_was_sent() {
    let sent = |entry: &Entry| entry.with_secret(Secret::new("0417")).secret().is_some();
    let with_login = || newcomer(AddUser { has_login_rights: true, ..ada() }, &[], true);
    let (mut pin, mut password) = (newcomer(ada(), &[], true), with_login());
    assert_eq!(pin.take_secret().map(|secret| secret.expose().to_owned()).as_deref(), Some("0417"));
    assert!(pin.take_secret().is_none() && pin.origin.card_after.as_ref().unwrap().pin.is_none(), "it is written down without it");
    password.take_secret();
    assert_eq!((sent(&pin), sent(&password)), (false, true));
    assert!(!pin.is_done_with_its_secret() && !password.is_done_with_its_secret());
    for entry in [&mut pin, &mut password] {
        add(entry, accepted());
    }
    assert_eq!((sent(&pin), sent(&password)), (true, false));
    assert!(!pin.is_done_with_its_secret(), "the card is still to be sent");
    add(&mut pin, accepted());
    assert!(pin.is_done_with_its_secret());
    let mut nobody = with_login();
    add(&mut nobody, refused());
    assert!(nobody.is_done_with_its_secret(), "nothing is sent any more");
}

#[test]
fn an_entry_is_found_by_its_cards_number_its_print_and_its_key() {
    let about = |entry: &Entry, words: &[&str]| words.iter().map(|word| entry.is_about_card(word)).collect::<Vec<_>>();
    let key = Uuid::from_u128(9).to_string();
    let mut entry = newcomer(ada(), &[], true);
    assert_eq!(about(&entry, &["4567", " Z-4567 ", "89", "", &key]), [true, true, false, false, false]);
    add(&mut entry, accepted());
    assert_eq!(about(&entry, &["4567", "Z-4567", "4568"]), [true, true, false]);
    entry.origin.card = Some(read());
    entry.origin.order =
        Some(Ordered { card_type: None, printed: Some("0089".to_owned()), external_number: None, reassign: false, same_card: false });
    assert_eq!(about(&entry, &["89", "0089", "Z-89"]), [true, true, false]);
    add(&mut entry, accepted());
    entry.add(at(3), found());
    assert_eq!(about(&entry, &[&key]), [true], "BluSKY has shown its key");
    let removal = RemoveUserCard { card_id: Uuid::from_u128(9), user_id: NEW };
    let taken = Entry::of(Uuid::from_u128(2), at(0), Operation::RemoveUserCard(removal), Reassign::Never);
    assert_eq!(about(&taken, &[&key, "4567"]), [true, false]);
}

#[test]
fn a_lost_card_counts_as_taken_back_once_that_is_done_whatever_becomes_of_the_new_one() {
    let removal = Operation::RemoveUserCard(RemoveUserCard { card_id: Uuid::from_u128(9), user_id: NEW });
    let mut entry = Entry::of_card(Uuid::from_u128(1), at(0), card(), Some(removal), Reassign::Never);
    assert_eq!((entry.took_back(), entry.new_user().is_some()), (None, false));
    add(&mut entry, Step::Answered(Outcome::Accepted(Told { value: None, ..told(0, "Success") })));
    assert!(matches!(entry.operation, Operation::RemoveUserCard(_)), "the new one waits until BluSKY shows that the lost one is gone");
    entry.add(at(3), NOT_FOUND);
    assert_eq!(entry.took_back(), Some(Uuid::from_u128(9)));
    assert!(matches!(&entry.operation, Operation::AddUserCard(card) if card.user_id == NEW));
    add(&mut entry, refused());
    assert_eq!(entry.took_back(), Some(Uuid::from_u128(9)));
    assert_eq!(newcomer(ada(), &[], true).took_back(), None);
}

#[test]
fn a_pin_is_kept_while_the_lost_card_is_taken_back() {
    let removal = Operation::RemoveUserCard(RemoveUserCard { card_id: Uuid::from_u128(9), user_id: NEW });
    let mut entry = Entry::of_card(Uuid::from_u128(1), at(0), card(), Some(removal), Reassign::Never);
    add(&mut entry, Step::Answered(Outcome::Accepted(Told { value: None, ..told(0, "Success") })));
    assert_eq!((entry.progress().state, entry.is_done_with_its_secret()), (State::Accepted, false), "BluSKY has still to show it");
}

#[test]
fn a_new_person_whose_making_was_lost_and_whom_the_list_shows_is_that_person_and_is_given_the_card() {
    let mut entry = newcomer(ada(), &[], true);
    add(&mut entry, no_answer());
    entry.add(at(3), Step::UserFound { user_id: NEW });
    assert!(matches!(&entry.operation, Operation::AddUserCard(card) if card.user_id == NEW), "{:?}", entry.operation.name());
    let first = entry.progress().first.clone().unwrap();
    assert_eq!((first.state, first.warnings), (State::Accepted, vec!["found_in_directory".to_owned()]));
}

#[test]
fn a_card_counts_for_later_ones_once_it_is_accepted_or_while_a_person_vouches_for_it() {
    let standing = |what: Option<What>, steps: Vec<Step>| {
        let mut entry = entry(Reassign::Never, steps);
        entry.origin.card = Some(read());
        entry.origin.evidence = what.into_iter().map(|what| Evidence { what, odds: None, cards: None }).collect();
        entry.standing()
    };
    let (operator, checks) = (Some(What::Operator), Some(What::Checks));
    assert_eq!([standing(operator, vec![]), standing(checks, vec![]), standing(None, vec![])], [Some(Standing::Vouched), None, None]);
    assert_eq!(standing(checks, vec![SENDING, accepted()]), Some(Standing::Accepted));
    assert_eq!(standing(operator, vec![SENDING, no_answer()]), Some(Standing::Vouched));
    assert_eq!(standing(operator, vec![SENDING, refused(), NOT_FOUND]), None);
    assert_eq!(standing(operator, vec![Step::Discarded { superseded_by: None }]), None);
    assert_eq!(entry(Reassign::Never, vec![SENDING, accepted()]).standing(), None, "nobody has read it here");
    // What is done before the card is accepted, and the card is still to come.
    let lost = Operation::RemoveUserCard(RemoveUserCard { card_id: Uuid::from_u128(8), user_id: NEW });
    for mut entry in [newcomer(ada(), &[], true), Entry::of_card(Uuid::from_u128(1), at(0), card(), Some(lost), Reassign::Never)] {
        entry.origin.card = Some(read());
        add(&mut entry, accepted());
        assert_eq!(entry.standing(), None);
    }
}

#[test]
fn a_second_order_of_the_same_new_person_is_one_while_the_first_is_open_and_no_longer() {
    let open = |steps: Vec<Step>, other: &AddUser| user(steps).not_new(other, None).is_some();
    for steps in [vec![], vec![SENDING], vec![SENDING, no_answer()]] {
        assert!(open(steps.clone(), &ada()), "{steps:?}");
    }
    for steps in [vec![SENDING, accepted()], vec![SENDING, refused()], vec![Step::Discarded { superseded_by: None }]] {
        assert!(!open(steps.clone(), &ada()), "{steps:?}");
    }
    let number = |number: &str| Some(number.to_owned());
    assert!(open(vec![], &AddUser { employee_number: number("1815"), ..ada() }), "no number tells the two apart");
    assert!(!open(vec![], &AddUser { first_name: "Grace".to_owned(), ..ada() }), "somebody else");
    let numbered = newcomer(AddUser { employee_number: number("1815"), ..ada() }, &[], false);
    assert!(numbered.not_new(&AddUser { employee_number: number("1816"), ..ada() }, None).is_none(), "a namesake");
    assert!(entry(Reassign::Never, vec![]).not_new(&ada(), None).is_none(), "a card's order");
}
