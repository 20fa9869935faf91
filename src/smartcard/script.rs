//! A smart-card script, as its file says it: when it applies, what is said, what is taken from the ATR and the answers.
//!
//! In: the parsed file (see [`crate::protocols::smartcards`]). Out: plain data. Never: a command that changes a card, and
//! never a key; a script knows keys by name.

use std::{fmt, sync::Arc};

use super::{
    atr::{Atr, Class},
    pattern::Pattern,
};
use crate::{
    card::Kind,
    decode::dialect::{Confidence, Dialect},
    reader::matches,
};

/// The check of a contactless card's frames (ISO 14443, 15693: a CRC of 16 bits), in bits.
pub const CHECKED: u8 = 16;

/// A short read-only conversation.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Where the facts come from.
    pub source: String,
    /// How far they can be believed.
    pub confidence: Confidence,
    /// What it yields.
    pub kind: Kind,
    /// Scripts with smaller numbers speak first.
    pub order: u16,
    /// It applies where one of these holds, or always where there are none.
    pub when: Vec<Condition>,
    /// It does not apply where one of these holds.
    pub unless: Vec<Condition>,
    /// What the card is, where the script comes to its end.
    pub card: Option<String>,
    /// Where the script comes to its end, the card's number is protected by keys.
    pub protected: bool,
    /// What the ATRs of storage cards say, in words.
    pub chips: Chips,
    /// What stands in the ATR itself: its hex digits are read as a line.
    pub atr: Option<Arc<Dialect>>,
    /// How many bits of a check the way from the card to the ATR has.
    pub atr_check_bits: u8,
    /// What is said, in order.
    pub steps: Vec<Step>,
    /// Its proofs.
    pub samples: Vec<ScriptSample>,
    /// The file it stands in.
    pub file: String,
}

/// The words for what the ATR of a contactless storage card says (PC/SC part 3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chips {
    /// By the standard (SS).
    pub standards: Vec<(u8, String)>,
    /// By the card's name (NN NN).
    pub names: Vec<(u16, String)>,
}

/// A card or a reader to which a script speaks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    /// The ATR.
    pub atr: Option<Pattern>,
    /// The standard (SS) of a contactless storage card, as its ATR says it (PC/SC part 3).
    pub standard: Option<u8>,
    /// What class of card the ATR speaks for.
    pub class: Option<Class>,
    /// The reader's name, `*` for any text.
    pub reader: Option<String>,
}

/// One command with what is wanted of its answer.
#[derive(Debug, Clone)]
pub struct Step {
    /// The command.
    pub say: Vec<Piece>,
    /// The status word that lets the script go on.
    pub want: u16,
    /// What is taken, the first that is there and worth something; none where only the status word counts.
    pub takes: Vec<Taking>,
}

/// One piece of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A value that an earlier step has kept under this name.
    Kept(String),
    /// The site's key of this name. Only the driver knows it.
    Key(String),
}

/// As files write it.
impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => f.write_str(&bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")),
            Self::Kept(name) => write!(f, "{{{name}}}"),
            Self::Key(name) => write!(f, "{{key:{name}}}"),
        }
    }
}

/// Where in an answer something stands, and what it is.
#[derive(Debug, Clone)]
pub struct Taking {
    /// The tags to go down through, outermost first.
    pub path: Vec<u8>,
    /// What the value begins with; it is cut off.
    pub begins: Vec<u8>,
    /// How many bytes of it count; all of them where none is said.
    pub bytes: Option<usize>,
    /// What the value there is.
    pub take: Take,
    /// The kind of what is taken, where it is not the script's.
    pub kind: Option<Kind>,
    /// Values that are no card's own: they are shown and never believed.
    pub worthless: Vec<Pattern>,
    /// How many bits of a check the way from the card has: [`CHECKED`], unless the file says otherwise.
    pub check_bits: u8,
}

/// What a step takes from its answer.
#[derive(Debug, Clone)]
pub enum Take {
    /// Nothing: it only has to be there.
    Nothing,
    /// The bytes: a serial number.
    Bytes,
    /// The bytes, as bits.
    Bits,
    /// A DER BIT STRING: the number of unused bits, then the bits left-aligned (X.690, 8.6).
    BitString,
    /// The bits behind the first 1.
    Sentinel,
    /// What this template finds in it.
    Payload(Arc<Dialect>),
    /// A value for a later command, kept under this name.
    Keep(String),
}

/// A conversation with what it is to be read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptSample {
    /// Where it comes from.
    pub source: String,
    /// Composed by us rather than found.
    pub constructed: bool,
    /// The card's ATR.
    pub atr: Vec<u8>,
    /// The answers, in the order the script asks.
    pub answers: Vec<Vec<u8>>,
    /// The literal, or the words of a view, it is to be read as; none where the card does not answer this script.
    pub reads: Option<String>,
    /// The warnings it is to be read with.
    pub warns: Vec<String>,
    /// What the card is to be called.
    pub card: Option<String>,
}

impl Script {
    /// True where the script speaks to this card in this reader.
    #[must_use]
    pub fn applies(&self, atr: &[u8], reader: &str) -> bool {
        let holds = |conditions: &[Condition]| conditions.iter().any(|condition| condition.holds(atr, reader));
        (self.when.is_empty() || holds(&self.when)) && !holds(&self.unless)
    }

    /// True where the script speaks to this card in one reader or another.
    #[must_use]
    pub fn may_apply(&self, atr: &[u8]) -> bool {
        let somewhere = |condition: &Condition| Condition { reader: None, ..condition.clone() }.holds(atr, "");
        let everywhere = |condition: &Condition| condition.reader.is_none() && condition.holds(atr, "");
        (self.when.is_empty() || self.when.iter().any(somewhere)) && !self.unless.iter().any(everywhere)
    }
}

impl Chips {
    /// What the ATR's storage card is, in words.
    #[must_use]
    pub fn words(&self, atr: &[u8]) -> Option<String> {
        let card = Atr::parse(atr).ok()?.storage_card()?;
        let name = self.names.iter().find(|(name, _)| *name == card.name && card.name != 0).map(|(_, words)| words.clone());
        let standard = self.standards.iter().find(|(standard, _)| *standard == card.standard).map(|(_, words)| words.clone());
        match (name, standard) {
            (Some(name), Some(standard)) => Some(format!("{name} ({standard})")),
            (name, standard) => name.or(standard),
        }
    }

    /// True where nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.standards.is_empty() && self.names.is_empty()
    }
}

impl Step {
    /// True where this command may have been the step's, whatever values were filled in.
    #[must_use]
    pub fn may_say(&self, command: &[u8]) -> bool {
        let mut rest = command;
        for (at, piece) in self.say.iter().enumerate() {
            let Piece::Bytes(bytes) = piece else { return true };
            let is_last = at + 1 == self.say.len();
            match rest.strip_prefix(bytes.as_slice()) {
                Some(after) => rest = after,
                // The same command that asks for another length.
                None => {
                    return is_last
                        && rest.len() == bytes.len()
                        && bytes.len() > 4
                        && rest.split_last().map(|(_, a)| a) == bytes.split_last().map(|(_, b)| b);
                }
            }
        }
        rest.is_empty()
    }
}

impl Condition {
    fn holds(&self, atr: &[u8], reader: &str) -> bool {
        let standard = || Atr::parse(atr).ok().and_then(|atr| atr.storage_card()).map(|card| card.standard);
        self.atr.as_ref().is_none_or(|pattern| pattern.matches(atr))
            && (self.standard.is_none() || self.standard == standard())
            && self.class.is_none_or(|class| class == Class::of(atr))
            && self.reader.as_ref().is_none_or(|pattern| matches(pattern, reader))
    }
}
