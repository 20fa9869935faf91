//! A terminal that hands over each key by itself and shows none of them.
//!
//! In: nothing. Out: a quiet terminal; it is as before once this is dropped. Never: Ctrl-C or the handling of line ends switched off.

use std::io::stdin;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// A quiet terminal.
pub struct Quiet(Termios);

impl Quiet {
    /// From now on; none where standard input is no terminal.
    #[must_use]
    pub fn begin() -> Option<Self> {
        let before = tcgetattr(stdin()).ok()?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        tcsetattr(stdin(), SetArg::TCSANOW, &quiet).ok()?;
        Some(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), SetArg::TCSADRAIN, &self.0);
    }
}
