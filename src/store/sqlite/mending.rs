//! A damaged head, made anew from the rows on a person's word.
//!
//! In: a store whose head is not as it was written down, and nothing else. Out: the head that its rows come to. Never: a head for a chain
//! that is broken elsewhere; and nobody can tell then what stood behind its last record, but an anchor.

use rusqlite::Connection;

use super::{
    Wrong,
    chain::{Head, Open, Walk},
    evidence, lists,
};
use crate::store::StoreError;

/// How many records of the chain are read at once.
const RECORDS: usize = 512;

/// Makes the head anew where it is damaged; false where it is sound.
pub(super) fn mend_head(transaction: &Connection) -> Result<bool, Wrong> {
    if Head::sound(transaction)?.is_some() {
        return Ok(false);
    }
    let mut walk = Walk::default();
    while walk.follow(transaction, RECORDS)? {}
    let mut head = walk.head().ok_or(StoreError::DamagedHead)?;
    head.open = Open::counted(transaction)?;
    head.lists = lists::together(transaction)?;
    evidence::write(transaction, &mut head, &evidence::count(transaction)?)?;
    head.write(transaction)?;
    Ok(true)
}
