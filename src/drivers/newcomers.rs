//! Devices that are plugged in while the readers of their description are open already: each becomes one more reader.
//!
//! In: descriptions that can mean several devices, and how many readers each has. Out: `NAME#2` and so on, taken up by the
//! driver. Never: a reader that is there renamed, or one for a device that stands in for a reader that has gone.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::{Common, place::Place};
use crate::reader::ReaderName;

/// How often it is looked whether something was plugged in.
const LOOK: Duration = Duration::from_secs(1);
/// Where the kernel makes device files. Nothing was plugged in while these are as they were.
const FOLDERS: [&str; 2] = ["/dev", "/dev/input"];

/// A description that can mean several devices.
pub(super) struct Description {
    /// What its readers are called.
    pub name: ReaderName,
    /// How many readers it has.
    pub readers: usize,
    /// The devices that are there.
    pub found: Box<dyn Fn() -> Vec<Place> + Send>,
    /// Serves one more reader.
    pub take_up: TakeUp,
}

/// Serves a reader, with its number among those of the description, for one of these devices that is nobody's.
type TakeUp = Box<dyn Fn(ReaderName, usize, &[Place]) + Send>;

/// The way to the watch over newcomers, which is started with the first description and ends when this is dropped.
pub(super) struct Newcomers {
    common: Common,
    watch: Option<UnboundedSender<Description>>,
}

impl Newcomers {
    pub(super) const fn new(common: Common) -> Self {
        Self { common, watch: None }
    }

    /// Watches for more devices of this description.
    pub(super) fn watch(&mut self, description: Description) {
        let watch = self.watch.get_or_insert_with(|| {
            let (watch, wanted) = unbounded_channel();
            let alive = self.common.alive.clone();
            tokio::spawn(async move {
                run(wanted).await;
                drop(alive);
            });
            watch
        });
        drop(watch.send(description));
    }
}

async fn run(mut wanted: UnboundedReceiver<Description>) {
    let mut watched: Vec<Description> = Vec::new();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Looked through once more after a change: a device may show its file before all that is said of it.
    let (mut seen, mut is_settled) = (changed(), true);
    loop {
        tokio::select! {
            description = wanted.recv() => match description {
                Some(description) => watched.push(description),
                None => return,
            },
            _ = looks.tick() => {
                let now = changed();
                let is_quiet = now == seen;
                if !(is_quiet && is_settled) {
                    let looking = spawn_blocking(move || {
                        watched.iter_mut().for_each(Description::look);
                        watched
                    });
                    let Ok(looked) = looking.await else { return };
                    watched = looked;
                }
                (seen, is_settled) = (now, is_quiet);
            }
        }
    }
}

impl Description {
    /// Takes up what has come. A device that a reader waits for is that reader's.
    fn look(&mut self) {
        let found = (self.found)();
        while found.len() > self.readers {
            self.readers += 1;
            let name: ReaderName = format!("{}#{}", self.name, self.readers).into();
            (self.take_up)(name, self.readers, &found);
        }
    }
}

fn changed() -> [Option<SystemTime>; 2] {
    FOLDERS.map(|folder| fs::metadata(folder).and_then(|folder| folder.modified()).ok())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::drivers::place::Places;

    fn place(path: &str) -> Place {
        Place { path: path.to_owned(), serial: None }
    }

    #[test]
    fn a_device_that_comes_later_is_one_more_reader_and_those_that_are_there_keep_their_names() {
        let there = Arc::new(Mutex::new(vec![place("USB1")]));
        let taken = Arc::new(Mutex::new(Vec::new()));
        let places = Places::default();
        places.take(&"desk".into(), 0, &there.lock().unwrap());
        let (found, up, of) = (there.clone(), taken.clone(), places.clone());
        let mut desk = Description {
            name: "desk".into(),
            readers: 1,
            found: Box::new(move || found.lock().unwrap().clone()),
            take_up: Box::new(move |name, _, found| {
                of.take_free(&name, found);
                up.lock().unwrap().push(name.to_string());
            }),
        };
        let mut comes = |paths: &[&str]| {
            *there.lock().unwrap() = paths.iter().map(|path| place(path)).collect();
            desk.look();
            taken.lock().unwrap().drain(..).collect::<Vec<_>>()
        };
        let is = |name: &str, paths: &[&str]| {
            let found: Vec<Place> = paths.iter().map(|path| place(path)).collect();
            places.take(&name.into(), 7, &found).map(|place| place.path)
        };
        assert!(comes(&["USB1"]).is_empty());
        // Before the one that is there, and it stays the desk's.
        assert_eq!(comes(&["USB0", "USB1"]), ["desk#2"]);
        assert_eq!((is("desk", &["USB0", "USB1"]), is("desk#2", &["USB0", "USB1"])), (Some("USB1".into()), Some("USB0".into())));
        assert!(comes(&["USB0", "USB1"]).is_empty());
        // One that has gone is stood in for; a third is one more.
        assert!(comes(&["USB0", "USB2"]).is_empty());
        assert_eq!(is("desk", &["USB0", "USB2"]), Some("USB2".into()));
        assert_eq!(comes(&["USB0", "USB2", "USB3", "USB4"]), ["desk#3", "desk#4"]);
        assert_eq!(is("desk#4", &["USB0", "USB2", "USB3", "USB4"]), Some("USB4".into()));
    }
}
