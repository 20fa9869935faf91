//! The store looked through for damage, a part at a time: the marks of all entries and steps and
//! what is kept beside them, then the chain.
//!
//! In: how far it was looked through. Out: what is wrong with the next part, in words. Never: more than one part in memory.

use rusqlite::Connection;

use super::{
    Wrong,
    chain::{Head, RECORDS, Walk},
    evidence::{self, Counted},
    layout, lists, reading,
};
use crate::store::Looked;

/// How far it was looked through.
#[derive(Debug, Clone)]
pub(super) enum Inspection {
    /// The entries, up to this number.
    Entries(u64, Box<Counts>),
    /// All entries, and the chain so far.
    Chain(Walk),
}

/// What the entries come to, and how far the chain had come when they began to be counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    counted: Counted,
    records: Option<i64>,
}

impl Default for Inspection {
    fn default() -> Self {
        Self::Entries(0, Box::default())
    }
}

impl Inspection {
    /// Looks through the next part; behind the last one it begins anew.
    pub(super) fn go_on(self, connection: &Connection) -> Result<(Looked, Self), Wrong> {
        match self {
            Self::Entries(number, mut counts) => {
                let records = || Head::read(connection).ok().map(|head| head.records);
                if number == 0 {
                    counts.records = records();
                }
                let (mut found, last) =
                    reading::damaged_after(connection, number, |entry| evidence::count_one(&mut counts.counted, entry))?;
                if !found.is_empty() {
                    // What cannot be read is not counted either.
                    counts.records = None;
                }
                let next = match last {
                    Some(last) => Self::Entries(last, counts),
                    None => {
                        found.extend(layout::strange(connection)?);
                        if !lists::are_kept(connection)? {
                            found.push("the lists that are kept here are not those that were written down".to_owned());
                        }
                        // Where something was written meanwhile, the counts are of two times.
                        let is_comparable = counts.records.is_some() && counts.records == records();
                        if is_comparable && !evidence::are_kept(connection, &counts.counted)? {
                            found.push("the counts of cards that were taken here are not those of the entries".to_owned());
                        }
                        Self::Chain(Walk::default())
                    }
                };
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
