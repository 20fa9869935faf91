//! Where the store is, and whether it is still there.
//!
//! In: its path, when it has been opened. Out: why it is not there any more: its disk was pulled out, or another file has taken its place.
//! An idle station writes nothing, and would not notice. Never: a look into the file.

use std::path::{Path, PathBuf};

use super::platform::{access, disk, files};
use crate::store::StoreError;

/// True where nothing can be written to a store here: it, or the folder that its log and its locks lie in too, lets this user not.
#[must_use]
pub fn is_read_only(store: &Path) -> bool {
    let folder = files::folder_of(store);
    let is_denied = |path: &Path| !access::can_write(path) && path.exists();
    (is_denied(folder) && folder.is_dir()) || is_denied(store)
}

/// With less room on its disk a store can soon not even be opened.
const LEAST_ROOM: u64 = 1 << 20;

/// True where the disk of a store has no room for anything.
#[must_use]
pub fn is_full(store: &Path) -> bool {
    disk::free(files::folder_of(store)).is_some_and(|room| room < LEAST_ROOM)
}

#[derive(Debug, Clone)]
pub(super) struct StorePlace {
    path: PathBuf,
    was: Option<files::FileIdentity>,
    why: Option<String>,
}

impl StorePlace {
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), was: files::writable(path).ok(), why: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Why the store is not there any more, or that it is again, where that is new.
    pub(super) fn changed(&mut self) -> Option<Option<String>> {
        let why = self.gone();
        (std::mem::replace(&mut self.why, why.clone()) != why).then_some(why)
    }

    /// Why the store is not there any more; none where it is. What is open of it can still be written, and would be lost.
    pub(super) fn gone(&self) -> Option<String> {
        let shown = self.path.display();
        if is_read_only(&self.path) {
            return Some(StoreError::ReadOnly(shown.to_string()).to_string());
        }
        match files::writable(&self.path) {
            Ok(is) if Some(is) == self.was => None,
            Ok(_) => Some(format!("another file has taken the place of {shown}; end this station and start it again")),
            Err(error) => Some(format!("{shown}: {error}")),
        }
    }
}
