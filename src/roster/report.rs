//! How a roster ended: a line for each person and card.
//!
//! In: the machine. Out: rows for a table or a CSV file. Never: an outcome that is not known.

use std::collections::{BTreeMap, BTreeSet};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Roster, SeatState, Undo, words};
use crate::outbox::State;

/// The headings of a report.
pub const HEADINGS: [&str; 10] =
    ["row", "person", "employee_number", "user_id", "card", "evidence", "outcome", "blusky_says", "note", "saved_at"];
/// The headings of what is shown of it at a terminal.
pub const SHOWN: [&str; 6] = ["row", "person", "number", "card", "outcome", "BluSKY says"];

/// A report as it is shown at a terminal: what somebody should look at comes last.
#[derive(Debug, Default)]
pub struct Closing {
    /// The cards that are where they should be.
    pub done: Vec<Vec<String>>,
    /// Everything else, in lines; people whose turn did not come are only counted.
    pub open: Vec<String>,
    /// How many of what.
    pub words: String,
}

/// A name is cut there, so that a row stays one line.
const NAME: usize = 26;

/// What is said of people whose turn did not come.
const NOT_YET: &str = "not yet";
const ACCEPTED: &str = "accepted";

impl Roster {
    /// One row for each card, and one for each person without one.
    #[must_use]
    pub fn report(&self) -> Vec<[String; 10]> {
        let mut rows = Vec::new();
        for seat in &self.seats {
            let added = seat.given.iter().rev().find_map(|given| given.seen.user_id);
            let user = added.or(Some(seat.row.user_id).filter(|id| !id.is_nil())).map(|id| id.to_string()).unwrap_or_default();
            let who = || [seat.row.number.to_string(), seat.row.name.clone(), seat.row.employee_number.clone(), user.clone()];
            for given in &seat.given {
                let (seen, [row, person, number, user]) = (&given.seen, who());
                let outcome = words::state(seen, &given.undo).to_owned();
                let said = seen.description.clone().unwrap_or_default();
                let (card, evidence, at) = (seen.card.clone(), seen.evidence.clone(), seen.saved_at.clone());
                let note = match &given.undo {
                    Undo::Failed(why) => why.clone(),
                    Undo::No if seen.opens_nothing && seen.state == State::Accepted => words::OPENS_NOTHING.to_owned(),
                    _ if matches!(seen.end.as_deref(), Some("accepted")) => String::new(),
                    _ => seen.words.clone(),
                };
                rows.push([row, person, number, user, card, evidence, outcome, said, note, at]);
            }
            let without = match &seat.state {
                SeatState::Done => continue,
                SeatState::Aside(_) if seat.given.iter().any(|given| !given.seen.is_undone) => continue,
                SeatState::Aside(why) => ("set aside", why.clone()),
                SeatState::Skipped => ("skipped", String::new()),
                SeatState::Due => (NOT_YET, String::new()),
            };
            let [row, person, number, user] = who();
            let none = String::new;
            rows.push([row, person, number, user, none(), none(), without.0.to_owned(), none(), without.1, none()]);
        }
        rows
    }

    /// The same for a terminal.
    #[must_use]
    pub fn closing(&self) -> Closing {
        let (mut closing, mut counts, mut last) = (Closing::default(), BTreeMap::<String, usize>::new(), String::new());
        let report = self.report();
        let has_card: BTreeSet<&String> =
            report.iter().filter(|[_, _, _, _, _, _, outcome, ..]| outcome == ACCEPTED).map(|[row, ..]| row).collect();
        let is_settled = |row: &String, outcome: &str| has_card.contains(row) && ["refused", "undone", "given up"].contains(&outcome);
        for [row, person, number, _, card, _, outcome, says, note, _] in report.iter().cloned() {
            // Whoever has a card by now needs nobody's look at an earlier one.
            if is_settled(&row, &outcome) {
                continue;
            }
            if outcome == ACCEPTED && !note.is_empty() {
                closing.open.push(format!("row {row}, {}: {note}", called(&person, &number)));
            }
            if outcome == ACCEPTED {
                let card = words::number(&card).to_owned();
                closing.done.push(vec![row, cut(&person), number, card, outcome, says]);
                continue;
            }
            // Whoever got no card the first time is named with it, and is not counted twice.
            if outcome != NOT_YET || last != row {
                *counts.entry(outcome.clone()).or_default() += 1;
            }
            last.clone_from(&row);
            if outcome != NOT_YET {
                let who = called(&person, &number);
                closing.open.push(format!("row {row}, {who}: {}", why(&card, &outcome, &note, &says)));
            }
        }
        let accepted = format!("{} of {} accepted", self.tally().accepted, self.seats.len());
        let more = counts.iter().map(|(outcome, count)| format!("{count} {outcome}"));
        closing.words = std::iter::once(accepted).chain(more).collect::<Vec<_>>().join(", ");
        closing
    }
}

/// What became of a card that is not where it should be, or of somebody without one.
fn why(card: &str, outcome: &str, note: &str, says: &str) -> String {
    match (outcome, note) {
        ("refused", _) if !says.is_empty() => format!("{card} is refused. BluSKY says “{says}”"),
        (_, "") => [card, outcome].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "),
        (_, note) if note.starts_with(outcome) => note.to_owned(),
        (_, note) => format!("{outcome}: {note}"),
    }
}

fn called(person: &str, number: &str) -> String {
    if number.is_empty() { person.to_owned() } else { format!("{person} ({number})") }
}

fn cut(name: &str) -> String {
    let mut used = 0;
    let fits = |letter: &char| {
        used += letter.width().unwrap_or(0);
        used < NAME
    };
    if name.width() <= NAME { name.to_owned() } else { name.chars().take_while(fits).chain(['…']).collect() }
}
