//! What an access-control system is asked, in words of its own: assign a card, change an assignment, add a person, read back.
//!
//! In: what a person or a card said. Out: operations, and what became of them. Never: how they travel; BluSKY is one way to say them.
//!
//! An operation's members have names of their own, which are the options of the command line in another case. There are three views
//! of them: what the command line takes, what the store keeps (these names), and what BluSKY is sent (its names, in its order).
//!
//! - [`AddUserCard`], [`UpdateUserCard`], [`RemoveUserCard`], [`AddUser`], [`AccessLevelGroup`], each an [`Operation`]: what is asked;
//! - [`members`]: the members of any operation, by name;
//! - [`Outcome`], [`Cards`], [`StoredCard`]: what is answered, and what the read-back shows ([`shown`]);
//! - [`base_url`]: the address of whoever is asked, in one form;
//! - [`check`]: what every operation is judged by before it is written down;
//! - [`Person`]: somebody of a list of people, [`Listed`], which is kept as [`PeopleLines`];
//! - [`AccessControl`]: who is asked, and [`fake`]: somebody to ask in tests.

mod access_level_group;
mod add_user;
mod add_user_card;
pub mod base_url;
pub mod check;
mod control;
mod directory;
pub mod fake;
pub mod members;
mod model;
mod moment;
mod operation;
mod outcome;
mod people_lines;
mod secret;
pub mod shown;
mod stored;
mod remove_user_card;
mod update_user_card;

pub use access_level_group::AccessLevelGroup;
pub use add_user::AddUser;
pub use add_user_card::{ACTIVE_CARDHOLDER, AddUserCard};
pub use control::{AccessControl, Detail};
pub use directory::{Belongs, HeldCard, Listed, NoList, Person};
pub use model::{Identity, Numbers};
pub use moment::{Moment, MomentError};
pub use operation::{Answers, Operation};
pub use outcome::{Cards, NO_SUCH_CALL, Outcome, Told};
pub use people_lines::PeopleLines;
pub use remove_user_card::RemoveUserCard;
pub use secret::{BLOT, Secret};
pub use stored::{Sameness, StoredCard};
pub use update_user_card::UpdateUserCard;
