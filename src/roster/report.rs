//! How a roster ended: a line for each person and card.
//!
//! In: the machine. Out: rows for a table or a CSV file. Never: an outcome that is not known.

use super::{Roster, SeatState, Undo, words};

/// The headings of a report.
pub const HEADINGS: [&str; 10] =
    ["row", "person", "employee_number", "user_id", "card", "evidence", "outcome", "blusky_says", "note", "saved_at"];
/// Those that are shown at a terminal, by their place.
pub const SHOWN: [usize; 6] = [0, 1, 4, 6, 7, 8];

/// What is said of people whose turn did not come.
const NOT_YET: &str = "not yet";

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
}
