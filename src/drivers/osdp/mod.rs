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
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::{
    AGAIN, Common, Driver, Setup,
    newcomers::{Description, Newcomers},
    place::Places,
    serial,
};
use crate::reader::{Bus, Port, ReaderCommand, ReaderName, SerialDevice};
use heard::Place;
use panel::Panel;
use wire::{BusLine, lock};

/// How long the line is listened to before libosdp is asked again; it wants to be asked every 50 ms at least. A byte that
/// comes ends the wait at once, so this bounds how late a poll is sent, not how late a card is read.
const TICK: Duration = Duration::from_millis(5);

/// How long a driver that is to end goes on, so that the last signal is still shown.
const FAREWELL: Duration = Duration::from_millis(900);

/// All OSDP readers.
pub struct OsdpDriver {
    readers: Readers,
    newcomers: Newcomers,
}

/// The readers that are open, and what it takes to open one more.
#[derive(Clone)]
struct Readers {
    common: Common,
    /// Which line is which, where one description means several.
    places: Places,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    /// The threads that serve a bus; each ends when its channel is dropped. A reader that is sent there is taken up.
    buses: Vec<(Line, Sender<Panel>)>,
    readers: HashMap<ReaderName, UnboundedSender<ReaderCommand>>,
}

/// One line of those that a bus's description means.
#[derive(Clone, PartialEq, Eq)]
struct Line {
    bus: Bus,
    index: usize,
}

impl Line {
    /// What it is called among the lines of its description.
    fn name(&self) -> ReaderName {
        format!("{}#{}", self.bus.device, self.index + 1).into()
    }

    /// The path of the line now.
    fn path(&self, places: &Places) -> Result<String, String> {
        let found = serial::places(&self.bus.device);
        let place = places.take(&self.name(), self.index, &found);
        place.map(|place| place.path).ok_or_else(|| serial::missing(&self.bus.device))
    }
}

impl OsdpDriver {
    pub(super) fn new(common: Common) -> Self {
        let readers = Readers { common, places: Places::default(), open: Arc::default() };
        let newcomers = Newcomers::new(readers.common.clone());
        Self { readers, newcomers }
    }
}

impl Readers {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a reader on one of the lines that its bus means, where it is not served yet.
    fn serve(&self, port: &Port, name: ReaderName, index: usize) {
        let Port::Osdp { bus, address, scbk_file } = port else { return };
        let open = &mut *self.open();
        if open.readers.contains_key(&name) {
            return;
        }
        let (commands, wanted) = unbounded_channel();
        let place = Place { path: bus.device.to_string(), baud: bus.baud, address: *address };
        let panel = Panel::new(name.clone(), place, scbk_file.clone(), wanted, self.common.events.clone());
        drop(self.bus(&mut open.buses, Line { bus: bus.clone(), index }).send(panel));
        open.readers.insert(name, commands);
    }

    /// The way to the thread that serves a line, which is started where there is none.
    fn bus(&self, buses: &mut Vec<(Line, Sender<Panel>)>, line: Line) -> Sender<Panel> {
        if let Some((_, panels)) = buses.iter().find(|(other, _)| *other == line) {
            return panels.clone();
        }
        let (panels, wanted) = mpsc::channel();
        let (served, places, alive) = (line.clone(), self.places.clone(), self.common.alive.clone());
        let run = move || {
            run(&served, &places, wanted);
            drop(alive);
        };
        drop(thread::Builder::new().name("osdp".to_owned()).spawn(run));
        buses.push((line, panels.clone()));
        panels
    }
}

impl Driver for OsdpDriver {
    fn serves(&self, port: &Port) -> bool {
        matches!(port, Port::Osdp { .. })
    }

    fn open(&mut self, readers: &[Setup]) {
        for setup in readers {
            let Port::Osdp { bus, .. } = &setup.port else { continue };
            let found = serial::places(&bus.device);
            let devices = setup.devices(found.len());
            let count = devices.len();
            for (index, name) in devices {
                let line = Line { bus: bus.clone(), index };
                self.readers.places.take(&line.name(), index, &found);
                self.readers.serve(&setup.port, name, index);
            }
            if setup.only.is_none() && matches!(bus.device, SerialDevice::Usb { .. }) {
                let (device, bus, port, readers) = (bus.device.clone(), bus.clone(), setup.port.clone(), self.readers.clone());
                self.newcomers.watch(Description {
                    name: setup.name.clone(),
                    readers: count,
                    found: Box::new(move || serial::places(&device)),
                    take_up: Box::new(move |name, number, found| {
                        let line = Line { bus: bus.clone(), index: number - 1 };
                        let is_free = readers.places.take_free(&line.name(), found);
                        if is_free {
                            readers.serve(&port, name, line.index);
                        }
                        is_free
                    }),
                });
            }
        }
    }

    fn command(&self, reader: &ReaderName, command: ReaderCommand) {
        if let Some(commands) = self.readers.open().readers.get(reader) {
            drop(commands.send(command));
        }
    }
}

/// Serves a bus until nobody wants it any more.
fn run(line: &Line, places: &Places, wanted: Receiver<Panel>) {
    let mut panels = Vec::new();
    loop {
        match line.path(places).and_then(|path| BusLine::open(&path, line.bus.baud)) {
            Ok(wire) => match serve(wire, &mut panels, &wanted) {
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
fn serve(wire: BusLine, panels: &mut Vec<Panel>, wanted: &Receiver<Panel>) -> End {
    let path = wire.path().to_owned();
    let wire = &Arc::new(Mutex::new(wire));
    panels.iter_mut().for_each(|panel| panel.begin(&path));
    let (mut turn, mut end) = (0, None);
    loop {
        match wanted.try_recv() {
            Ok(mut panel) => {
                panel.begin(&path);
                panels.push(panel);
            }
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
fn hear(wire: &Mutex<BusLine>, panels: &mut [Panel], turn: usize, now: Instant) {
    let (packets, noise) = lock(wire).heard();
    if let Some(panel) = panels.get_mut(turn) {
        panel.noise(noise);
    }
    for packet in packets {
        panels.iter_mut().filter(|panel| panel.address() == packet.address).for_each(|panel| panel.packet(&packet, now));
    }
}
