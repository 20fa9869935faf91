//! Evidence: what speaks for a card that is to be enrolled, one thing at a time.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;

/// One thing that speaks for a card; kept with its enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// What it is.
    pub what: What,
    /// The chance that noise has it too; none for what says nothing about noise.
    pub odds: Option<f64>,
    /// How many cards are behind it, where it was seen on cards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cards: Option<u32>,
}

/// What speaks for a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum What {
    /// The checks of its format hold.
    Checks,
    /// The check of the reader's frame, or of the card's answer, holds.
    TransportCheck,
    /// The same bits came twice.
    ReadTwice,
    /// The site lists its facility code.
    FacilityCodeListed,
    /// Cards with its format and facility code were taken here before.
    FacilityCodeSeen,
    /// Cards of its format, which has no facility code, were taken here before.
    FormatSeen,
    /// The reader says what kind of thing it is, and the site names the format.
    KindKnown,
    /// The number printed on it is what is read.
    Printed,
    /// A person says so.
    Operator,
}

impl What {
    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}
