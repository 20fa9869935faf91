//! The place of the station's socket: beside the store, for this user alone, or for a group where the site names one.
//!
//! In: the store's path. Out: a listener, a path to connect to. A path that is too long for the kernel is bound and opened through its
//! folder's descriptor. Never: a word of what is said on it.

use std::{
    fs::File,
    io,
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

use super::lock::Lock;

/// The longest path that a socket's address holds.
const LONGEST_PATH: usize = 107;

/// A path by which a socket is reached, for as long as it is held.
#[derive(Debug)]
pub struct SocketPlace {
    path: PathBuf,
    _folder: Option<File>,
}

impl SocketPlace {
    /// The place of the socket beside this store.
    ///
    /// # Errors
    /// Its folder cannot be opened.
    pub fn beside(store: &Path) -> io::Result<Self> {
        let path = Lock::beside(store, "sock");
        if path.as_os_str().len() <= LONGEST_PATH {
            return Ok(Self { path, _folder: None });
        }
        let folder = File::open(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(path.file_name().unwrap_or_default());
        Ok(Self { path: short, _folder: Some(folder) })
    }

    /// The path to connect to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A socket that is gone once it is dropped.
#[derive(Debug)]
pub struct Bound(SocketPlace);

/// Listens beside this store, for this user alone. Whoever holds the lease does it: what was left there has ended.
///
/// # Errors
/// The socket cannot be made.
pub fn listen(store: &Path) -> io::Result<(UnixListener, Bound)> {
    let place = SocketPlace::beside(store)?;
    match std::fs::remove_file(place.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Made under another name, so that nobody finds it before it is theirs alone.
    let new = place.path().with_extension("sock.new");
    drop(std::fs::remove_file(&new));
    let listener = UnixListener::bind(&new)?;
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&new, place.path())?;
    Ok((listener, Bound(place)))
}

impl Drop for Bound {
    fn drop(&mut self) {
        drop(std::fs::remove_file(self.0.path()));
    }
}
