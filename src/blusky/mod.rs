//! BluSKY's web API, seen from this side: one model per call, its answers sorted, and the client that carries them.
//!
//! - [`model`]: what is sent, and what the read-back shows;
//! - [`answer`]: what an answer means (pure);
//! - [`client`]: HTTP, sign-in, time-outs.

pub mod answer;
pub mod client;
pub mod model;
