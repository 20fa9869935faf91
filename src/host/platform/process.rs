//! This process, as the system sees it: the signals that end it, and what is left of it when it crashes.
//!
//! In: nothing. Out: waits that end with a signal. Never: a signal that is lost between two waits.

use std::{fs, sync::Once, time::Duration};

use nix::sys::resource::{Resource, setrlimit};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Notify, Semaphore},
    time::sleep,
};

/// Signals that nobody has answered yet: kept, so that one that comes between two waits is not lost.
static SIGNALS: Semaphore = Semaphore::const_new(0);
static LISTENING: Once = Once::new();
/// Wakes [`unanswered`] at each signal.
static CAME: Notify = Notify::const_new();
/// How long a signal may wait for whoever answers it.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(200);

/// From here on Ctrl-C, SIGTERM and the end of the terminal are answered by [`interrupted`].
pub fn listen_for_signals() {
    LISTENING.call_once(|| {
        let ends = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        // What was started to outlive its terminal does.
        let meant = ends.into_iter().filter(|kind| *kind != SignalKind::hangup() || !is_ignored(*kind));
        for mut signals in meant.filter_map(|kind| signal(kind).ok()) {
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    SIGNALS.add_permits(1);
                    CAME.notify_one();
                }
            });
        }
    });
}

/// True where whoever started this process said that it ignores this signal, as `nohup` does.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.unwrap_or_default() >> (kind.as_raw_value() - 1) & 1 == 1
}

/// Waits until somebody ends this process: Ctrl-C, SIGTERM, or a terminal that is closed. Each signal ends one wait.
pub async fn interrupted() {
    listen_for_signals();
    if let Ok(answered) = SIGNALS.acquire().await {
        answered.forget();
    }
}

/// Waits for a signal that no part of the command answers.
pub async fn unanswered() {
    loop {
        CAME.notified().await;
        sleep(ANSWER_TIMEOUT).await;
        if let Ok(signal) = SIGNALS.try_acquire() {
            return signal.forget();
        }
    }
}

/// A core dump would hold the secrets of this process. A limit of one byte, unlike one of none, holds for dumps that go to a program too.
pub fn no_core_dump() {
    if let Err(error) = setrlimit(Resource::RLIMIT_CORE, 1, 1) {
        tracing::warn!(%error, "core dumps cannot be switched off");
    }
}
