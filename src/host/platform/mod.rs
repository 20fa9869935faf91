//! What only Unix has, behind names of its own: locks that the kernel drops with their process, and the station's socket.
//!
//! In: paths beside the store. Out: locks, connections. Never: a word about what is done under them.

pub mod files;
pub mod lock;
pub mod socket;
