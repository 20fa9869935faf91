//! The place of the station's socket: beside the store, for this user alone, or for a group where the site names one.
//!
//! In: the store's path. Out: a listener, a path to connect to. A path that is too long for the kernel is bound and opened through its
//! folder's descriptor. Never: a word of what is said on it.

use std::{
    fs::{self, File},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt, chown},
    },
    path::{Path, PathBuf},
};

use nix::{fcntl::OFlag, unistd::Group};
use tokio::net::UnixListener;

use super::{
    files::{self, FileIdentity},
    lock::Lock,
};

/// The longest path that a socket's address holds.
const LONGEST_PATH: usize = 107;
/// What the name of a socket ends with until it is this station's alone.
const NEW: &str = ".new";

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
        if path.as_os_str().len() + NEW.len() <= LONGEST_PATH {
            return Ok(Self { path, _folder: None });
        }
        let folder = File::open(files::folder_of(&path))?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(path.file_name().unwrap_or_default());
        Ok(Self { path: short, _folder: Some(folder) })
    }

    /// The path to connect to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A socket that is gone once it is dropped; another one in its place stays.
#[derive(Debug)]
pub struct Bound(SocketPlace, Option<FileIdentity>);

impl Bound {
    /// True where nothing is in its place any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        fs::symlink_metadata(self.0.path()).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    /// Leaves whatever is in its place now.
    pub fn leave(mut self) {
        self.1 = None;
    }
}

/// Listens beside this store, for this user alone or for the members of a group too. Whoever holds the lease does it: what was left there
/// has ended.
///
/// # Errors
/// The socket cannot be made; or there is no such group, or this user is no member of it.
pub fn listen(store: &Path, group: Option<&str>) -> io::Result<(UnixListener, Bound)> {
    let place = SocketPlace::beside(store)?;
    match fs::remove_file(place.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Made under another name, so that nobody finds it before it is theirs alone.
    let new = place.path().with_extension(format!("sock{NEW}"));
    drop(fs::remove_file(&new));
    let listener = UnixListener::bind(&new)?;
    let made = Made::hold(&new)?;
    fs::set_permissions(&made.way, fs::Permissions::from_mode(0o600))?;
    files::give_at(&made.way, files::folder_of(store))?;
    if let Some(group) = group {
        open_to(&made.way, group)?;
    }
    let identity = FileIdentity::of(&made.way).ok();
    fs::rename(&new, place.path())?;
    Ok((listener, Bound(place, identity)))
}

/// The socket just made, and a way to it that leads to nothing else: the folder's owner could lay a link in its place.
struct Made {
    _held: File,
    way: PathBuf,
}

impl Made {
    fn hold(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW;
        let held = File::options().read(true).custom_flags(flags.bits()).open(path)?;
        if !held.metadata()?.file_type().is_socket() {
            return Err(io::Error::other("somebody else has put something in the place of the socket"));
        }
        let way = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
        Ok(Self { way, _held: held })
    }
}

fn open_to(path: &Path, group: &str) -> io::Result<()> {
    let no = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{why} {group:?}, which [station] names as `group`"));
    let gid = Group::from_name(group)?.ok_or_else(|| no("there is no group"))?.gid;
    chown(path, None, Some(gid.as_raw())).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => no("this user is no member of the group"),
        _ => error,
    })?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))
}

impl Drop for Bound {
    fn drop(&mut self) {
        if FileIdentity::of(self.0.path()).ok() == self.1 {
            drop(fs::remove_file(self.0.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_whose_path_has_any_length_has_a_socket_that_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        for length in 90..=115 {
            let name = "f".repeat(length - folder.path().as_os_str().len() - "//s.sock".len());
            fs::create_dir(folder.path().join(&name)).unwrap();
            let store = folder.path().join(name).join("s");
            let (_listener, _bound) = listen(&store, None).unwrap_or_else(|error| panic!("{length}: {error}"));
            let place = SocketPlace::beside(&store).unwrap();
            tokio::net::UnixStream::connect(place.path()).await.unwrap_or_else(|error| panic!("{length}: {error}"));
        }
    }
}
