//! The files that lie beside a store, and how they are kept: what only the system can do is handed in.
//!
//! In: functions over paths. Out: the same, in one value. Never: a platform's own words.

use std::{io, path::Path};

/// How files are made and replaced. What is written for the user of a folder is that user's, whoever writes it.
#[derive(Debug, Clone, Copy)]
pub struct Files {
    /// Makes a whole file that is its owner's alone; one that is there already stays as it is.
    pub make: fn(&Path, &[u8]) -> io::Result<()>,
    /// Puts a text into a file, whole or not at all: a power cut leaves the one of before, or this one.
    pub replace: fn(&Path, &[u8]) -> io::Result<()>,
    /// Tells whether a file is its owner's alone.
    pub is_private: fn(&Path) -> io::Result<bool>,
}
