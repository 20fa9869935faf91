//! Entries by their keys, and whether the index of keys leads to all of them.
//!
//! In: a key, or the beginning of one. Out: what was found by the index, or where that is damaged, by a look at every entry. Never: a
//! look at every entry for each key that is not there.

use rusqlite::{Connection, types::ValueRef};

use super::{Database, Wrong, reading::Search};
use crate::store::StoreError;

impl Database {
    /// What is found by its key. Whoever orders something asks first whether that is there already: so that not every entry is looked at
    /// each time that it is not, the index of keys is judged once.
    pub(super) fn by_key<T>(
        &mut self,
        find: impl Fn(&Connection, Search) -> Result<T, Wrong>,
        is_there: impl Fn(&T) -> bool,
    ) -> Result<T, StoreError> {
        let found = self.read(|connection| find(connection, Search::ByIndex));
        if !matches!(&found, Err(StoreError::NoEntry(_))) && !found.as_ref().is_ok_and(|found| !is_there(found)) {
            return found;
        }
        if self.has_whole_keys.is_none() {
            self.has_whole_keys = Some(self.read(|connection| Ok(keys_are_whole(connection)?)).unwrap_or(false));
        }
        if self.has_whole_keys == Some(true) { found } else { self.read(|connection| find(connection, Search::EveryEntry)) }
    }
}

/// True where the index of keys leads to every entry, and to no other than the one of that key. Every entry is looked at for that.
fn keys_are_whole(transaction: &Connection) -> rusqlite::Result<bool> {
    let mut select = transaction.prepare(
        "SELECT keys.id, entry.id FROM entry AS keys INDEXED BY sqlite_autoindex_entry_1
         CROSS JOIN entry NOT INDEXED ON entry.number = keys.number WHERE keys.id >= '' ORDER BY keys.id",
    )?;
    let (mut rows, mut last, mut count) = (select.query([])?, Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (ValueRef::Text(key), ValueRef::Text(id)) = (row.get_ref(0)?, row.get_ref(1)?) else { return Ok(false) };
        if key != id || (count > 0 && last.as_slice() >= key) {
            return Ok(false);
        }
        last = key.to_vec();
        count += 1;
    }
    let all: i64 = transaction.query_row("SELECT count(*) FROM entry NOT INDEXED", [], |row| row.get(0))?;
    Ok(count == all)
}
