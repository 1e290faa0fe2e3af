//! Ctrl-C and SIGTERM, so that what was begun is undone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

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
        INTERRUPTED.store(true, Ordering::SeqCst);
        undo();
        std::process::exit(128 + signal as i32);
    });
}

/// Errors after an interrupt are only its echo: waits for the end of the program if there was one.
pub fn settle() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(50));
    }
}
