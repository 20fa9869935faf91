//! What a site says that believes one format, for tests of what stands behind its configuration.

use cardbridge::enroll::policy::{CardType, SitePolicy};
use uuid::Uuid;

/// A site of H10301, and of the card type that takes it.
pub fn h10301() -> SitePolicy {
    let formats = vec!["hid-h10301".to_owned()];
    let card_type = CardType {
        blusky: 3,
        name: "HID 26-bit".to_owned(),
        formats: formats.clone(),
        system: Uuid::from_u128(9),
        requires: Vec::new(),
        external_number: None,
    };
    SitePolicy { formats, card_types: vec![card_type], ..SitePolicy::default() }
}
