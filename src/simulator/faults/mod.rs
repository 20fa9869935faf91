//! What can be made to go wrong.
//!
//! `kind` (what), `when` (for which of the requests), `fault` (both, and of which calls: a word of the command line), `spoil` (what it
//! does to an answer).

pub mod fault;
pub mod kind;
pub mod spoil;
pub mod when;
