//! A model of an answer, as each wire writes it.
//!
//! In: a model under BluSKY's own names. Out: JSON as serde has it, or XML with the names that JSON does not need. The model stays typed
//! until the last moment: on which wire it leaves is decided then.

use serde::Serialize;
use serde_json::Value;

use super::{
    media::Wire,
    xml::{self, Shape},
};

/// What a model must say of itself.
pub trait Shown: Serialize {
    /// How it looks in XML.
    fn shape(&self) -> Shape;

    /// Its members as XML has them, where JSON has others.
    fn in_xml(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Any model, ready to be written.
pub trait Written: Send {
    /// The bytes on the wire.
    fn bytes(&self, wire: Wire) -> Vec<u8>;
}

impl<M: Shown + Send> Written for M {
    fn bytes(&self, wire: Wire) -> Vec<u8> {
        match wire {
            // Models hold text, numbers and maps with text keys: nothing that JSON cannot say.
            Wire::Json => serde_json::to_vec(self).unwrap_or_default(),
            Wire::Xml => xml::write(&self.shape(), &self.in_xml()),
        }
    }
}
