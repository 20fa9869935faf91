//! BluSKY's web API, seen from this side: one model per call, its answers sorted, and the client that carries them.
//!
//! - [`model`]: what is sent, and what the read-back shows;
//! - [`moment`], [`secret`]: times and secrets as the models hold them;
//! - [`wire`]: JSON and XML, written and read;
//! - [`call`]: the operations, and where each one goes;
//! - [`answer`]: what an answer means (pure);
//! - [`lookup`]: the lists the pages name (pure);
//! - [`client`]: HTTP, sign-in, time-outs.

pub mod answer;
pub mod call;
pub mod client;
mod http;
pub mod lookup;
pub mod model;
pub mod moment;
pub mod secret;
mod sign_in;
pub mod wire;
