//! The PC/SC driver: one thread watches all readers, and one thread per reader talks to the card on it.
//!
//! A context that saw the daemon die is never used again: it would answer "no service" for ever. Readers are listed anew
//! at intervals, as the daemon's own notification is not reliable before 2.3. One thread watches, because libpcsclite
//! keeps the readers' states in one place per process without a lock.
//!
//! - `watch`: the readers that come and go; `names`: which device is which configured reader; `talker`: one reader and its cards; `keys`: the
//!   site's keys; `look`: what a look shows that connects to nothing.

mod keys;
mod look;
mod names;
mod talker;
mod watch;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, channel},
    },
    thread,
    time::Duration,
};

use pcsc::{Context, Error, Scope};

use self::{
    talker::Instruction,
    watch::{Sought, Watch},
};
use super::{Common, Driver, Setup};
use crate::{
    reader::{Port, ReaderCommand, ReaderName},
    smartcard::reader::Model,
};

pub use self::{
    look::{Slot, Trouble, lets_escapes_through, look},
    names::name_devices,
};

/// A configured reader.
#[derive(Debug, Clone)]
pub struct ReaderPattern {
    /// What its PC/SC name looks like, `*` for any text.
    pub pattern: String,
    /// Its configured name.
    pub name: ReaderName,
    /// Where the site's keys for its cards stand.
    pub keys_file: Option<PathBuf>,
}

/// The PC/SC readers of this machine.
///
/// # Errors
/// Why the daemon cannot be asked, and what to do.
pub fn list() -> Result<Vec<String>, String> {
    let context = establish().map_err(explain)?;
    let names = context.list_readers_owned().map_err(explain_later)?;
    Ok(names.iter().map(|name| name.to_string_lossy().into_owned()).collect())
}

/// All PC/SC readers.
pub struct PcscDriver {
    models: Vec<Arc<Model>>,
    common: Common,
    shared: Shared,
    /// The way to the watch, which is started with the first reader and ends when this is dropped.
    watch: Option<Sender<Sought>>,
}

/// What the watch and whoever tells readers something both use.
#[derive(Clone, Default)]
struct Shared {
    /// The way to the threads that talk to cards.
    talks: Arc<Mutex<HashMap<ReaderName, Sender<Instruction>>>>,
    /// What the watch waits with.
    context: Arc<Mutex<Option<Context>>>,
}

impl Shared {
    fn talks(&self) -> MutexGuard<'_, HashMap<ReaderName, Sender<Instruction>>> {
        self.talks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn context(&self) -> MutexGuard<'_, Option<Context>> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the watch's wait, so that it looks at once what is wanted now. Where this comes too early, it looks within a turn.
    /// In a thread, as the daemon is asked for it, and may not answer.
    fn wake(&self) {
        let Some(context) = self.context().clone() else { return };
        drop(thread::Builder::new().name("wake".to_owned()).spawn(move || context.cancel()));
    }
}

impl PcscDriver {
    pub(super) fn new(models: Vec<Arc<Model>>, common: Common) -> Self {
        Self { models, common, shared: Shared::default(), watch: None }
    }

    fn start(&self) -> Sender<Sought> {
        let (watch, sought) = channel();
        let watching = Watch::new(sought, self.models.clone(), self.common.clone(), self.shared.clone());
        drop(thread::Builder::new().name("pcsc".to_owned()).spawn(move || watching.run()));
        watch
    }
}

impl Driver for PcscDriver {
    fn serves(&self, port: &Port) -> bool {
        matches!(port, Port::Pcsc { .. })
    }

    fn open(&mut self, readers: &[Setup]) {
        let watch = self.watch.take().unwrap_or_else(|| self.start());
        for Setup { name, port, only } in readers {
            if let Port::Pcsc { pattern, keys_file } = port {
                let wanted = ReaderPattern { pattern: pattern.clone(), name: name.clone(), keys_file: keys_file.clone() };
                drop(watch.send((wanted, only.clone())));
            }
        }
        self.watch = Some(watch);
        self.shared.wake();
    }

    fn command(&self, reader: &ReaderName, command: ReaderCommand) {
        if let Some(talk) = self.shared.talks().get(reader) {
            drop(talk.send(Instruction::Command(command)));
        }
    }
}

impl Drop for PcscDriver {
    fn drop(&mut self) {
        self.watch = None;
        self.shared.wake();
    }
}

/// A context. A service that dies while it is asked looks like one that refuses this user: only a second refusal is one.
fn establish() -> Result<Context, Error> {
    match Context::establish(Scope::User) {
        Err(Error::SecurityViolation) => {
            thread::sleep(Duration::from_millis(50));
            Context::establish(Scope::User)
        }
        other => other,
    }
}

/// Whoever had a context was allowed to: what looks like a refusal then is a service that died.
fn explain_later(error: Error) -> String {
    explain(if error == Error::SecurityViolation { Error::NoService } else { error })
}

fn explain(error: Error) -> String {
    match error {
        Error::NoService | Error::ServiceStopped | Error::CommError => {
            "the smart-card service does not answer; start it (systemctl start pcscd.socket), it is tried again".to_owned()
        }
        Error::SecurityViolation => {
            "this user may not use the smart-card service; allow it in polkit (org.debian.pcsc-lite.access_pcsc and .access_card)"
                .to_owned()
        }
        Error::SharingViolation => {
            "another program uses the card alone (scdaemon, a browser, a middleware); close it and present the card again".to_owned()
        }
        Error::NoSmartcard | Error::RemovedCard | Error::NotTransacted | Error::ResetCard => {
            "the card was taken away too early; present it again".to_owned()
        }
        Error::UnpoweredCard | Error::UnresponsiveCard => {
            "the card does not answer as a card should: it is mute; present it again, the right way round and flat on the reader".to_owned()
        }
        Error::ProtoMismatch => {
            "what lies on the reader does not answer as a card should: its first answer is garbled, as when two cards lie there; present one \
             card alone"
                .to_owned()
        }
        Error::ReaderUnavailable | Error::UnknownReader => "the reader was unplugged; plug it in again".to_owned(),
        other => format!("the smart-card service reports: {other}"),
    }
}
