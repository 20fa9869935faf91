//! How far a long work is: a bar on standard error, on a terminal, for those who have waited half a second.

use std::{
    io::{IsTerminal, stderr, stdout},
    path::Path,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done sooner shows no bar.
const SHOWN_AFTER: Duration = Duration::from_millis(500);

/// The progress of one file.
pub struct Progress {
    bar: ProgressBar,
    began: Instant,
    wanted: bool,
}

impl Progress {
    /// Nothing is shown yet, and never where standard error is no terminal.
    pub fn of(file: &Path, bytes: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent} %, {eta} left") {
            bar.set_style(style);
        }
        bar.set_message(file.display().to_string());
        Self { bar, began: Instant::now(), wanted: stderr().is_terminal() }
    }

    /// So many bytes are done.
    pub fn is_at(&self, bytes: u64) {
        if !self.wanted {
            return;
        }
        if self.bar.is_hidden() && self.began.elapsed() >= SHOWN_AFTER {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(bytes);
    }

    /// Does what writes to standard output; on the same terminal, the bar makes room for it.
    pub fn aside(&self, write: impl FnOnce()) {
        if stdout().is_terminal() { self.bar.suspend(write) } else { write() }
    }
}

/// What is done needs no bar.
impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
