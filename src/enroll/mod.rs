//! From a reading to a card in BluSKY: the site's policy, the enrollment, and its way through the outbox. Pure.
//!
//! - [`policy`]: which fit is believed, and who decided it;
//! - [`enrollment`]: the call that follows from it, or why there is none;
//! - [`outbox`]: the call's way, folded from the steps that were written down;
//! - [`people`]: who is meant by a name.

pub mod enrollment;
pub mod outbox;
pub mod people;
pub mod policy;
