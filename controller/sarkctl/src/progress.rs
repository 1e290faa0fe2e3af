//! A spinner for long work, when a person looks at stderr.

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
