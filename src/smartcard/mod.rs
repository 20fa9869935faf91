//! Smart cards: ATR, APDUs, TLV, and short read-only conversations. Pure: a driver carries the bytes.
//!
//! - [`script`]: what stands in a file; [`pattern`]: bytes as files write them;
//! - [`conversation`]: the card asked by all scripts that apply; [`taking`]: what an answer yields;
//! - [`apdu`]: which commands a script may say; [`atr`]: what the first bytes say; [`reader`]: slots and signals.

pub mod apdu;
pub mod atr;
pub mod conversation;
pub mod pattern;
pub mod reader;
pub mod script;
pub mod taking;
