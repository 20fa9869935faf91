//! What can be seen of PC/SC without connecting to a card.
//!
//! In: nothing. Out: the readers and whether another program holds them, or why the service does not tell; what the readers' driver
//! lets through. Never: a card asked, or a reader told anything.

use std::{fs, time::Duration};

use pcsc::{Context, Error, ReaderState, State};

use super::{establish, explain_later};

/// A reader's slot that the service lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its PC/SC name.
    pub device: String,
    /// Another program uses the card there alone.
    pub is_held: bool,
}

/// Why the service does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It does not run.
    Silent,
    /// It does not let this user in.
    NotAllowed,
    /// Something else, in words.
    Other(String),
}

/// So many slots are asked about at once at most.
const MOST: usize = 16;

/// The slots of all readers.
///
/// # Errors
/// Why the service does not tell.
pub fn look() -> Result<Vec<Slot>, Trouble> {
    let context = establish().map_err(trouble)?;
    let listed = match context.list_readers_owned() {
        Ok(listed) => listed,
        Err(Error::NoReadersAvailable) => return Ok(Vec::new()),
        Err(error) => return Err(Trouble::Other(explain_later(error))),
    };
    let mut states: Vec<ReaderState> = listed.into_iter().take(MOST).map(|name| ReaderState::new(name, State::UNAWARE)).collect();
    states_of(&context, &mut states);
    let slot = |state: &ReaderState| Slot {
        device: state.name().to_string_lossy().into_owned(),
        is_held: state.event_state().contains(State::EXCLUSIVE),
    };
    Ok(states.iter().map(slot).collect())
}

/// Fills in what the service says at once; where it does not, nothing is known of the slots but their names.
fn states_of(context: &Context, states: &mut [ReaderState]) {
    if states.is_empty() {
        return;
    }
    if let Err(error) = context.get_status_change(Duration::ZERO, states) {
        tracing::debug!(%error, "the smart-card service does not say who holds its readers");
    }
}

fn trouble(error: Error) -> Trouble {
    match error {
        Error::NoService | Error::ServiceStopped | Error::CommError => Trouble::Silent,
        Error::SecurityViolation => Trouble::NotAllowed,
        other => Trouble::Other(super::explain(other)),
    }
}

/// Where libccid keeps its options: Debian's place, and the bundle's own.
const OPTIONS: [&str; 2] = ["/etc/libccid_Info.plist", "/usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist"];

/// Whether libccid lets commands for a reader itself through while no card lies there; none where its options cannot be read.
#[must_use]
pub fn lets_escapes_through() -> Option<bool> {
    let text = OPTIONS.iter().find_map(|path| fs::read_to_string(path).ok())?;
    Some(options(&text)? & 1 == 1)
}

/// `ifdDriverOptions`, a number in hex.
fn options(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("<key>ifdDriverOptions</key>")?;
    let (_, rest) = rest.split_once("<string>")?;
    let (number, _) = rest.split_once("</string>")?;
    u32::from_str_radix(number.trim().trim_start_matches("0x"), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_libccid_are_read_where_they_stand() {
        let text = "<dict>\n\t<key>ifdDriverOptions</key>\n\t<string>0x0005</string>\n\n\t<!-- 0x01: -->\n</dict>";
        assert_eq!(options(text), Some(5));
        assert_eq!(options("<key>ifdDriverOptions</key>"), None);
        assert_eq!(options("<dict/>"), None);
    }
}
