//! Why a store cannot do what it was asked, in words that say what to do.

use super::seal::SealError;
use crate::outbox::{InTheWay, NotNew};

/// Why the store cannot do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another program holds it.
    #[error("the store {0} is locked by another program; close what holds it (a database browser, a backup) and try again")]
    Locked(String),
    /// It cannot be written.
    #[error("the store {0} cannot be written (read-only); check the owner and mode of the file and of its folder")]
    ReadOnly(String),
    /// The disk is full.
    #[error("the store {0} cannot grow: the disk is full; free some space")]
    Full(String),
    /// A newer program made it.
    #[error("the store {path} has layout {found}, and this program knows {known}; a newer cardbridge made it, use that one")]
    Newer {
        /// The file.
        path: String,
        /// Its layout.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// An older program made it.
    #[error(
        "the store {0} was made by an older cardbridge; a command that can write it brings it up to date (a copy of it, where it cannot \
         be written)"
    )]
    Older(String),
    /// It is something else.
    #[error("{0} is not a cardbridge store; name another file under [store] path")]
    Foreign(String),
    /// The file is empty, and its log is not: the log is another file's, which was moved away or emptied.
    #[error(
        "the log of the store {0} holds what was saved last, and the store beside it is empty: put the file back that was there; where it \
         is gone for good, move the log away too, and begin anew"
    )]
    LogAlone(String),
    /// It cannot be opened.
    #[error("the store {path} cannot be opened: {why}")]
    Open {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// Something in it is not as it was written.
    #[error(
        "the store is damaged: {0} is not as it was written down. Nothing of that is sent; order it anew, or end the station and put a \
         backup in its place"
    )]
    Damaged(String),
    /// What says how far its chain has come is not as it was written.
    #[error(
        "the store is damaged: the head of its chain is not as it was written down, and nothing is sent. `cardbridge audit accept` makes \
         it anew where the rest is whole; else end the station and put a backup in its place"
    )]
    DamagedHead,
    /// More of it is damaged.
    #[error("the head of the chain cannot be made anew: {0}. End the station and put a backup in the store's place")]
    HeadNotMended(String),
    /// Somebody else has gone on with the entry.
    #[error("somebody else has gone on with this entry; look at it again")]
    Conflict,
    /// Another entry for the same card is in its way.
    #[error("another entry for this card is in the way")]
    InTheWay(InTheWay),
    /// Another entry adds the user whom it is to add.
    #[error("another entry adds the same user, or has added them; nobody was added")]
    NotNew(NotNew),
    /// There is no such entry.
    #[error("there is no entry {0}; `cardbridge outbox list` shows them all")]
    NoEntry(String),
    /// There was one.
    #[error("entry {0} was erased, and so were all entries of its person")]
    Erased(String),
    /// What has not come to its end is not erased.
    #[error("{0} may still be sent, or may have arrived; let it come to its end, or `cardbridge outbox discard` it, and erase then")]
    NotSettled(String),
    /// An anchor cannot be read.
    #[error("the anchor {path} cannot be read: {why}; where this store is the right one, `cardbridge audit accept` makes it anew")]
    Anchor {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// An anchor cannot be written.
    #[error("the anchor {path} cannot be written: {why}; check the owner and mode of the file and of its folder")]
    AnchorNotWritten {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// There is none for a store that holds something.
    #[error(
        "the anchor {0} is missing: nobody can tell whether this store is an older one. If it is the right one, `cardbridge audit accept` \
         makes it anew"
    )]
    NoAnchor(String),
    /// The store has come further.
    #[error("the anchor {path} is {records} records behind the store; the next command that opens the store writes it anew")]
    AnchorBehind {
        /// The file.
        path: String,
        /// How many.
        records: u64,
    },
    /// The store has not come as far as its anchor.
    #[error(
        "the store is older than its anchor {0}, or another one: what it holds may have been sent already, and nothing of it is sent. If it is \
         the right one, say so with `cardbridge audit accept`"
    )]
    OlderThanAnchor(String),
    /// A PIN or password cannot be sealed or unsealed.
    #[error("{0}")]
    Seal(#[from] SealError),
    /// The PIN or password of an entry that has come to its end is gone.
    #[error("its PIN or password was wiped when it came to its end; order it anew")]
    SecretGone,
    /// Anything else.
    #[error("the store {path} failed: {why}")]
    Failed {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
}

impl From<InTheWay> for StoreError {
    fn from(other: InTheWay) -> Self {
        Self::InTheWay(other)
    }
}
