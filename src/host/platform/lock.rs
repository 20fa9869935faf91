//! Advisory locks beside the store: one process delivers, one is the station. What lies beside a store is named here alone.
//!
//! In: a lock's path and what this process does. Out: the lock, or who holds it. The kernel drops a lock with its
//! process, also after kill -9. Never: a lock taken by looking at a file's text; that only names the holder.

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::{
    fcntl::OFlag,
    sys::stat::{major, minor},
};

use super::files;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Who holds a lock, in words: `cardbridge run (process 4711)`.
pub type Holder = String;

impl Lock {
    /// Takes the lock, or says who holds it.
    ///
    /// # Errors
    /// The file cannot be made or locked at all.
    pub fn try_take(path: &Path, doing: &str) -> io::Result<Result<Self, Holder>> {
        files::make(path)?;
        // A link here was laid by somebody else: what it leads to is not written over.
        let mut file = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                // On a full disk the lock is held all the same, and names nobody.
                drop(name(&mut file, doing));
                Ok(Ok(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.take(200).read_to_string(&mut holder)?;
                Ok(Err(if holder.is_empty() { "another cardbridge".to_owned() } else { holder }))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Who holds a lock, found without taking it; none where nobody does, or the system does not tell.
    #[must_use]
    pub fn holder(path: &Path) -> Option<Holder> {
        let file = fs::metadata(path).ok()?;
        let locks = fs::read_to_string("/proc/locks").ok()?;
        let is_held = locks.lines().filter(|lock| lock.contains("FLOCK")).any(|lock| is_on(lock, &file));
        let holder = || fs::read_to_string(path).ok().filter(|holder| !holder.is_empty());
        is_held.then(|| holder().unwrap_or_else(|| "another cardbridge".to_owned()))
    }

    /// The path of what lies beside a store: a lock, the socket, the key.
    #[must_use]
    pub fn beside(store: &Path, name: &str) -> PathBuf {
        let mut path = store.as_os_str().to_owned();
        path.push(".");
        path.push(name);
        path.into()
    }
}

/// True for a lock on this file: `1: FLOCK  ADVISORY  WRITE 4711 fe:00:12345 0 EOF`, with its process, and its device in hex.
fn is_on(lock: &str, file: &Metadata) -> bool {
    let mut words = lock.split_whitespace().skip(4);
    let (process, mut on) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().split(':'));
    let mut device = || on.next().and_then(|part| u64::from_str_radix(part, 16).ok());
    let is_on_device = (device(), device()) == (Some(major(file.dev())), Some(minor(file.dev())));
    // On btrfs and overlays a file and its lock name different devices: there its process shows which file it is.
    on.next().is_some_and(|inode| inode.parse() == Ok(file.ino())) && (is_on_device || has_open(process, file))
}

fn has_open(process: &str, file: &Metadata) -> bool {
    let is_it = |open: &Metadata| (open.dev(), open.ino()) == (file.dev(), file.ino());
    let open = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    open.filter_map(|open| fs::metadata(open.path()).ok()).any(|open| is_it(&open))
}

fn name(file: &mut File, doing: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "cardbridge {doing} (process {})", std::process::id())
}
