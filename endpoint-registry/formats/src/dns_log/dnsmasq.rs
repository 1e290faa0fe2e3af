//! dnsmasq's log, `log-queries=extra`:
//! `Nov 25 10:00:00 dnsmasq[412]: 7 10.1.2.3/40112 reply api.example.com is 192.0.2.1`.

use std::collections::HashMap;

use sark_registry::resolve::Seen;

/// Most questions whose CNAME records are followed at a time.
const OPEN_MOST: usize = 4096;
/// Most names of a chain.
const CHAIN_MOST: usize = 16;

/// Questions that a CNAME record answered, by serial number.
#[derive(Debug, Default)]
pub(super) struct Dnsmasq {
    open: HashMap<u64, Vec<String>>,
}

impl Dnsmasq {
    pub(super) fn read(&mut self, line: &str) -> Option<Seen> {
        let (_, said) = line.split_once("dnsmasq[")?.1.split_once("]: ")?;
        let mut words = said.split_ascii_whitespace();
        // Without a number, what a CNAME record led to looks like a question of its own.
        let serial = words.next()?.parse::<u64>().ok()?;
        // The client's address and port, or `*` for what dnsmasq asks itself.
        words.next()?;
        let word = words.next()?;
        if word.starts_with("query[") {
            self.open.remove(&serial);
            return None;
        }
        // `config` and files of hosts are the operator's own answers.
        if !matches!(word, "reply" | "cached" | "cached-stale") {
            return None;
        }
        let (name, is, what) = (words.next()?, words.next()?, words.next()?);
        // A client may ask for a name with blanks in it, and somebody answers: `a is 192.0.2.1 b`.
        if is != "is" || words.next().is_some() {
            return None;
        }
        if what == "<CNAME>" {
            if self.open.len() >= OPEN_MOST && !self.open.contains_key(&serial) {
                // Questions that never ended: their clients went away.
                self.open.clear();
            }
            let chain = self.open.entry(serial).or_default();
            if chain.len() < CHAIN_MOST {
                chain.push(name.to_owned());
            }
            return None;
        }
        let address = what.parse().ok()?;
        let chain = self.open.get(&serial);
        let (asked, rest) = match chain.and_then(|chain| chain.split_first()) {
            Some((first, rest)) => {
                let last = std::iter::once(name.to_owned());
                (first.clone(), rest.iter().cloned().chain(last).collect())
            }
            None => (name.to_owned(), Vec::new()),
        };
        Some(Seen { name: asked, addresses: vec![address], ttl: None, chain: rest, at: None })
    }
}
