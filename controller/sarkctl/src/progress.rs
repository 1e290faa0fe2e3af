//! A spinner for long work, when a person looks at stderr; a count, when the work is of many pieces.

use std::io::IsTerminal as _;
use std::time::Duration;

/// Runs `work` under a spinner that says what is being done.
pub fn during<T>(what: &'static str, work: impl FnOnce() -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return work();
    }
    let spinner = indicatif::ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(Duration::from_millis(120));
    let result = work();
    spinner.finish_and_clear();
    result
}

/// How many are done, so far.
pub struct Count(Option<indicatif::ProgressBar>);

impl Count {
    /// Shown only if it may be, and a person looks at stderr.
    pub fn new(what: &'static str, may: bool) -> Self {
        let bar = || {
            // The template is a constant that is one.
            let style = indicatif::ProgressStyle::with_template("{spinner} {human_pos} {msg}");
            let style = style.unwrap_or_else(|_| indicatif::ProgressStyle::default_spinner());
            indicatif::ProgressBar::no_length().with_style(style).with_message(what)
        };
        Self((may && std::io::stderr().is_terminal()).then(bar))
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(more);
        }
    }

    /// Says something on stderr beside it.
    pub fn aside(&self, say: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
