//! What only Unix has, behind names of its own: who may use a file, how much room a disk has, files that are one user's alone, locks
//! that the kernel drops with their process, the station's socket, the service manager, and a quiet terminal.
//!
//! In: paths. Out: files, locks, connections. Never: a word about what is done under them.

pub mod access;
pub mod disk;
pub mod files;
pub mod lock;
pub mod process;
pub mod service;
pub mod socket;
pub mod terminal;

/// The name of the Unix user of this number.
#[must_use]
pub fn user_name(id: u32) -> String {
    let user = nix::unistd::User::from_uid(id.into()).ok().flatten();
    user.map_or_else(|| format!("user {id}"), |user| user.name)
}
