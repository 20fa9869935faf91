//! Small files that a site names: a secret, certificates.
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
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        return Err(io::Error::other(format!("it is larger than {} KiB, and such a file is not", largest >> 10)));
    }
    Ok(bytes)
}
