//! How an entry ended: for exit codes, for programs, and what can be done now.
//!
//! In: an entry. Out: its end, once nothing more happens by itself. Never: what BluSKY said; that stands in the entry.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::Operation,
    outbox::{Entry, State},
};

/// How an entry ended, or why it goes no further by itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct End {
    /// The exit code of a command that waited for it: 0 accepted; 1 refused, or stored otherwise than sent; 3 not known.
    pub exit: u8,
    /// The same as a word for programs.
    pub code: &'static str,
    /// What can be done now.
    pub help: Option<String>,
}

/// How an entry ended; none where it is still on its way.
#[must_use]
pub fn end(entry: &Entry) -> Option<End> {
    let progress = entry.progress();
    let end = |exit, code, help: Option<&str>| Some(End { exit, code, help: help.map(ToOwned::to_owned) });
    match progress.state {
        _ if progress.stopped => end(3, "stopped", None),
        _ if !progress.is_settled() => None,
        State::Accepted if progress.stored_differs() => end(1, "stored_differs", Some("look at the card in BluSKY and correct it there")),
        State::Accepted if progress.first.as_ref().is_some_and(|first| first.state == State::Refused) => {
            end(1, "old_card_stays", Some("the new card works; `cardbridge card remove` takes the old one back"))
        }
        State::Accepted if progress.groups.iter().any(|(_, part)| part.state == State::Refused) => {
            end(1, "access_refused", Some("`cardbridge access add` gives a group once what was wrong is mended"))
        }
        State::Accepted if progress.groups.iter().any(|(_, part)| part.state == State::InDoubt) => {
            end(3, "access_in_doubt", Some("look in BluSKY; `cardbridge access add` gives the group where it is not there"))
        }
        State::Accepted => end(0, "accepted", None),
        State::Discarded => end(1, "discarded", None),
        State::Refused if progress.awaits_reassignment() => {
            end(1, "refused", Some("somebody holds this card; `--reassign` takes it from them"))
        }
        State::Refused => end(1, "refused", refused_help(entry)),
        State::Saved | State::Sending | State::InDoubt => {
            let look = format!("nothing is sent again until somebody has looked; `cardbridge outbox show {}` shows its way", entry.id);
            end(3, "in_doubt", Some(&look))
        }
    }
}

/// What helps where two facility codes share a printed number.
const SHARED_PRINT: &str = "another card has this printed number, perhaps one with another facility code; with \
     external_number = \"{facility_code}-{card_number}\" in its [[card_type]], or --external-number, the two are told apart";

/// What helps where the card is in BluSKY already: its maker may have put it there.
const KNOWN_CARD: &str = "the card is in BluSKY already, perhaps put there by whoever sold it: give it by its key, with \
     `cardbridge enroll --card-id GUID`, or in BluSKY's console by its external number alone";

fn refused_help(entry: &Entry) -> Option<&'static str> {
    let words = entry.progress().told.description.as_deref().unwrap_or_default().to_lowercase();
    let is_known = matches!(entry.operation, Operation::AddUserCard(_)) && words.contains("more than one card exists");
    is_known.then_some(KNOWN_CARD).or_else(|| shared_print(entry).then_some(SHARED_PRINT))
}

/// True where BluSKY refused a printed number that is the card number alone, though the card has a facility code.
fn shared_print(entry: &Entry) -> bool {
    let Operation::AddUserCard(call) = &entry.operation else { return false };
    let is_number = call.internal_card_number.map(|number| number.to_string()) == call.external_card_number;
    let words = entry.progress().told.description.as_deref().unwrap_or_default().to_lowercase();
    is_number && call.facility_code.is_some() && words.contains("external card number")
}
