//! The card a call is about.

use uuid::Uuid;

/// The card a request is about.
pub enum WhichCard {
    /// One that exists.
    Known(Uuid),
    /// One that is described, and may exist.
    Described(Description),
}

/// A described card.
pub struct Description {
    pub card_type: i64,
    pub system_id: Uuid,
    /// 0: BluSKY chooses.
    pub number: i64,
    pub external: String,
    pub serial: Option<i64>,
    pub facility: Option<i64>,
    pub issue: Option<i64>,
}
