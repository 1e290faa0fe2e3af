//! What the rules have counted, told to `sarkd`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use sark_caller::{CallError, Caller};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::{Counted, Status, chain};

/// For one report.
const WITHIN: Duration = Duration::from_secs(10);
/// Rules of one report, the first in order: `sarkd` takes no more.
const MOST_RULES: usize = 20_000;

/// Tells `sarkd`, again and again.
#[derive(Debug)]
pub struct Reporter {
    /// Calls it.
    pub caller: Caller,
    /// Who we are there.
    pub name: String,
    /// How often.
    pub every: Duration,
}

impl Reporter {
    /// Reports until dropped. What does not arrive is told with the next one: counters only grow.
    pub async fn keep(self, status: watch::Receiver<Status>) {
        let mut timer = tokio::time::interval(self.every);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let path = format!("/api/v1/enforcers/{}/counters", self.name);
        let mut is_away = false;
        loop {
            timer.tick().await;
            let rules = {
                let status = status.borrow();
                // Before the first round it is not known what there is.
                if status.rounds == 0 {
                    continue;
                }
                Arc::clone(&status.rules)
            };
            let told = self.tell(&path, &rules).await;
            // Once each time.
            match &told {
                Ok(()) if is_away => tracing::info!("sarkd takes counters again"),
                Err(error) if !is_away => {
                    tracing::warn!(error = chain(error), "sarkd does not take counters");
                }
                _ => {}
            }
            is_away = told.is_err();
        }
    }

    async fn tell(&self, path: &str, rules: &[Counted]) -> Result<(), CallError> {
        let body = Bytes::from(document(rules));
        let kind = "application/json";
        self.caller.call(Method::POST, path, kind, body, WITHIN).await.map(drop)
    }
}

/// As `sarkd` wants it.
fn document(rules: &[Counted]) -> String {
    let rules: Vec<_> = rules
        .iter()
        .take(MOST_RULES)
        .map(|rule| {
            json!({
                "afi": rule.family,
                "nlri": hex(&rule.octets),
                "packets": rule.counter.packets,
                "bytes": rule.counter.bytes,
            })
        })
        .collect();
    json!({ "rules": rules }).to_string()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing into a String does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use sark_enforcer::Counter;
    use sark_flowspec::{Afi, Nlri};

    use super::*;

    #[test]
    fn rules_are_told_by_their_octets() {
        let nlri = Nlri::parse(Afi::Ipv4, "dst 203.0.113.0/24 proto =6").unwrap();
        let counted = Counted::new(&nlri, Counter { packets: 3, bytes: 180 });
        let told: serde_json::Value = serde_json::from_str(&document(&[counted])).unwrap();
        assert_eq!(
            told,
            json!({ "rules": [
                { "afi": "ipv4", "nlri": "080118cb0071038106", "packets": 3, "bytes": 180 },
            ] })
        );
    }
}
