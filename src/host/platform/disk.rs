//! How much room a disk has.
//!
//! In: a path on it. Out: bytes. Never: a guess; where the system does not tell, there is no answer.

use std::path::Path;

use nix::sys::statvfs::statvfs;

/// The bytes that this user can still write.
#[must_use]
pub fn free(path: &Path) -> Option<u64> {
    let about = statvfs(path).ok()?;
    Some(about.blocks_available() as u64 * about.fragment_size() as u64)
}
