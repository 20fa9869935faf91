//! A smart-card script, as its file says it: when it applies, what is said, what is taken from the answers.
//!
//! In: the parsed file (see [`crate::protocols::smartcards`]). Out: plain data. Never: a command that changes a card.

use super::atr::Atr;
use crate::{card::Kind, decode::dialect::Confidence, reader::matches};

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
    /// What is said, in order.
    pub steps: Vec<Step>,
    /// Its proofs.
    pub samples: Vec<ScriptSample>,
    /// The file it stands in.
    pub file: String,
}

/// A card or a reader to which a script speaks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    /// The ATR, byte by byte; none stands for any byte.
    pub atr: Option<Vec<Option<u8>>>,
    /// The standard (SS) of a contactless storage card, as its ATR says it (PC/SC part 3).
    pub standard: Option<u8>,
    /// The reader's name, `*` for any text.
    pub reader: Option<String>,
}

/// One command with what is wanted of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The command.
    pub say: Vec<u8>,
    /// The status word that lets the script go on.
    pub want: u16,
    /// The tags to go down through, outermost first.
    pub path: Vec<u8>,
    /// What the value there is.
    pub take: Take,
}

/// What a step takes from its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// Nothing.
    Nothing,
    /// The bytes: a serial number.
    Bytes,
    /// A DER BIT STRING: the number of unused bits, then the bits left-aligned (X.690, 8.6).
    BitString,
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
    /// The literal it is to be read as; none where the card does not answer this script.
    pub reads: Option<String>,
}

impl Script {
    /// True where the script speaks to this card in this reader.
    #[must_use]
    pub fn applies(&self, atr: &[u8], reader: &str) -> bool {
        let holds = |conditions: &[Condition]| conditions.iter().any(|condition| condition.holds(atr, reader));
        (self.when.is_empty() || holds(&self.when)) && !holds(&self.unless)
    }
}

impl Condition {
    fn holds(&self, atr: &[u8], reader: &str) -> bool {
        let same = |pattern: &Vec<Option<u8>>| {
            pattern.len() == atr.len() && pattern.iter().zip(atr).all(|(wanted, byte)| wanted.is_none_or(|wanted| wanted == *byte))
        };
        let standard = || Atr::parse(atr).ok().and_then(|atr| atr.storage_card()).map(|card| card.standard);
        self.atr.as_ref().is_none_or(same)
            && (self.standard.is_none() || self.standard == standard())
            && self.reader.as_ref().is_none_or(|pattern| matches(pattern, reader))
    }
}
