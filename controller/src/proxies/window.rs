//! The calls of the last minutes, in memory: what `sarkctl proxy top` shows.
//!
//! Bounded in calls: where there are more than [`MOST`] in [`SPAN`], the oldest are forgotten sooner, and
//! what is told says since when it is all of them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sark_api::{CallView, ProxyTop, TopBy, TopRow};

use super::calls::{Answered, Decided, Seen};

/// How far back it goes.
pub const SPAN: SignedDuration = SignedDuration::from_mins(5);
/// Calls that are kept, of some 400 octets each.
const MOST: usize = 50_000;
/// Calls that are told one by one.
const LAST: usize = 20;
/// Where something has no name.
const UNNAMED: &str = "-";

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Window {
    calls: VecDeque<Call>,
    /// The number of the first; each has the next one.
    first: u64,
    /// Numbers by who handed it in and its id: an id is its proxy's own.
    numbers: HashMap<(Arc<str>, String), u64>,
    /// Calls before this were forgotten although they were not old.
    since: Option<Timestamp>,
}

#[derive(Debug)]
struct Call {
    by: Arc<str>,
    decided: Decided,
    answered: Option<Answered>,
}

impl Window {
    /// Takes what somebody handed in, and forgets what is old.
    pub(super) fn add(&mut self, by: &str, seen: Vec<Seen>, now: Timestamp) {
        let by: Arc<str> = Arc::from(by);
        for one in seen {
            match one {
                Seen::Decided(decided) => self.decided(&by, decided, now),
                Seen::Answered(answered) => {
                    if let Some(call) = self.call(&by, &answered.request) {
                        call.answered = Some(answered);
                    }
                }
            }
        }
        self.forget(now);
    }

    fn decided(&mut self, by: &Arc<str>, mut decided: Decided, now: Timestamp) {
        // A proxy whose clock is ahead does not tell of the future: it would never be old.
        decided.at = decided.at.min(now);
        // Records that waited in a spool tell of the past.
        if decided.at < now - SPAN {
            return;
        }
        // One call may ask several questions: it is denied if one is.
        if let Some(call) = self.call(by, &decided.request) {
            call.decided.allow &= decided.allow;
            return;
        }
        let number = self.first + self.calls.len() as u64;
        self.numbers.insert((Arc::clone(by), decided.request.clone()), number);
        self.calls.push_back(Call { by: Arc::clone(by), decided, answered: None });
        if self.calls.len() > MOST
            && let Some(gone) = self.drop_first()
        {
            self.since = Some(gone);
        }
    }

    fn call(&mut self, by: &Arc<str>, request: &str) -> Option<&mut Call> {
        let number = self.numbers.get(&(Arc::clone(by), request.to_owned()))?;
        self.calls.get_mut(usize::try_from(number - self.first).ok()?)
    }

    fn forget(&mut self, now: Timestamp) {
        while self.calls.front().is_some_and(|call| call.decided.at < now - SPAN) {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) -> Option<Timestamp> {
        let call = self.calls.pop_front()?;
        self.first += 1;
        self.numbers.remove(&(call.by, call.decided.request));
        Some(call.decided.at)
    }

    /// What passed in the last `window`, by this, so many rows.
    pub(super) fn top(
        &mut self,
        window: SignedDuration,
        by: TopBy,
        rows: usize,
        now: Timestamp,
    ) -> ProxyTop {
        self.forget(now);
        let begin = now - window.min(SPAN);
        let within = || self.calls.iter().filter(|call| call.decided.at >= begin);
        let mut groups: BTreeMap<String, Sums> = BTreeMap::new();
        let mut total = Sums::default();
        for call in within() {
            total.add(call);
            groups.entry(key(&call.decided, by)).or_default().add(call);
        }
        let mut groups: Vec<TopRow> =
            groups.into_iter().map(|(name, sums)| sums.row(name)).collect();
        groups.sort_by_key(|row| std::cmp::Reverse(row.requests));
        let others = groups.len().saturating_sub(rows) as u64;
        groups.truncate(rows);
        let mut last: Vec<&Call> = within().collect();
        last.sort_by_key(|call| std::cmp::Reverse(call.decided.at));
        last.truncate(LAST);
        ProxyTop {
            at: now,
            // What was forgotten before it was old is missing.
            since: self.since.map_or(begin, |since| since.max(begin)),
            by,
            total: total.row("all".to_owned()),
            rows: groups,
            others,
            last: last.into_iter().map(view).collect(),
        }
    }
}

fn key(call: &Decided, by: TopBy) -> String {
    let named = |name: &Option<String>| name.clone().unwrap_or_else(|| UNNAMED.to_owned());
    match by {
        TopBy::Provider => named(&call.provider),
        TopBy::Model => format!("{}/{}", named(&call.provider), named(&call.model)),
        TopBy::Client => named(&call.client),
        TopBy::Agent => named(&call.agent),
        TopBy::Proxy => call.proxy.clone(),
    }
}

fn view(call: &Call) -> CallView {
    let Call { decided, answered, .. } = call;
    let answer = answered.as_ref();
    CallView {
        request: decided.request.clone(),
        at: decided.at,
        proxy: decided.proxy.clone(),
        client: decided.client.clone(),
        agent: decided.agent.clone(),
        provider: decided.provider.clone(),
        model: decided.model.clone(),
        operation: decided.operation.clone(),
        denied: !decided.allow,
        status: answer.and_then(|answer| answer.status),
        milliseconds: answer.and_then(|answer| answer.milliseconds),
    }
}

#[derive(Debug, Default)]
struct Sums {
    requests: u64,
    denied: u64,
    failed: u64,
    input: u64,
    output: u64,
    cost_microusd: u64,
    unpriced: u64,
    times: Vec<u64>,
}

impl Sums {
    fn add(&mut self, call: &Call) {
        self.requests += 1;
        self.denied += u64::from(!call.decided.allow);
        let Some(answer) = &call.answered else { return };
        self.failed += u64::from(answer.is_failed);
        self.input = self.input.saturating_add(answer.input);
        self.output = self.output.saturating_add(answer.output);
        self.cost_microusd = self.cost_microusd.saturating_add(answer.cost_microusd);
        self.unpriced += u64::from(answer.is_unpriced);
        self.times.extend(answer.milliseconds);
    }

    fn row(mut self, name: String) -> TopRow {
        self.times.sort_unstable();
        // The nearest rank: of one call it is its time.
        let rank = |percent: usize| {
            let rank = (self.times.len() * percent).div_ceil(100).saturating_sub(1);
            self.times.get(rank).copied()
        };
        TopRow {
            p50_milliseconds: rank(50),
            p99_milliseconds: rank(99),
            name,
            requests: self.requests,
            denied: self.denied,
            failed: self.failed,
            input_tokens: self.input,
            output_tokens: self.output,
            cost_microusd: self.cost_microusd,
            unpriced: self.unpriced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY: &str = "proxy:a";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn decided(request: &str, second: i64, model: &str, allow: bool) -> Seen {
        Seen::Decided(Decided {
            request: request.into(),
            at: at(second),
            proxy: "proxy:a".into(),
            allow,
            provider: Some("openai".into()),
            model: Some(model.into()),
            client: Some("alice".into()),
            agent: None,
            operation: Some("chat".into()),
        })
    }

    fn answered(request: &str, milliseconds: u64) -> Seen {
        Seen::Answered(Answered {
            request: request.into(),
            status: Some(200),
            input: 10,
            output: 2,
            cost_microusd: 5,
            is_unpriced: milliseconds == 7,
            milliseconds: Some(milliseconds),
            is_failed: false,
        })
    }

    #[test]
    fn calls_are_summed_by_what_is_asked_for() {
        let mut window = Window::default();
        let mut seen: Vec<Seen> =
            (0..100).map(|n| decided(&format!("r{n}"), n, "a", true)).collect();
        seen.extend((0..100).map(|n| answered(&format!("r{n}"), u64::try_from(n).unwrap() + 1)));
        seen.push(decided("x", 100, "b", true));
        // The second question of the same call.
        seen.push(decided("x", 100, "c", false));
        seen.push(answered("nobody", 7));
        window.add(BY, seen, at(100));
        let top = window.top(SPAN, TopBy::Model, 9, at(100));
        assert_eq!((top.total.requests, top.total.denied, top.others), (101, 1, 0));
        let row = &top.rows[0];
        assert_eq!((row.name.as_str(), row.requests, row.denied), ("openai/a", 100, 0));
        assert_eq!((row.input_tokens, row.output_tokens, row.cost_microusd), (1000, 200, 500));
        assert_eq!((row.p50_milliseconds, row.p99_milliseconds), (Some(50), Some(99)));
        assert_eq!((row.unpriced, top.total.unpriced), (1, 1));
        assert_eq!((top.rows[1].name.as_str(), top.rows[1].p50_milliseconds), ("openai/b", None));
        assert_eq!(
            (top.last.len(), top.last[0].request.as_str(), top.last[0].denied),
            (20, "x", true)
        );
        let top = window.top(SignedDuration::from_secs(10), TopBy::Agent, 1, at(100));
        assert_eq!((top.rows.len(), top.rows[0].name.as_str(), top.rows[0].requests), (1, "-", 11));
        assert_eq!(top.since, at(90));
    }

    #[test]
    fn what_is_old_is_forgotten_and_answers_to_it_are_none() {
        let mut window = Window::default();
        window.add(BY, vec![decided("old", -301, "a", true), decided("r", 0, "a", true)], at(0));
        assert_eq!(window.top(SPAN, TopBy::Proxy, 9, at(0)).total.requests, 1);
        window.add(BY, vec![answered("r", 1)], at(301));
        assert_eq!(window.top(SPAN, TopBy::Proxy, 9, at(301)).total.requests, 0);
        assert!(window.numbers.is_empty() && window.calls.is_empty());
        // Numbers go on.
        window.add(BY, vec![decided("s", 302, "a", true), answered("s", 3)], at(302));
        let top = window.top(SPAN, TopBy::Proxy, 9, at(302));
        assert_eq!(top.total.p99_milliseconds, Some(3));
    }

    #[test]
    fn a_clock_that_is_ahead_spoils_nothing() {
        let mut window = Window::default();
        window.add(BY, vec![decided("ahead", 86_400, "a", true)], at(0));
        window.add(BY, vec![decided("r", 1, "a", true)], at(1));
        let top = window.top(SPAN, TopBy::Model, 9, at(1));
        let last: Vec<_> = top.last.iter().map(|call| (call.request.as_str(), call.at)).collect();
        assert_eq!(last, [("r", at(1)), ("ahead", at(0))]);
        assert_eq!(window.top(SPAN, TopBy::Model, 9, at(302)).total.requests, 0);
        assert!(window.numbers.is_empty() && window.calls.is_empty());
    }

    #[test]
    fn nobody_answers_or_denies_the_call_of_another() {
        let mut window = Window::default();
        window.add(BY, vec![decided("r", 0, "a", true)], at(0));
        window.add("proxy:b", vec![decided("r", 0, "b", false), answered("r", 7)], at(0));
        let top = window.top(SPAN, TopBy::Model, 9, at(0));
        let rows: Vec<_> = top
            .rows
            .iter()
            .map(|row| (row.name.as_str(), row.denied, row.p50_milliseconds))
            .collect();
        assert_eq!(rows, [("openai/a", 0, None), ("openai/b", 1, Some(7))]);
    }

    #[test]
    fn of_too_many_the_oldest_go_and_it_says_so() {
        let mut window = Window::default();
        let many = (0..MOST + 2).map(|n| decided(&n.to_string(), i64::from(n > 0), "a", true));
        window.add(BY, many.collect(), at(2));
        let top = window.top(SPAN, TopBy::Model, 9, at(2));
        assert_eq!((top.total.requests, top.since), (MOST as u64, at(1)));
    }
}
