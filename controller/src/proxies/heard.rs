//! When each proxy was heard last, and what it said of itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sark_api::ProxyView;

/// Proxies that are remembered; of more, those that were heard longest ago are forgotten.
const MOST: usize = 1000;
/// Characters of what one says of its program and its snapshot: a version has 71.
const LONGEST: usize = 128;

/// What a proxy said with a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Its program and version.
    pub agent: Option<String>,
    /// Records that wait in its spool.
    pub waiting: Option<u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Heard {
    proxies: BTreeMap<String, ProxyView>,
}

impl Heard {
    /// It asks for a snapshot, and has this one.
    pub(super) fn asks(&mut self, who: &str, have: Option<&str>, said: Said, now: Timestamp) {
        let proxy = self.heard(who, said, now);
        proxy.asked_at = Some(now);
        proxy.snapshot = have.map(short);
    }

    /// It was given one.
    pub(super) fn given(&mut self, who: &str, now: Timestamp) {
        self.heard(who, Said::default(), now);
    }

    /// It handed in so many records.
    pub(super) fn handed_in(&mut self, who: &str, records: u64, said: Said, now: Timestamp) {
        let proxy = self.heard(who, said, now);
        proxy.handed_in_at = Some(now);
        proxy.records += records;
    }

    /// All, by name.
    pub(super) fn all(&self) -> Vec<ProxyView> {
        self.proxies.values().cloned().collect()
    }

    fn heard(&mut self, who: &str, said: Said, now: Timestamp) -> &mut ProxyView {
        if !self.proxies.contains_key(who) && self.proxies.len() >= MOST {
            let oldest = self.proxies.values().min_by_key(|proxy| proxy.heard_at);
            if let Some(name) = oldest.map(|proxy| proxy.proxy.clone()) {
                self.proxies.remove(&name);
            }
        }
        let fresh = || ProxyView {
            proxy: who.to_owned(),
            heard_at: now,
            program: None,
            snapshot: None,
            asked_at: None,
            handed_in_at: None,
            records: 0,
            waiting: None,
        };
        let proxy = self.proxies.entry(who.to_owned()).or_insert_with(fresh);
        proxy.heard_at = now;
        if let Some(agent) = said.agent {
            proxy.program = Some(short(&agent));
        }
        proxy.waiting = said.waiting.or(proxy.waiting);
        proxy
    }
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_word_of_each_is_kept_and_of_too_many_the_oldest_goes() {
        let at = |second: usize| Timestamp::from_second(i64::try_from(second).unwrap()).unwrap();
        let mut heard = Heard::default();
        let said = Said { agent: Some("sark-proxy/1".into()), waiting: Some(7) };
        heard.asks("proxy:a", None, said.clone(), at(1));
        heard.handed_in("proxy:a", 3, Said { waiting: Some(0), ..said }, at(2));
        heard.asks("proxy:a", Some("sha256:1"), Said::default(), at(3));
        let all = heard.all();
        assert_eq!((all.len(), all[0].records, all[0].waiting), (1, 3, Some(0)));
        assert_eq!((all[0].asked_at, all[0].handed_in_at), (Some(at(3)), Some(at(2))));
        assert_eq!(all[0].snapshot.as_deref(), Some("sha256:1"));
        for number in 0..MOST {
            heard.given(&format!("proxy:{number}"), at(10 + number));
        }
        assert_eq!(heard.all().len(), MOST);
        assert!(heard.all().iter().all(|proxy| proxy.proxy != "proxy:a"));
    }
}
