//! How a store's outbox stands, and what its entries tell of their BluSKY.
//!
//! In: a store. Out: a tally of all its entries, what is known to be wrong with it, and whether the PINs that wait can be unsealed.
//! What it costs grows with the number of entries, so only whoever is asked for it does it. Never: a step written, or a secret shown.

use chrono::{DateTime, Local, NaiveTime, Utc};

use crate::{
    blusky::lookup::Kind,
    outbox::tally::Tally,
    store::{StoreError, StoreHandle},
};

/// How an outbox stands.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The counts.
    pub tally: Tally,
    /// What is damaged or missing, in words.
    pub findings: Vec<String>,
    /// Why a PIN or password that waits cannot be sent.
    pub sealed: Option<String>,
}

/// Counts all entries.
///
/// # Errors
/// The store cannot be read.
pub async fn of(store: &StoreHandle) -> Result<State, StoreError> {
    let (today, mut last, mut state) = (today(), 0, State::default());
    loop {
        let page = store.page_after(last).await?;
        let Some((number, _)) = page.last() else { break };
        last = *number;
        for (_, entry) in &page {
            state.tally.take(entry, store.base_url(), today);
            if state.sealed.is_none() && !entry.progress().is_settled() && entry.base_url == store.base_url() {
                state.sealed = match store.secret(entry.id).await {
                    Err(StoreError::Seal(why)) => Some(why.to_string()),
                    _ => None,
                };
            }
        }
    }
    for kind in Kind::ALL {
        if let Some((at, _)) = store.kept(kind.name()).await? {
            state.tally.saw(kind.call(), at, true);
        }
        if let Some((at, base_url)) = store.kept(&kind.missing()).await?
            && base_url == store.base_url()
        {
            state.tally.saw(kind.call(), at, false);
        }
    }
    state.findings = store.findings().await?;
    Ok(state)
}

/// When today began, by the clock on the wall.
fn today() -> DateTime<Utc> {
    let now = Local::now();
    let midnight = now.with_time(NaiveTime::MIN).earliest();
    midnight.unwrap_or(now).with_timezone(&Utc)
}
