//! BluSKY's web API, seen from this side: each operation as a call, its answers sorted, and the client that carries them.
//!
//! - [`wire`]: JSON and XML, written and read;
//! - [`call`]: where each operation goes, and what it holds;
//! - [`settings`]: what a site says about it;
//! - [`secret_file`]: secrets as they lie in files;
//! - [`answer`]: what an answer means (pure);
//! - [`cards`]: a card as the read-back shows it (pure);
//! - [`people`]: lists of people, read as they come (pure);
//! - [`lookup`]: the lists the pages name (pure);
//! - `trouble`: why a call has no answer, in plain words;
//! - [`client`]: HTTP, sign-in, time-outs; [`probe`]: one reading call, for whoever looks what is wrong.

pub mod answer;
pub mod call;
pub mod cards;
pub mod client;
mod http;
pub mod lookup;
pub mod people;
pub mod probe;
pub mod secret_file;
pub mod settings;
mod sign_in;
mod tls;
mod trouble;
pub mod wire;
