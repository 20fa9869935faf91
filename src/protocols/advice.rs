//! What cards are worth: one TOML file for each kind of card that somebody should know something about.
//!
//! In: a file's name and text. Out: a [`CardAdvice`] or findings with line and column. Never: a judgement about one card;
//! the words hold for all cards of that kind.

use std::sync::Arc;

use crate::{
    card::{Advice, Kind},
    sheet::{Keys, Sheet},
};

/// What is known of some cards, and of which.
#[derive(Debug, Clone)]
pub struct CardAdvice {
    /// The words, with their id.
    pub advice: Arc<Advice>,
    /// The kinds of presentation they hold for.
    pub kinds: Vec<Kind>,
    /// The card formats they hold for, by id, whatever the kind says.
    pub formats: Vec<String>,
    /// Where the facts come from.
    pub source: String,
    /// The file it stands in.
    pub file: String,
}

/// Reads one file. Findings go to the sheet.
#[must_use]
pub fn read(file: &str, sheet: &Sheet<'_>) -> Option<CardAdvice> {
    let mut keys = sheet.root()?;
    let id = keys.text("id");
    let source = keys.text("source");
    let words = keys.text("words");
    let kinds = kinds(&mut keys);
    let formats: Vec<String> = keys.texts("formats").into_iter().map(|format| format.value).collect();
    if kinds.is_empty() && formats.is_empty() && sheet.is_clean() {
        keys.missing("kinds");
    }
    keys.finish();
    if !sheet.is_clean() {
        return None;
    }
    let words = words?.value.split_whitespace().collect::<Vec<_>>().join(" ");
    let advice = Arc::new(Advice { id: id?.value, words });
    Some(CardAdvice { advice, kinds, formats, source: source?.value, file: file.to_owned() })
}

fn kinds(keys: &mut Keys<'_, '_>) -> Vec<Kind> {
    let named = keys.texts("kinds");
    named.iter().filter_map(|name| super::kind(keys, name)).collect()
}
