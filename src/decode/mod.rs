//! From bytes to frames, from frames to bits, from bits to fits and refusals. Pure: no reader, no file, no clock.
//!
//! - [`line`](mod@line): a serial stage, bytes or a time in, presentations and deadlines out;
//! - [`frame`]: how a dialect cuts its line into frames; [`payload`]: what a frame says;
//! - [`drawing`]: the picture of a card format; [`format`](mod@format): the picture folded into [`masks`], read both ways;
//! - [`catalog`]: every known format laid over the bits, with a verdict.

pub mod catalog;
pub mod dialect;
pub mod drawing;
pub mod format;
pub mod frame;
pub mod line;
pub mod masks;
pub mod narrow;
pub mod payload;
