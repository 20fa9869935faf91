//! The OSDP driver: one thread for each bus, with libosdp as the control panel of every reader on it.
//!
//! In: a bus and the readers on it; signals to show. Out: [`ReaderEvent`](super::ReaderEvent)s. Never: a key in a
//! message, or a change to a reader's own settings.
//!
//! - `wire`: the line, non-blocking for libosdp;
//! - `panel`: one reader, online and offline;
//! - `heard`, `packet`: what passes on the line, and what that says when a reader is not there;
//! - `show`: signals as lights and sounds;
//! - `key`: the secure channel's key.
//!
//! A limit of libosdp as its crate builds it: the control panel's challenge comes from C's `rand()`, which nobody seeds.
//! Whoever recorded a secure channel from its beginning may be able to play it back to a panel that starts anew.

mod heard;
mod key;
mod packet;
mod panel;
mod show;
mod wire;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{AGAIN, Events, Running};
use crate::reader::{Bus, ReaderCommand, ReaderName};
use heard::Place;
use panel::Panel;
use wire::{Wire, lock};

/// How long the line is listened to before libosdp is asked again; it wants to be asked every 50 ms at least. A byte that
/// comes ends the wait at once, so this bounds how late a poll is sent, not how late a card is read.
const TICK: Duration = Duration::from_millis(5);

/// How long a driver that is to end goes on, so that the last signal is still shown.
const FAREWELL: Duration = Duration::from_secs(1);

/// A reader on a bus.
#[derive(Debug, Clone)]
pub struct Peripheral {
    /// Its configured name.
    pub name: ReaderName,
    /// Its address, 0 to 126.
    pub address: u8,
    /// The file with the key of its secure channel.
    pub scbk_file: Option<PathBuf>,
}

/// A driver at work.
pub struct Driver {
    /// What is sent into these is shown by the reader of that name.
    pub ways: Vec<(ReaderName, UnboundedSender<ReaderCommand>)>,
    /// Ends when it is told to, and what was to be shown is shown. None where no thread could be started: then nothing is.
    pub thread: Option<JoinHandle<()>>,
}

/// Starts the driver of a bus.
#[must_use]
pub fn start(bus: Bus, peripherals: Vec<Peripheral>, events: &Events, running: Running) -> Driver {
    let (mut panels, mut ways) = (Vec::new(), Vec::new());
    for Peripheral { name, address, scbk_file } in peripherals {
        let (commands, wanted) = unbounded_channel();
        let place = Place { path: bus.path.clone(), baud: bus.baud, address };
        panels.push(Panel::new(name.clone(), place, scbk_file, wanted, events.clone()));
        ways.push((name, commands));
    }
    let run = move || {
        while !running.ended() {
            let why = match Wire::open(&bus.path, bus.baud) {
                Ok(wire) => serve(&Arc::new(Mutex::new(wire)), &mut panels, &running),
                Err(why) => why,
            };
            panels.iter_mut().for_each(|panel| panel.end(&why));
            thread::sleep(AGAIN);
        }
    };
    Driver { ways, thread: thread::Builder::new().name("osdp".to_owned()).spawn(run).ok() }
}

/// Serves a bus until its line fails; says why it did.
fn serve(wire: &Arc<Mutex<Wire>>, panels: &mut [Panel], running: &Running) -> String {
    panels.iter_mut().for_each(Panel::begin);
    let (mut turn, mut end) = (0, None);
    loop {
        if running.ended() {
            let end = *end.get_or_insert(Instant::now() + FAREWELL);
            if Instant::now() >= end || !panels.iter_mut().any(Panel::has_to_show) {
                return "the reader is no longer asked for".to_owned();
            }
        }
        if let Err(why) = lock(wire).wait() {
            return why;
        }
        // Twice round: libosdp decides in one turn what it sends in the next.
        for _ in 0..2 * panels.len() {
            let now = Instant::now();
            let in_use = panels.get_mut(turn).is_some_and(|panel| panel.turn(wire, now));
            hear(wire, panels, turn, now);
            if in_use {
                break;
            }
            turn = (turn + 1) % panels.len().max(1);
        }
        let now = Instant::now();
        panels.iter_mut().for_each(|panel| panel.look(now));
    }
}

/// Gives what was heard to whom it concerns.
fn hear(wire: &Mutex<Wire>, panels: &mut [Panel], turn: usize, now: Instant) {
    let (packets, noise) = lock(wire).heard();
    if let Some(panel) = panels.get_mut(turn) {
        panel.noise(noise);
    }
    for packet in packets {
        panels.iter_mut().filter(|panel| panel.address() == packet.address).for_each(|panel| panel.packet(&packet, now));
    }
}
