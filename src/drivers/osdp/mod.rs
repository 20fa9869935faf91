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
    collections::HashMap,
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{AGAIN, Common, Driver, Setup};
use crate::reader::{Bus, Port, ReaderCommand, ReaderName};
use heard::Place;
use panel::Panel;
use wire::{Wire, lock};

/// How long the line is listened to before libosdp is asked again; it wants to be asked every 50 ms at least. A byte that
/// comes ends the wait at once, so this bounds how late a poll is sent, not how late a card is read.
const TICK: Duration = Duration::from_millis(5);

/// How long a driver that is to end goes on, so that the last signal is still shown.
const FAREWELL: Duration = Duration::from_millis(900);

/// All OSDP readers.
pub struct OsdpDriver {
    common: Common,
    /// The threads that serve a bus; each ends when its channel is dropped. A reader that is sent there is taken up.
    buses: Vec<(Bus, Sender<Panel>)>,
    readers: HashMap<ReaderName, UnboundedSender<ReaderCommand>>,
}

impl OsdpDriver {
    pub(super) fn new(common: Common) -> Self {
        Self { common, buses: Vec::new(), readers: HashMap::new() }
    }

    /// The way to the thread that serves a bus, which is started where there is none.
    fn bus(&mut self, bus: &Bus) -> Sender<Panel> {
        if let Some((_, panels)) = self.buses.iter().find(|(other, _)| other == bus) {
            return panels.clone();
        }
        let (panels, wanted) = mpsc::channel();
        let (served, alive) = (bus.clone(), self.common.alive.clone());
        let run = move || {
            run(&served, wanted);
            drop(alive);
        };
        drop(thread::Builder::new().name("osdp".to_owned()).spawn(run));
        self.buses.push((bus.clone(), panels.clone()));
        panels
    }
}

impl Driver for OsdpDriver {
    fn serves(&self, port: &Port) -> bool {
        matches!(port, Port::Osdp { .. })
    }

    fn open(&mut self, readers: &[Setup]) {
        for Setup { name, port, .. } in readers {
            let Port::Osdp { bus, address, scbk_file } = port else { continue };
            if self.readers.contains_key(name) {
                continue;
            }
            let (commands, wanted) = unbounded_channel();
            let place = Place { path: bus.path.clone(), baud: bus.baud, address: *address };
            let panel = Panel::new(name.clone(), place, scbk_file.clone(), wanted, self.common.events.clone());
            drop(self.bus(bus).send(panel));
            self.readers.insert(name.clone(), commands);
        }
    }

    fn command(&self, reader: &ReaderName, command: ReaderCommand) {
        if let Some(commands) = self.readers.get(reader) {
            drop(commands.send(command));
        }
    }
}

/// Serves a bus until nobody wants it any more.
fn run(bus: &Bus, wanted: Receiver<Panel>) {
    let mut panels = Vec::new();
    loop {
        match Wire::open(&bus.path, bus.baud) {
            Ok(wire) => match serve(&Arc::new(Mutex::new(wire)), &mut panels, &wanted) {
                End::Unwanted => return,
                End::Failed(why) => panels.iter_mut().for_each(|panel| panel.end(&why)),
            },
            Err(why) => {
                panels.extend(wanted.try_iter());
                panels.iter_mut().for_each(|panel| panel.end(&why));
            }
        }
        match wanted.recv_timeout(AGAIN) {
            Ok(panel) => panels.push(panel),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Why a bus is served no longer.
enum End {
    /// Nobody wants it.
    Unwanted,
    /// Its line failed.
    Failed(String),
}

/// Serves a bus until its line fails, or until nobody wants it and what was to be shown is shown.
fn serve(wire: &Arc<Mutex<Wire>>, panels: &mut Vec<Panel>, wanted: &Receiver<Panel>) -> End {
    panels.iter_mut().for_each(Panel::begin);
    let (mut turn, mut end) = (0, None);
    loop {
        match wanted.try_recv() {
            Ok(panel) => panels.push(panel),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                let end = *end.get_or_insert(Instant::now() + FAREWELL);
                if Instant::now() >= end || !panels.iter_mut().any(Panel::has_to_show) {
                    return End::Unwanted;
                }
            }
        }
        if let Err(why) = lock(wire).wait() {
            return End::Failed(why);
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
