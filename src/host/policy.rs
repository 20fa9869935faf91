//! `policy.toml` at work: an answer is written down, and what somebody has changed in the file is noticed.
//!
//! In: where the file is; answers. Out: what holds now, or what is wrong in the file. Never: a line of somebody else's touched.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    time::{Duration, SystemTime},
};

use chrono::Utc;

use super::{Site, platform::files};
use crate::{
    config::{
        LARGEST_FILE,
        policy::{self, HEADER},
    },
    enroll::kept::Kept,
    file,
    protocols::Protocols,
    station::Event,
};

/// The file of a site.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    path: PathBuf,
    protocols: Arc<Protocols>,
    seen: Arc<Mutex<Stamp>>,
}

/// What tells the file as it is from the file as it was; none where there is none.
type Stamp = Option<(SystemTime, u64)>;

impl PolicyFile {
    /// The file of this site, as it was read with its configuration.
    #[must_use]
    pub fn of(site: &Site) -> Self {
        let path = policy::path(&site.config.store);
        let seen = Arc::new(Mutex::new(stamp(&path)));
        Self { path, protocols: site.protocols.clone(), seen }
    }

    fn seen(&self) -> MutexGuard<'_, Stamp> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What holds now, where the file is another one than it was.
    #[must_use]
    pub fn changed(&self) -> Option<Event> {
        let now = stamp(&self.path);
        let mut seen = match self.seen.try_lock() {
            Ok(seen) => seen,
            Err(TryLockError::Poisoned(seen)) => seen.into_inner(),
            // Who is writing an answer down says what holds then.
            Err(TryLockError::WouldBlock) => return None,
        };
        if is_being_written(now) || std::mem::replace(&mut *seen, now) == now {
            return None;
        }
        drop(seen);
        Some(match policy::read(&self.path, &self.protocols) {
            Ok(kept) => Event::Policy(kept),
            Err(error) => Event::PolicyWrong(error.to_string()),
        })
    }

    /// Writes an answer down; it holds once it is on disk.
    ///
    /// # Errors
    /// The file cannot be written, or is damaged.
    pub fn keep(&self, kept: &Kept, by: &str) -> Result<(), String> {
        let one_at_a_time = self.seen();
        let known = policy::read(&self.path, &self.protocols).map_err(|error| error.to_string())?;
        if known.contains(kept) {
            return Ok(());
        }
        let text = match file::text(&self.path, LARGEST_FILE) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => HEADER.to_owned(),
            Err(error) => return Err(format!("{}: {error}", self.path.display())),
        };
        let gap = if text.ends_with('\n') { "" } else { "\n" };
        let whole = format!("{text}{gap}{}", policy::line(kept, Utc::now(), by));
        let written = files::replace(&self.path, whole.as_bytes()).map_err(|error| format!("{}: {error}", self.path.display()));
        drop(one_at_a_time);
        written
    }
}

fn stamp(path: &Path) -> Stamp {
    let about = fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

/// An editor empties a file before it writes it anew: nothing that was answered is forgotten in between.
fn is_being_written(stamp: Stamp) -> bool {
    stamp.is_some_and(|(at, length)| length == 0 && at.elapsed().is_ok_and(|age| age < Duration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_answered_is_forgotten_while_the_file_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = PolicyFile { path: folder.path().join("policy.toml"), protocols: Arc::default(), seen: Arc::default() };
        let line = "facility_codes.\"123\" = \"2026-01-01T00:00:00Z Kim\"\n";
        fs::write(&file.path, line).unwrap();
        assert!(matches!(file.changed(), Some(Event::Policy(kept)) if kept == [Kept::FacilityCode(123)]));
        let emptied = fs::File::create(&file.path).unwrap();
        assert!(file.changed().is_none(), "it is being written");
        emptied.set_modified(SystemTime::now() - Duration::from_secs(2)).unwrap();
        assert!(matches!(file.changed(), Some(Event::Policy(kept)) if kept.is_empty()), "it was emptied");
        fs::write(&file.path, line.replace("123", "many")).unwrap();
        assert!(matches!(file.changed(), Some(Event::PolicyWrong(_))));
    }
}
