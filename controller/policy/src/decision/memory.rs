//! What policies answered before, to what they read of the input.
//!
//! Most of what is asked was asked before as far as one policy looks: who may use which provider depends
//! on the groups and the provider, and not on the request's size. A policy is a function of what it
//! [reads](super::reads), so its answer is too. Answers that are errors are not kept.

use std::collections::HashMap;
use std::io::{ErrorKind, Write};

use sark_core::decision::Matched;
use serde_json::Value;

use super::set::PolicyRef;

/// Octets of what is read for one answer; what is longer comes once.
const LONGEST: usize = 1 << 10;
/// Octets of all answers of one policy and what was read for them. Beyond these all are forgotten.
const LARGEST: usize = 256 << 10;
/// How often as many questions are not looked up as were, hardly one of them twice.
const PAUSE: usize = 50;

/// A worker's, of one set.
#[derive(Debug)]
pub(super) struct Memory {
    /// Answers of one policy. Beyond these all are forgotten.
    most: usize,
    /// By the policy's entry point.
    of: Vec<Answers>,
}

#[derive(Debug, Default)]
struct Answers {
    by_key: HashMap<Vec<u8>, Vec<Matched>>,
    octets: usize,
    recalled: usize,
    /// Questions that were not known, since the last count.
    new: usize,
    /// So many questions come before answers are kept again.
    pause: usize,
}

impl Answers {
    /// A policy that is hardly ever asked the same twice, because it reads what differs each time, is
    /// left alone for a while.
    fn count_new(&mut self, most: usize) {
        self.new += 1;
        if self.new >= most {
            let pause = if self.recalled < most { PAUSE * most } else { 0 };
            if pause > 0 {
                *self = Self::default();
            }
            (self.pause, self.new, self.recalled) = (pause, 0, 0);
        }
    }
}

impl Memory {
    /// One of so many answers of each of so many policies.
    pub(super) fn of(most: usize, policies: usize) -> Self {
        Self { most, of: std::iter::repeat_with(Answers::default).take(policies).collect() }
    }

    /// Whether anything is kept.
    pub(super) fn is_on(&self) -> bool {
        self.most > 0
    }

    /// What the policy reads of the input, as a key; `None` if its answer is not kept.
    pub(super) fn key(&mut self, policy: &PolicyRef, input: &Value) -> Option<Vec<u8>> {
        let (most, reads) = (self.most, policy.reads.as_ref()?);
        let answers = self.of.get_mut(policy.entry).filter(|_| most > 0)?;
        if answers.pause > 0 {
            answers.pause -= 1;
            return None;
        }
        let key = key_of(reads, input);
        if key.is_none() {
            answers.count_new(most);
        }
        key
    }

    pub(super) fn recall(&mut self, policy: &PolicyRef, key: &[u8]) -> Option<&[Matched]> {
        let answers = self.of.get_mut(policy.entry)?;
        let answer = answers.by_key.get(key)?;
        answers.recalled += 1;
        Some(answer)
    }

    /// The answer to a question that was not known.
    pub(super) fn keep(&mut self, policy: &PolicyRef, key: Vec<u8>, answer: &[Matched]) {
        let most = self.most;
        let Some(answers) = self.of.get_mut(policy.entry) else { return };
        answers.count_new(most);
        let octets = key.len() + serde_json::to_vec(answer).map_or(LARGEST, |octets| octets.len());
        if answers.pause > 0 || octets > LARGEST / 8 {
            return;
        }
        if answers.by_key.len() >= most || answers.octets + octets > LARGEST {
            answers.by_key.clear();
            answers.octets = 0;
        }
        answers.octets += octets;
        answers.by_key.insert(key, answer.to_vec());
    }
}

fn key_of(reads: &[Vec<String>], input: &Value) -> Option<Vec<u8>> {
    let mut key = Key(Vec::with_capacity(128));
    for path in reads {
        let found = path.iter().try_fold(input, |value, name| value.as_object()?.get(name));
        if let Some(found) = found {
            serde_json::to_writer(&mut key, found).ok()?;
        }
        // JSON on one line has none of these, and is not empty: what is absent is unlike all others.
        key.write_all(b"\n").ok()?;
    }
    Some(key.0)
}

/// At most [`LONGEST`] octets.
struct Key(Vec<u8>);

impl Write for Key {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + octets.len() > LONGEST {
            return Err(ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sark_core::decision::{Action, Severity};
    use serde_json::json;

    use super::super::input::Line;
    use super::*;

    fn policy(reads: &[&[&str]]) -> PolicyRef {
        let path = |path: &&[&str]| path.iter().map(|part| (*part).to_owned()).collect();
        PolicyRef {
            id: "p".to_owned(),
            line: Line::Llm,
            file: "p.rego".to_owned(),
            entry: 3,
            reads: Some(reads.iter().map(path).collect()),
        }
    }

    #[test]
    fn keys_differ_where_what_is_read_does() {
        let policy = policy(&[&["a"], &["b", "c"]]);
        let key = |input: &Value| Memory::of(1, 4).key(&policy, input);
        let inputs = [
            json!({}),
            json!({ "a": null }),
            json!({ "a": "" }),
            json!({ "a": 1 }),
            json!({ "a": "1" }),
            json!({ "a": "\n" }),
            json!({ "a": 1, "b": { "c": 1 } }),
            json!({ "b": { "c": 1 } }),
            json!({ "a": { "b": { "c": 1 } } }),
        ];
        let keys: Vec<_> = inputs.iter().map(|input| key(input).unwrap()).collect();
        for (n, key) in keys.iter().enumerate() {
            assert!(!keys[..n].contains(key), "{}", inputs[n]);
        }
        // What is not read does not count; nor does the text "b" have a `c`.
        for alike in [json!({ "b": "c" }), json!({ "b": {}, "x": 1 }), json!({ "b": ["c"] })] {
            assert_eq!(key(&alike).unwrap(), keys[0]);
        }
        let long = json!({ "a": "x".repeat(LONGEST) });
        assert_eq!(key(&long), None);
        assert_eq!(Memory::of(0, 4).key(&policy, &inputs[0]), None);
        let anything = PolicyRef { reads: None, ..policy.clone() };
        assert_eq!(Memory::of(1, 4).key(&anything, &inputs[0]), None);
    }

    #[test]
    fn never_more_than_so_many() {
        let policy = policy(&[&["a"]]);
        let mut memory = Memory::of(5, 4);
        for n in 0..23_u32 {
            let key = n.to_be_bytes();
            memory.keep(&policy, key.to_vec(), &[]);
            assert!((0..9).all(|_| memory.recall(&policy, &key).is_some()));
            assert!(memory.of[3].by_key.len() <= 5);
        }
    }

    #[test]
    fn what_differs_each_time_is_left_alone() {
        let policy = policy(&[&["a"]]);
        let mut memory = Memory::of(5, 4);
        let mut kept = 0;
        for n in 0..10_000 {
            if let Some(key) = memory.key(&policy, &json!({ "a": n })) {
                assert!(memory.recall(&policy, &key).is_none());
                memory.keep(&policy, key, &[]);
                kept += 1;
            }
        }
        assert!((150..250).contains(&kept), "{kept} of 10,000");
        // What comes again is remembered again.
        let again = (0..1_000).filter(|_| {
            let Some(key) = memory.key(&policy, &json!({ "a": 1 })) else { return false };
            let known = memory.recall(&policy, &key).is_some();
            if !known {
                memory.keep(&policy, key, &[]);
            }
            known
        });
        assert!(again.count() > 700);
        // What is too long to be looked up is not written out each time.
        let long = json!({ "a": "x".repeat(LONGEST) });
        assert!((0..1_000).all(|_| memory.key(&policy, &long).is_none()));
        assert!(memory.of[3].pause > 0);
    }

    #[test]
    fn never_more_octets_than_so_many() {
        let policy = policy(&[&["a"]]);
        let mut memory = Memory::of(500, 4);
        let answer = [Matched {
            action: Action::Deny,
            severity: Severity::High,
            policy_id: "p".to_owned(),
            rule_id: "r".to_owned(),
            reason: "x".repeat(900),
            obligations: Vec::new(),
        }];
        for n in 0..1_000_u32 {
            let key = n.to_be_bytes();
            memory.keep(&policy, key.to_vec(), &answer);
            assert!((0..9).all(|_| memory.recall(&policy, &key).is_some()));
            let of = &memory.of[3];
            assert!(of.octets <= LARGEST && of.by_key.len() * 900 <= of.octets);
        }
        let large = answer.iter().cycle().take(100).cloned().collect::<Vec<_>>();
        memory.keep(&policy, b"large".to_vec(), &large);
        assert!(memory.recall(&policy, b"large").is_none());
    }
}
