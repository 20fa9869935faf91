//! The store, looked at without a lock, a log or a byte of its own: where a station runs, that one is asked.

use std::{fs, io::ErrorKind, path::Path};

use chrono::Utc;
use serde_json::Value;

use crate::{
    doctor::store::{Facts, Outbox, Read},
    host::{
        Site, look_at_store,
        place::is_read_only,
        platform::{disk, files, lock::Lock},
        state,
    },
    station::health::BluskyHealth,
    store::{StoreError, StoreHandle},
    views::status::{BluskyJson, OutboxJson},
};

/// The facts, and what the store has seen of its BluSKY.
pub(super) async fn look(site: &Site, user: &str, is_told: bool, credentials: Option<&Path>) -> (Facts, Option<Value>) {
    let path = &site.config.store;
    let folder = files::folder_of(path);
    let key = Lock::beside(path, "key");
    // Whoever opened a pipe would wait.
    let is_file = path.is_file();
    let mut facts = Facts {
        path: path.display().to_string(),
        folder: folder.display().to_string(),
        has_folder: folder.is_dir(),
        is_read_only: is_read_only(path),
        is_denied: is_file && fs::File::open(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied),
        user: user.to_owned(),
        free: disk::free(folder),
        is_public: is_file && files::is_public(path).unwrap_or(false),
        open_key: files::is_private(&key).is_ok_and(|is_private| !is_private).then(|| key.display().to_string()),
        read: Read::NotThere,
    };
    if is_told || !path.exists() {
        return (facts, None);
    }
    let before = stamp(path);
    let (read, blusky) = read(site, credentials).await;
    // Whoever wrote meanwhile is no damage.
    facts.read = if stamp(path) == before { read } else { Read::Busy };
    let blusky = blusky.filter(|_| matches!(facts.read, Read::Stands(_)));
    (facts, blusky)
}

async fn read(site: &Site, credentials: Option<&Path>) -> (Read, Option<Value>) {
    let path = &site.config.store;
    let base_url = site.config.blusky.as_ref().map(|blusky| blusky.base_url.as_str()).unwrap_or_default();
    let log = fs::metadata(with_ending(path, "-wal")).map_or(0, |log| log.len());
    if log > 0 {
        return (Read::LogLeft(log), None);
    }
    // Made, and nothing written yet.
    if fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0) {
        return (Read::NotThere, None);
    }
    let opened = look_at_store(site, credentials).and_then(|database| StoreHandle::over(Box::new(database)));
    let counted = match opened {
        Ok(store) => state::of(&store, &site.config.policy).await,
        Err(StoreError::Older(_)) => return (Read::Older, None),
        Err(error) => Err(error),
    };
    match counted {
        Err(error) => (Read::Unreadable(error.to_string()), None),
        Ok(state) => {
            let outbox = serde_json::to_value(OutboxJson::of(&state)).unwrap_or_default();
            let health = BluskyHealth::default();
            let blusky = serde_json::to_value(BluskyJson::of(base_url, &health, &state.tally, Utc::now())).unwrap_or_default();
            (serde_json::from_value::<Outbox>(outbox).map_or(Read::Busy, |outbox| Read::Stands(Box::new(outbox))), Some(blusky))
        }
    }
}

/// What changes when somebody writes.
fn stamp(path: &Path) -> Option<(u64, std::time::SystemTime, u64)> {
    let file = fs::metadata(path).ok()?;
    let log = fs::metadata(with_ending(path, "-wal")).map_or(0, |log| log.len());
    Some((file.len(), file.modified().ok()?, log))
}

fn with_ending(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}
