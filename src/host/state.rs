//! How a store's outbox stands, and what its entries tell of their BluSKY.
//!
//! In: a store, and the site's policy. Out: a tally of all its entries, what is known to be wrong with it, whether the PINs that wait can
//! be unsealed.
//! What it costs grows with what was written since it was asked for last, and the first time with the number of entries. Never: a step
//! written, or a secret shown.

use chrono::{DateTime, Local, NaiveTime, Utc};

use crate::{
    blusky::lookup::Kind,
    card::FacilityCode,
    enroll::policy::SitePolicy,
    outbox::tally::Overview,
    store::{StoreError, StoreHandle},
};

/// How it stands now.
///
/// # Errors
/// The store cannot be read.
pub async fn of(store: &StoreHandle, policy: &SitePolicy) -> Result<Overview, StoreError> {
    let mut state = Overview { tally: store.tally(today()).await?, ..Overview::default() };
    for entry in &state.tally.sealed {
        if let Err(why @ (StoreError::Seal(_) | StoreError::Damaged(_))) = store.secret(*entry).await {
            state.sealed = Some(why.to_string());
            break;
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
    state.anchor = store.anchor_trouble().await?.map(|trouble| trouble.to_string());
    let (seen, formats) = (store.evidence_seen().await?, policy.named_formats());
    let is_seen = |code: &u64| formats.iter().any(|format| seen.cards(format, Some(FacilityCode(*code))).accepted > 0);
    if policy.facility_codes.iter().any(is_seen) {
        state.codes_never_seen = policy.facility_codes.iter().copied().filter(|code| !is_seen(code)).collect();
    }
    Ok(state)
}

/// When today began, by the clock on the wall.
fn today() -> DateTime<Utc> {
    let now = Local::now();
    let midnight = now.with_time(NaiveTime::MIN).earliest();
    midnight.unwrap_or(now).with_timezone(&Utc)
}
