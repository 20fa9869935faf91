//! The promises of the simulated BluSKY, kept over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

mod blusky;
mod faults;
mod keeping;
mod late;
mod lookups;
mod overview;
mod own;
mod reading;
mod strange;
mod updates;
mod user_cards;
mod users;
mod wires;
