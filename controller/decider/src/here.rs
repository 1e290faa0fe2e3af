//! Deciding on the thread of whoever asks: most decisions take less time than to have another thread make
//! them, and wait for no other's turn on a busy machine. What takes longer is broken off and left to the
//! threads, and so is everything for a while then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sark_core::decision::Decision;
use sark_policy::decision::{Bounds, DecisionSet, Worker, WorkerError};

use crate::Question;
use crate::pool::PoolSettings;

/// How much one policy may do here: tenfold what a shipped one does, which is a fifth of a millisecond. The time
/// is of a machine that has others to serve.
const BOUNDS: Bounds = Bounds { instructions: 2_000, time: Duration::from_millis(20) };
/// What no decision should take from others on the thread: a single built-in function may, whatever its bounds.
const LONG: Duration = Duration::from_millis(25);
/// After something took too long nothing is decided here for a while, and for many times as long as it took.
const REST: Duration = Duration::from_secs(1);
const TIMES: u32 = 20;

/// Workers for whoever asks.
#[derive(Debug)]
pub(crate) struct Here(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Those that are free.
    workers: Vec<Worker>,
    /// Since when the others decide.
    at_work: Vec<Instant>,
    rests_until: Option<Instant>,
}

impl Here {
    /// As many workers as there are threads.
    pub(crate) fn new(
        set: &Arc<DecisionSet>,
        settings: &PoolSettings,
    ) -> Result<Self, WorkerError> {
        let worker = |_| Worker::new(Arc::clone(set), &BOUNDS);
        let workers = (0..settings.threads.max(1)).map(worker).collect::<Result<_, _>>()?;
        Ok(Self(Mutex::new(State { workers, at_work: Vec::new(), rests_until: None })))
    }

    /// Decides; nothing if that takes too long, or another takes so long already, or as many do it as may.
    pub(crate) fn decide(&self, question: &Question) -> Option<Decision> {
        let since = Instant::now();
        let mut worker = {
            let mut state = self.state();
            let is_long = |begun: &Instant| since.duration_since(*begun) > LONG;
            if state.rests_until.is_some_and(|until| since < until)
                || state.at_work.iter().any(is_long)
            {
                return None;
            }
            let worker = state.workers.pop()?;
            state.at_work.push(since);
            worker
        };
        let Question { input, facts, at } = question;
        let decision = worker.decide_in_bounds(input, facts.clone(), *at);
        let took = since.elapsed();
        let mut state = self.state();
        state.workers.push(worker);
        if let Some(at) = state.at_work.iter().position(|begun| *begun == since) {
            state.at_work.swap_remove(at);
        }
        if decision.is_none() || took > LONG {
            state.rests_until = state.rests_until.max(Some(since + took + REST.max(took * TIMES)));
        }
        decision
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use sark_core::decision::Action;
    use sark_policy::decision::{Input, Limits, Line, SetFile};

    use super::*;

    const SETTINGS: &str =
        "apiVersion: sark/v1\nkind: DecisionSet\nmetadata: { name: test }\nspec:\n";
    const POLICY: &str = r#"package sark.llm.one

decisions contains {"action": "deny", "rule_id": "r", "reason": "because"} if {
	input.user == "eve"
	some x in numbers.range(1, 9999)
	x * x == 7
}
"#;

    fn question(user: &str) -> Question {
        let json = format!(r#"{{"id": "r", "operation": "chat", "user": "{user}"}}"#);
        let input = Input::from_json(Line::Llm, &json).unwrap();
        Question { input, facts: None, at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn what_takes_long_is_left_to_others_and_everything_for_a_while() {
        let lines = Line::ALL.map(|line| format!("    {line}: {{ action: allow }}\n")).concat();
        let errors = Line::ALL.map(|line| format!("    {line}: deny\n")).concat();
        let settings = format!("{SETTINGS}  defaults:\n{lines}  onError:\n{errors}");
        let file = |path: &str, text: &str| SetFile { path: path.into(), octets: text.into() };
        let files = [file("set.yaml", &settings), file("one.rego", POLICY)];
        let set = Arc::new(DecisionSet::load(&files, None, &Limits::default()).unwrap());
        let here = Here::new(&set, &PoolSettings::default()).unwrap();
        let says = |user: &str| here.decide(&question(user)).map(|decision| decision.action);
        // A busy machine may let it rest by itself.
        let again = || loop {
            match says("ada") {
                Some(action) => return action,
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        assert_eq!(again(), Action::Allow);
        assert_eq!(says("eve"), None);
        assert_eq!(says("ada"), None);
        assert_eq!(again(), Action::Allow);
    }
}
