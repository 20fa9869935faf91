//! From a reading to a card in BluSKY: the site's policy, the enrollment, and its way through the outbox. Pure.
//!
//! - [`policy`]: which fit is believed, and who decided it;
//! - [`evidence`]: how sure that is, and what is still to be asked;
//! - [`enrollment`]: the call that follows from it, or why there is none;
//! - [`outbox`]: the call's way, folded from the steps that were written down;
//! - [`people`]: who is meant by a name.

pub mod enrollment;
pub mod evidence;
pub mod outbox;
pub mod people;
pub mod policy;
