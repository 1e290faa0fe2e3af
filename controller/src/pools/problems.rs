//! What a person has to mend of pools.

use sark_api::{
    PoolProxyView, PoolRefusal, PoolState, PoolView, PoolsResponse, Problem, ProxyState,
};
use sark_compiler::Fate;

/// A pool that is down, a proxy of one that is not, or what `sarkd` cannot ask; one cause is one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolProblem {
    /// `pool-down`, `proxy-down`, `proxy-unasked` or `pool-unready`.
    pub code: &'static str,
    /// `inspection`, `inspection/a`, or a policy.
    pub subject: String,
    /// One line.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl From<PoolProblem> for Problem {
    fn from(problem: PoolProblem) -> Self {
        let PoolProblem { code, message, help, .. } = problem;
        Self { code: code.to_owned(), message, help: Some(help) }
    }
}

/// All of them.
#[must_use]
pub fn problems(pools: &PoolsResponse) -> Vec<PoolProblem> {
    let of_pools =
        pools.pools.iter().flat_map(|pool| of_pool(pool).into_iter().chain(unasked(pool)));
    of_pools.chain(pools.would_refuse.iter().map(unready)).collect()
}

fn of_pool(pool: &PoolView) -> Vec<PoolProblem> {
    let down: Vec<&PoolProxyView> =
        pool.proxies.iter().filter(|proxy| proxy.state == ProxyState::Down).collect();
    let answer = |proxy: &PoolProxyView| {
        let words = proxy.answer.as_ref().map_or("no answer", |answer| answer.words.as_str());
        match &proxy.check {
            Some(check) => format!("{check}: {words}"),
            None => words.to_owned(),
        }
    };
    if pool.state == PoolState::Down {
        let first = down.first().map_or_else(String::new, |proxy| answer(proxy));
        return vec![PoolProblem {
            code: "pool-down",
            subject: pool.name.clone(),
            message: format!("no proxy of the pool {} is up{}; {first}", pool.name, fates(pool)),
            help: "start the proxies; flows go back to them when their hold-down is over"
                .to_owned(),
        }];
    }
    let one = |proxy: &&PoolProxyView| PoolProblem {
        code: "proxy-down",
        subject: format!("{}/{}", pool.name, proxy.name),
        message: format!(
            "proxy {} of the pool {} is down; {}",
            proxy.name,
            pool.name,
            answer(proxy)
        ),
        help: "its flows go to the others until it is back and its hold-down is over".to_owned(),
    };
    down.iter().map(one).collect()
}

/// What could not be carried out if proxies went.
fn unready(refusal: &PoolRefusal) -> PoolProblem {
    let PoolRefusal { policy, why, fix } = refusal;
    PoolProblem {
        code: "pool-unready",
        subject: policy.clone(),
        message: format!("the policy {policy} would be refused {why}"),
        help: fix.clone(),
    }
}

/// That `sarkd` itself cannot ask.
fn unasked(pool: &PoolView) -> Option<PoolProblem> {
    let proxies = || pool.proxies.iter().filter(|proxy| proxy.cannot_ask.is_some());
    let why = proxies().find_map(|proxy| proxy.cannot_ask.as_deref())?;
    let names: Vec<&str> = proxies().map(|proxy| proxy.name.as_str()).collect();
    Some(PoolProblem {
        code: "proxy-unasked",
        subject: pool.name.clone(),
        message: format!(
            "sarkd cannot ask proxies of the pool {} ({}): {why}",
            pool.name,
            names.join(", ")
        ),
        help: "look at sarkd's own machine: its routes, filters and open files; until it can ask, \
               proxies are taken for what they were"
            .to_owned(),
    })
}

/// `: inspect-llm flows unseen, hold is dropped`.
fn fates(pool: &PoolView) -> String {
    let mut said: Vec<String> = Vec::new();
    for policy in &pool.policies {
        let what = match policy.fate {
            Fate::Withdrawn => "goes on unseen",
            Fate::Dropped => "is dropped",
            Fate::Kept => "goes to proxies that do not answer",
            Fate::Redirected => continue,
        };
        let words = format!("what {} matches {what}", policy.policy);
        if !said.contains(&words) {
            said.push(words);
        }
    }
    if said.is_empty() { String::new() } else { format!(": {}", said.join(", ")) }
}

#[cfg(test)]
mod tests {
    use sark_api::PoolPolicyView;
    use sark_flowspec::Afi;

    use super::*;

    fn pool(states: &[ProxyState], state: PoolState, fate: Fate) -> PoolsResponse {
        let proxy = |(n, state): (u8, &ProxyState)| PoolProxyView {
            name: char::from(b'a' + n).to_string(),
            state: *state,
            since: None,
            held_until: None,
            next_hop4: None,
            next_hop6: None,
            check: Some("tcp 192.0.2.10:443".to_owned()),
            answer: None,
            cannot_ask: None,
            share: None,
            sources: Vec::new(),
        };
        let policy = |afi| PoolPolicyView { policy: "inspect".to_owned(), afi, fate };
        let pool = PoolView {
            name: "inspection".to_owned(),
            state,
            proxies: (0..).zip(states).map(proxy).collect(),
            policies: vec![policy(Afi::Ipv4), policy(Afi::Ipv6)],
        };
        PoolsResponse { asks: true, pools: vec![pool], would_refuse: Vec::new() }
    }

    #[test]
    fn one_cause_is_one_problem() {
        use ProxyState::{Down, Unknown, Up};
        assert_eq!(problems(&pool(&[Up, Unknown], PoolState::Up, Fate::Redirected)), []);
        let one = problems(&pool(&[Up, Down], PoolState::Degraded, Fate::Redirected));
        let said: Vec<_> = one.iter().map(|it| (it.code, it.subject.as_str())).collect();
        assert_eq!(said, [("proxy-down", "inspection/b")]);
        let all = problems(&pool(&[Down, Down], PoolState::Down, Fate::Withdrawn));
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(
            all[0].message,
            "no proxy of the pool inspection is up: what inspect matches goes on unseen; tcp \
             192.0.2.10:443: no answer"
        );
        assert_eq!((all[0].code, all[0].subject.as_str()), ("pool-down", "inspection"));
    }

    #[test]
    fn what_sarkd_lacks_is_said_of_sarkd() {
        let mut pools =
            pool(&[ProxyState::Up, ProxyState::Unknown], PoolState::Up, Fate::Redirected);
        for proxy in &mut pools.pools[0].proxies {
            proxy.cannot_ask = Some("too many open files".to_owned());
        }
        let all = problems(&pools);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!((all[0].code, all[0].subject.as_str()), ("proxy-unasked", "inspection"));
        assert_eq!(
            all[0].message,
            "sarkd cannot ask proxies of the pool inspection (a, b): too many open files"
        );
    }
}
