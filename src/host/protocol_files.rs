//! A site's own protocol files.
//!
//! In: a folder with any of [`Room::ALL`]. Out: their files, added to what is built in. Never: a word about what
//! stands in them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ring::digest::{Context, SHA256};

use crate::{
    card::to_hex,
    file,
    protocols::{Protocols, Room},
    sheet::Finding,
};

/// No protocol file is larger.
const LARGEST_FILE: u64 = 64 << 10;

/// How the names of files end that somebody has put away.
const PUT_AWAY: [&str; 7] = ["~", ".bak", ".old", ".orig", ".off", ".rej", ".md"];

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
    let (mut any, mut digest) = (false, Context::new(&SHA256));
    for (room, name) in Room::ALL {
        let inner = folder.join(name);
        if !inner.is_dir() {
            continue;
        }
        any = true;
        let entries = fs::read_dir(&inner).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut paths: Vec<PathBuf> = entries.map_err(|cause| failed(&inner, cause))?.iter().map(fs::DirEntry::path).collect();
        paths.sort();
        for path in &paths {
            let file = path.display().to_string();
            if path.extension().is_none_or(|end| end != "toml") {
                let message = "this file is not read: give it a name that ends in .toml".to_owned();
                protocols.findings.extend(is_misnamed(path).then_some(Finding { file, line: 1, column: 1, message }));
                continue;
            }
            match file::text(path, LARGEST_FILE) {
                Ok(text) => {
                    digest.update(format!("{name} {:?} {} {text}", path.file_name(), text.len()).as_bytes());
                    protocols.add(room, &file, &text);
                }
                Err(cause) => {
                    protocols.findings.push(Finding { file, line: 1, column: 1, message: format!("cannot be read as text: {cause}") })
                }
            }
        }
    }
    protocols.own = to_hex(digest.finish().as_ref());
    let none = || match folder.metadata() {
        Ok(found) if found.is_file() => io::Error::other("it is a file"),
        Ok(_) => io::Error::other("it has none of these"),
        Err(error) => error,
    };
    if any { Ok(()) } else { Err(failed(folder, none())) }
}

/// True for a protocol file that has a name of another kind, and is no hidden file and no copy that an editor made.
fn is_misnamed(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_put_away = name.starts_with('.') || PUT_AWAY.iter().any(|end| name.ends_with(end));
    let has_id = |text: String| text.lines().any(|line| line.split_once('=').is_some_and(|(key, _)| key.trim() == "id"));
    !is_put_away && file::text(path, LARGEST_FILE).is_ok_and(has_id)
}
