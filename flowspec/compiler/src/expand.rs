//! Policies and registry → intents.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use jiff::Timestamp;
use sark_flowspec::Afi;
use sark_policy::Policy;
use sark_registry::{Endpoint, Snapshot, State};

use crate::aggregate::{Evidence, aggregate};
use crate::destinations::destinations;
use crate::intent::{Decider, Intent, Intents};
use crate::net::{Net, afi_of};
use crate::steer::{self, Steering};
use crate::wish::{self, Wish};
use crate::{Environment, Pool, Refusal, Unresolved, Warning, guard, select};

/// What expanding gives besides intents.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub refused: Vec<Refusal>,
    pub unresolved: Vec<Unresolved>,
    pub warnings: Vec<Warning>,
    pub steering: Vec<Steering>,
}

/// All that a policy is read against.
pub(crate) struct Context<'a> {
    pub registry: &'a Snapshot,
    pub environment: &'a Environment,
    pub protected: &'a [(String, IpNet)],
    pub now: Timestamp,
}

/// One active policy: its endpoints by index are selected already.
pub(crate) fn expand(
    context: &Context<'_>,
    policy: &Policy,
    selected: &BTreeSet<u32>,
    pool: Option<&Pool>,
    intents: &mut Intents,
    findings: &mut Findings,
) {
    let before = findings.refused.len();
    refuse_named(context, policy, findings);
    let destinations = destinations(context, policy, selected, pool, findings);
    let wishes = wish::wishes(policy, pool, context.environment);
    let profile = &context.environment.profile;
    if findings.refused.len() > before {
        return;
    }
    if policy.to.is_some() && destinations.is_empty() {
        findings.refused.push(no_address(context, policy, selected));
        return;
    }
    let has = |nets: &[IpNet], afi| nets.iter().any(|net| afi_of(net) == afi);
    let to_has = |afi| destinations.contains_key(&afi);
    let mut found = Vec::new();
    for afi in [Afi::Ipv4, Afi::Ipv6] {
        let from_ok = policy.from.is_empty() || has(&policy.from, afi);
        let to_ok = policy.to.is_none() || to_has(afi);
        if !(from_ok && to_ok) {
            let missing = match (has(&policy.from, afi), policy.to.is_some() && to_has(afi)) {
                (true, _) => "`to` has no address of that family",
                (_, true) => "`from` has no prefix of that family",
                _ => continue,
            };
            findings.warnings.push(uncovered(policy, afi, missing));
            continue;
        }
        found.push(afi);
    }
    if found.is_empty() {
        findings.refused.push(Refusal {
            policy: policy.name.clone(),
            guard: "family".into(),
            why: "`from` and `to` have no address family in common, so no packet is meant".into(),
            fix: format!(
                "{}:{}: give `from` prefixes of the family of `to`",
                policy.place.file, policy.from_line
            ),
        });
        return;
    }
    let mut made = Vec::new();
    let mut reasons = Vec::new();
    for afi in found {
        match wishes.family(afi) {
            Ok(wish) => match wish.check(policy, afi, profile) {
                Ok(()) => made.push((afi, wish)),
                Err(refusal) => findings.refused.push(refusal),
            },
            Err(reason) => reasons.push((afi, reason)),
        }
    }
    if findings.refused.len() > before {
        findings.refused.dedup();
        return;
    }
    for (afi, reason) in &reasons {
        match made.is_empty() {
            true => {
                findings.refused.push(reason.refusal(policy));
                return;
            }
            false => findings.warnings.push(uncovered(policy, *afi, reason.why())),
        }
    }
    wish::warn(policy, &made, profile, &mut findings.warnings);
    push(policy, pool, made, destinations, intents, findings);
}

fn push(
    policy: &Policy,
    pool: Option<&Pool>,
    made: Vec<(Afi, &Wish)>,
    mut destinations: BTreeMap<Afi, Vec<Evidence>>,
    intents: &mut Intents,
    findings: &mut Findings,
) {
    let decider = intents.deciders.len() as u32;
    intents.deciders.push(Decider {
        name: policy.name.clone(),
        file: policy.place.file.clone(),
        line: policy.place.line,
        priority: policy.priority.into(),
        to_line: policy.to.as_ref().map_or(policy.place.line, |to| to.line),
    });
    for (afi, wish) in made {
        let of_family = policy.from.iter().filter(|net| afi_of(net) == afi);
        let sources = aggregate(of_family.map(|net| literal(*net, true)).collect());
        let sources = (!sources.is_empty()).then(|| sources.iter().map(|e| e.net).collect());
        let destinations = policy.to.is_some().then(|| destinations.remove(&afi)).flatten();
        let (courses, steering) = steer::steer(policy, pool, wish, afi, sources);
        // Which of several proxies it is does not tell policies apart.
        let redirects = steering.as_ref().is_some_and(|it| it.fate.is_redirected());
        let pool = pool.filter(|_| redirects && wish.lanes.len() > 1);
        for (actions, sources) in courses {
            let means =
                intents.meaning(pool, if pool.is_some() { &wish.actions } else { &actions });
            let action = intents.action(actions);
            intents.intents.push(Intent {
                decider,
                afi,
                destinations: destinations.clone(),
                sources,
                region: wish.region.clone(),
                action,
                means,
            });
        }
        if let Some(steering) = steering {
            findings.warnings.extend(steer::warnings(policy, &steering));
            findings.steering.push(steering);
        }
    }
}

pub(crate) fn literal(net: IpNet, joins: bool) -> Evidence {
    Evidence { net: Net::from(net), endpoints: Vec::new(), literal: true, joins }
}

/// Default routes and protected prefixes that the policy names.
fn refuse_named(context: &Context<'_>, policy: &Policy, findings: &mut Findings) {
    let to = policy.to.as_ref();
    let named = policy.from.iter().map(|net| (net, policy.from_line));
    let named = named.chain(to.iter().flat_map(|to| to.prefixes.iter().map(|net| (net, to.line))));
    let mut refuse = |guard: &str, why: String, fix: String| {
        let refusal = Refusal { policy: policy.name.clone(), guard: guard.into(), why, fix };
        if !findings.refused.contains(&refusal) {
            findings.refused.push(refusal);
        }
    };
    if policy.from.is_empty() && to.is_none() {
        refuse(
            "no-prefix",
            "it has neither `from` nor `to`, so it would match every packet".into(),
            format!("{}:{}: say `from`, `to` or both", policy.place.file, policy.place.line),
        );
    }
    for (net, line) in named {
        let place = format!("{}:{line}", policy.place.file);
        if net.prefix_len() == 0 {
            refuse(
                "default-route",
                format!("it names the default route {net}, which is every address"),
                format!("{place}: name the prefixes that are meant, or leave the side out"),
            );
        }
        if let Some((name, prefix)) = context.protected.iter().find(|(_, p)| p.contains(net)) {
            refuse(
                "protected",
                format!("it names {net}, which is protected ({name}, {prefix})"),
                format!(
                    "{place}: take {net} out; packets to and from {prefix} are always accepted"
                ),
            );
        }
    }
}

/// Selected endpoints that may be destinations now.
pub(crate) fn usable<'a>(
    context: &'a Context<'_>,
    selected: &'a BTreeSet<u32>,
) -> impl Iterator<Item = (u32, &'a Endpoint)> {
    let all =
        selected.iter().filter_map(|&i| Some((i, context.registry.endpoints().get(i as usize)?)));
    all.filter(|(_, endpoint)| {
        endpoint.is_destination()
            && endpoint.state == State::Active
            && endpoint.is_usable(context.now)
    })
}

fn no_address(context: &Context<'_>, policy: &Policy, selected: &BTreeSet<u32>) -> Refusal {
    let place = match &policy.to {
        Some(to) => format!("{}:{}", policy.place.file, to.line),
        None => format!("{}:{}", policy.place.file, policy.place.line),
    };
    let ids = |all: Vec<&Endpoint>| {
        let ids: BTreeSet<String> = all.iter().map(|e| e.id.clone()).collect();
        listed(&ids)
    };
    let waiting: Vec<&Endpoint> = usable(context, selected).map(|(_, e)| e).collect();
    let others: Vec<&Endpoint> =
        selected.iter().filter_map(|&i| context.registry.endpoints().get(i as usize)).collect();
    let (why, fix) = if !waiting.is_empty() {
        (
            format!("no address is known of {}", ids(waiting)),
            format!("{place}: add their addresses in a registry overlay file, or choose others"),
        )
    } else if !others.is_empty() {
        (
            format!("{} cannot be a destination (its role, state or expiry)", ids(others)),
            format!(
                "{place}: choose endpoints with role ingress or relay and state active; \
                 `sarkctl registry show` tells"
            ),
        )
    } else {
        (
            "`to` selects no endpoint of the registry".to_owned(),
            format!("{place}: no endpoint has these kinds; `sarkctl registry list` shows them"),
        )
    };
    Refusal { policy: policy.name.clone(), guard: "no-address".into(), why, fix }
}

/// The first few, and how many more.
pub(crate) fn listed(all: &BTreeSet<String>) -> String {
    const FEW: usize = 4;
    let first: Vec<&str> = all.iter().take(FEW).map(String::as_str).collect();
    match all.len().saturating_sub(FEW) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

fn uncovered(policy: &Policy, afi: Afi, why: &str) -> Warning {
    let family = match afi {
        Afi::Ipv4 => "IPv4",
        Afi::Ipv6 => "IPv6",
    };
    Warning {
        policy: policy.name.clone(),
        code: "uncovered-family".into(),
        message: format!("{family} packets pass untouched: {why}"),
    }
}

/// Adds guards and active policies; `refused` policies are left out.
pub(crate) fn all(
    context: &Context<'_>,
    policies: &[(&Policy, BTreeSet<u32>, Option<&Pool>)],
    findings: &mut Findings,
) -> Intents {
    let mut intents = Intents::default();
    guard::add(context.environment, context.protected, &mut intents);
    for (policy, selected, pool) in policies {
        expand(context, policy, selected, *pool, &mut intents, findings);
    }
    intents
}

/// A policy, the endpoints that it selects, and its pool.
pub(crate) type Resolved<'a> = (&'a Policy, BTreeSet<u32>, Option<&'a Pool>);

/// Every mistake of the input, or for each policy what it selects.
pub(crate) fn resolve<'a>(
    policies: &'a [Policy],
    registry: &Snapshot,
    environment: &'a Environment,
) -> Result<Vec<Resolved<'a>>, Vec<crate::InputError>> {
    let mut errors = Vec::new();
    let mut out = Vec::with_capacity(policies.len());
    for policy in policies {
        let selected = match &policy.to {
            Some(to) => select::select(policy, to, registry, &mut errors),
            None => BTreeSet::new(),
        };
        let pool = match &policy.action.verdict {
            sark_policy::Verdict::RedirectPool { pool, .. } => {
                select::pool(policy, pool, environment, &mut errors)
            }
            _ => None,
        };
        out.push((policy, selected, pool));
    }
    errors.sort();
    errors.dedup();
    if errors.is_empty() { Ok(out) } else { Err(errors) }
}
