//! One line on a terminal that says how far a bench is.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// The line; none where standard error is no terminal. Gone on drop.
pub(super) struct Progress {
    shown: bool,
    end: Instant,
}

impl Progress {
    /// A bench that takes about so long.
    pub(super) fn new(expected: Duration) -> Self {
        Self {
            shown: std::io::stderr().is_terminal(),
            end: Instant::now() + expected,
        }
    }

    /// Says what is being done, and how long the rest takes.
    pub(super) fn show(&self, what: &str) {
        if self.shown {
            let left = self.end.saturating_duration_since(Instant::now());
            self.write(&format!("{what}, about {} s left", left.as_secs()));
        }
    }

    /// Prints a result in place of the line.
    pub(super) fn say(&self, text: &str) {
        if self.shown {
            self.write("");
        }
        super::say(text);
    }

    fn write(&self, text: &str) {
        let mut terminal = std::io::stderr();
        // A terminal that went away needs no progress.
        drop(write!(terminal, "\r\x1b[K{text}").and_then(|()| terminal.flush()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            self.write("");
        }
    }
}
