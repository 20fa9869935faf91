//! What is wrong, why it matters, and what mends it: findings from what was seen.
//!
//! In: facts, as `host::looks` saw them; each family of facts stands beside the rules that judge it. Out: findings, and the same as
//! text, as JSON, and for a support ticket. Never: a look of its own, a card's number, or a secret.
//!
//! - [`configuration`]: the site's files; - [`ports`]: serial lines and keyboards; - [`smartcards`]: PC/SC; - [`store`]: the outbox on
//!   disk; - [`station`]: a station that runs; - [`blusky`]: the way there;
//! - [`finding`]: what a finding is; [`words`]: sentences that know which of their pieces are nobody else's business;
//! - [`report`]: findings shown; [`bundle`]: for a support ticket.

pub mod blusky;
pub mod bundle;
pub mod configuration;
pub mod finding;
pub mod ports;
pub mod report;
pub mod smartcards;
pub mod station;
pub mod store;
#[cfg(test)]
mod tests;
pub mod words;

pub use finding::{Finding, Level};

/// Everything that was seen.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The site's files.
    pub configuration: configuration::Facts,
    /// Serial lines and keyboards.
    pub ports: ports::Facts,
    /// PC/SC.
    pub smartcards: smartcards::Facts,
    /// The store; none where there is no configuration that names one.
    pub store: Option<store::Facts>,
    /// Stations.
    pub station: station::Facts,
    /// The way to BluSKY.
    pub blusky: blusky::Facts,
}

/// Judges all of it, what is broken first.
#[must_use]
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    configuration::judge(&facts.configuration, &mut findings);
    station::judge(&facts.station, &mut findings);
    ports::judge(&facts.ports, &mut findings);
    smartcards::judge(&facts.smartcards, &mut findings);
    if let Some(store) = &facts.store {
        store::judge(store, &mut findings);
    }
    blusky::judge(&facts.blusky, &mut findings);
    findings.sort_by_key(|finding| finding.level);
    findings
}
