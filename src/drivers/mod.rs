//! Hardware: thin drivers that carry bytes and decide nothing. The only place that names serialport, pcsc, libosdp and evdev.
//!
//! In: a reader's configuration, and what is to be written. Out: [`ReaderEvent`]s in one channel, each with the
//! reader's name. A reader that is not there, or goes, is tried again until the driver is dropped.

pub mod holder;
pub mod keyboard;
pub mod listening;
pub mod osdp;
pub mod pcsc;
pub mod serial;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc;

use crate::reader::{ReaderEvent, ReaderName};

/// Where drivers report to.
pub type Events = mpsc::UnboundedSender<(ReaderName, ReaderEvent)>;

/// How long a driver waits before it tries a reader again.
const AGAIN: Duration = Duration::from_millis(500);

/// Tells a driver's threads to end, by being dropped.
#[derive(Debug, Default, Clone)]
pub struct Running(Arc<AtomicBool>);

impl Running {
    fn ended(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends the driver's threads.
    pub fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
