//! This process as a service: what the service manager is told, where one has started it (systemd's sd_notify protocol).
//!
//! In: how the station is. Out: datagrams to the manager's socket. Never: an error where there is no manager.

use std::{future::Future, time::Duration};

use sd_notify::{NotifyState, notify};
use tokio::time::{sleep, timeout};

/// The station takes orders.
pub fn ready() {
    say(&[NotifyState::Ready]);
}

/// The station ends; what is under way is finished first.
pub fn stopping() {
    say(&[NotifyState::Stopping]);
}

/// Tells the manager that the station is alive, twice in the time after which it would restart it; never where it does not watch.
/// A station that does not answer is not spoken for.
pub async fn keep_alive<Answer: Future<Output = bool>>(is_alive: impl Fn() -> Answer) {
    // A time of nothing is no time.
    let Some(within) = sd_notify::watchdog_enabled().filter(|within| !within.is_zero()) else { return };
    let half = (within / 2).max(Duration::from_millis(1));
    loop {
        if matches!(timeout(half, is_alive()).await, Ok(true)) {
            say(&[NotifyState::Watchdog]);
        }
        sleep(half).await;
    }
}

fn say(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
