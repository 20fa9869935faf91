//! What an access-control system is asked, in words of its own: assign a card, change an assignment, add a person, read back.
//!
//! In: what a person or a card said. Out: operations, and what became of them. Never: how they travel; BluSKY is one way to say them.
//!
//! A model's members are what is written down in the outbox, what the read-back is compared with, and the options of the command line.
//! Absent members are left out: an all-zero GUID is a value, and null is an error for some. Source: the contract pages of the calls.
//!
//! - [`AddUserCard`], [`UpdateUserCard`], [`AddUser`], each an [`Operation`]: what is asked;
//! - [`Outcome`], [`Cards`], [`StoredCard`]: what is answered, and what the read-back shows;
//! - [`check`]: what every model is judged by before it is written down;
//! - [`AccessControl`]: who is asked.

mod add_user;
mod add_user_card;
pub mod check;
mod control;
pub mod members;
mod moment;
mod operation;
pub mod outcome;
pub mod secret;
mod stored;
mod update_user_card;

pub use add_user::AddUser;
pub use add_user_card::{ACTIVE_CARDHOLDER, AddUserCard};
pub use control::{AccessControl, Detail};
pub use moment::{Moment, MomentError};
pub use operation::Operation;
pub use outcome::{Cards, Outcome, Told};
pub use secret::Secret;
pub use stored::{Sameness, StoredCard};
pub use update_user_card::UpdateUserCard;
