//! The line of a bus: bytes for libosdp in both directions, which never wait, and an ear for what passes.
//!
//! In: an open port. Out: what came, to the panel whose turn it is; every intact packet, to whoever diagnoses. Never: a
//! decision.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    mem,
    sync::{Mutex, MutexGuard, PoisonError, Weak},
};

use libosdp::{Channel, ChannelError};
use serialport::{SerialPort, TTYPort};

use super::{
    TICK,
    packet::{self, Packet},
};
use crate::{
    drivers::{serial, unplugged, unreadable, unwritable},
    reader::LineSettings,
};

/// What arrived for libosdp and was not taken: no packet is longer.
const LONGEST: usize = 4096;

/// A bus's line.
pub struct BusLine {
    port: TTYPort,
    path: String,
    /// What came and libosdp has not taken yet.
    waiting: VecDeque<u8>,
    /// What came and is no whole packet yet.
    heard: Vec<u8>,
    /// Every intact packet since somebody last asked, and how many bytes were none.
    packets: Vec<Packet>,
    noise: usize,
    /// Somebody has read or written since this was cleared: a command is on its way, or its reply is.
    pub in_use: bool,
    failed: Option<String>,
}

/// The line, for the time being.
pub fn lock(wire: &Mutex<BusLine>) -> MutexGuard<'_, BusLine> {
    wire.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BusLine {
    /// Opens a port.
    ///
    /// # Errors
    /// Why it cannot be, and what to do.
    pub fn open(path: &str, baud: u32) -> Result<Self, String> {
        let line = LineSettings { baud, ..LineSettings::EIGHT_N_ONE };
        let mut port = serial::settings(path, line).open_native().map_err(|error| serial::cannot_open(path, &error))?;
        port.set_timeout(TICK).map_err(|error| format!("{path} cannot be read: {error}"))?;
        let (waiting, heard, packets) = (VecDeque::new(), Vec::new(), Vec::new());
        Ok(Self { port, path: path.to_owned(), waiting, heard, packets, noise: 0, in_use: false, failed: None })
    }

    /// Its path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Waits until something comes, one tick at most.
    ///
    /// # Errors
    /// Why the line is lost, and what to do.
    pub fn wait(&mut self) -> Result<(), String> {
        if let Some(why) = self.failed.take() {
            return Err(why);
        }
        let mut buffer = [0; 512];
        match self.port.read(&mut buffer) {
            Ok(0) => return Err(unplugged(&self.path)),
            Ok(count) => self.came(buffer.get(..count).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(error) => return Err(unreadable(&self.path, &error)),
        }
        Ok(())
    }

    /// Every intact packet since this was last asked, and how many bytes were none.
    pub fn heard(&mut self) -> (Vec<Packet>, usize) {
        (mem::take(&mut self.packets), mem::take(&mut self.noise))
    }

    fn came(&mut self, bytes: &[u8]) {
        self.waiting.extend(bytes);
        let too_many = self.waiting.len().saturating_sub(LONGEST);
        self.waiting.drain(..too_many);
        self.heard.extend(bytes);
        let (packets, noise) = packet::cut(&mut self.heard);
        self.packets.extend(packets);
        self.noise += noise;
    }

    fn take(&mut self, buffer: &mut [u8]) -> Result<usize, ChannelError> {
        self.in_use = true;
        let count = buffer.len().min(self.waiting.len());
        for (to, byte) in buffer.iter_mut().zip(self.waiting.drain(..count)) {
            *to = byte;
        }
        if count == 0 { Err(ChannelError::WouldBlock) } else { Ok(count) }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<usize, ChannelError> {
        self.in_use = true;
        // What came before a command is no reply to it.
        self.noise += self.heard.len();
        self.heard.clear();
        self.packets.extend(packet::cut(&mut bytes.to_vec()).0);
        match self.port.write_all(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.failed = Some(unwritable(&self.path, &error));
                Err(ChannelError::TransportError)
            }
        }
    }
}

/// A panel's end of the line. libosdp keeps it for good, also when the panel is dropped: so it does not own the port.
pub struct Tap(pub Weak<Mutex<BusLine>>);

impl Tap {
    fn with<T>(&self, act: impl FnOnce(&mut BusLine) -> Result<T, ChannelError>) -> Result<T, ChannelError> {
        self.0.upgrade().map_or(Err(ChannelError::TransportError), |wire| act(&mut lock(&wire)))
    }
}

impl Channel for Tap {
    fn get_id(&self) -> i32 {
        1
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ChannelError> {
        self.with(|wire| wire.take(buffer))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, ChannelError> {
        self.with(|wire| wire.send(bytes))
    }

    fn flush(&mut self) -> Result<(), ChannelError> {
        self.with(|wire| {
            wire.waiting.clear();
            Ok(())
        })
    }

    fn close(&mut self) -> Result<(), ChannelError> {
        Ok(())
    }
}
