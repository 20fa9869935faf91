use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::decode::payload::Template;

const ENTER: u16 = 28;
const SHIFT: u16 = 42;

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1000) + TimeDelta::milliseconds(millis)
}

fn pressed(code: u16, millis: i64) -> KeyEvent {
    KeyEvent { at: at(millis), moved: KeyMove::Pressed(code) }
}

fn released(code: u16, millis: i64) -> KeyEvent {
    KeyEvent { at: at(millis), moved: KeyMove::Released(code) }
}

fn keyboard(template: &str) -> Keyboard {
    let dialect = Dialect::of_lines(Template::parse(template).unwrap()).unwrap();
    Keyboard::new(Arc::new(dialect), ReaderHints::default())
}

/// The keys of a text of digits, one after the other, each released before the next.
fn typed(digits: &str, from: i64, each: i64) -> Vec<KeyEvent> {
    let code = |digit: char| if digit == '\n' { ENTER } else { u16::try_from(digit.to_digit(10).unwrap() + 9).unwrap() % 10 + 2 };
    let times = (from..).step_by(usize::try_from(each).unwrap());
    digits.chars().zip(times).flat_map(|(digit, time)| [pressed(code(digit), time), released(code(digit), time + each / 2)]).collect()
}

/// What became of events that were told as they happened, and of the silence after them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    numbers: Vec<u128>,
    damaged: Vec<String>,
    noise: usize,
}

fn said(keyboard: &mut Keyboard, events: &[KeyEvent]) -> Taken {
    let mut said = Taken::default();
    let mut take = |output: Output| {
        for shown in output.presentations {
            match (shown.damage, shown.numbers) {
                (Some(damage), _) => said.damaged.push(damage.detail),
                (None, numbers) => said.numbers.extend(numbers.and_then(|numbers| numbers.credential.card_number).map(|number| number.0)),
            }
        }
        said.noise += output.noise;
        output.deadline
    };
    let mut deadline = None;
    for event in events {
        if let Some(due) = deadline.filter(|due| *due <= event.at) {
            take(keyboard.handle(Input::Time, due));
        }
        deadline = take(keyboard.handle(Input::Keys(&[*event]), event.at));
    }
    if let Some(due) = deadline {
        assert_eq!(take(keyboard.handle(Input::Time, due)), None);
    }
    said
}

fn of(template: &str, events: &[KeyEvent]) -> Taken {
    said(&mut keyboard(template), events)
}

fn number(number: u128) -> Taken {
    Taken { numbers: vec![number], ..Taken::default() }
}

#[test]
fn a_reader_may_take_40_ms_a_key_and_a_person_takes_longer() {
    for each in [4, 16, 40, 90] {
        assert_eq!(of("{card_number:dec5}", &typed("09876\n", 0, each)), number(9876), "{each} ms a key");
    }
    for template in ["{card_number:dec5}", "{card_number:dec}"] {
        assert_eq!(of(template, &typed("09876\n", 0, 150)), Taken { noise: 5, ..Taken::default() }, "{template}");
    }
}

#[test]
fn the_end_of_what_a_person_typed_is_no_number() {
    // Slow digits, then four digits and Enter as fast as a reader.
    let mut events = typed("12", 0, 200);
    events.extend(typed("3456\n", 400, 40));
    assert_eq!(of("{card_number:dec}", &events), Taken { noise: 6, ..Taken::default() });
    // Where the length is known, a whole number after a person's typing is a card.
    let mut events = typed("12", 0, 200);
    events.extend(typed("09876\n", 400, 40));
    assert_eq!(of("{card_number:dec5}", &events), Taken { noise: 2, ..number(9876) });
}

#[test]
fn a_number_of_another_length_is_damaged_and_its_digits_are_not_told() {
    for digits in ["0987\n", "098765\n", "0987"] {
        let said = of("{card_number:dec5}", &typed(digits, 0, 40));
        assert!(said.numbers.is_empty() && said.damaged.len() == 1, "{digits}: {said:?}");
        assert!(said.damaged[0].contains("a whole one has 5") && !said.damaged[0].contains("987"), "{said:?}");
    }
}

#[test]
fn two_equal_digits_without_a_release_are_one_key() {
    let mut events = typed("09876\n", 0, 40);
    events.insert(3, pressed(10, 45));
    assert_eq!(of("{card_number:dec5}", &events), number(9876));
    // A doubled digit whose release was lost is one key: the number is too short, and nobody guesses the rest.
    let lost: Vec<KeyEvent> = typed("09986\n", 0, 40).into_iter().enumerate().filter(|(at, _)| *at != 3).map(|(_, event)| event).collect();
    assert_eq!(of("{card_number:dec5}", &lost).damaged.len(), 1);
    // Different keys need no release between them.
    let presses: Vec<KeyEvent> = typed("09876\n", 0, 10).into_iter().filter(|event| matches!(event.moved, KeyMove::Pressed(_))).collect();
    assert_eq!(of("{card_number:dec5}", &presses), number(9876));
}

#[test]
fn silence_ends_a_number_whose_length_is_known_and_no_other() {
    assert_eq!(of("{card_number:dec5}", &typed("09876", 0, 40)), number(9876));
    let said = of("{card_number:dec}", &typed("09876", 0, 40));
    assert!(said.numbers.is_empty() && said.damaged[0].contains("no Enter"), "{said:?}");
}

#[test]
fn tab_and_both_enter_keys_end_a_number_and_a_template_may_want_the_tab() {
    for end in [ENTER, 96, 15] {
        let mut events = typed("09876", 0, 40);
        events.push(pressed(end, 200));
        assert_eq!(of("{card_number:dec}", &events), number(9876), "key {end}");
    }
    let mut events = typed("098", 0, 40);
    events.push(pressed(15, 120));
    events.extend(typed("76", 160, 40));
    assert_eq!(of("{_:dec3}{=09}{card_number:dec2}", &events), number(76));
}

#[test]
fn a_key_with_ctrl_or_one_that_types_nothing_makes_a_number_damaged() {
    for (first, then) in [(29, 2), (56, 2), (42, 2), (106, 106), (14, 14)] {
        let mut events = typed("09876", 0, 40);
        events.extend([pressed(first, 200), pressed(then, 210), released(then, 220), released(first, 230), pressed(ENTER, 240)]);
        let said = of("{card_number:dec}", &events);
        assert!(said.numbers.is_empty() && said.damaged.len() == 1, "{first}: {said:?}");
    }
}

#[test]
fn events_that_the_kernel_dropped_make_a_number_damaged() {
    let mut events = typed("09876\n", 0, 40);
    events.insert(4, KeyEvent { at: at(60), moved: KeyMove::Dropped });
    let said = of("{card_number:dec}", &events);
    assert!(said.numbers.is_empty() && said.damaged.len() == 1, "{said:?}");
}

#[test]
fn what_is_typed_while_the_reader_is_opened_is_not_believed() {
    let mut keyboard = keyboard("{card_number:dec}");
    keyboard.handle(Input::Opened, at(0));
    // The first digits came before anybody listened.
    assert_eq!(said(&mut keyboard, &typed("876\n", 30, 40)), Taken { noise: 3, ..Taken::default() });
    assert_eq!(said(&mut keyboard, &typed("09876\n", 1000, 40)), number(9876));
}

#[test]
fn a_card_that_lies_on_the_reader_is_one_presentation() {
    let mut keyboard = keyboard("{card_number:dec5}");
    let mut numbers = 0;
    for again in 0..5 {
        numbers += said(&mut keyboard, &typed("09876\n", again * 1000, 40)).numbers.len();
    }
    assert_eq!(numbers, 1);
    assert_eq!(said(&mut keyboard, &typed("09876\n", 10_000, 40)), number(9876));
}

#[test]
fn a_late_word_of_an_event_is_no_silence() {
    // The events are told in one piece, a second after they happened.
    let mut keyboard = keyboard("{card_number:dec5}");
    let output = keyboard.handle(Input::Keys(&typed("09876\n", 0, 40)), at(1000));
    assert_eq!(output.presentations.len(), 1);
}

#[test]
fn shift_is_that_of_the_reader_and_caps_lock_is_nobodys() {
    let events = |prefix: &[KeyEvent]| [prefix, &typed("09876\n", 100, 40)].concat();
    let shifted = [pressed(SHIFT, 40), pressed(38, 60), released(38, 70), released(SHIFT, 80)];
    assert_eq!(of("L{card_number:dec5}", &events(&shifted)), number(9876));
    let caps_lock = [pressed(58, 20), released(58, 30), pressed(38, 60), released(38, 70)];
    assert_eq!(of("l{card_number:dec5}", &events(&caps_lock)), number(9876));
}

#[test]
fn a_flood_of_keys_is_kept_no_longer_than_a_line() {
    let mut keyboard = keyboard("{card_number:dec}");
    let flood = typed(&"12".repeat(5000), 0, 2);
    keyboard.handle(Input::Keys(&flood), at(0));
    assert!(keyboard.burst.text.len() <= keyboard.dialect.longest);
    let said = said(&mut keyboard, &[pressed(ENTER, 20_000)]);
    assert!(said.numbers.is_empty() && said.damaged.len() == 1, "{said:?}");
}

#[test]
fn what_was_typed_is_shown_to_nobody() {
    let mut keyboard = keyboard("{card_number:dec5}");
    keyboard.handle(Input::Keys(&typed("09876", 0, 40)), at(0));
    assert!(!format!("{:?}", keyboard.burst).contains("9876") && !format!("{:?}", typed("09876", 0, 40)).contains('9'));
}
