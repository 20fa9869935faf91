//! What people and programs are shown, as text and JSON. Pure: values in, words out.
//!
//! - [`reading`]: a card with every format's verdict on it;
//! - [`evidence`]: how sure that is, and what is asked;
//! - [`listening`]: what was heard at an unknown reader;
//! - [`enrollment`]: an entry of the outbox, state by state; [`step`]: what happened to it; [`end`]: how it ended;
//! - [`notice`]: what a station tells;
//! - [`audit`]: the record as a table;
//! - [`status`]: how it is; [`page`]: lines of 80 columns.

pub mod audit;
pub mod end;
pub mod enrollment;
mod first;
pub mod evidence;
pub mod listening;
pub mod metrics;
pub mod notice;
pub mod page;
pub mod reading;
pub mod status;
pub mod step;
