//! Files that a site names: its configuration, people, protocol files, secrets, certificates.
//!
//! In: a path, and how large such a file is at most. Out: what stands in it. Never: a device or a pipe opened, which could have no end or
//! no beginning, or more read than such a file holds.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// Reads a file.
///
/// # Errors
/// It is no file, or too large for what it is, or cannot be read.
pub fn read(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file but a folder, a pipe or a device"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        return Err(io::Error::other(format!("it is larger than {} KiB, and no such file is", largest >> 10)));
    }
    Ok(bytes)
}

/// Reads a file of text.
///
/// # Errors
/// The same, or it is no text in UTF-8.
pub fn text(path: &Path, largest: u64) -> io::Result<String> {
    String::from_utf8(read(path, largest)?).map_err(|_| io::Error::other("it is no text in UTF-8"))
}
