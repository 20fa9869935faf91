//! Smart cards: ATR, APDUs, TLV, and short read-only conversations. Pure: a driver carries the bytes.

pub mod apdu;
pub mod atr;
pub mod conversation;
pub mod script;
