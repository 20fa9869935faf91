//! What was seen at this site before: how many cards of which formats and facility codes.
//!
//! In: the site's own entries, one after the other. Out: counts. Never: a card's number, or an entry of another `base_url`;
//! whoever fills it leaves those out.

use std::collections::BTreeMap;

use crate::card::FacilityCode;

/// The cards that were taken here, by format and facility code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    formats: BTreeMap<String, BTreeMap<Option<FacilityCode>, CardCounts>>,
}

/// How many cards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CardCounts {
    /// BluSKY accepted them.
    pub accepted: u32,
    /// They were saved after a print or a person's word, and BluSKY has not accepted them yet.
    pub vouched: u32,
}

impl CardCounts {
    /// All of them.
    #[must_use]
    pub const fn all(self) -> u32 {
        self.accepted.saturating_add(self.vouched)
    }
}

impl Seen {
    /// BluSKY has accepted a card of that format and facility code.
    pub fn accepted(&mut self, format: &str, facility_code: Option<FacilityCode>) {
        let cards = self.entry(format, facility_code);
        cards.accepted = cards.accepted.saturating_add(1);
    }

    /// A card of that format and facility code was saved after a print or a person's word.
    pub fn vouched(&mut self, format: &str, facility_code: Option<FacilityCode>) {
        let cards = self.entry(format, facility_code);
        cards.vouched = cards.vouched.saturating_add(1);
    }

    /// Sets the count of cards of that format and facility code.
    pub fn put(&mut self, format: &str, facility_code: Option<FacilityCode>, cards: CardCounts) {
        *self.entry(format, facility_code) = cards;
    }

    /// How many cards of that format and facility code there were.
    #[must_use]
    pub fn cards(&self, format: &str, facility_code: Option<FacilityCode>) -> CardCounts {
        self.formats.get(format).and_then(|codes| codes.get(&facility_code)).copied().unwrap_or_default()
    }

    /// True where any card was accepted.
    #[must_use]
    pub fn has_accepted(&self) -> bool {
        self.formats.values().flat_map(BTreeMap::values).any(|cards| cards.accepted > 0)
    }

    /// How many facility codes of that format BluSKY has accepted cards with.
    #[must_use]
    pub fn accepted_codes(&self, format: &str) -> usize {
        let codes = self.formats.get(format).into_iter().flatten();
        codes.filter(|(code, cards)| code.is_some() && cards.accepted > 0).count()
    }

    fn entry(&mut self, format: &str, facility_code: Option<FacilityCode>) -> &mut CardCounts {
        self.formats.entry(format.to_owned()).or_default().entry(facility_code).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_blusky_has_accepted_counts_and_what_a_person_vouched_for_does_not_count_as_that() {
        let mut seen = Seen::default();
        assert!(!seen.has_accepted());
        seen.vouched("hid-h10301", Some(FacilityCode(1)));
        assert!(!seen.has_accepted() && seen.accepted_codes("hid-h10301") == 0);
        seen.accepted("csn-4-byte", None);
        assert!(seen.has_accepted() && seen.accepted_codes("csn-4-byte") == 0, "it has no facility code");
        for code in [1, 2, 2, 3] {
            seen.accepted("hid-h10301", Some(FacilityCode(code)));
        }
        assert_eq!(seen.accepted_codes("hid-h10301"), 3);
        seen.put("hid-h10301", Some(FacilityCode(4)), CardCounts { accepted: 0, vouched: 7 });
        assert_eq!((seen.accepted_codes("hid-h10301"), seen.cards("hid-h10301", Some(FacilityCode(4))).all()), (3, 7));
    }
}
