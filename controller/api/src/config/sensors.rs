//! `sensors`: what anything outside may report, and who has to.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::SignedDuration;
use sark_core::identity::is_name;
use serde::{Deserialize, Serialize};

/// `sensors`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SensorsConfig {
    /// Directory of JSON Schemas, `KIND.json` each, beside those that ship; one with the name of a
    /// kind that ships replaces it. Relative to the configuration's.
    pub kinds: Option<PathBuf>,
    /// For how long reports are kept, 1 h to 3660 d.
    pub keep: SignedDuration,
    /// Reports of one sensor in a minute, 1 to 6000; as many may come at once.
    pub per_minute: u32,
    /// Sensors that have to report.
    pub expected: Vec<ExpectedConfig>,
}

/// One of `sensors.expected`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedConfig {
    /// Its name: that of its token.
    pub sensor: String,
    /// What kind of thing it watches.
    pub kind: String,
    /// It reports at least so often, 10 s to 30 d; an event `heartbeat` will do.
    pub every: SignedDuration,
}

impl Default for SensorsConfig {
    fn default() -> Self {
        Self {
            kinds: None,
            keep: SignedDuration::from_hours(24 * 90),
            per_minute: 60,
            expected: Vec::new(),
        }
    }
}

impl SensorsConfig {
    /// Tells each mistake: key, what is wrong, what to do.
    pub(super) fn check(&self, wrong: &mut impl FnMut(&str, String, &str)) {
        let hours = SignedDuration::from_hours;
        if !(hours(1)..=hours(24 * 3660)).contains(&self.keep) {
            wrong("sensors.keep", "out of range".into(), "1h to 3660 days (87840h)");
        }
        if !(1..=6000).contains(&self.per_minute) {
            wrong("sensors.perMinute", "out of range".into(), "1 to 6000");
        }
        let mut seen = BTreeSet::new();
        for (n, expected) in self.expected.iter().enumerate() {
            let key = format!("sensors.expected[{n}] ({})", expected.sensor);
            if !is_name(&expected.sensor) || !is_name(&expected.kind) {
                let help = "small letters, digits, `-`, `_` and `.`";
                wrong(&key, "sensor and kind are names".into(), help);
            }
            if !seen.insert((&expected.sensor, &expected.kind)) {
                wrong(&key, "it is named before".into(), "name each sensor once");
            }
            let every = SignedDuration::from_secs(10)..=hours(24 * 30);
            if !every.contains(&expected.every) {
                wrong(&key, "every is out of range".into(), "10s to 30 days (720h)");
            }
        }
    }
}
