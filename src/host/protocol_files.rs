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
    sheet::{Finding, nearest},
};

/// No protocol file is larger.
const LARGEST_FILE: u64 = 64 << 10;

/// How the names of files and folders end that somebody has put away.
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
        for path in &listed(&inner).map_err(|cause| failed(&inner, cause))? {
            if path.is_dir() {
                protocols.findings.extend(not_read_in(path, &format!("put it into {name}/ itself")));
                continue;
            }
            if !is_toml(path) {
                protocols.findings.extend(is_misnamed(path).then(|| not_read(path, "give it a name that ends in .toml")));
                continue;
            }
            match file::text(path, LARGEST_FILE) {
                Ok(text) => {
                    digest.update(format!("{name} {:?} {} {text}", path.file_name(), text.len()).as_bytes());
                    protocols.add(room, &path.display().to_string(), &text);
                }
                Err(cause) => protocols.findings.push(finding(path, format!("cannot be read as text: {cause}"))),
            }
        }
    }
    protocols.findings.extend(beside_the_rooms(folder));
    protocols.own = to_hex(digest.finish().as_ref());
    let none = || match folder.metadata() {
        Ok(found) if found.is_file() => io::Error::other("it is a file"),
        Ok(_) => io::Error::other("it has none of these"),
        Err(error) => error,
    };
    if any { Ok(()) } else { Err(failed(folder, none())) }
}

/// What stands in a folder, in order, without the hidden files that editors and other machines leave there.
fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| !name_of(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

/// Protocol files that stand at the top of the folder, or in a folder that is no room.
fn beside_the_rooms(folder: &Path) -> Vec<Finding> {
    let is_room = |path: &Path| Room::ALL.iter().any(|(_, room)| *room == name_of(path));
    let others = listed(folder).unwrap_or_default().into_iter().filter(|path| !is_room(path));
    let rooms = Room::ALL.map(|(_, room)| format!("{room}/")).join(", ");
    let not_read = |path: PathBuf| {
        if !path.is_dir() {
            let is_lost = is_toml(&path) && has_id(&path);
            return if is_lost { vec![not_read(&path, &format!("put it into the folder of its kind: {rooms}"))] } else { Vec::new() };
        }
        let name = name_of(&path);
        let near = nearest(&name, Room::ALL.iter().map(|(_, room)| *room));
        let rooms = near.map_or_else(|| format!("there are {rooms}"), |near| format!("did you mean {near}/?"));
        not_read_in(&path, &format!("no folder is called {name}/; {rooms}"))
    };
    others.flat_map(not_read).collect()
}

/// The protocol files of a folder in which none is read.
fn not_read_in(folder: &Path, advice: &str) -> Vec<Finding> {
    if is_put_away(folder) {
        return Vec::new();
    }
    let paths = listed(folder).unwrap_or_default();
    paths.iter().filter(|path| is_toml(path) && has_id(path)).map(|path| not_read(path, advice)).collect()
}

fn not_read(path: &Path, advice: &str) -> Finding {
    finding(path, format!("this file is not read: {advice}"))
}

fn finding(path: &Path, message: String) -> Finding {
    Finding { file: path.display().to_string(), line: 1, column: 1, message }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "toml")
}

/// True for a protocol file that has a name of another kind, and is no copy that an editor or somebody made.
fn is_misnamed(path: &Path) -> bool {
    !is_put_away(path) && has_id(path)
}

fn is_put_away(path: &Path) -> bool {
    let name = name_of(path).to_lowercase();
    PUT_AWAY.iter().any(|end| name.ends_with(end))
}

/// True for what looks like a protocol file: each has an id. A site's configuration may stand beside them, and has none.
fn has_id(path: &Path) -> bool {
    let has_id = |text: String| text.lines().any(|line| line.split_once('=').is_some_and(|(key, _)| key.trim() == "id"));
    file::text(path, LARGEST_FILE).is_ok_and(has_id)
}
