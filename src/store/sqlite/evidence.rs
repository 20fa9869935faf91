//! What was taken here before: how many cards of which formats and facility codes, kept in step with the entries.
//!
//! In: an entry's standing before and after a change, within the same transaction. Out: the counts, in a time that does not grow with
//! the number of entries. Each row carries a mark, and the head holds all marks put together: a row that is damaged, missing or too
//! many is noticed, and then the entries are counted anew. Never: a count that no entry stands behind.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params, types::ValueRef};

use super::{
    Wrong,
    chain::Head,
    reading,
    rows::{self, text},
};
use crate::{
    access::base_url::in_one_form,
    card::FacilityCode,
    enroll::{
        evidence::{CardCounts, Seen},
        origin::Origin,
    },
    outbox::{Entry, Standing},
};

/// The columns before the mark.
const COLUMNS: &str = "base_url, format, facility_code, accepted, vouched";
const COUNT: usize = 5;

/// What is counted: a BluSKY, a format, and a facility code in digits, or nothing where the format has none.
type Key = (String, String, String);

/// All counts.
pub(super) type Counted = BTreeMap<Key, CardCounts>;

/// A row that is as it was written, with its mark.
type Sound = (Key, CardCounts, Vec<u8>);

/// The marks of no rows, put together.
pub(super) fn nothing() -> Vec<u8> {
    vec![0; 16]
}

/// Counts an entry of this BluSKY and origin in its new standing, and no longer in the one before.
pub(super) fn moved(
    transaction: &Connection,
    head: &mut Head,
    (base_url, origin): (&str, &Origin),
    (before, after): (Option<Standing>, Option<Standing>),
) -> rusqlite::Result<()> {
    let Some(key) = key(base_url, origin).filter(|_| before != after) else { return Ok(()) };
    let select = format!("SELECT {COLUMNS}, mark FROM evidence WHERE base_url = ?1 AND format = ?2 AND facility_code = ?3");
    let found = transaction.prepare_cached(&select)?.query_row(params![key.0, key.1, key.2], sound).optional()?;
    let mut cards = match found {
        Some(Some((_, cards, mark))) => {
            put_together(&mut head.evidence, &mark);
            cards
        }
        // A damaged row stays, and all is counted anew when it is asked for.
        Some(None) => return Ok(()),
        None => CardCounts::default(),
    };
    if let Some(before) = before {
        let count = count_of(&mut cards, before);
        *count = count.saturating_sub(1);
    }
    if let Some(after) = after {
        let count = count_of(&mut cards, after);
        *count = count.saturating_add(1);
    }
    write_one(transaction, head, &key, cards)
}

/// The counts for this BluSKY; none where they are not as they were written down.
pub(super) fn read(transaction: &Connection, base_url: &str) -> Result<Option<Seen>, Wrong> {
    let head = Head::read(transaction)?;
    let mut select = transaction.prepare_cached(&format!("SELECT {COLUMNS}, mark FROM evidence"))?;
    let rows: Option<Vec<Sound>> = select.query_map([], sound)?.collect::<rusqlite::Result<_>>()?;
    let Some(rows) = rows else { return Ok(None) };
    let mut together = nothing();
    rows.iter().for_each(|(.., mark)| put_together(&mut together, mark));
    Ok((together == head.evidence).then(|| seen(rows.into_iter().map(|(key, cards, _)| (key, cards)), base_url)))
}

/// Counts all entries anew.
pub(super) fn count(transaction: &Connection) -> rusqlite::Result<Counted> {
    let mut counted = Counted::new();
    reading::each(transaction, |_, entry| {
        if let Ok(entry) = entry {
            count_one(&mut counted, &entry);
        }
    })?;
    Ok(counted)
}

/// Counts one entry.
pub(super) fn count_one(counted: &mut Counted, entry: &Entry) {
    if let Some((key, standing)) = key(&entry.base_url, &entry.origin).zip(entry.standing()) {
        *count_of(counted.entry(key).or_default(), standing) += 1;
    }
}

/// True where these are the counts that are kept; a count of nothing is as good as none.
pub(super) fn are_kept(connection: &Connection, counted: &Counted) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS}, mark FROM evidence"))?;
    let rows: Option<Vec<Sound>> = select.query_map([], sound)?.collect::<rusqlite::Result<_>>()?;
    let kept = rows.map(|rows| rows.into_iter().map(|(key, cards, _)| (key, cards)).filter(|(_, cards)| *cards != CardCounts::default()));
    Ok(kept.is_some_and(|kept| kept.collect::<Counted>() == *counted))
}

/// Writes all counts down in place of those that were there.
pub(super) fn write(transaction: &Connection, head: &mut Head, counted: &Counted) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM evidence", [])?;
    head.evidence = nothing();
    counted.iter().try_for_each(|(key, cards)| write_one(transaction, head, key, *cards))
}

/// Those of the counts that are for this BluSKY.
pub(super) fn seen(counted: impl IntoIterator<Item = (Key, CardCounts)>, base_url: &str) -> Seen {
    let mut seen = Seen::default();
    for ((_, format, code), cards) in counted.into_iter().filter(|((of, ..), _)| in_one_form(of) == base_url) {
        // Older programs counted the same BluSKY under each way of writing its address.
        let code = code.parse().ok().map(FacilityCode);
        let others = seen.cards(&format, code);
        let cards = CardCounts { accepted: others.accepted + cards.accepted, vouched: others.vouched + cards.vouched };
        seen.put(&format, code, cards);
    }
    seen
}

fn key(base_url: &str, origin: &Origin) -> Option<Key> {
    let card = origin.card.as_ref()?;
    let code = card.credential.facility_code.map(|code| code.0.to_string());
    Some((base_url.to_owned(), card.format.clone(), code.unwrap_or_default()))
}

const fn count_of(cards: &mut CardCounts, standing: Standing) -> &mut u32 {
    match standing {
        Standing::Accepted => &mut cards.accepted,
        Standing::Vouched => &mut cards.vouched,
    }
}

fn sound(row: &Row<'_>) -> rusqlite::Result<Option<Sound>> {
    if !rows::is_marked(row, COUNT)? {
        return Ok(None);
    }
    let read = || -> rusqlite::Result<Sound> {
        Ok(((row.get(0)?, row.get(1)?, row.get(2)?), CardCounts { accepted: row.get(3)?, vouched: row.get(4)? }, row.get(5)?))
    };
    Ok(read().ok())
}

fn write_one(transaction: &Connection, head: &mut Head, key: &Key, cards: CardCounts) -> rusqlite::Result<()> {
    let replace = format!("INSERT OR REPLACE INTO evidence ({COLUMNS}, mark) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    let (accepted, vouched) = (ValueRef::Integer(cards.accepted.into()), ValueRef::Integer(cards.vouched.into()));
    let mark = rows::insert_marked(transaction, &replace, [text(&key.0), text(&key.1), text(&key.2), accepted, vouched], None)?;
    put_together(&mut head.evidence, &mark);
    Ok(())
}

/// Adds a mark to those put together, or takes it out again.
pub(super) fn put_together(together: &mut [u8], mark: &[u8]) {
    together.iter_mut().zip(mark).for_each(|(byte, other)| *byte ^= other);
}
