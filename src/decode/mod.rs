//! From bytes to frames, from frames to bits, from bits to fits and refusals. Pure: no reader, no file, no clock.
//!
//! - [`line`](mod@line): a serial stage, bytes or a time in, presentations and deadlines out;
//! - [`dialect`]: a reader's language, as its file says it; [`frame`]: how its line is cut into frames; [`payload`]: what
//!   stands in a frame; [`check`]: how it proves itself; [`message`]: what it hands over; [`host`]: what is said to it;
//! - [`drawing`]: the picture of a card format; [`format`](mod@format): the picture folded into [`masks`], read both ways;
//! - [`catalog`]: every known format laid over the bits, with a verdict;
//! - [`printed`]: whether a number printed on a card is what a format reads; [`explain`]: why it may not be;
//! - [`detect`]: which dialect it is; [`looks`]: what bytes look like that are of none.

pub mod catalog;
pub mod check;
pub mod detect;
pub mod dialect;
pub mod drawing;
pub mod explain;
pub mod format;
pub mod frame;
pub mod host;
pub mod line;
pub mod looks;
pub mod masks;
pub mod message;
pub mod narrow;
pub mod payload;
pub mod printed;
