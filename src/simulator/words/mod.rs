//! The words all rooms of the simulator share: result codes and refusals, cards and card types, times, and why it cannot run.

pub mod card;
pub mod card_type;
pub mod error;
pub mod result_code;
pub mod time;
