//! Hardware: thin drivers that carry bytes and decide nothing. The only place that names serialport, pcsc, libosdp and evdev.
//!
//! In: where readers are attached, and what is to be written. Out: [`ReaderEvent`]s in one channel, each with the
//! reader's name. A reader that is not there, or goes, is tried again until its driver is dropped.
//!
//! A kind of reader stands behind [`Driver`]: a new one is a file and a line in `kinds`. [`fake`] is one for tests.
//! `device`, `place`, `newcomers`: what readers share that are a device file; [`holder`], [`listening`], [`usb`]: what else is known
//! about a port.

mod device;
pub mod fake;
pub mod holder;
pub mod keyboard;
pub mod listening;
mod newcomers;
pub mod osdp;
pub mod pcsc;
mod place;
pub mod serial;
pub mod usb;

use std::{collections::HashMap, io, path::Path, sync::Arc, time::Duration};

use nix::errno::Errno;
use tokio::{sync::mpsc, time::timeout};

use self::device::DeviceDriver;
use crate::{
    reader::{Port, ReaderCommand, ReaderEvent, ReaderName, configured_name, is_device_of},
    smartcard::reader::Model,
};

/// Where drivers report to.
pub type Events = mpsc::UnboundedSender<(ReaderName, ReaderEvent)>;

/// How long a driver waits before it tries a reader again.
const AGAIN: Duration = Duration::from_millis(500);

/// How long drivers may take to end.
const ENDING: Duration = Duration::from_millis(900);

/// All readers of one kind. Dropped, it ends: whatever it has started shows what it was told to, and goes.
pub trait Driver: Send {
    /// True where readers at such a port are of this kind.
    fn serves(&self, port: &Port) -> bool;

    /// Opens these readers, all of this kind, beside those that are open already.
    fn open(&mut self, readers: &[Setup]);

    /// Tells a reader what to do. One that is not there is told nothing.
    fn command(&self, reader: &ReaderName, command: ReaderCommand);
}

/// Every kind of reader.
fn kinds(models: Vec<Arc<Model>>, common: &Common) -> Vec<Box<dyn Driver>> {
    vec![
        Box::new(DeviceDriver::<serial::Line>::new(common.clone())),
        Box::new(DeviceDriver::<keyboard::Keyboard>::new(common.clone())),
        Box::new(pcsc::PcscDriver::new(models, common.clone())),
        Box::new(osdp::OsdpDriver::new(common.clone())),
    ]
}

/// A reader to be opened.
#[derive(Debug, Clone)]
pub struct Setup {
    name: ReaderName,
    port: Port,
    /// The one device that is wanted of those at the port; none: all of them.
    only: Option<ReaderName>,
}

impl Setup {
    /// The reader of this configured name, at this port.
    #[must_use]
    pub fn new(name: &str, port: Port) -> Self {
        Self { name: name.into(), port, only: None }
    }

    /// The devices to be opened of so many that are there, each with its place among them: `NAME`, or `NAME#1`, `NAME#2`.
    /// A reader that is not there yet is waited for under its plain name, and what comes beside those that are there is taken up
    /// as one more.
    fn devices(&self, there: usize) -> Vec<(usize, ReaderName)> {
        let number = |device: &ReaderName| device.split_once('#').and_then(|(_, number)| number.parse::<usize>().ok()?.checked_sub(1));
        match &self.only {
            Some(only) => number(only).map(|at| (at, only.clone())).into_iter().collect(),
            None if there <= 1 => vec![(0, self.name.clone())],
            None => (0..there).map(|at| (at, format!("{}#{}", self.name, at + 1).into())).collect(),
        }
    }
}

/// What every driver is given.
#[derive(Clone)]
pub struct Common {
    /// Where it reports to.
    pub events: Events,
    /// Held by every thread and task that a driver starts: when all are gone, the drivers have ended.
    pub alive: mpsc::Sender<()>,
}

/// The readers that are open, of every kind. Dropped, they end; [`Drivers::end`] also waits until they have.
pub struct Drivers {
    drivers: Vec<Box<dyn Driver>>,
    /// Which driver serves the reader of this configured name, and whether all its devices are open.
    readers: HashMap<ReaderName, (usize, bool)>,
    ended: mpsc::Receiver<()>,
}

impl Drivers {
    /// Opens readers: all, or the one of that name only, of which `NAME#2` is one of several devices.
    #[must_use]
    pub fn open(readers: &[Setup], only: Option<&str>, models: Vec<Arc<Model>>, events: Events) -> Self {
        let (alive, ended) = mpsc::channel(1);
        let mut drivers = Self::of(kinds(models, &Common { events, alive }), ended);
        drivers.open_more(readers, only);
        drivers
    }

    /// These kinds of readers, none of them open. Whatever they start holds the other end of `ended`.
    #[must_use]
    pub fn of(drivers: Vec<Box<dyn Driver>>, ended: mpsc::Receiver<()>) -> Self {
        Self { drivers, readers: HashMap::new(), ended }
    }

    /// Opens further readers, chosen in the same way. One that is open already stays as it is.
    pub fn open_more(&mut self, readers: &[Setup], only: Option<&str>) {
        let device = only.filter(|only| only.contains('#'));
        let mut wanted: Vec<Vec<Setup>> = self.drivers.iter().map(|_| Vec::new()).collect();
        for reader in readers.iter().filter(|reader| only.is_none_or(|only| is_device_of(only, &reader.name))) {
            let Some(kind) = self.drivers.iter().position(|driver| driver.serves(&reader.port)) else { continue };
            let (_, is_whole) = self.readers.entry(reader.name.clone()).or_insert((kind, false));
            if *is_whole {
                continue;
            }
            *is_whole = device.is_none();
            if let Some(readers) = wanted.get_mut(kind) {
                readers.push(Setup { only: device.map(Into::into), ..reader.clone() });
            }
        }
        for (driver, readers) in self.drivers.iter_mut().zip(wanted).filter(|(_, readers)| !readers.is_empty()) {
            driver.open(&readers);
        }
    }

    /// Tells a reader what to do. One that is not there is told nothing.
    pub fn command(&self, reader: &ReaderName, command: ReaderCommand) {
        let kind = self.readers.get(configured_name(reader)).and_then(|(kind, _)| self.drivers.get(*kind));
        if let Some(driver) = kind {
            driver.command(reader, command);
        }
    }

    /// Ends all readers, and waits until they have shown what they were told to; a second at most.
    pub async fn end(mut self) {
        self.drivers.clear();
        // Nothing is ever sent: it ends when the last thread or task of a driver has.
        drop(timeout(ENDING, self.ended.recv()).await);
    }
}

/// Why a device can no longer be read.
fn unreadable(path: &str, error: &io::Error) -> String {
    if is_gone(path, error) { unplugged(path) } else { format!("{path} cannot be read: {error}") }
}

/// Why a device can no longer be written.
fn unwritable(path: &str, error: &io::Error) -> String {
    if is_gone(path, error) { unplugged(path) } else { format!("{path} cannot be written: {error}") }
}

/// True for each of the ways in which a device that was unplugged fails: which one it is depends on how far the kernel has come with it.
fn is_gone(path: &str, error: &io::Error) -> bool {
    const GONE: [Errno; 3] = [Errno::EIO, Errno::ENXIO, Errno::ENODEV];
    let is_said = error.raw_os_error().is_some_and(|number| GONE.contains(&Errno::from_raw(number)));
    is_said || error.kind() == io::ErrorKind::BrokenPipe || !Path::new(path).exists()
}

fn unplugged(path: &str) -> String {
    format!("{path} is gone: the reader was unplugged; plug it in again")
}

#[cfg(test)]
mod tests {
    use super::{fake::FakeDriver, *};
    use crate::reader::{Bus, SerialDevice, Signal};

    fn serial(name: &str) -> Setup {
        Setup::new(name, Port::Serial { device: SerialDevice::Path(name.to_owned()), line: crate::reader::LineSettings::EIGHT_N_ONE })
    }

    fn names(devices: &[(usize, ReaderName)]) -> Vec<(usize, &str)> {
        devices.iter().map(|(at, name)| (*at, &**name)).collect()
    }

    #[test]
    fn however_the_kernel_says_it_an_unplugged_reader_is_said_to_be_unplugged() {
        let gone = [5, 6, 19].map(io::Error::from_raw_os_error).into_iter().chain([io::ErrorKind::BrokenPipe.into()]);
        for error in gone {
            assert_eq!(
                [unreadable("/dev/null", &error), unwritable("/dev/null", &error)],
                [unplugged("/dev/null"), unplugged("/dev/null")]
            );
        }
        let other = io::Error::from_raw_os_error(4);
        assert!(unreadable("/dev/null", &other).starts_with("/dev/null cannot be read: "));
        assert!(unwritable("/dev/null", &other).starts_with("/dev/null cannot be written: "));
        assert_eq!(unreadable("/dev/ttyNONE", &other), unplugged("/dev/ttyNONE"));
    }

    #[test]
    fn a_reader_that_means_two_devices_is_two_readers() {
        let mut desk = serial("desk");
        assert_eq!(names(&desk.devices(0)), [(0, "desk")]);
        assert_eq!(names(&desk.devices(1)), [(0, "desk")]);
        assert_eq!(names(&desk.devices(2)), [(0, "desk#1"), (1, "desk#2")]);
        desk.only = Some("desk#2".into());
        assert_eq!(names(&desk.devices(2)), [(1, "desk#2")]);
        // It may come yet.
        assert_eq!(names(&desk.devices(1)), [(1, "desk#2")]);
        desk.only = Some("desk#0".into());
        assert_eq!(names(&desk.devices(1)), []);
    }

    #[tokio::test]
    async fn each_reader_is_opened_once_and_told_by_the_driver_that_serves_its_port() {
        let (events, mut happened) = mpsc::unbounded_channel();
        let (alive, ended) = mpsc::channel(1);
        let common = Common { events, alive };
        let (lines, mut to_lines) = FakeDriver::new(|port| matches!(port, Port::Serial { .. }), common.clone());
        let (buses, mut to_buses) = FakeDriver::new(|port| matches!(port, Port::Osdp { .. }), common);
        let mut drivers = Drivers::of(vec![Box::new(lines), Box::new(buses)], ended);
        let door = Setup::new(
            "door",
            Port::Osdp { bus: Bus { device: SerialDevice::Path("bus".to_owned()), baud: 9600 }, address: 0, scbk_file: None },
        );
        let readers = [serial("desk"), serial("gate"), door];

        drivers.open_more(&readers, Some("door"));
        drivers.open_more(&readers, Some("desk#2"));
        drivers.open_more(&readers, None);
        drivers.open_more(&readers, Some("gate"));
        let opened: Vec<ReaderName> = std::iter::from_fn(|| happened.try_recv().ok()).map(|(name, _)| name).collect();
        assert_eq!(opened.iter().map(|name| &**name).collect::<Vec<_>>(), ["door", "desk#2", "desk", "gate"]);

        for name in ["door", "desk#2", "nobody"] {
            drivers.command(&name.into(), ReaderCommand::Signal(Signal::Read));
        }
        assert_eq!(to_buses.try_recv().map(|(name, _)| name), Ok("door".into()));
        assert_eq!(to_lines.try_recv().map(|(name, _)| name), Ok("desk#2".into()));
        drivers.end().await;
        assert!(to_lines.recv().await.is_none() && to_buses.recv().await.is_none());
    }
}
