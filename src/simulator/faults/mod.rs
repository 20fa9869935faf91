//! What can be made to go wrong.
//!
//! `show` (strange ways to write the read-back), `kind` (what goes wrong), `when` (for which of the requests), `fault` (both, and of which calls: a word of the command line), `spoil` (what it
//! does to an answer).

pub mod fault;
pub mod kind;
pub mod show;
pub mod spoil;
pub mod when;
