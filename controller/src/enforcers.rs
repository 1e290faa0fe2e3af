//! NLRI → router → [counters] → who looks at rules
//!
//! What the rules have counted on routers that say so (`sark-enforcer`): the newest word of each, in
//! memory. Of several `sarkd` each knows what it was told. An enforcer that is silent keeps its last word,
//! with its time.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use sark_api::{CountersView, EnforcerCounter, EnforcerView, RuleCounter, RuleView};
use sark_flowspec::Afi;

/// Enforcers that are remembered.
const MOST: usize = 64;
/// Rules of one.
const MOST_RULES: usize = 20_000;
/// Octets of an NLRI with its length (RFC 8955 section 4).
const LONGEST: usize = 2 + 4095;
/// Where there is no more room, one that has been silent for so long is forgotten.
const SILENT: SignedDuration = SignedDuration::from_mins(15);

/// See the module.
#[derive(Debug, Default)]
pub struct Enforcers {
    held: Mutex<BTreeMap<String, Word>>,
}

/// Family, and octets of the NLRI.
type Rule = (Afi, Box<[u8]>);
/// Packets, and octets of them.
type Counted = (u64, u64);

/// What one said last.
#[derive(Debug)]
struct Word {
    at: Timestamp,
    rules: HashMap<Rule, Counted>,
}

/// Why counters are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CountersError {
    /// One counts for itself alone.
    #[error("{who} does not count for {enforcer:?}")]
    Other {
        /// Who.
        who: String,
        /// For whom.
        enforcer: String,
    },
    /// A name.
    #[error("{0:?} is no name: 1 to 64 small letters, digits, `-`, `_` and `.`")]
    Name(String),
    /// A rule is none.
    #[error("rule {0}: its NLRI is not the hex of one")]
    Rule(usize),
    /// Too many rules.
    #[error("at most {MOST_RULES} rules")]
    Rules,
    /// Too many enforcers.
    #[error("{MOST} enforcers are remembered, and none of them is silent")]
    Enforcers,
}

impl Enforcers {
    /// Takes what one has counted, in place of what it said before. How many rules that are.
    pub fn take(
        &self,
        enforcer: &str,
        rules: &[RuleCounter],
        now: Timestamp,
    ) -> Result<u64, CountersError> {
        if rules.len() > MOST_RULES {
            return Err(CountersError::Rules);
        }
        let read = |(number, rule): (usize, &RuleCounter)| {
            let octets = octets(&rule.nlri).ok_or(CountersError::Rule(number))?;
            Ok(((rule.afi, octets), (rule.packets, rule.bytes)))
        };
        let rules = (1..).zip(rules).map(read).collect::<Result<HashMap<_, _>, _>>()?;
        let many = rules.len() as u64;
        let mut held = self.held();
        if !held.contains_key(enforcer) && held.len() >= MOST {
            held.retain(|_, word| now.duration_since(word.at) < SILENT);
            if held.len() >= MOST {
                return Err(CountersError::Enforcers);
            }
        }
        held.insert(enforcer.to_owned(), Word { at: now, rules });
        Ok(many)
    }

    /// Adds to rules what they have counted. Who counts.
    pub fn counted(&self, rules: &mut [RuleView]) -> Vec<EnforcerView> {
        let held = self.held();
        for rule in rules.iter_mut().filter(|_| !held.is_empty()) {
            let Some(octets) = octets(&rule.nlri) else { continue };
            let key = (rule.afi, octets);
            for (enforcer, word) in &*held {
                let Some((packets, bytes)) = word.rules.get(&key).copied() else { continue };
                let sum = rule.counters.get_or_insert_with(CountersView::default);
                sum.packets = sum.packets.saturating_add(packets);
                sum.bytes = sum.bytes.saturating_add(bytes);
                let (enforcer, at) = (enforcer.clone(), word.at);
                sum.enforcers.push(EnforcerCounter { enforcer, at, packets, bytes });
            }
        }
        let view = |(enforcer, word): (&String, &Word)| EnforcerView {
            enforcer: enforcer.clone(),
            at: word.at,
            rules: word.rules.len() as u64,
        };
        held.iter().map(view).collect()
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Word>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn octets(hex: &str) -> Option<Box<[u8]>> {
    if hex.is_empty() || hex.len() > 2 * LONGEST || !hex.len().is_multiple_of(2) {
        return None;
    }
    let digit =
        |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let octet = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
    hex.as_bytes().chunks(2).map(octet).collect()
}

#[cfg(test)]
mod tests {
    use sark_api::RuleState;

    use super::*;

    fn counter(nlri: &str, packets: u64) -> RuleCounter {
        RuleCounter { afi: Afi::Ipv4, nlri: nlri.into(), packets, bytes: packets * 100 }
    }

    fn rule(afi: Afi, nlri: &str) -> RuleView {
        RuleView {
            state: RuleState::InPlace,
            policy: None,
            afi,
            nlri: nlri.into(),
            matches: String::new(),
            actions: Vec::new(),
            observed_actions: None,
            large_community: None,
            origin: None,
            collateral: None,
            counters: None,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_newest_words_of_all_are_summed() {
        let enforcers = Enforcers::default();
        assert_eq!(enforcers.take("a", &[counter("0301", 7), counter("0302", 1)], at(1)), Ok(2));
        assert_eq!(enforcers.take("b", &[counter("0301", 5)], at(2)), Ok(1));
        assert_eq!(enforcers.take("a", &[counter("0301", 8)], at(3)), Ok(1));
        let mut rules = [rule(Afi::Ipv4, "0301"), rule(Afi::Ipv4, "0302"), rule(Afi::Ipv6, "0301")];
        let who = enforcers.counted(&mut rules);
        let who: Vec<_> =
            who.iter().map(|one| (one.enforcer.as_str(), one.at, one.rules)).collect();
        assert_eq!(who, [("a", at(3), 1), ("b", at(2), 1)]);
        let sum = rules[0].counters.as_ref().unwrap();
        assert_eq!((sum.packets, sum.bytes, sum.enforcers.len()), (13, 1300, 2));
        // Withdrawn at the one, unknown to the other; and of another family.
        assert_eq!((&rules[1].counters, &rules[2].counters), (&None, &None));
    }

    #[test]
    fn what_is_no_rule_is_refused_whole_and_room_is_made_of_the_silent() {
        let enforcers = Enforcers::default();
        for wrong in ["", "0", "0g", "é", "+1"] {
            let taken = enforcers.take("a", &[counter("01", 1), counter(wrong, 1)], at(0));
            assert_eq!(taken, Err(CountersError::Rule(2)), "{wrong}");
        }
        assert_eq!(enforcers.counted(&mut []).len(), 0);
        for number in 0..MOST {
            enforcers.take(&number.to_string(), &[], at(i64::from(number > 0) * 1000)).unwrap();
        }
        assert_eq!(enforcers.take("new", &[], at(800)), Err(CountersError::Enforcers));
        assert_eq!(enforcers.take("1", &[], at(800)), Ok(0));
        assert_eq!(enforcers.take("new", &[], at(1001)), Ok(0));
        let many = vec![counter("01", 1); MOST_RULES + 1];
        assert_eq!(enforcers.take("new", &many, at(1001)), Err(CountersError::Rules));
    }
}
