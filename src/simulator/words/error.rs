//! Why a simulator cannot run, and what to do about it.

use std::{io, path::PathBuf};

/// Why a simulator could not be opened or served, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// Neither 32 nor 64.
    #[error("an integer width of {0} is not possible: use 32 (as BluSKY most likely has it) or 64")]
    IntegerWidth(u8),
    /// An empty token or password would let everybody in.
    #[error("the simulator's {0} is empty: give it at least one character")]
    EmptySecret(&'static str),
    /// The people file cannot be used.
    #[error("people file {}: {problem}", path.display())]
    People {
        /// The file.
        path: PathBuf,
        /// Line, what is wrong, what to write instead.
        problem: String,
    },
    /// The data file cannot be opened.
    #[error("data file {}: {source}. Choose another file with --data, or leave --data out to keep everything in memory", path.display())]
    Data {
        /// The file, or `:memory:`.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The data file is an SQLite file of another program, or of another version of the simulator.
    #[error("data file {}: {problem}. Choose another file with --data; this one is left as it is", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// Whose it seems to be.
        problem: &'static str,
    },
    /// The listening socket failed.
    #[error("the simulator stopped listening: {0}. Choose another address with --listen")]
    Serve(#[source] io::Error),
}
