//! Everything a request can reach.

use std::sync::Arc;

use super::journal::Journal;
use crate::simulator::{calls::context::Context, faults::spoil::Faults};

/// The calls, and what stands around them.
pub struct Service {
    pub context: Arc<Context>,
    pub journal: Journal,
    pub faults: Faults,
    /// Whether what a serializer passes over in silence is reported.
    pub report_lost: bool,
}
