//! PINs and passwords in the file: sealed, each in a row of its own.
//!
//! In: an entry's key. Out: its secret as it was sealed, or what is wrong with it. A sealed secret is its own mark: what was changed does
//! not come open, and none comes open in another entry. Never: a secret in words.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use super::{Database, Wrong, reading, rows};
use crate::{
    outbox::Entry,
    store::{Store, StoreError, seal::SealError},
};

/// The sealed secret of an entry; none where it was saved without.
pub(super) fn sealed(transaction: &Connection, id: Uuid) -> Result<Option<Vec<u8>>, Wrong> {
    if !rows::row_of(transaction, &id.to_string())?.sealed {
        return Ok(None);
    }
    let mut select = transaction.prepare_cached("SELECT sealed FROM secret WHERE entry = ?1")?;
    let found = select.query_row([id.to_string()], |row| Ok(row.get::<_, Option<Vec<u8>>>(0).ok())).optional()?.flatten();
    Ok(Some(found.ok_or_else(|| damaged(id))?.ok_or(StoreError::SecretGone)?))
}

impl Database {
    /// What is wrong with the PINs and passwords, in words: those that are still needed and cannot be read, and those that are kept though
    /// nothing of their entry is sent any more. Whether their key can be read is another question.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn wrong_secrets(&mut self) -> Result<Vec<String>, StoreError> {
        let (mut needed, mut wrong) = (BTreeSet::new(), Vec::new());
        let kept = self.read(|connection| {
            reading::each(connection, |_, entry| needed.extend(entry.ok().filter(needs_its_secret).map(|entry| entry.id)))?;
            let mut select = connection.prepare("SELECT CAST(entry AS TEXT) FROM secret WHERE sealed IS NOT NULL")?;
            let kept = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
            Ok(kept)
        })?;
        for id in &needed {
            match self.secret(*id) {
                Err(StoreError::SecretGone) => wrong.push(damaged(*id).to_string()),
                Err(StoreError::Seal(error @ SealError::OtherKey(_))) => wrong.push(format!("entry {id}: {error}")),
                Err(error @ StoreError::Damaged(_)) => wrong.push(error.to_string()),
                Ok(_) | Err(StoreError::Seal(_)) => {}
                Err(other) => return Err(other),
            }
        }
        let is_too_many = |entry: &&String| !entry.parse().is_ok_and(|id| needed.contains(&id));
        wrong.extend(
            kept.iter().filter(is_too_many).map(|entry| format!("a PIN or password of entry {entry} is kept, and nothing of it is sent")),
        );
        Ok(wrong)
    }
}

fn needs_its_secret(entry: &Entry) -> bool {
    entry.is_sealed && !entry.is_done_with_its_secret()
}

fn damaged(id: Uuid) -> StoreError {
    StoreError::Damaged(format!("the PIN or password of entry {id}"))
}
