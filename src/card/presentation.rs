//! A presentation: one card shown once, as the reader told it, before any format is tried.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use strum::IntoStaticStr;
use utoipa::ToSchema;

use super::{Credential, Csn, Kind, Literal, PacsBits};

/// How a reader is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, ToSchema)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Transport {
    /// A serial line: RS-232, RS-485, USB serial.
    Serial,
    /// A smart-card reader under PC/SC.
    Pcsc,
    /// An OSDP bus.
    Osdp,
    /// A reader that types.
    Keyboard,
}

impl Transport {
    /// The name used in JSON and captures.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The frame's own check failed: the card is ours, but this reading of it is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Damage {
    /// The dialect or script that found it.
    pub by: String,
    /// What was computed and what was received.
    pub detail: String,
}

/// Numbers that the reader has decoded itself, and handed over without the card's bits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Numbers {
    /// The numbers.
    pub credential: Credential,
    /// How many bits the card has, check bits included, where that is known.
    pub length: Option<u16>,
}

/// The warning of a card that the reader still holds in its memory: it was shown before anybody asked.
pub const SHOWN_BEFORE: &str = "shown_before";

/// The warning of a card that lay at the reader already when it was first looked at.
pub const LAY_THERE: &str = "lay_there";

/// The warning of bits that the site's configuration leaves nothing but an entry on a keypad for.
pub const TYPED: &str = "typed";

/// The warning of a serial number that is a new one at every tap.
pub const RANDOM_UID: &str = "random_uid";
/// The warning of a serial number that is all zero.
pub const ZERO_UID: &str = "zero_uid";
/// The warning of a serial number that is the beginning of a longer one.
pub const CUT_UID: &str = "cut_uid";
/// The warning of a serial number that the reader has filled up, or that is nothing but filler.
pub const FILLED_UID: &str = "filled_uid";
/// The warning of a card whose number is protected by keys that are not here.
pub const PROTECTED: &str = "protected";
/// The warning of a number that many cards share, although its checks hold.
pub const WORTHLESS: &str = "worthless_number";

/// What a smart card says it is, and what it was asked.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SmartCard {
    /// Its answer to reset, hex. HID Prox readers put the card's number in it.
    pub atr: String,
    /// What it is, in words, where that is known.
    pub is: Option<String>,
    /// The scripts that tried to read it and could not, each with what it met.
    pub tried: Vec<String>,
}

/// Shows what the card is, not its ATR.
impl fmt::Debug for SmartCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmartCard").field("is", &self.is).field("tried", &self.tried).finish_non_exhaustive()
    }
}

/// One card shown once to one reader.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Presentation {
    /// What kind of thing was handed over.
    pub kind: Kind,
    /// Its bits; none where the length is unknown, or where there are none.
    pub bits: Option<PacsBits>,
    /// Its bits in each length they can have, where the reader does not tell the length.
    #[serde(default)]
    pub could_be: Vec<PacsBits>,
    /// The card serial number, where the reader told it.
    pub csn: Option<Csn>,
    /// The numbers, where the reader has decoded them itself.
    #[serde(default)]
    pub numbers: Option<Numbers>,
    /// What a smart card is; none for everything else.
    #[serde(default)]
    pub smart_card: Option<Box<SmartCard>>,
    /// The keys that were pressed on a keypad: `0` to `9`, `*`, `#`, letters for others.
    #[serde(default)]
    pub keys: Option<String>,
    /// How many bits of a check of the frame's own it has passed: one damaged frame in two to this power does. 0: none.
    #[serde(default)]
    pub check_bits: u8,
    /// Set when the frame's own check failed.
    pub damage: Option<Damage>,
    /// What the reader cannot be believed in, by name.
    pub warnings: Vec<String>,
    /// The bytes as they came, hex; empty for a literal.
    pub raw: String,
    /// When; none for a literal.
    pub at: Option<DateTime<Utc>>,
    /// The reader's name; none for a literal.
    pub reader: Option<String>,
    /// How the reader is attached; none for a literal.
    pub transport: Option<Transport>,
}

/// Shows what was presented and where, not the number: the bytes as they came hold it too.
impl fmt::Debug for Presentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Presentation");
        shown.field("kind", &self.kind).field("bits", &self.bits).field("csn", &self.csn).field("damaged", &self.damage.is_some());
        shown.field("warnings", &self.warnings).field("reader", &self.reader).finish_non_exhaustive()
    }
}

impl Presentation {
    /// A presentation of this kind and nothing else yet.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        Self {
            kind,
            bits: None,
            could_be: Vec::new(),
            csn: None,
            numbers: None,
            smart_card: None,
            keys: None,
            check_bits: 0,
            damage: None,
            warnings: Vec::new(),
            raw: String::new(),
            at: None,
            reader: None,
            transport: None,
        }
    }

    /// True for a card that the reader holds in its memory, or that lay there already: nobody has shown it now.
    #[must_use]
    pub fn was_shown_before(&self) -> bool {
        self.warnings.iter().any(|warning| warning == SHOWN_BEFORE || warning == LAY_THERE)
    }

    /// What tells this card from others, as text: what kind of thing was handed over, and its number. None where there is none.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        let number = match (&self.csn, self.bits, &self.numbers) {
            // Of nearly every card, and all at once.
            (_, Some(bits), _) => return Some([self.kind.name(), " ", str::from_utf8(&bits.literal()).unwrap_or_default()].concat()),
            (Some(csn), None, _) => csn.to_string(),
            (None, None, Some(numbers)) => {
                numbers.credential.numbers().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
            }
            (None, None, None) => return None,
        };
        Some(format!("{} {number}", self.kind.name()))
    }

    /// Why nobody can be told by this card, as the name of a warning: nothing of it may be enrolled.
    #[must_use]
    pub fn no_identity(&self) -> Option<&str> {
        let flaw = self.csn.as_ref().filter(|_| self.kind == Kind::Csn).and_then(Csn::flaw);
        flaw.or_else(|| self.warnings.iter().map(String::as_str).find(|warning| *warning == WORTHLESS))
    }

    /// The presentation a literal stands for.
    #[must_use]
    pub fn of_literal(literal: &Literal) -> Self {
        let csn = if let Literal::Csn(csn) = literal { Some(csn.clone()) } else { None };
        Self { bits: Some(literal.bits()), csn, ..Self::of(literal.kind()) }
    }
}
