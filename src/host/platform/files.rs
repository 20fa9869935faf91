//! Files that are this user's alone.
//!
//! In: a path. Out: a file that nobody else can read, or whether one is so. Never: another mode for a file that is there already, but an empty
//! one that is to be private.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown},
    path::Path,
};

use tempfile::NamedTempFile;

use super::access::is_root;

/// Makes an empty file where there is none.
///
/// # Errors
/// It cannot be made.
pub fn make(path: &Path) -> io::Result<()> {
    match create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Makes an empty file that nobody else can read, where there is none or an empty one.
///
/// # Errors
/// It cannot be made.
pub fn make_private(path: &Path) -> io::Result<()> {
    make(path)?;
    // An empty file of somebody else's stays as open as its owner has made it.
    if fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() == 0) {
        drop(fs::set_permissions(path, fs::Permissions::from_mode(0o600)));
    }
    Ok(())
}

/// Makes a whole file that nobody else can read: whoever reads it never sees half of it. One that is there already stays as it is.
///
/// # Errors
/// It cannot be made.
pub fn make_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match stage(path, bytes, None)?.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => File::open(folder_of(path))?.sync_all(),
    }
}

/// Makes a file and opens it for writing; one that is there already is an error.
///
/// # Errors
/// It cannot be made.
pub fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    give(&file, &fs::metadata(folder_of(path))?)?;
    Ok(file)
}

/// What root makes in somebody else's folder, or in the place of their file, is theirs: whoever only looks as root locks nobody out of
/// their own store. It is the file just made that is given, not its path: the folder's owner could lay a link to another file there.
fn give(file: &File, owner: &fs::Metadata) -> io::Result<()> {
    if is_root() && owner.uid() != 0 { fchown(file, Some(owner.uid()), Some(owner.gid())) } else { Ok(()) }
}

/// The same for what cannot be opened, by a way that leads to nothing else.
pub(super) fn give_at(way: &Path, folder: &Path) -> io::Result<()> {
    let owner = fs::metadata(folder)?;
    if is_root() && owner.uid() != 0 { chown(way, Some(owner.uid()), Some(owner.gid())) } else { Ok(()) }
}

/// The folder that a file is in.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Writes a whole file. One that is made for it nobody else can read; one that is there keeps its mode.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    make(path)?;
    fs::write(path, bytes)
}

/// Writes a whole file in the place of the one that is there: whoever reads it sees the one or the other. It keeps its mode and its
/// owner; one that is made for it nobody else can read.
///
/// # Errors
/// It cannot be written; the one that was there stays.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    swap(path, bytes, fs::metadata(path).ok().map(|about| about.permissions()))
}

/// The same, with this mode, and with folders on the way to it that everybody can look into.
///
/// # Errors
/// It cannot be written; the one that was there stays.
pub fn install(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    for folder in
        path.parent().into_iter().flat_map(Path::ancestors).collect::<Vec<_>>().into_iter().rev().filter(|folder| !folder.exists())
    {
        fs::create_dir(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    swap(path, bytes, Some(fs::Permissions::from_mode(mode)))
}

fn swap(path: &Path, bytes: &[u8], mode: Option<fs::Permissions>) -> io::Result<()> {
    stage(path, bytes, mode)?.persist(path)?;
    File::open(folder_of(path))?.sync_all()
}

/// A whole file beside its place, on disk.
fn stage(path: &Path, bytes: &[u8], mode: Option<fs::Permissions>) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    // Such a file is its owner's alone.
    let mut new = NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    give(new.as_file(), &fs::symlink_metadata(path).or_else(|_| fs::metadata(folder))?)?;
    if let Some(mode) = mode {
        new.as_file().set_permissions(mode)?;
    }
    new.as_file().sync_all()?;
    Ok(new)
}

/// What tells a file from another one that takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity(u64, u64);

impl FileIdentity {
    /// The identity of what is there.
    ///
    /// # Errors
    /// It is not there.
    pub fn of(path: &Path) -> io::Result<Self> {
        let about = fs::metadata(path)?;
        Ok(Self(about.dev(), about.ino()))
    }
}

/// The identity of a file that can be written.
///
/// # Errors
/// It is not there, or cannot be written.
pub fn writable(path: &Path) -> io::Result<FileIdentity> {
    let identity = FileIdentity::of(path)?;
    nix::unistd::access(path, nix::unistd::AccessFlags::W_OK)?;
    Ok(identity)
}

/// True where everybody on this machine can read or write it: its mode says so, and all folders on the way to it let everybody through.
/// Its owner's group is another matter.
///
/// # Errors
/// It cannot be looked at.
pub fn is_public(path: &Path) -> io::Result<bool> {
    let lets = |path: &Path, mode: u32| fs::metadata(path).map(|about| about.permissions().mode() & mode != 0);
    let path = path.canonicalize()?;
    Ok(lets(&path, 0o006)? && path.ancestors().skip(1).all(|folder| lets(folder, 0o001).unwrap_or(true)))
}

/// True where nobody but its owner can read or write it.
///
/// # Errors
/// It cannot be looked at.
pub fn is_private(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 == 0)
}
