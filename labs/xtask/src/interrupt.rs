//! Ctrl-C and SIGTERM, so that what was begun is undone.

use nix::sys::signal::{SigSet, Signal};

/// Runs `undo` and ends the program when it is interrupted. Call before any thread is made: they
/// inherit that the signals go to ours.
pub fn undo_on_interrupt(undo: impl FnOnce() + Send + 'static) {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        signals.add(signal);
    }
    if signals.thread_block().is_err() {
        return;
    }
    std::thread::spawn(move || {
        let Ok(signal) = signals.wait() else { return };
        undo();
        std::process::exit(128 + signal as i32);
    });
}
