//! An anchor: the end of a store's chain at some time, kept in a file outside of the store.
//!
//! In: a file. Out: the anchor in it, or a file with another one in its place. Never: a word of what stands in the store.

use std::{fs, io::Write, path::Path};

use serde::{Deserialize, Serialize};

use super::StoreError;

/// The end of a chain at some time. A store without this link at this place is an older copy, or another store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// How many records there were.
    pub records: u64,
    /// The link of the last one, in hex.
    pub link: String,
}

impl Anchor {
    /// The anchor in a file; none where there is no file.
    ///
    /// # Errors
    /// It cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Option<Self>, StoreError> {
        let failed = |why: String| StoreError::Anchor { path: path.display().to_string(), why };
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| failed("it is not an anchor".to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(error.to_string())),
        }
    }

    /// Puts the anchor into a file, whole or not at all: a power cut leaves the one of before, or this one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        let write = || -> std::io::Result<()> {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all((serde_json::to_string(self)? + "\n").as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            fs::File::open(folder)?.sync_all()
        };
        write().map_err(|error| StoreError::Anchor { path: path.display().to_string(), why: error.to_string() })
    }
}
