//! The models of BluSKY's calls: one type per call, its members in the order of the data contract.
//!
//! From one model follow the JSON, the XML ([`super::wire`]), what is written down in the outbox, what the read-back is compared
//! with, and the options of the command line. Absent members are left out: an all-zero GUID is a value, and null is an error for
//! some. Source: the contract pages of the calls.
//!
//! - [`AddUserCard`], [`UpdateUserCard`], [`AddUser`]: what is sent;
//! - [`StoredCard`]: what the read-back shows;
//! - [`check`]: what every model is judged by before it is written down.

mod add_user;
mod add_user_card;
pub mod check;
mod stored;
mod update_user_card;

pub use add_user::AddUser;
pub use add_user_card::{ACTIVE_CARDHOLDER, AddUserCard};
pub use stored::{Sameness, StoredCard};
pub use update_user_card::UpdateUserCard;
