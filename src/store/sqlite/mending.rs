//! A damaged head, made anew from the rows on a person's word.
//!
//! In: a store whose head is not as it was written down, and nothing else of its chain. Out: the head that its rows come to. Never: a
//! head for a chain that is broken or of which something can be seen to be missing. What else stood behind its last record, only an
//! anchor can tell.

use rusqlite::Connection;

use super::{
    Wrong,
    chain::{Head, Open, RECORDS, Walk},
    evidence, lists,
};
use crate::store::StoreError;

/// Makes the head anew where it is damaged; false where it is sound.
pub(super) fn mend_head(transaction: &Connection) -> Result<bool, Wrong> {
    if Head::sound(transaction)?.is_some() {
        return Ok(false);
    }
    let mut walk = Walk::default();
    while walk.follow(transaction, RECORDS)? {}
    let no = |why: String| Wrong::Store(StoreError::HeadNotMended(why));
    let mut head = walk.head().map_err(|what| no(format!("the chain is broken at {what}")))?;
    if !is_all(transaction, &head)? {
        return Err(no("the chain does not lead to all that was written down".to_owned()));
    }
    head.open = Open::counted(transaction)?;
    head.lists = lists::together(transaction)?;
    evidence::write(transaction, &mut head, &evidence::count(transaction)?)?;
    head.write(transaction)?;
    Ok(true)
}

/// True where the chain leads to all rows, however they are found, and SQLite has given no number that is not there any more.
fn is_all(transaction: &Connection, head: &Head) -> rusqlite::Result<bool> {
    let select = "SELECT (SELECT count(*) FROM entry NOT INDEXED), (SELECT count(*) FROM step NOT INDEXED),
                         coalesce((SELECT max(number) FROM entry NOT INDEXED), 0),
                         coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'entry'), 0)";
    transaction.query_row(select, [], |row| {
        let (entries, steps, last, given): (i64, i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(entries == head.entries && steps == head.records - head.entries && given <= last)
    })
}
