//! A driver without hardware, for tests: what happens at its readers is what the test sends as their events.
//!
//! In: which ports it serves. Out: every reader is there as soon as it is opened; what readers are told goes to the test.

use tokio::sync::mpsc;

use super::{Common, Driver, Setup};
use crate::reader::{Port, ReaderCommand, ReaderEvent, ReaderName};

/// What the readers of a fake driver were told.
pub type Commands = mpsc::UnboundedReceiver<(ReaderName, ReaderCommand)>;

/// A driver without hardware.
pub struct FakeDriver {
    serves: fn(&Port) -> bool,
    common: Common,
    tell: mpsc::UnboundedSender<(ReaderName, ReaderCommand)>,
}

impl FakeDriver {
    /// A driver for the ports that this holds for, and what its readers will be told.
    #[must_use]
    pub fn new(serves: fn(&Port) -> bool, common: Common) -> (Self, Commands) {
        let (tell, told) = mpsc::unbounded_channel();
        (Self { serves, common, tell }, told)
    }
}

impl Driver for FakeDriver {
    fn serves(&self, port: &Port) -> bool {
        (self.serves)(port)
    }

    fn open(&mut self, readers: &[Setup]) {
        for (_, name) in readers.iter().flat_map(|reader| reader.devices(1)) {
            drop(self.common.events.send((name, ReaderEvent::Up)));
        }
    }

    fn command(&self, reader: &ReaderName, command: ReaderCommand) {
        drop(self.tell.send((reader.clone(), command)));
    }
}
