//! What the simulated BluSKY remembers, in SQLite.
//!
//! In: what a call wants, once its own rules allow it. Out: what came of it, or a refusal that leaves nothing behind. From below: `people`
//! (the people file), `schema` (the tables), `store` (the connection), `forget`, `late` and `recall` (what is shown), `places` (what lookups list),
//! `users`, `cards` (which card is meant), `assign`, `update`, `remove`, `open`. It knows no request, no wire and no call.

pub mod access;
pub mod assign;
mod cards;
pub mod forget;
mod late;
pub mod open;
mod people;
mod places;
pub mod recall;
pub mod remove;
mod schema;
pub mod store;
pub mod update;
pub mod users;
