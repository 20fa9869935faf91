//! What kind of thing a reader handed over: only formats of that kind are laid over it.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;

/// The kind of a presentation, set by the dialect or script that read it, never guessed from its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// Wiegand bits as they are on the wire, parity included.
    Wiegand,
    /// Wiegand data bits: the reader took the parity bits away.
    WiegandStripped,
    /// A 40-bit EM4100 ID.
    Em4100,
    /// A card serial number (UID on contactless cards).
    Csn,
    /// Characters of a magnetic stripe's second track.
    Track2,
    /// A federal agency smart credential number.
    Fascn,
    /// A number the reader has decoded itself.
    Number,
    /// A key on a keypad.
    Key,
}

impl Kind {
    /// Every kind, in the order of the list above.
    pub const ALL: [Self; 8] =
        [Self::Wiegand, Self::WiegandStripped, Self::Em4100, Self::Csn, Self::Track2, Self::Fascn, Self::Number, Self::Key];

    /// The name used in files and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
