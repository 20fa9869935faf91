//! The store looked through for damage, a part at a time: the marks of all entries and steps, then the chain.
//!
//! In: how far it was looked through. Out: what is wrong with the next part, in words. Never: more than one part in memory.

use rusqlite::Connection;

use super::{Wrong, chain::Walk, reading};
use crate::store::Looked;

/// How many records of the chain are one part.
const RECORDS: usize = 512;

/// How far it was looked through.
#[derive(Debug, Clone)]
pub(super) enum Inspection {
    /// The entries, up to this number.
    Entries(u64),
    /// All entries, and the chain so far.
    Chain(Walk),
}

impl Default for Inspection {
    fn default() -> Self {
        Self::Entries(0)
    }
}

impl Inspection {
    /// Looks through the next part; behind the last one it begins anew.
    pub(super) fn go_on(self, connection: &Connection) -> Result<(Looked, Self), Wrong> {
        match self {
            Self::Entries(number) => {
                let (found, last) = reading::damaged_after(connection, number)?;
                let next = last.map_or_else(|| Self::Chain(Walk::default()), Self::Entries);
                Ok((Looked { found, is_last: false }, next))
            }
            Self::Chain(mut walk) => match walk.go_on(connection, RECORDS) {
                Ok(None) => Ok((Looked::default(), Self::Chain(walk))),
                Ok(Some(found)) => Ok((Looked { found, is_last: true }, Self::default())),
                Err(Wrong::Store(error)) => Ok((Looked { found: vec![error.to_string()], is_last: true }, Self::default())),
                Err(wrong) => Err(wrong),
            },
        }
    }
}
