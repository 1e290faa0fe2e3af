//! A client that asks a model again and again, and how each call fared.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use sark_core::{Clock as _, SystemClock};

use crate::demo::DemoError;
use crate::demo::scene::Scene;

/// How a call fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Answered, and it was the proxy that spoke to the client.
    Inspected,
    /// It met the server itself, whose certificate this client does not believe.
    Straight,
    /// Refused, reset, or answered with an error.
    Refused,
    /// Nothing came back.
    Silent,
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// When it ended, since the epoch.
    pub at: Duration,
    /// How.
    pub fate: Fate,
}

/// A client that goes on asking until the lab goes.
pub struct Traffic {
    log: PathBuf,
}

impl Traffic {
    /// Calls to a host, one after the other. `trusted` is what the client believes: the proxy's authority only.
    pub fn start(
        scene: &Scene<'_>,
        url: &str,
        body: &str,
        trusted: &str,
    ) -> Result<Self, DemoError> {
        let host = url.split('/').nth(2).unwrap_or("host");
        let log = scene.file(&format!("client-{host}.log"));
        let failed = |source| DemoError::File { path: log.display().to_string(), source };
        let out = fs::File::create(&log).map_err(failed)?;
        let script = format!(
            "while :; do curl -s -m 1 -o /dev/null -w '%{{exitcode}} %{{http_code}} ' --cacert {trusted} \
             -H 'content-type: application/json' -d '{body}' {url}; date +%s%3N; sleep 0.03; done"
        );
        let mut command = scene.inside("client", &["sh", "-c", &script])?;
        command.process_group(0).stdin(Stdio::null()).stdout(out).stderr(Stdio::null());
        command.spawn().map_err(failed)?;
        Ok(Self { log })
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter_map(read).collect()
    }

    /// The calls that ended since.
    pub fn since(&self, begin: Duration) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.at >= begin);
        calls
    }

    /// When the first call since then fared so.
    pub fn first(&self, begin: Duration, fate: Fate) -> Option<Duration> {
        self.since(begin).iter().find(|call| call.fate == fate).map(|call| call.at)
    }
}

/// `60 000 1764400000000`: curl's exit code, HTTP's status, milliseconds.
fn read(line: &str) -> Option<Call> {
    let mut words = line.split(' ');
    let (exit, status) = (words.next()?.parse::<u8>().ok()?, words.next()?);
    let at = Duration::from_millis(words.next()?.parse().ok()?);
    let fate = match (exit, status) {
        (0, "200") => Fate::Inspected,
        (60, _) => Fate::Straight,
        (28, _) => Fate::Silent,
        _ => Fate::Refused,
    };
    Some(Call { at, fate })
}

/// `12 inspected, 3 refused`
pub fn told(calls: &[Call]) -> String {
    let fates = [
        (Fate::Inspected, "inspected"),
        (Fate::Refused, "refused"),
        (Fate::Silent, "unanswered"),
        (Fate::Straight, "straight to the server"),
    ];
    let of = |fate| calls.iter().filter(|call| call.fate == fate).count();
    let told = fates.into_iter().filter(|(fate, _)| of(*fate) > 0);
    let told: Vec<_> = told.map(|(fate, word)| format!("{} {word}", of(fate))).collect();
    if told.is_empty() { "no call".to_owned() } else { told.join(", ") }
}

/// Since the epoch.
pub fn now() -> Duration {
    Duration::from_millis(u64::try_from(SystemClock.now().as_millisecond()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let fate = |line| read(line).map(|call| call.fate);
        assert_eq!(fate("0 200 1764400000000"), Some(Fate::Inspected));
        assert_eq!(fate("0 403 1764400000000"), Some(Fate::Refused));
        assert_eq!(fate("60 000 1764400000000"), Some(Fate::Straight));
        assert_eq!(fate("28 000 1764400000000"), Some(Fate::Silent));
        assert_eq!(fate("7 000 1764400000000"), Some(Fate::Refused));
        assert_eq!(fate("7 000"), None);
    }
}
