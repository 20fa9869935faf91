//! Cards and sites made by hand, so that each rule meets the cards that it is about.

mod enrollment;
mod evidence;
mod origin;
mod policy;

use std::sync::Arc;

use uuid::Uuid;

use super::policy::{CardType, Hints, SitePolicy, choose};
use crate::card::{Checks, Credential, Fit, Kind, Presentation, Reading, Reason, Refusal, Verdict, Widths};

/// What a format reads of a card.
fn fit(format: &str, numbers: &[(&str, u128)], is_checked: bool) -> Fit {
    let mut credential = Credential::default();
    numbers.iter().for_each(|(name, value)| credential.set(name, *value));
    let checks = Checks { present: u8::from(is_checked), passed: u8::from(is_checked) };
    Fit { format: format.into(), aliases: Arc::default(), credential, checks, is_checked, odds: 0.25, widths: Widths::default() }
}

/// A card with a facility code and a number, as a format with a check reads it.
fn card(format: &str, code: u128, number: u128) -> Fit {
    fit(format, &[("facility_code", code), ("card_number", number)], true)
}

fn reading(verdict: Verdict, fits: Vec<Fit>) -> Reading {
    let presentation = Presentation::of(Kind::Wiegand);
    Reading { presentation, verdict, fits, refusals: Vec::new(), choice: None, suggestions: Vec::new(), advice: None }
}

/// What one format reads, or several of them in different ways.
fn read(fits: Vec<Fit>) -> Reading {
    reading(if fits.len() > 1 { Verdict::Ambiguous } else { Verdict::Likely }, fits)
}

/// A format that says that this is its card, damaged.
fn damaged(format: &str) -> Refusal {
    Refusal { format: format.into(), reason: Reason::Parity, detail: "parity".into() }
}

fn card_type(blusky: i64, formats: &[&str]) -> CardType {
    CardType {
        blusky,
        name: format!("type {blusky}"),
        formats: formats.iter().map(ToString::to_string).collect(),
        system: Uuid::from_u128(9),
        requires: Vec::new(),
        external_number: None,
    }
}

/// A site that names these formats and these facility codes.
fn site(formats: &[&str], facility_codes: &[u64]) -> SitePolicy {
    SitePolicy {
        formats: formats.iter().map(ToString::to_string).collect(),
        facility_codes: facility_codes.to_vec(),
        ..SitePolicy::default()
    }
}

/// The format that is chosen, and who decided it.
fn chosen(mut reading: Reading, policy: &SitePolicy, hints: &Hints) -> Option<(String, &'static str)> {
    choose(&mut reading, policy, hints);
    let (at, by) = reading.choice?;
    Some((reading.fits[at].format.to_string(), by.name()))
}

fn print(text: &str) -> Hints {
    Hints { printed: Some(text.to_owned()), ..Hints::default() }
}
