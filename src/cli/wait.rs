//! The readers at which a command waits for a card: which are there, and when it gives up because all of them are gone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use super::out::{Failure, hint};
use crate::{host::client::Said, reader::configured_name};

/// How long all readers may be gone (the smart-card service restarts, a plug is wriggled) before the command gives up.
const GRACE: Duration = Duration::from_secs(2);

/// What bytes may mean that are no card.
pub const NOISE: &str = "wrong dialect or baud rate?";

/// The readers that a card is waited for at.
#[derive(Default)]
pub struct Readers {
    there: BTreeMap<String, Result<(), String>>,
    give_up: Option<Instant>,
    /// Those that said what is no card.
    noisy: BTreeSet<String>,
}

impl Readers {
    /// When the command gives up, because all of them are gone.
    pub const fn give_up(&self) -> Option<Instant> {
        self.give_up
    }

    /// A card has been taken: what becomes of the readers is another matter.
    pub const fn forget(&mut self) {
        self.give_up = None;
    }

    /// One is there.
    pub fn up(&mut self, reader: &Value) {
        tracing::info!(reader = reader.as_str(), "the reader is there");
        self.there.insert(configured(reader), Ok(()));
        self.give_up = None;
    }

    /// The first reason is the one that tells: after "unplugged" comes "not there".
    pub fn lost(&mut self, notice: &Value, is_elsewhere: bool) {
        let why = notice.text("why").to_owned();
        let reader = self.there.entry(configured(notice.at("reader"))).or_insert(Ok(()));
        if reader.is_ok() {
            *reader = Err(why);
        }
        if !is_elsewhere && self.there.values().all(Result::is_err) {
            self.give_up.get_or_insert(Instant::now() + GRACE);
        }
    }

    /// What came is no card: said once for each, for a line that is set wrong says much.
    pub fn noise(&mut self, notice: &Value) {
        tracing::info!(bytes = notice.at("bytes").as_u64(), "noise on the line");
        if self.noisy.insert(configured(notice.at("reader"))) {
            hint(&format!("{}; {NOISE}", notice.text("words")));
        }
    }

    /// Why the command gives up.
    pub fn all_gone(&self) -> Failure {
        let gone = self.there.iter().filter_map(|(name, why)| Some(format!("{name}: {}", why.as_ref().err()?)));
        let words: Vec<String> = gone.collect();
        Failure::impossible(
            "reader_lost",
            format!("no reader is left to show a card to ({})", words.join("; ")),
            "nothing was read or enrolled",
        )
    }
}

fn configured(reader: &Value) -> String {
    configured_name(reader.as_str().unwrap_or_default()).to_owned()
}
