//! Numbers in, bits out: a card format's drawing, read backwards.
//!
//! In: a credential. Out: the frame that the format reads as just that, or why there is none. Never: a number that is
//! not asked for; carried bits are 0, and an issue or OEM code that is not given is 0.

use std::sync::Arc;

use super::{drawing::Cell, field::Field, format::Format};
use crate::card::{Credential, PacsBits};

/// Why numbers cannot be written in a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The value is wider than its field.
    #[error("{field} is {value}, and {format} holds at most {max}")]
    TooLarge {
        /// The format's id.
        format: Arc<str>,
        /// The field's name.
        field: Arc<str>,
        /// The value asked for.
        value: u128,
        /// The largest value.
        max: u128,
    },
    /// The field has no such value.
    #[error("{words}, which {format} cannot hold: it is {value}")]
    Outside {
        /// The format's id.
        format: Arc<str>,
        /// The value asked for.
        value: u128,
        /// What the field can have.
        words: String,
    },
    /// The format allows one value only.
    #[error("{field} is {value}, and in {format} it is always {required}")]
    Required {
        /// The format's id.
        format: Arc<str>,
        /// The field's name.
        field: Arc<str>,
        /// The value asked for.
        value: u128,
        /// The one value.
        required: u64,
    },
    /// The format does not read these numbers back.
    #[error("{format} refuses the card that these numbers make: {why}")]
    Refused {
        /// The format's id.
        format: Arc<str>,
        /// What it says against the bits.
        why: Arc<str>,
    },
    /// The format needs a field that was not given.
    #[error("{format} needs {field}, and it was not given")]
    Missing {
        /// The format's id.
        format: Arc<str>,
        /// The field's name.
        field: Arc<str>,
    },
    /// The format has no such field.
    #[error("{format} has no {field}; its fields are {known}")]
    Unknown {
        /// The format's id.
        format: Arc<str>,
        /// The name given.
        field: String,
        /// What the format has.
        known: String,
    },
}

impl Format {
    /// The bits of a credential: the same drawing, read backwards. Carried bits are 0. An issue or OEM code that is not
    /// given is 0, a field with one value has it.
    ///
    /// # Errors
    /// A value that is too large, missing, or has no place in this format.
    pub fn encode(&self, credential: &Credential) -> Result<PacsBits, EncodeError> {
        if let Some((name, _)) = credential.numbers().find(|(name, _)| !self.fields.iter().any(|field| &*field.name == *name)) {
            return Err(self.unknown(name));
        }
        let mut bits = PacsBits::zeros(self.len());
        for (at, cell) in self.drawing().cells.iter().enumerate() {
            bits.set(at, *cell == Cell::Fixed(true));
        }
        for field in self.fields.iter() {
            for (at, bit) in field.bits_of(self.value_of(field, credential)?) {
                bits.set(at, bit);
            }
        }
        for check in &self.drawing().checks {
            for (own, bit) in check.computed(|at| bits.get(at)) {
                bits.set(own, bit);
            }
        }
        Ok(bits)
    }

    fn value_of(&self, field: &Field, credential: &Credential) -> Result<u128, EncodeError> {
        let (format, name) = (self.id.clone(), field.name.clone());
        let optional = matches!(&*field.name, "issue_code" | "oem_code");
        match (credential.number(&field.name), field.required) {
            (Some(value), Some(required)) if value != u128::from(required) => {
                Err(EncodeError::Required { format, field: name, value, required })
            }
            (_, Some(required)) => Ok(required.into()),
            (Some(value), None) if value > field.max() => Err(EncodeError::TooLarge { format, field: name, value, max: field.max() }),
            (Some(value), None) if !field.allows(value) => Err(EncodeError::Outside { format, value, words: field.limits() }),
            (Some(value), None) => Ok(value),
            (None, None) if optional && field.allows(0) => Ok(0),
            (None, None) => Err(EncodeError::Missing { format, field: name }),
        }
    }

    fn unknown(&self, name: &str) -> EncodeError {
        let known = self.fields.iter().map(|field| &*field.name).collect::<Vec<_>>().join(", ");
        EncodeError::Unknown { format: self.id.clone(), field: name.to_owned(), known }
    }
}
