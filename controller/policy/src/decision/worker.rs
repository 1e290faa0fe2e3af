//! Deciding: one worker a thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use regorus::Value;
use regorus::rvm::RegoVM;
use regorus::rvm::program::{DeserializationResult, Program};
use sark_core::decision::{Action, DEFAULT, Decision, ENGINE, Matched, Obligation};
use sark_registry::Snapshot;

use super::input::{Input, Line};
use super::memory::Memory;
use super::set::{DecisionSet, PolicyRef};
use super::{rego, results};

/// How much one policy may do for one decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Instructions of the virtual machine: about ten million a second.
    pub instructions: usize,
    /// Time.
    pub time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { instructions: 200_000, time: Duration::from_millis(50) }
    }
}

/// Answers kept of one policy.
const ANSWERS: usize = 512;

/// Decides, with a program, data and memory of its own: what workers shared would be counted by all of
/// them, and two would be no faster than one.
#[derive(Debug)]
pub struct Worker {
    set: Arc<DecisionSet>,
    bounds: Bounds,
    /// Absent if the set has no policy.
    machine: Option<RegoVM>,
    memory: Memory,
}

/// A set that no worker can be made of, though it was loaded.
#[derive(Debug, thiserror::Error)]
#[error("a program of the policy set {version} cannot be made: {why}")]
pub struct WorkerError {
    /// Version of the set.
    pub version: String,
    /// Why.
    pub why: String,
}

impl Worker {
    /// A worker of a set.
    pub fn new(set: Arc<DecisionSet>, bounds: &Bounds) -> Result<Self, WorkerError> {
        let machine = machine(&set, bounds)?;
        let memory = Memory::of(ANSWERS, set.policies().len());
        Ok(Self { set, bounds: *bounds, machine, memory })
    }

    /// One that asks every policy anew, on all of the input, though it was asked the same before.
    #[must_use]
    pub fn forgetful(self) -> Self {
        Self { memory: Memory::of(0, 0), ..self }
    }

    /// The set it decides by.
    #[must_use]
    pub fn set(&self) -> &Arc<DecisionSet> {
        &self.set
    }

    /// What all policies of the input's line come to. A policy that cannot be asked counts as a rule of
    /// the policy `engine` with the action that the set names for errors; what others say counts too.
    pub fn decide(&mut self, input: &Input, registry: &Snapshot, now: Timestamp) -> Decision {
        self.decide_with(input, input.facts(registry), now)
    }

    /// The same, by what the registry said of the endpoint: [`Input::facts`].
    pub fn decide_with(
        &mut self,
        input: &Input,
        facts: Option<serde_json::Value>,
        now: Timestamp,
    ) -> Decision {
        let (rules, _) = self.rules(input, facts, now, false);
        self.concluded(input.line(), rules)
    }

    /// The same; nothing if a policy takes more than the worker's bounds allow: one with wider bounds may
    /// have an answer.
    pub fn decide_in_bounds(
        &mut self,
        input: &Input,
        facts: Option<serde_json::Value>,
        now: Timestamp,
    ) -> Option<Decision> {
        let (rules, is_in_bounds) = self.rules(input, facts, now, true);
        is_in_bounds.then(|| self.concluded(input.line(), rules))
    }

    /// The rules that match. If they are to be had `within` the bounds only: whether every policy kept to
    /// them; with the first that does not it ends.
    fn rules(
        &mut self,
        input: &Input,
        facts: Option<serde_json::Value>,
        now: Timestamp,
        within: bool,
    ) -> (Vec<Matched>, bool) {
        let line = input.line();
        let set = Arc::clone(&self.set);
        let settings = set.settings();
        let on_error = settings.on_error_of(line);
        let prepared = input.prepared(|user| set.groups_of(user), facts, &settings.zone, now);
        let (mut rules, mut is_in_bounds): (Vec<Matched>, _) = (Vec::new(), true);
        if let Some(machine) = &mut self.machine {
            let mut asked = Vec::new();
            for policy in set.policies_of(line) {
                let key = self.memory.key(policy, &prepared);
                match key.as_ref().and_then(|key| self.memory.recall(policy, key)) {
                    Some(before) => rules.extend_from_slice(before),
                    None => asked.push((policy, key)),
                }
            }
            let input = match self.memory.is_on() {
                true => read_by(&asked, prepared),
                false => Value::from(prepared),
            };
            machine.set_input(input.clone());
            for (policy, key) in asked {
                // The engine is a stranger's: what breaks it off ends one question and not the process.
                match catch_unwind(AssertUnwindSafe(|| ask(machine, policy))) {
                    Ok(Ok(matched)) => {
                        if let Some(key) = key {
                            self.memory.keep(policy, key, &matched);
                        }
                        rules.extend(matched);
                    }
                    Ok(Err(Unasked { why, is_limit })) => {
                        rules.push(failure(on_error, &policy.id, why));
                        if is_limit && within {
                            is_in_bounds = false;
                            break;
                        }
                    }
                    Err(_) => {
                        let why = "the engine broke off".to_owned();
                        rules.push(failure(on_error, &policy.id, why));
                        match self::machine(&set, &self.bounds) {
                            Ok(Some(fresh)) => *machine = fresh,
                            // What it says from now on is not kept.
                            _ => self.memory = Memory::of(0, 0),
                        }
                        machine.set_input(input.clone());
                    }
                }
            }
            // The input is not kept until the next one comes.
            machine.set_input(Value::Undefined);
        }
        (rules, is_in_bounds)
    }

    /// What rules come to.
    fn concluded(&self, line: Line, rules: Vec<Matched>) -> Decision {
        let settings = self.set.settings();
        if rules.is_empty() {
            let reason = format!("no rule of {line} matched");
            return Decision::without_rule(
                settings.default_of(line),
                DEFAULT,
                line.as_str(),
                reason,
            );
        }
        let contradiction = match Decision::of(rules.clone()) {
            Ok(decision) => return decision,
            Err(contradiction) => contradiction.to_string(),
        };
        tamed(rules, settings.on_error_of(line), contradiction)
    }
}

impl DecisionSet {
    /// The decision if no worker answers: what the set names for errors. `why` goes on after "the
    /// policies could not be asked: ".
    #[must_use]
    pub fn unanswered(&self, line: Line, why: &str) -> Decision {
        let error = Matched {
            reason: format!("the policies could not be asked: {why}"),
            ..failure(self.settings().on_error_of(line), "unanswered", String::new())
        };
        let (action, reason) = (error.action, error.reason.clone());
        Decision::of(vec![error])
            .unwrap_or_else(|_| Decision::without_rule(action, ENGINE, "unanswered", reason))
    }
}

/// What these policies read of the input: to hand on all of it takes as long as a policy.
fn read_by<K>(policies: &[(&PolicyRef, K)], mut input: serde_json::Value) -> Value {
    if policies.is_empty() {
        return Value::Undefined;
    }
    let reads: Option<Vec<_>> = policies.iter().map(|(policy, _)| policy.reads.as_ref()).collect();
    if let (Some(reads), Some(fields)) = (reads, input.as_object_mut()) {
        let names = || reads.iter().flat_map(|paths| paths.iter().filter_map(|path| path.first()));
        fields.retain(|name, _| names().any(|read| read == name));
    }
    Value::from(input)
}

/// A machine with a program and data of its own.
fn machine(set: &DecisionSet, bounds: &Bounds) -> Result<Option<RegoVM>, WorkerError> {
    let failed = |why: String| WorkerError { version: set.version().as_str().to_owned(), why };
    if set.program().is_empty() {
        return Ok(None);
    }
    let program = match Program::deserialize_binary(set.program()).map_err(failed)? {
        DeserializationResult::Complete(program) => program,
        DeserializationResult::Partial(_) => return Err(failed("it is cut short".to_owned())),
    };
    let data = Value::from_json_str(set.data()).map_err(|error| failed(error.to_string()))?;
    let mut machine = RegoVM::new();
    machine.load_program(Arc::new(program));
    machine.set_data(data).map_err(|error| failed(error.to_string()))?;
    machine.set_max_instructions(bounds.instructions);
    machine.set_execution_timer_config(Some(rego::timer(bounds.time)));
    Ok(Some(machine))
}

/// A policy that has no answer.
struct Unasked {
    why: String,
    /// It took more than its bounds allow.
    is_limit: bool,
}

fn ask(machine: &mut RegoVM, policy: &PolicyRef) -> Result<Vec<Matched>, Unasked> {
    let result = machine.execute_entry_point_by_index(policy.entry);
    // Errors hold values of the input: the message for the record says which limit, and no more.
    let result = result.map_err(|error| kind_of(&error))?;
    results::matched(&policy.id, &result).map_err(|why| Unasked { why, is_limit: false })
}

fn kind_of(error: &regorus::rvm::vm::VmError) -> Unasked {
    use regorus::rvm::vm::VmError;
    let (why, is_limit) = match error {
        VmError::InstructionLimitExceeded { limit, .. } => {
            (format!("it took more than {limit} instructions"), true)
        }
        VmError::TimeLimitExceeded { limit, .. } => {
            (format!("it took longer than {} ms", limit.as_millis()), true)
        }
        VmError::RegexSizeLimitExceeded { .. } => ("a pattern is too large".to_owned(), false),
        _ => ("it ended with an error of the engine".to_owned(), false),
    };
    Unasked { why, is_limit }
}

fn failure(action: Action, policy: &str, why: String) -> Matched {
    Matched {
        action,
        severity: action.severity().max(sark_core::decision::Severity::High),
        policy_id: ENGINE.to_owned(),
        rule_id: policy.to_owned(),
        reason: format!("policy {policy} could not be asked: {why}"),
        obligations: Vec::new(),
    }
}

/// Results that contradict each other: of a rule that contradicts itself, what does; of rules that send
/// on to several places, all of these. Everything else stands, and the error beside.
fn tamed(rules: Vec<Matched>, on_error: Action, why: String) -> Decision {
    let error = Matched {
        reason: format!("policies contradict each other: {why}"),
        ..failure(on_error, "contradiction", String::new())
    };
    let first = error.clone();
    let rules = rules.into_iter().map(|rule| consistent(rule, on_error));
    let mut rules: Vec<Matched> = rules.chain([error]).collect();
    Decision::of(rules.clone())
        .or_else(|_| {
            for rule in &mut rules {
                rule.obligations.retain(|other| !matches!(other, Obligation::Redirect { .. }));
            }
            Decision::of(rules)
        })
        .unwrap_or_else(|_| {
            Decision::without_rule(on_error, &first.policy_id, &first.rule_id, first.reason)
        })
}

/// A rule without what contradicts the rest of it.
fn consistent(mut rule: Matched, on_error: Action) -> Matched {
    let redacts = |other: &Obligation| matches!(other, Obligation::Redact { .. });
    let redirects = |other: &Obligation| matches!(other, Obligation::Redirect { .. });
    match (rule.action, rule.obligations.iter().any(redacts)) {
        // Nobody says what.
        (Action::Redact, false) => rule.action = on_error,
        (Action::Redact, true) | (_, false) => {}
        (_, true) => rule.obligations.retain(|other| !redacts(other)),
    }
    if !rule.action.allows() {
        rule.obligations.retain(|other| !redirects(other));
    }
    rule
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(action: Action, policy: &str, obligations: &[Obligation]) -> Matched {
        Matched {
            action,
            severity: action.severity(),
            policy_id: policy.to_owned(),
            rule_id: "r".to_owned(),
            reason: format!("{policy} says so"),
            obligations: obligations.to_vec(),
        }
    }

    fn redact(what: &str) -> Obligation {
        Obligation::Redact { findings: vec![what.to_owned()] }
    }

    fn redirect(to: &str) -> Obligation {
        Obligation::Redirect { to: to.to_owned() }
    }

    fn notify() -> Obligation {
        Obligation::Notify { route: "soc".to_owned() }
    }

    /// What the rules come to, which contradict each other.
    fn tame(rules: &[Matched], on_error: Action) -> Decision {
        let why = Decision::of(rules.to_vec()).unwrap_err();
        let decision = tamed(rules.to_vec(), on_error, why.to_string());
        assert!(decision.has_error(), "{decision:?}");
        decision
    }

    #[test]
    fn two_ways_take_no_redaction_back() {
        let two = [
            rule(Action::Audit, "a", &[redirect("x"), notify()]),
            rule(Action::Alert, "b", &[redirect("y")]),
            rule(Action::Redact, "c", &[redact("*")]),
        ];
        let open = tame(&two, Action::Alert);
        assert_eq!((open.action, &*open.policy_id), (Action::Redact, "c"));
        assert_eq!(open.obligations, [redact("*"), notify()]);
        let closed = tame(&two, Action::Deny);
        assert_eq!((closed.action, &*closed.policy_id), (Action::Deny, ENGINE));
        assert_eq!(closed.obligations, [notify()], "what is refused is not redacted");
        // The redaction sends on too: only the way is taken back.
        let both = [two[0].clone(), rule(Action::Redact, "c", &[redact("*"), redirect("y")])];
        let open = tame(&both, Action::Alert);
        assert_eq!(open.action, Action::Redact);
        assert_eq!(open.obligations, [redact("*"), notify()]);
    }

    #[test]
    fn a_rule_that_contradicts_itself_changes_no_other() {
        let good = rule(Action::Redact, "good", &[redact("email"), redirect("x")]);
        for bad in [
            rule(Action::Redact, "bad", &[notify()]),
            rule(Action::Audit, "bad", &[redact("key"), notify()]),
        ] {
            let open = tame(&[good.clone(), bad.clone()], Action::Alert);
            assert_eq!((open.action, &*open.policy_id), (Action::Redact, "good"), "{bad:?}");
            assert_eq!(open.obligations, [redact("email"), redirect("x"), notify()]);
            assert_eq!(tame(&[good.clone(), bad], Action::Hold).action, Action::Hold);
        }
        // It stops what it sends on: that it stops it stands.
        let stops = rule(Action::Deny, "bad", &[redirect("y"), notify()]);
        let decision = tame(&[good, stops], Action::Alert);
        assert_eq!((decision.action, &*decision.policy_id), (Action::Deny, "bad"));
        assert_eq!(decision.obligations, [notify()]);
    }

    /// Whatever three rules ask for: never milder than what those ask for that contradict nobody.
    #[test]
    fn what_is_tamed_is_never_milder() {
        let some = [
            rule(Action::Audit, "a", &[redirect("x")]),
            rule(Action::Alert, "b", &[redirect("y"), notify()]),
            rule(Action::Redact, "c", &[redact("*")]),
            rule(Action::Redact, "d", &[]),
            rule(Action::Alert, "e", &[redact("key")]),
            rule(Action::Hold, "f", &[redirect("x")]),
            rule(Action::Deny, "g", &[]),
            rule(Action::Block, "h", &[redirect("z")]),
        ];
        let mut contradictions = 0;
        for (n, one) in some.iter().enumerate() {
            for (m, two) in some.iter().enumerate() {
                for (k, three) in some.iter().enumerate() {
                    let rules = [one.clone(), two.clone(), three.clone()];
                    if Decision::of(rules.to_vec()).is_ok() {
                        continue;
                    }
                    contradictions += 1;
                    for on_error in [Action::Allow, Action::Alert, Action::Hold, Action::Deny] {
                        let decision = tame(&rules, on_error);
                        let own = rules.iter().filter(|r| Decision::of(vec![(*r).clone()]).is_ok());
                        let most = own.map(|rule| rule.action).max().unwrap_or(on_error);
                        assert!(decision.action >= most.max(on_error), "{n} {m} {k} {decision:?}");
                        let redacts = rules.iter().any(|rule| rule.policy_id == "c");
                        let stands = decision.obligations.contains(&redact("*"));
                        let goes_on = decision.allow || decision.action == Action::Hold;
                        assert_eq!(stands, redacts && goes_on, "{n} {m} {k} {decision:?}");
                    }
                }
            }
        }
        assert!(contradictions > 300, "{contradictions}");
    }
}
