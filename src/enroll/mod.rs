//! From a reading to a card in BluSKY: the site's policy and the enrollment. Pure.
//!
//! - [`policy`]: which fit is believed, and who decided it;
//! - [`evidence`]: how sure that is, and what is still to be asked;
//! - [`kept`]: what people have answered for the whole site;
//! - [`enrollment`]: the call that follows from it, or why there is none;
//! - [`lost_card`]: what is done about a card that another one replaces;
//! - [`origin`]: where it came from, kept with it;
//! - [`template`]: a printed number from a card's;
//! - [`people`]: who is meant by a name.

pub mod enrollment;
pub mod evidence;
pub mod kept;
pub mod lost_card;
pub mod origin;
pub mod people;
pub mod policy;
pub mod template;

#[cfg(test)]
mod tests;
