//! From bytes to frames, from frames to bits, from bits to fits and refusals. Pure: no reader, no file, no clock.
//!
//! - [`line`](mod@line): a serial stage, bytes or a time in, presentations and deadlines out; [`lying`]: which cards are new;
//!   [`noise`]: what is no card, counted;
//! - [`keyboard`]: the same for a reader that types: keys or a time in;
//! - [`dialect`]: a reader's language, as its file says it; [`frame`]: how its line is cut into frames; [`payload`]: what
//!   stands in a frame; [`check`]: how it proves itself; [`message`]: what it hands over; [`host`]: what is said to it;
//! - [`drawing`]: the picture of a card format; [`track`]: the same in digits; [`field`]: what a letter's bits are;
//!   [`format`](mod@format): the picture folded into [`masks`]; [`encode`]: read backwards;
//! - [`keypad`]: keys pressed one after the other, until they are an entry;
//! - [`catalog`]: every known format laid over the bits, with a verdict; [`narrow`] and [`shelf`]: how that is done for all
//!   formats of a length at once;
//! - [`printed`]: whether a number printed on a card is what a format reads; [`explain`]: why it may not be;
//! - [`write`](mod@write): a frame written, the way back;
//! - [`detect`]: which dialect it is; [`looks`]: what bytes look like that are of none.

pub mod catalog;
pub mod check;
pub mod detect;
pub mod dialect;
pub mod drawing;
pub mod encode;
pub mod explain;
pub mod field;
pub mod format;
pub mod frame;
pub mod host;
pub mod keyboard;
pub mod keypad;
pub mod line;
pub mod looks;
pub mod lying;
pub mod masks;
pub mod message;
pub mod narrow;
pub mod noise;
pub mod payload;
pub mod printed;
pub mod shelf;
pub mod track;
pub mod write;
