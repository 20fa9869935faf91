//! A site's own protocol files.
//!
//! In: a folder with any of [`Room::ALL`]. Out: their files, added to what is built in. Never: a word about what
//! stands in them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    card::to_hex,
    file,
    protocols::{Protocols, Room},
    sheet::Finding,
};

/// No protocol file is larger.
const LARGEST_FILE: u64 = 1 << 20;

/// Why a site's folder cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the protocol folder {path} cannot be read: {cause}; give a folder with cards/, serial/, keyboards/, smartcards/, readers/ or advice/ \
     in it"
)]
pub struct FolderError {
    /// The folder or file.
    pub path: PathBuf,
    /// Why.
    pub cause: io::Error,
}

/// Adds a site's own folder.
///
/// # Errors
/// A folder that cannot be read, or one in which there is none of the rooms.
pub fn add_folder(protocols: &mut Protocols, folder: &Path) -> Result<(), FolderError> {
    let failed = |path: &Path, cause| FolderError { path: path.to_owned(), cause };
    let (mut any, mut digest) = (false, Sha256::new());
    for (room, name) in Room::ALL {
        let inner = folder.join(name);
        if !inner.is_dir() {
            continue;
        }
        any = true;
        let entries = fs::read_dir(&inner).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut paths: Vec<PathBuf> = entries.map_err(|cause| failed(&inner, cause))?.iter().map(fs::DirEntry::path).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "toml")) {
            let file = path.display().to_string();
            match file::text(path, LARGEST_FILE) {
                Ok(text) => {
                    digest.update(format!("{name} {:?} {} {text}", path.file_name(), text.len()));
                    protocols.add(room, &file, &text);
                }
                Err(cause) => {
                    protocols.findings.push(Finding { file, line: 1, column: 1, message: format!("cannot be read as text: {cause}") })
                }
            }
        }
    }
    protocols.own = to_hex(&digest.finalize());
    if any { Ok(()) } else { Err(failed(folder, io::ErrorKind::NotFound.into())) }
}
