//! What people and programs are shown, as text and JSON. Pure: values in, words out.
//!
//! - [`reading`]: a card with every format's verdict on it;
//! - [`evidence`]: how sure that is, and what is asked;
//! - [`listening`]: what was heard at an unknown reader;
//! - [`enrollment`]: an entry of the outbox, state by state.

pub mod enrollment;
pub mod evidence;
pub mod listening;
pub mod reading;

use crate::bridge::Notice;

/// A notice for people; none for what a command shows in its own way.
#[must_use]
pub fn notice(notice: &Notice) -> Option<String> {
    match notice {
        Notice::Up(_) | Notice::Ready(_) | Notice::LayThere(_) | Notice::Saved(_) => None,
        Notice::Read(reading) => Some(reading::text(reading)),
        Notice::Lost(reader, why) | Notice::Failed(reader, why) | Notice::Note(reader, why) => Some(format!("{reader}: {why}")),
        Notice::Noise(reader, count) => Some(format!("{reader}: {count} bytes that are no card")),
        Notice::NotEnrolled(_, refused) => Some(format!("not enrolled: {refused}")),
        Notice::GivenBefore(given) => Some(format!("not saved: this card was given to somebody else {} s ago", given.seconds)),
        Notice::NotSaved(_, why) => Some(format!("not saved: {why}")),
    }
}
