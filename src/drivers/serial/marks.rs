//! Bytes that came with a parity or framing error, marked by the terminal driver (PARMRK of termios).
//!
//! In: bytes as the driver hands them over: `FF 00 x` is a byte with an error, `FF FF` the byte FF, `FF 00 00` a break too.
//! Out: events. Without the mark a byte with an error is dropped by the driver, and its frame looks shorter than it was.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
};

use nix::{
    fcntl::OFlag,
    sys::termios::{InputFlags, SetArg, tcgetattr, tcsetattr},
};

use crate::reader::ReaderEvent;

const MARK: u8 = 0xFF;

/// The terminal behind a port's path, for its settings only; none where there is none.
pub(super) fn tty(path: &str) -> Option<File> {
    let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    OpenOptions::new().read(true).write(true).custom_flags(flags.bits()).open(path).ok()
}

/// Tells the driver to mark errors; true where it does from now on.
pub(super) fn mark_errors(tty: &File) -> bool {
    let Ok(mut settings) = tcgetattr(tty) else { return false };
    // Without INPCK a line that has no parity bit hides its framing errors, as at a wrong baud rate.
    settings.input_flags.insert(InputFlags::PARMRK | InputFlags::INPCK);
    settings.input_flags.remove(InputFlags::IGNPAR | InputFlags::ISTRIP | InputFlags::IGNBRK | InputFlags::BRKINT);
    tcsetattr(tty, SetArg::TCSANOW, &settings).is_ok()
}

/// Reads marked bytes, however they come in pieces.
pub(super) struct Marks {
    /// None where the driver marks nothing.
    state: Option<State>,
}

#[derive(Clone, Copy)]
enum State {
    Plain,
    /// A mark came.
    Marked,
    /// A mark and a nought came: what follows is the byte with an error.
    Faulty,
}

impl Marks {
    pub(super) const fn of(marks: bool) -> Self {
        Self { state: if marks { Some(State::Plain) } else { None } }
    }

    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<ReaderEvent> {
        let Some(mut state) = self.state else { return vec![ReaderEvent::Bytes(bytes.to_vec())] };
        let (mut events, mut plain) = (Vec::new(), Vec::with_capacity(bytes.len()));
        for byte in bytes {
            state = match (state, *byte) {
                (State::Plain, MARK) => State::Marked,
                (State::Marked, 0) => State::Faulty,
                (State::Faulty, byte) => {
                    events.extend(taken(&mut plain));
                    events.push(ReaderEvent::Faulty(byte));
                    State::Plain
                }
                (State::Plain | State::Marked, byte) => {
                    plain.push(byte);
                    State::Plain
                }
            };
        }
        self.state = Some(state);
        events.extend(taken(&mut plain));
        events
    }
}

fn taken(plain: &mut Vec<u8>) -> Option<ReaderEvent> {
    (!plain.is_empty()).then(|| ReaderEvent::Bytes(std::mem::take(plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<ReaderEvent> {
        let mut marks = Marks::of(true);
        pieces.iter().flat_map(|piece| marks.read(piece)).collect()
    }

    #[test]
    fn a_marked_byte_is_faulty_and_keeps_its_place() {
        let bytes = |bytes: &[u8]| ReaderEvent::Bytes(bytes.to_vec());
        assert_eq!(read(&[&[1, 0xFF, 0, 7, 2]]), [bytes(&[1]), ReaderEvent::Faulty(7), bytes(&[2])]);
        assert_eq!(read(&[&[0xFF], &[0], &[0xFF, 3]]), [ReaderEvent::Faulty(0xFF), bytes(&[3])]);
        // A byte FF is sent twice by the driver, and is one.
        assert_eq!(read(&[&[0xFF, 0xFF, 0xFF], &[0xFF, 0]]), [bytes(&[0xFF]), bytes(&[0xFF, 0])]);
    }

    #[test]
    fn where_nothing_is_marked_every_byte_is_itself() {
        assert_eq!(Marks::of(false).read(&[0xFF, 0, 7]), [ReaderEvent::Bytes(vec![0xFF, 0, 7])]);
    }
}
