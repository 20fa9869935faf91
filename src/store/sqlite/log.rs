//! The log beside the file: whether all of it is still there that a killed program has left, and how it is emptied.
//!
//! SQLite uses as much of its log as it can read, and does not mention the rest. Its index of the log lies beside it and says how
//! many pages were written down: with fewer in the log, something that was announced as saved is gone. Never: a word about pages that
//! are in the file already, and no look into the index once this process has the store open.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::Connection;

use super::{Database, LOCKED};

/// How long others are waited for before the log is emptied at the next occasion.
const EMPTYING_LOG: Duration = Duration::from_millis(200);

/// SQLite's version of its index, in its first four bytes.
const VERSION: u32 = 3_007_000;
const HEADER: usize = 48;
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// What the index says of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Index {
    /// Pages written to the log.
    frames: u32,
    /// How many of them are in the file.
    in_file: u32,
    page: u16,
    /// Tells one log from the next.
    salts: [u8; 8],
}

impl Index {
    fn read(store: &Path) -> Option<Self> {
        let bytes = fs::read(beside(store, "-shm")).ok()?;
        let (one, two) = (bytes.get(..HEADER)?, bytes.get(HEADER..2 * HEADER)?);
        let number = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
        let page = u16::from_ne_bytes(bytes.get(14..16)?.try_into().ok()?);
        let index = Self { frames: number(16)?, in_file: number(2 * HEADER)?, page, salts: bytes.get(32..40)?.try_into().ok()? };
        (one == two && number(0)? == VERSION).then_some(index)
    }

    /// True if the log has pages that are not in the file yet.
    const fn holds_more_than_the_file(&self) -> bool {
        self.frames > self.in_file
    }
}

/// The log as it was before SQLite has read it.
pub(super) struct Left {
    index: Option<Index>,
    is_cut: bool,
}

impl Left {
    /// Looks at what lies beside a store.
    pub(super) fn beside(store: &Path) -> Self {
        let index = Index::read(store).filter(Index::holds_more_than_the_file);
        let is_short = index.is_some_and(|index| {
            let length = fs::metadata(of(store)).map_or(0, |log| log.len());
            length < LOG_HEADER + u64::from(index.frames) * (FRAME_HEADER + u64::from(index.page))
        });
        // Whoever is at work in it has changed the index by now.
        Self { index, is_cut: is_short && Index::read(store) == index }
    }

    /// True where SQLite, which has read it now, has found less than was written. The index is not opened again: a process that closes
    /// a file loses all its locks on it, SQLite's too.
    pub(super) fn is_lost(&self, store: &Path, connection: &Connection) -> bool {
        // Where another process brings the log into the file in this moment, nobody is told how long it is: -1.
        let count = || connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1));
        let frames = || count().ok().filter(|frames| *frames >= 0);
        let is_unread = self.index.is_some_and(|before| {
            let is_fewer = frames().is_some_and(|frames| frames < i64::from(before.frames));
            is_fewer && salts(store).is_some_and(|salts| salts == before.salts)
        });
        self.is_cut || is_unread
    }
}

/// What tells this log from the next, as the log itself says.
fn salts(store: &Path) -> Option<Vec<u8>> {
    let mut header = Vec::new();
    File::open(of(store)).ok()?.take(LOG_HEADER).read_to_end(&mut header).ok()?;
    header.get(16..24).map(<[u8]>::to_vec)
}

/// The log beside a store.
pub(super) fn of(store: &Path) -> PathBuf {
    beside(store, "-wal")
}

fn beside(store: &Path, ending: &str) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

impl Database {
    /// Brings what the log holds into the file, and the log down to nothing; false where others are at work in it.
    pub(super) fn empty_log(&mut self) -> bool {
        let empty = || -> rusqlite::Result<bool> {
            self.connection.busy_timeout(EMPTYING_LOG)?;
            let busy: i64 = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            self.connection.busy_timeout(LOCKED)?;
            Ok(busy == 0)
        };
        empty().unwrap_or(false)
    }

    pub(super) fn empty_log_of_secrets(&mut self) {
        if self.log_holds_secrets && !self.is_in_group() {
            self.log_holds_secrets = !self.empty_log();
        }
    }
}
