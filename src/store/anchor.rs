//! An anchor: the end of a store's chain at some time, kept in a file outside of the store.
//!
//! In: a file. Out: the anchor in it, or a file with another one in its place. Never: a word of what stands in the store.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Files, StoreError};
use crate::file;

/// No file of an anchor is larger.
const LARGEST: u64 = 4 << 10;

/// The end of a chain at some time. A store without this link at this place is an older copy, or another store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// How many records there were.
    pub records: u64,
    /// The link of the last one, in hex.
    pub link: String,
}

/// The file that an anchor is kept in.
#[derive(Debug, Clone)]
pub struct AnchorFile {
    path: PathBuf,
    files: Files,
}

impl AnchorFile {
    /// The file at this path.
    #[must_use]
    pub fn new(path: &Path, files: Files) -> Self {
        Self { path: path.to_owned(), files }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The anchor in it; none where there is no file.
    ///
    /// # Errors
    /// It cannot be read, or holds something else.
    pub fn read(&self) -> Result<Option<Anchor>, StoreError> {
        match file::read(&self.path, LARGEST) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| self.failed("it is not an anchor")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Puts this anchor into it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, anchor: &Anchor) -> Result<(), StoreError> {
        let failed = |why: String| StoreError::AnchorNotWritten { path: self.path.display().to_string(), why };
        let text = serde_json::to_string(anchor).map_err(|error| failed(error.to_string()))? + "\n";
        (self.files.replace)(&self.path, text.as_bytes()).map_err(|error| failed(error.to_string()))
    }

    fn failed(&self, why: impl ToString) -> StoreError {
        StoreError::Anchor { path: self.path.display().to_string(), why: why.to_string() }
    }
}
