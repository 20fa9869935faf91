//! Readers that are a device file each, such as a serial line or an input device: found, opened, and served by a task of their own.
//!
//! In: what a [`Device`] finds and how it is served. Out: the reader is there, or lost and why; one that is lost is tried again
//! until its driver is dropped. Never: a thread that waits, or a word about what passes.

use std::{
    collections::HashMap,
    convert::Infallible,
    future::Future,
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::spawn_blocking,
    time::sleep,
};

use super::{
    AGAIN, Common, Driver, Setup,
    newcomers::{Description, Newcomers},
    place::{Place, Places},
};
use crate::reader::{Port, ReaderCommand, ReaderEvent, ReaderName};

/// A kind of device file. A value of it is what a site says about one reader.
pub(super) trait Device: Clone + Send + Sync + 'static {
    /// An open device.
    type Opened: Send;

    /// The device that a port means; none where the port is of another kind.
    fn at(port: &Port) -> Option<Self>;

    /// True where a second device could be meant too.
    fn can_be_several(&self) -> bool;

    /// The devices that are meant and there.
    fn found(&self) -> Vec<Place>;

    /// Says that the device is not there, and what to do.
    fn missing(&self) -> String;

    /// Opens the device at this path for this process alone; it may take its time.
    ///
    /// # Errors
    /// Why it cannot be opened, and what to do.
    fn open(&self, path: &str) -> Result<Self::Opened, String>;

    /// Serves an open device until it fails or is no longer wanted.
    fn serve(path: &str, opened: Self::Opened, link: &mut Link) -> impl Future<Output = Result<Infallible, End>> + Send;
}

/// Why a device is served no longer.
pub(super) enum End {
    /// Nobody wants it.
    Unwanted,
    /// It failed: why, and what to do.
    Failed(String),
}

/// What stands between a reader's task and whoever wants the reader.
pub(super) struct Link {
    name: ReaderName,
    common: Common,
    wanted: UnboundedReceiver<ReaderCommand>,
    /// What it is, and its place among those of one description at first.
    places: Places,
    index: usize,
}

impl Link {
    /// Tells what happened.
    pub(super) fn report(&self, event: ReaderEvent) -> Result<(), End> {
        self.common.events.send((self.name.clone(), event)).map_err(|_| End::Unwanted)
    }

    /// Waits for what the reader is told next.
    pub(super) async fn told(&mut self) -> Result<ReaderCommand, End> {
        self.wanted.recv().await.ok_or(End::Unwanted)
    }
}

/// All readers of one kind of device file.
pub(super) struct DeviceDriver<D> {
    readers: Readers,
    newcomers: Newcomers,
    kind: PhantomData<fn() -> D>,
}

/// The readers that are open, and what it takes to open one more.
#[derive(Clone)]
struct Readers {
    common: Common,
    places: Places,
    /// The ways to the tasks that serve them; each ends when its channel is dropped.
    tasks: Arc<Mutex<HashMap<ReaderName, UnboundedSender<ReaderCommand>>>>,
}

impl Readers {
    fn tasks(&self) -> MutexGuard<'_, HashMap<ReaderName, UnboundedSender<ReaderCommand>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a reader, where it is not served yet.
    fn serve<D: Device>(&self, device: &D, name: ReaderName, index: usize) {
        self.tasks().entry(name.clone()).or_insert_with(|| {
            let (commands, wanted) = unbounded_channel();
            let link = Link { name, common: self.common.clone(), wanted, places: self.places.clone(), index };
            tokio::spawn(run(device.clone(), link));
            commands
        });
    }
}

impl<D: Device> DeviceDriver<D> {
    pub(super) fn new(common: Common) -> Self {
        let readers = Readers { common, places: Places::default(), tasks: Arc::default() };
        let newcomers = Newcomers::new(readers.common.clone());
        Self { readers, newcomers, kind: PhantomData }
    }
}

impl<D: Device> Driver for DeviceDriver<D> {
    fn serves(&self, port: &Port) -> bool {
        D::at(port).is_some()
    }

    fn open(&mut self, readers: &[Setup]) {
        for setup in readers {
            let Some(device) = D::at(&setup.port) else { continue };
            let found = device.found();
            let devices = setup.devices(found.len());
            let count = devices.len();
            for (index, name) in devices {
                // Before any of them is opened, so that which one is which does not depend on who comes first.
                self.readers.places.take(&name, index, &found);
                self.readers.serve(&device, name, index);
            }
            if setup.only.is_none() && device.can_be_several() {
                let (of, readers) = (device.clone(), self.readers.clone());
                self.newcomers.watch(Description {
                    name: setup.name.clone(),
                    readers: count,
                    found: Box::new(move || of.found()),
                    take_up: Box::new(move |name, number, found| {
                        readers.places.take_free(&name, found);
                        readers.serve(&device, name, number - 1);
                    }),
                });
            }
        }
    }

    fn command(&self, reader: &ReaderName, command: ReaderCommand) {
        if let Some(commands) = self.readers.tasks().get(reader) {
            drop(commands.send(command));
        }
    }
}

/// Serves one reader until nobody wants it.
async fn run<D: Device>(device: D, mut link: Link) {
    let mut told = None;
    loop {
        let End::Failed(why) = attempt(&device, &mut link, &mut told).await else { return };
        // One message for one cause, however often it is tried again.
        if told.as_ref() != Some(&why) {
            told = Some(why.clone());
            if link.report(ReaderEvent::Lost { why }).is_err() {
                return;
            }
        }
        let again = sleep(AGAIN);
        tokio::pin!(again);
        loop {
            tokio::select! {
                () = &mut again => break,
                // What it is told while it is not there is said to nobody.
                told = link.told() => if told.is_err() { return },
            }
        }
    }
}

/// Opens the device and serves it as long as it is there.
async fn attempt<D: Device>(device: &D, link: &mut Link, told: &mut Option<String>) -> End {
    let (wanted, places, name, index) = (device.clone(), link.places.clone(), link.name.clone(), link.index);
    let opening = spawn_blocking(move || {
        let found = wanted.found();
        match places.take(&name, index, &found) {
            Some(Place { path, .. }) => wanted.open(&path).map(|opened| (path, opened)),
            None if found.is_empty() => Err(wanted.missing()),
            None => Err("there are not so many readers of this name; `cardbridge readers` shows what is there".to_owned()),
        }
    });
    let served = async {
        let (path, opened) = opening.await.map_err(|error| End::Failed(error.to_string()))?.map_err(End::Failed)?;
        *told = None;
        link.report(ReaderEvent::Up)?;
        D::serve(&path, opened, link).await
    };
    let Err(end) = served.await;
    end
}
