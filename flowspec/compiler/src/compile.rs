//! The pipeline: policies, registry and time → desired rules.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sark_flowspec::{Afi, Nlri};
use sark_policy::PolicySet;
use sark_registry::Snapshot;

use crate::expand::{self, Context, Findings};
use crate::intent::Intents;
use crate::order::{Board, Common, Rule, Story, Stuck};
use crate::{
    Compiled, DesiredRule, Environment, InputError, Refusal, Warning, emit, example, guard, proof,
    tie,
};

/// Compiles. `activated` says when each policy (by name) was first applied in its present
/// wording; a policy that is missing there counts from `now`.
///
/// Same arguments, same result, to the byte.
///
/// # Errors
///
/// Policies that name what does not exist: all of them, with the nearest that does.
pub fn compile(
    policies: &PolicySet,
    registry: &Snapshot,
    environment: &Environment,
    activated: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Result<Compiled, Vec<InputError>> {
    let resolved = expand::resolve(&policies.policies, registry, environment)?;
    let protected = guard::protected(environment, registry);
    let context = Context { registry, environment, protected: &protected, now };
    let mut findings = Findings::default();
    let mut active = Vec::with_capacity(resolved.len());
    for (policy, selected, pool) in resolved {
        let since = activated.get(&policy.name).copied().unwrap_or(now);
        if policy.is_active(now, since) {
            active.push((policy, selected, pool));
        } else {
            findings.warnings.push(Warning {
                policy: policy.name.clone(),
                code: "inactive".into(),
                message: "it does not hold now (schedule or expiry): it has no rules".into(),
            });
        }
    }
    let mut intents = expand::all(&context, &active, &mut findings);
    let (tied, refused) = tie::ties(&intents);
    findings.refused.extend(refused);
    intents.intents.retain(|intent| !tied.contains(&intent.decider));

    let (mut rules, mut rewritten) = (Vec::new(), 0);
    for afi in [Afi::Ipv4, Afi::Ipv6] {
        match family(&intents, registry, environment, afi) {
            Ok((made, story)) => {
                rules.extend(made);
                rewritten += (story.exceptions.values().sum::<usize>() + story.pieces) as u64;
                shadows(&intents, &story, afi, &mut findings.warnings);
            }
            Err(refusal) => findings.refused.push(*refusal),
        }
    }
    findings.refused.sort();
    findings.refused.dedup();
    findings.unresolved.sort();
    findings.unresolved.dedup();
    findings.warnings.sort();
    findings.warnings.dedup();
    let (rules, preview) =
        if findings.refused.is_empty() { (rules, Vec::new()) } else { (Vec::new(), rules) };
    Ok(Compiled {
        rules,
        preview,
        refused: findings.refused,
        unresolved: findings.unresolved,
        warnings: findings.warnings,
        steering: findings.steering,
        registry_version: registry.version().to_string(),
        policy_version: policies.version.to_string(),
        rewritten,
        intents,
    })
}

/// The rules of one family, or why there are none.
fn family(
    intents: &Intents,
    registry: &Snapshot,
    environment: &Environment,
    afi: Afi,
) -> Result<(Vec<DesiredRule>, Story), Box<Refusal>> {
    let profile = &environment.profile;
    let limit = profile.max_rules(afi);
    let mut board = Board::build(intents, afi, profile)
        .map_err(|stuck| Box::new(refusal(intents, afi, limit, &profile.name, stuck)))?;
    board.drop_idle_guards();
    if board.rules.len() > limit {
        let (high, low) = board.worst().unwrap_or_else(|| {
            let most = board.story.wanted.iter().max_by_key(|(_, count)| **count);
            most.map_or((0, 0), |(decider, _)| (*decider, *decider))
        });
        let example = board.example(high, low);
        let stuck = Stuck::Limit { high, low, example, wanted: board.story.wanted_in_all };
        return Err(Box::new(refusal(intents, afi, limit, &profile.name, stuck)));
    }
    let encoding = |error| Box::new(refusal(intents, afi, limit, "", Stuck::Encoding(error)));
    let placed = emit::place(&board).map_err(encoding)?;
    proof::prove(&mut board, &placed, intents).map_err(|broken| {
        Box::new(order(
            intents,
            afi,
            (broken.high, broken.low),
            Some(&broken.example),
            format!("the proof of the order failed: {}", broken.statement),
        ))
    })?;
    harmless(&placed, intents, environment)?;
    let story = std::mem::take(&mut board.story);
    Ok((emit::emit(&board, placed, intents, registry, environment), story))
}

/// The last look: nothing that harms a session of any speaker or router leaves.
fn harmless(
    placed: &[(Rule, Nlri)],
    intents: &Intents,
    environment: &Environment,
) -> Result<(), Box<Refusal>> {
    use sark_flowspec::Component as C;
    let profile = &environment.profile;
    for (rule, nlri) in placed {
        let items = nlri.components().iter().map(|component| match component {
            C::Destination(_) | C::Source(_) => 0,
            C::Protocol(items)
            | C::Port(items)
            | C::DestinationPort(items)
            | C::SourcePort(items)
            | C::IcmpType(items)
            | C::IcmpCode(items)
            | C::PacketLength(items)
            | C::Dscp(items)
            | C::FlowLabel(items) => items.len(),
            C::TcpFlags(items) | C::Fragment(items) => items.len(),
        });
        let has = |wanted: &[u8]| {
            nlri.components().iter().any(|c| wanted.contains(&(c.component_type() as u8)))
        };
        let wrong = if nlri.body_len() > profile.max_nlri_octets {
            "it is longer than speakers can send"
        } else if items.max().unwrap_or(0) > profile.max_items {
            "a component has more values than the peers take"
        } else if !nlri
            .components()
            .iter()
            .all(|c| profile.accepts_component(nlri.afi(), c.component_type()))
        {
            "it has a component that the peers do not take"
        } else if !has(&[1, 2, 3]) {
            "it has neither prefix nor protocol"
        } else {
            continue;
        };
        let decider = intents.decider(rule.decider);
        return Err(Box::new(Refusal {
            policy: decider.name.clone(),
            guard: "session".into(),
            why: format!("the rule {nlri} is not sent: {wrong}"),
            fix: format!("{}: match with fewer conditions, and report this", decider.place()),
        }));
    }
    Ok(())
}

fn refusal(intents: &Intents, afi: Afi, limit: usize, profile: &str, stuck: Stuck) -> Refusal {
    let family = match afi {
        Afi::Ipv4 => "IPv4",
        Afi::Ipv6 => "IPv6",
    };
    match stuck {
        Stuck::Limit { high, low, example, wanted } if high != low && wanted <= limit => order(
            intents,
            afi,
            (high, low),
            example.as_ref(),
            format!(
                "the policies want {wanted} {family} rules, but with the exceptions that keep the \
                 order there are more than the {limit} of the profile {profile}"
            ),
        ),
        Stuck::Limit { high, low, wanted, .. } => {
            let policy = intents.decider(if intents.decider(low).is_guard() { high } else { low });
            Refusal {
                policy: policy.name.clone(),
                guard: "budget".into(),
                why: format!(
                    "the policies want {wanted} {family} rules; the profile {profile} has room for \
                     {limit}, guards and exceptions included"
                ),
                fix: format!(
                    "{}: select fewer endpoints, give `from` and `ports` as ranges instead of \
                     lists, or give the peers a wider profile",
                    policy.place()
                ),
            }
        }
        Stuck::Octets { high, low, example } => order(
            intents,
            afi,
            (high, low),
            Some(&example),
            "no rules of this profile can be put in the order that their priorities mean".into(),
        ),
        Stuck::Encoding(error) => Refusal {
            policy: String::new(),
            guard: "session".into(),
            why: format!("a rule cannot be encoded: {error}"),
            fix: "report this with the policy files".into(),
        },
    }
}

fn order(
    intents: &Intents,
    afi: Afi,
    (high, low): (u32, u32),
    example: Option<&Common>,
    why: String,
) -> Refusal {
    let (high, low) = (intents.decider(high), intents.decider(low));
    let packet = example.map(|common| {
        let (to, from, region) = &**common;
        format!(", for instance of {}", example::packet(afi, *to, *from, region))
    });
    let change = if high.is_guard() { low } else { high };
    Refusal {
        policy: change.name.clone(),
        guard: "order".into(),
        why: format!(
            "{why}; most stand where {} decides before {}{}",
            high.place(),
            low.place(),
            packet.unwrap_or_default()
        ),
        fix: format!(
            "{}: narrow `from`, `to` or `ports` of one so that they overlap less",
            if low.is_guard() { high.place() } else { low.place() }
        ),
    }
}

/// Says which policies are decided by others, wholly or in part.
fn shadows(intents: &Intents, story: &Story, afi: Afi, warnings: &mut Vec<Warning>) {
    let family = match afi {
        Afi::Ipv4 => "IPv4",
        Afi::Ipv6 => "IPv6",
    };
    let mut lost: BTreeMap<u32, (usize, BTreeSet<String>)> = BTreeMap::new();
    for (&(low, high), count) in &story.shadowed {
        let (total, by) = lost.entry(low).or_default();
        *total += count;
        by.insert(intents.decider(high).place());
    }
    for (low, (count, by)) in lost {
        let decider = intents.decider(low);
        let wanted = story.wanted.get(&low).copied().unwrap_or(0);
        if decider.is_guard() {
            continue;
        }
        let by = expand::listed(&by);
        let message = if count >= wanted {
            format!("it decides no {family} packet: {by} decides first for all that it matches")
        } else {
            format!("{count} of its {wanted} {family} rules never match: {by} decides first")
        };
        warnings.push(Warning { policy: decider.name.clone(), code: "shadowed".into(), message });
    }
}
