//! Which addresses a policy matches, and what stands against it.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use sark_flowspec::Afi;
use sark_policy::{Policy, Verdict, WhenProxyDown};
use sark_registry::{Endpoint, Learned, Sharedness, Snapshot};

use crate::aggregate::{Evidence, aggregate};
use crate::ceiling::{self, Ceiling, Force};
use crate::expand::{Context, Findings, listed, literal, usable};
use crate::net::{Net, afi_of};
use crate::{Pool, Unresolved, Warning};

/// Destinations by family, aggregated; ceilings refused.
///
/// A policy that drops while its pool is down is held to the ceiling of drops while it is up: what
/// must not be dropped is refused before it is needed.
pub(crate) fn destinations(
    context: &Context<'_>,
    policy: &Policy,
    selected: &BTreeSet<u32>,
    pool: Option<&Pool>,
    findings: &mut Findings,
) -> BTreeMap<Afi, Vec<Evidence>> {
    let found = &mut Found::new(policy, pool);
    for (index, endpoint) in usable(context, selected) {
        if endpoint.prefixes.is_empty() && endpoint.learned.is_empty() {
            findings.unresolved.push(Unresolved {
                policy: policy.name.clone(),
                endpoint: endpoint.id.clone(),
                names: endpoint.names.iter().map(|name| name.as_str().to_owned()).collect(),
            });
            continue;
        }
        found.endpoint(context, index, endpoint);
    }
    for net in policy.to.iter().flat_map(|to| &to.prefixes) {
        found.literal(context, *net);
    }
    found.tell(findings)
}

struct Found<'a> {
    policy: &'a Policy,
    /// What it does now while its pool is up.
    force: Force,
    /// What it does while its pool is down, if that goes further.
    down: Option<Force>,
    /// Families in which that is so now.
    is_down: [bool; 2],
    ports: bool,
    out: BTreeMap<Afi, Vec<Evidence>>,
    above: BTreeMap<Ceiling, BTreeSet<String>>,
    above_down: BTreeMap<Ceiling, BTreeSet<String>>,
    left_out: BTreeMap<Ceiling, BTreeSet<String>>,
    left_out_down: BTreeMap<Ceiling, BTreeSet<String>>,
    /// Whether a drop would reach anything.
    drops_something: bool,
}

fn is_host(net: &IpNet) -> bool {
    net.prefix_len() == net.max_prefix_len()
}

impl<'a> Found<'a> {
    fn new(policy: &'a Policy, pool: Option<&Pool>) -> Self {
        let drops = matches!(policy.action.verdict, Verdict::RedirectPool { .. })
            && policy.when_proxy_down == WhenProxyDown::Drop;
        let is_down = |afi| drops && pool.is_some_and(|pool| pool.is_down(afi));
        Self {
            policy,
            force: Force::of(&policy.action.verdict, pool),
            down: drops.then_some(Force::Drop),
            is_down: [is_down(Afi::Ipv4), is_down(Afi::Ipv6)],
            ports: !policy.ports.is_empty(),
            out: BTreeMap::new(),
            above: BTreeMap::new(),
            above_down: BTreeMap::new(),
            left_out: BTreeMap::new(),
            left_out_down: BTreeMap::new(),
            drops_something: false,
        }
    }

    /// Takes note of a ceiling that a whole entry is above.
    fn check(&mut self, shared: Sharedness, net: &IpNet, name: impl Fn() -> String) {
        if let Err(why) = ceiling::check(self.force, shared, is_host(net), self.ports) {
            self.above.entry(why).or_default().insert(name());
        }
        let down = self.down.map(|force| ceiling::check(force, shared, is_host(net), self.ports));
        match down {
            Some(Err(why)) => _ = self.above_down.entry(why).or_default().insert(name()),
            _ => self.drops_something = true,
        }
    }

    fn take(&mut self, net: IpNet, index: Option<u32>, shared: Sharedness) {
        let joins = self.force == Force::Gentle || shared == Sharedness::Dedicated;
        self.out.entry(afi_of(&net)).or_default().push(match index {
            Some(index) => {
                Evidence { net: Net::from(net), endpoints: vec![index], literal: false, joins }
            }
            None => literal(net, joins),
        });
    }

    fn endpoint(&mut self, context: &Context<'_>, index: u32, endpoint: &Endpoint) {
        if !endpoint.verified {
            if self.force == Force::Drop {
                self.above.entry(Ceiling::Unverified).or_default().insert(endpoint.id.clone());
            }
            if self.down.is_some() {
                self.above_down.entry(Ceiling::Unverified).or_default().insert(endpoint.id.clone());
            }
        }
        for net in &endpoint.prefixes {
            let shared = context.registry.effective_sharedness(endpoint, *net);
            self.check(shared, net, || named(context.registry, endpoint, *net, shared));
            self.take(*net, Some(index), shared);
        }
        for learned in endpoint.learned.iter().filter(|learned| is_own(endpoint, learned)) {
            self.learned(context, index, endpoint, learned);
        }
    }

    /// What the endpoint says of itself is the policy's to heed. What was found out about one of its
    /// addresses, which come and go, takes that address out and no more.
    fn learned(
        &mut self,
        context: &Context<'_>,
        index: u32,
        endpoint: &Endpoint,
        learned: &Learned,
    ) {
        let ports = self.ports;
        let net = IpNet::from(learned.address);
        let name = || named(context.registry, endpoint, net, learned.sharedness);
        let both = |force| {
            let declared = ceiling::check(force, endpoint.sharedness, true, ports);
            (declared, ceiling::check(force, learned.sharedness, true, ports))
        };
        let mut is_taken = true;
        match both(self.force) {
            (Err(why), _) => {
                self.above.entry(why).or_default().insert(endpoint.id.clone());
                is_taken = false;
            }
            (Ok(()), Err(why)) => {
                self.left_out.entry(why).or_default().insert(name());
                is_taken = false;
            }
            (Ok(()), Ok(())) => {}
        }
        let is_down = self.is_down[usize::from(afi_of(&net) == Afi::Ipv6)];
        match self.down.map(both) {
            Some((Err(why), _)) => {
                self.above_down.entry(why).or_default().insert(endpoint.id.clone());
            }
            Some((Ok(()), Err(why))) => {
                self.left_out_down.entry(why).or_default().insert(name());
                is_taken &= !is_down;
            }
            Some((Ok(()), Ok(()))) | None => self.drops_something = true,
        }
        if is_taken {
            self.take(net, Some(index), learned.sharedness);
        }
    }

    fn literal(&mut self, context: &Context<'_>, net: IpNet) {
        let near = context
            .registry
            .overlaps(net)
            .filter(|hit| hit.endpoint.is_destination() && hit.endpoint.is_usable(context.now));
        let worst =
            near.map(|hit| context.registry.effective_sharedness(hit.endpoint, hit.prefix)).max();
        let worst = worst.unwrap_or(Sharedness::Dedicated);
        self.check(worst, &net, || net.to_string());
        self.take(net, None, worst);
    }

    fn tell(&mut self, findings: &mut Findings) -> BTreeMap<Afi, Vec<Evidence>> {
        let mut warn = |message: String| {
            let (policy, code) = (self.policy.name.clone(), "left-out".to_owned());
            findings.warnings.push(Warning { policy, code, message });
        };
        for (why, what) in std::mem::take(&mut self.left_out) {
            if self.out.is_empty() {
                self.above.entry(why).or_default().extend(what);
            } else {
                let what = listed(&what);
                warn(format!("not matched, because too much else would suffer: {what}"));
            }
        }
        for (why, what) in std::mem::take(&mut self.left_out_down) {
            if self.drops_something {
                let what = listed(&what);
                warn(format!(
                    "not dropped while its pool is down, because too much else would suffer: {what}"
                ));
            } else {
                self.above_down.entry(why).or_default().extend(what);
            }
        }
        for (why, what) in &self.above {
            let what = listed(what);
            findings.refused.push(ceiling::refusal(self.policy, self.force, *why, &what));
        }
        for (why, what) in &self.above_down {
            findings.refused.push(ceiling::refusal_when_down(self.policy, *why, &listed(what)));
        }
        let out = std::mem::take(&mut self.out);
        out.into_iter().map(|(afi, all)| (afi, aggregate(all))).collect()
    }
}

/// Whether a learned address says more than the endpoint's own prefixes.
fn is_own(endpoint: &Endpoint, learned: &Learned) -> bool {
    !endpoint.publishes(learned.address)
}

/// The endpoint; with the address and the reason, if that is shared more widely than it says.
fn named(registry: &Snapshot, endpoint: &Endpoint, net: IpNet, shared: Sharedness) -> String {
    if shared == endpoint.sharedness {
        return endpoint.id.clone();
    }
    let (_, reasons) = registry.sharedness(endpoint, net);
    let why = reasons.first().map(ToString::to_string).unwrap_or_default();
    format!("{} at {net} ({why})", endpoint.id)
}
