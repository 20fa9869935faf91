//! Who may use a file: this user, or the members of which group.
//!
//! In: a path. Out: whether this process may, and what would let it. Never: a file opened, or a mode changed.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::Path,
};

use nix::unistd::{AccessFlags, Gid, Group, User, access, getegid, geteuid, getgroups};

use crate::doctor::ports::Denied;

/// Read and write, for the group.
const GROUP_MAY: u32 = 0o060;

/// The name of the user that this process runs as.
#[must_use]
pub fn user() -> String {
    super::user_name(geteuid().as_raw())
}

/// True where this process may do anything on this machine.
#[must_use]
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// True where this process may write a file, or files into a folder.
#[must_use]
pub fn can_write(path: &Path) -> bool {
    access(path, AccessFlags::W_OK).is_ok()
}

/// True for a device that is read as its bytes come.
#[must_use]
pub fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| about.file_type().is_char_device())
}

/// Why this process may not read and write a file; none where it may.
#[must_use]
pub fn denied(path: &Path) -> Option<Denied> {
    if access(path, AccessFlags::R_OK | AccessFlags::W_OK).is_ok() {
        return None;
    }
    let about = fs::metadata(path).ok();
    let gid = about.as_ref().map(|about| Gid::from_raw(about.gid()));
    let group = gid.and_then(|gid| Group::from_gid(gid).ok().flatten());
    let group_may = about.is_some_and(|about| about.permissions().mode() & GROUP_MAY == GROUP_MAY);
    let joined = group.as_ref().is_some_and(|group| group_may && !is_in(group.gid) && is_listed(group));
    Some(Denied { group: group.map(|group| group.name), group_may, joined })
}

/// This process has the group.
fn is_in(gid: Gid) -> bool {
    getegid() == gid || getgroups().is_ok_and(|groups| groups.contains(&gid))
}

/// The group's list has this user, so that the next login has the group.
fn is_listed(group: &Group) -> bool {
    User::from_uid(geteuid()).ok().flatten().is_some_and(|user| group.mem.contains(&user.name))
}
