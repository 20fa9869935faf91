//! A person's name in what BluSKY answered to others, blotted out.
//!
//! In: a person's key and names. Out: steps of others in whose words the person is not named any more. Such a step keeps its place, its
//! link and what it means, and gets a new salt; a further step says by whom it was blotted and what its digest is since then, so that
//! the chain still tells a blotted text from a changed one. Never: a part of a name, a key that is more than a word (who had the card
//! before), or an entry that has not come to its end.

use rusqlite::{Connection, params};
use serde_json::Value;
use uuid::Uuid;

use super::{Wrong, chain, erasing::Eraser, reading, rows, writing};
use crate::{
    access::BLOT,
    card::to_hex,
    outbox::{Blot, Entry, Step},
};

/// Blots a person out of the answers to others: in how many entries that was done, and in how many it cannot be done yet.
pub(super) fn blot_all(transaction: &Connection, user: Uuid, names: &[String], eraser: Eraser<'_>) -> Result<(usize, usize), Wrong> {
    let (forms, mut named, mut open) = (forms(user, names), Vec::new(), 0);
    reading::each(transaction, |_, entry| {
        let Ok(entry) = entry else { return };
        let steps = blotted_steps(&entry, &forms);
        if steps.is_empty() {
            return;
        }
        if entry.progress().is_closed() && means_the_same(&entry, &steps) {
            named.push((entry, steps));
        } else {
            open += 1;
        }
    })?;
    let count = named.len();
    named.into_iter().try_for_each(|(entry, steps)| blot(transaction, entry, steps, eraser))?;
    Ok((count, open))
}

/// Steps that name the person, each with its number, as they are without.
fn blotted_steps(entry: &Entry, forms: &[Vec<char>]) -> Vec<(usize, Step)> {
    let has_words = |step: &Step| matches!(step, Step::Answered(_) | Step::ReadBack(_));
    let numbered = entry.steps().iter().map(|(_, step)| step).enumerate();
    let blotted = numbered.filter(|(_, step)| has_words(step)).filter_map(|(n, step)| {
        let mut value = serde_json::to_value(step).ok()?;
        let is_changed = blot_in(&mut value, forms);
        is_changed.then(|| serde_json::from_value(value).ok().map(|step| (n, step))).flatten()
    });
    blotted.collect()
}

/// True where nothing but the words is another one: somebody may be called what an answer is known by.
fn means_the_same(entry: &Entry, blotted: &[(usize, Step)]) -> bool {
    let steps = entry.steps().iter().cloned().enumerate().map(|(n, (at, step))| {
        let other = blotted.iter().find(|(of, _)| *of == n).map(|(_, step)| step.clone());
        (at, other.unwrap_or(step))
    });
    let before = Entry { operation: entry.begun_as().clone(), history: Default::default(), ..entry.clone() };
    let (old, new) = (entry.progress(), before.after(steps));
    let new = new.progress();
    (old.state, old.is_closed(), old.is_held(), old.is_known_to_blusky())
        == (new.state, new.is_closed(), new.is_held(), new.is_known_to_blusky())
}

fn blot(transaction: &Connection, entry: Entry, steps: Vec<(usize, Step)>, eraser: Eraser<'_>) -> Result<(), Wrong> {
    let (id, mut blots) = (entry.id.to_string(), Vec::new());
    for (n, step) in steps {
        let (place, salt) = (i64::try_from(n).unwrap_or(i64::MAX), chain::salt());
        let update = "UPDATE step SET body = ?3, salt = ?4 WHERE entry = ?1 AND n = ?2";
        transaction.prepare_cached(update)?.execute(params![id, place, writing::json(&step)?, salt.as_slice()])?;
        rows::mark_step(transaction, &id, place)?;
        blots.push(Blot { n, digest: to_hex(&chain::digest(transaction, (&id, place), &salt)?) });
    }
    let said = Step::Blotted { steps: blots, by: eraser.by.to_owned() };
    writing::append(transaction, entry, eraser.at, &said).map(drop)
}

/// The person's key, and each name as it is written in one order or the other. A name of one word is a word like any other, and stays.
fn forms(user: Uuid, names: &[String]) -> Vec<Vec<char>> {
    let mut forms = vec![user.to_string(), user.simple().to_string()];
    for name in names {
        let words: Vec<&str> = name.split_whitespace().collect();
        for at in 1..words.len() {
            let (first, last) = words.split_at(at);
            let (first, last) = (first.join(" "), last.join(" "));
            forms.extend([format!("{first} {last}"), format!("{last}, {first}"), format!("{last} {first}")]);
        }
    }
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms.iter().map(|form| form.chars().collect()).collect()
}

/// Blots these out of all texts of a value; true where one stood there.
fn blot_in(value: &mut Value, forms: &[Vec<char>]) -> bool {
    match value {
        Value::String(text) if text.parse::<Uuid>().is_err() => {
            let blotted = without(text, forms);
            let is_changed = blotted != *text;
            *text = blotted;
            is_changed
        }
        Value::Array(values) => values.iter_mut().filter_map(|value| blot_in(value, forms).then_some(())).count() > 0,
        Value::Object(members) => members.values_mut().filter_map(|value| blot_in(value, forms).then_some(())).count() > 0,
        _ => false,
    }
}

/// A text in which these are blotted out, whatever their case, where they are whole words.
fn without(text: &str, forms: &[Vec<char>]) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut rest, mut blotted, mut before) = (chars.as_slice(), String::with_capacity(text.len()), None::<char>);
    while let Some((first, behind)) = rest.split_first() {
        let form = forms.iter().find(|form| !before.is_some_and(char::is_alphanumeric) && begins_with(rest, form));
        if let Some(behind) = form.and_then(|form| rest.get(form.len()..)) {
            blotted.push_str(BLOT);
            (rest, before) = (behind, None);
        } else {
            blotted.push(*first);
            (rest, before) = (behind, Some(*first));
        }
    }
    blotted
}

fn begins_with(text: &[char], form: &[char]) -> bool {
    let is_same = |(one, other): (&char, &char)| one.to_lowercase().eq(other.to_lowercase());
    let is_whole = || !text.get(form.len()).is_some_and(|next| next.is_alphanumeric());
    text.len() >= form.len() && text.iter().zip(form).all(is_same) && is_whole()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_blotted_out_in_either_order_and_case_and_only_as_a_whole() {
        let forms = forms(Uuid::from_u128(7), &["Ada King Lovelace".to_owned(), "Card".to_owned()]);
        let without = |text: &str| without(text, &forms);
        assert_eq!(without("Card Already Assigned : 1 Lovelace, Ada King"), "Card Already Assigned : 1 •••");
        assert_eq!(without("held by ADA KING LOVELACE."), "held by •••.");
        assert_eq!(without("king lovelace, ada; Lovelace, Adam"), "•••; Lovelace, Adam");
        assert_eq!(without("of 00000000000000000000000000000007"), "of •••");
        assert_eq!(without("Ada King Lovelaces, XAda King Lovelace"), "Ada King Lovelaces, XAda King Lovelace");
    }

    #[test]
    fn who_had_the_card_before_stays_a_key() {
        let mut value = serde_json::json!({ "previous_user_id": Uuid::from_u128(7), "description": format!("of {}", Uuid::from_u128(7)) });
        assert!(blot_in(&mut value, &forms(Uuid::from_u128(7), &[])));
        assert_eq!(value, serde_json::json!({ "previous_user_id": Uuid::from_u128(7), "description": "of •••" }));
    }
}
