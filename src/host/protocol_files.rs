//! A site's own protocol files.
//!
//! In: a folder with `cards/`, `serial/` and `smartcards/`. Out: their files, added to what is built in. Never: a word about what stands
//! in them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    protocols::{Protocols, Room},
    sheet::Finding,
};

/// Why a site's folder cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the protocol folder {path} cannot be read: {cause}; give a folder with cards/, serial/ or smartcards/ in it")]
pub struct FolderError {
    /// The folder or file.
    pub path: PathBuf,
    /// Why.
    pub cause: io::Error,
}

/// Adds a site's own folder.
///
/// # Errors
/// A folder that cannot be read, or one in which there is none of the three.
pub fn add_folder(protocols: &mut Protocols, folder: &Path) -> Result<(), FolderError> {
    let failed = |path: &Path, cause| FolderError { path: path.to_owned(), cause };
    let mut any = false;
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
            match fs::read_to_string(path) {
                Ok(text) => protocols.add(room, &file, &text),
                Err(cause) => {
                    protocols.findings.push(Finding { file, line: 1, column: 1, message: format!("cannot be read as text: {cause}") })
                }
            }
        }
    }
    if any { Ok(()) } else { Err(failed(folder, io::ErrorKind::NotFound.into())) }
}
