//! Which rule the flow's first packet hit, as far as it can be told afterwards.

use std::sync::Arc;

use jiff::Timestamp;
use sark_api::{Explanation, RegisteredView, SteeringRule, SteeringView};
use sark_compiler::{Compiled, Environment, simulate};
use sark_core::audit::Flow;
use sark_core::storage::Revision;
use sark_flowspec::{Fragment, Packet};
use sark_registry::Snapshot;

use super::ExplainError;
use crate::desired::{Basis, Desired};
use crate::{Observatory, Registrar, chain};

/// Revisions that are looked through for the one that was in use.
const LOOKED_AT: u32 = 1000;
/// Endpoints that are told of one address.
const REGISTERED: usize = 10;
/// Bit of a TCP header (RFC 9293 section 3.1).
const SYN: u16 = 0x02;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Adds what the registry of then has at the destination, and what the rules of then did.
pub(super) async fn add(
    told: &mut Explanation,
    observatory: &Observatory,
    registrar: &Registrar,
) -> Result<(), ExplainError> {
    let Some(first) = told.records.first() else { return Ok(()) };
    let at = first.record.at;
    let version = told.records.iter().find_map(|one| one.record.evidence.registry_version.clone());
    let flow = told.records.iter().find_map(|one| one.record.about.flow);
    let registry = registry(told, version.as_deref(), observatory, registrar).await?;
    // Of a client that knows the proxy its packets went to the proxy; so they did by no rule.
    let is_steered = told.destination.entrance.as_deref() == Some("transparent");
    let question = match (flow, &told.destination.name) {
        (Some(flow), _) if is_steered => Some(flow.destination.ip().to_canonical().to_string()),
        (_, name) => name.clone(),
    };
    if let Some(question) = question {
        told.destination.registered = registered(&registry, &question);
    }
    match flow {
        None => told.notes.push("no record has the flow's addresses: no rule can be told".into()),
        Some(_) if !is_steered => told.notes.push(match &told.destination.entrance {
            Some(entrance) => {
                format!("the connection came by the {entrance} entrance: no rule steered it")
            }
            None => "it did not pass a proxy: whether a rule steered it is not known".to_owned(),
        }),
        Some(flow) => steered(told, flow, at, registry, observatory).await?,
    }
    Ok(())
}

/// The version that the records name; the present one, with a note, if it is not kept any more.
async fn registry(
    told: &mut Explanation,
    version: Option<&str>,
    observatory: &Observatory,
    registrar: &Registrar,
) -> Result<Arc<Snapshot>, ExplainError> {
    let present = observatory.snapshot();
    let Some(version) = version else {
        told.notes.push("no record names a registry version: the present one is used".to_owned());
        return Ok(present);
    };
    if version == present.version().as_str() {
        return Ok(present);
    }
    let loaded = match registrar.version(version).await {
        Ok(version) => registrar.endpoints_of(&version).await,
        Err(error) => Err(error),
    };
    match loaded {
        Ok(endpoints) => {
            let never = present.never_touch().to_vec();
            let built = tokio::task::spawn_blocking(move || {
                Snapshot::build(endpoints).with_never_touch(&never)
            });
            Ok(Arc::new(built.await?))
        }
        Err(error) => {
            told.notes.push(format!("{}: the present registry is used", chain(&error)));
            Ok(present)
        }
    }
}

fn registered(registry: &Snapshot, question: &str) -> Vec<RegisteredView> {
    let found = sark_api::lookup(registry, question);
    let one = |hit: sark_api::LookupHit| RegisteredView {
        endpoint: hit.endpoint.id,
        by: hit.matched,
        sources: hit.endpoint.sources.into_iter().map(|from| from.source).collect(),
        learned: hit.learned.into_iter().map(|learned| learned.name).collect(),
    };
    found.hits.into_iter().take(REGISTERED).map(one).collect()
}

async fn steered(
    told: &mut Explanation,
    flow: Flow,
    at: Timestamp,
    registry: Arc<Snapshot>,
    observatory: &Observatory,
) -> Result<(), ExplainError> {
    let Some(revision) = in_use_at(told, at, observatory).await? else { return Ok(()) };
    let (number, since) = (revision.number, revision.at);
    let registry_version = registry.version().to_string();
    let environment = observatory.desired.environment_before(at).await?;
    told.notes.extend(down(&environment));
    let basis = Basis { registry, environment: Arc::new(environment) };
    // As many rules as there may be: not on a thread that serves requests.
    let compiled = tokio::task::spawn_blocking(move || {
        Desired::compile(revision, basis, at).map(|desired| desired.compiled)
    });
    let compiled = match compiled.await? {
        Ok(compiled) => compiled,
        Err(error) => {
            told.notes.push(chain(&error));
            return Ok(());
        }
    };
    if let Some(refusal) = compiled.refused.first() {
        told.notes.push(format!(
            "revision {number} has no rules with this registry and the present configuration: {}",
            refusal.why
        ));
        return Ok(());
    }
    told.steering = Some(view(&compiled, &packet(flow), (number, since, registry_version)));
    Ok(())
}

/// Which proxies were down: a turn shortly before may not have been on the routers yet.
fn down(environment: &Environment) -> Option<String> {
    let pools = environment.pools.iter();
    let proxies = pools.flat_map(|pool| pool.proxies.iter().map(move |proxy| (pool, proxy)));
    let down: Vec<String> = proxies
        .filter(|(_, proxy)| !proxy.is_up)
        .map(|(pool, proxy)| format!("{}/{}", pool.name, proxy.name))
        .collect();
    (!down.is_empty()).then(|| format!("proxies that were down then: {}", down.join(", ")))
}

/// The newest revision that was accepted before this.
async fn in_use_at(
    told: &mut Explanation,
    at: Timestamp,
    observatory: &Observatory,
) -> Result<Option<Revision>, ExplainError> {
    let revisions = observatory.store.revisions(LOOKED_AT).await?;
    let found = revisions.iter().find(|revision| revision.at <= at);
    if let Some(found) = found {
        return Ok(observatory.store.revision(found.number).await?);
    }
    if revisions.len() < LOOKED_AT as usize {
        told.notes.push("no revision of the routers' rules was in use then".to_owned());
        return Ok(None);
    }
    told.notes
        .push(format!("it is older than the newest {LOOKED_AT} revisions: the present is used"));
    Ok(observatory.store.current().await?)
}

/// The first packet of the flow, without options.
fn packet(flow: Flow) -> Packet {
    let (source, destination) =
        (flow.source.ip().to_canonical(), flow.destination.ip().to_canonical());
    let has_ports = matches!(flow.protocol, TCP | UDP);
    let headers: u16 = match (destination.is_ipv4(), flow.protocol) {
        (true, UDP) => 28,
        (true, _) => 40,
        (false, UDP) => 48,
        (false, _) => 60,
    };
    Packet {
        source,
        destination,
        protocol: flow.protocol,
        source_port: has_ports.then(|| flow.source.port()),
        destination_port: has_ports.then(|| flow.destination.port()),
        icmp_type: None,
        icmp_code: None,
        tcp_flags: (flow.protocol == TCP).then_some(SYN),
        length: headers,
        dscp: 0,
        fragment: Fragment::default(),
        flow_label: destination.is_ipv6().then_some(0),
    }
}

fn view(
    compiled: &Compiled,
    packet: &Packet,
    (revision, since, registry_version): (u64, Timestamp, String),
) -> SteeringView {
    let simulation = simulate(compiled, packet);
    // In the same order.
    let hits = compiled.rules.iter().filter(|rule| rule.route.nlri.matches(packet));
    let rules = simulation.matches.into_iter().zip(hits).map(|(rule, hit)| SteeringRule {
        large_community: hit.route.large_community.to_string(),
        nlri: rule.nlri,
        matches: rule.matches,
        actions: rule.actions,
        policy: rule.policy,
        file: rule.origin.file,
        line: rule.origin.line,
        endpoints: rule.origin.endpoint,
        sources: rule.origin.source,
    });
    SteeringView {
        revision,
        since,
        registry_version,
        outcome: simulation.outcome,
        rules: rules.collect(),
        order: simulation.order,
    }
}
