//! What each part of the status means for a person on call.

use jiff::{SignedDuration, Timestamp};
use sark_api::{PeerView, ReconcileView, SpeakerView, StatusResponse, StoreView};

use super::Check;
use crate::render;

/// Nobody should act on facts that are older.
const STALE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Every part, from the daemon outward to the routers.
pub fn all(status: &StatusResponse, newest: Option<Timestamp>, now: Timestamp) -> Vec<Check> {
    let mut checks = vec![version(status, now)];
    checks.extend(database(&status.store));
    let follows = status.store.role == "follower";
    if !follows {
        checks.push(speaker(&status.speaker));
        checks.extend(peers(&status.peers));
    }
    checks.push(registry(status, newest, now));
    checks.push(policies(status));
    if !follows {
        checks.push(rules(&status.reconcile, now));
    }
    checks.extend(problems(status, &checks));
    checks
}

fn version(status: &StatusResponse, now: Timestamp) -> Check {
    let ours = env!("CARGO_PKG_VERSION");
    let text = format!(
        "version {}, process {}, started {}",
        status.version,
        status.pid,
        render::ago(status.started_at, now)
    );
    if status.version == ours {
        Check::ok("sarkd", text)
    } else {
        Check::warn("sarkd", format!("{text}; sarkctl is {ours}"), "install one version of both")
    }
}

/// A `sarkd` of before does not say.
fn database(store: &StoreView) -> Option<Check> {
    let (place, help) = match store.engine.as_str() {
        "" => return None,
        "postgres" => (
            store.place.clone(),
            "is the server up, and is there a way to it? sarkd connects again by itself; rules in \
             place stay",
        ),
        _ => (
            format!("SQLite, {}", store.place),
            "check the disk of state.directory; rules in place stay",
        ),
    };
    Some(match &store.error {
        None => match store.role.as_str() {
            "leader" => Check::ok("database", format!("{place} answers; this sarkd leads")),
            "follower" => Check::ok(
                "database",
                format!(
                    "{place} answers; this sarkd follows, {} leads",
                    store.leader.as_deref().unwrap_or("another")
                ),
            ),
            "unknown" => Check::fail(
                "database",
                format!("{place} answers, and it is not known which sarkd leads"),
                help,
            ),
            _ => Check::ok("database", format!("{place} answers")),
        },
        Some(error) => Check::fail("database", format!("{place}: {error}"), help),
    })
}

fn speaker(speaker: &SpeakerView) -> Check {
    let at = format!("{} at {}", speaker.program.as_deref().unwrap_or("gobgpd"), speaker.api);
    if speaker.reachable {
        return Check::ok("speaker", format!("{at} ({}) answers", speaker.mode));
    }
    let why = speaker.error.as_deref().unwrap_or("no answer");
    let help = if speaker.mode == "external" {
        "start gobgpd, and check `bgp.gobgpd.api` in sarkd's configuration; nothing is lost: sarkd \
         announces everything again when it is back"
    } else {
        "sarkd starts it again by itself; if that fails, its log says why (`journalctl -u sarkd`): \
         is gobgpd installed, is the BGP port free?"
    };
    Check::fail("speaker", format!("{at} ({}) does not answer: {why}", speaker.mode), help)
}

fn peers(peers: &[PeerView]) -> Vec<Check> {
    if peers.is_empty() {
        return vec![Check::warn(
            "peers",
            "no router is configured: rules reach nobody",
            "add routers under `peers` in sarkd's configuration",
        )];
    }
    peers.iter().map(peer).collect()
}

fn peer(peer: &PeerView) -> Check {
    let name = format!("peer {}", peer.name.clone().unwrap_or_else(|| peer.address.to_string()));
    let who = format!("{} AS {}", peer.address, peer.asn);
    let flaps = if peer.flaps > 0 {
        format!(", went down {}", render::count(peer.flaps.into(), "time"))
    } else {
        String::new()
    };
    match peer.state.as_str() {
        "established" => Check::ok(
            &name,
            format!(
                "{who} established, {} IPv4 and {} IPv6 rules sent{flaps}",
                peer.advertised.ipv4, peer.advertised.ipv6
            ),
        ),
        "absent" => Check::fail(
            &name,
            format!("{who} is not configured in the BGP speaker"),
            "an external gobgpd's peers are its operator's: add it there",
        ),
        "unknown" => {
            Check::fail(&name, format!("{who}: state unknown"), "first the speaker must answer")
        }
        state => Check::fail(
            &name,
            format!("{who} is {state}, not established{flaps}"),
            "check that the router is up, that TCP 179 gets through, and that both ends agree on AS \
             numbers, addresses, password and the FlowSpec families",
        ),
    }
}

/// The newest fact tells how old the data is; `None` when `sarkd` did not list the endpoints.
fn registry(status: &StatusResponse, newest: Option<Timestamp>, now: Timestamp) -> Check {
    let mut text = format!(
        "{}, version {}",
        render::count(status.endpoints, "endpoint"),
        render::short(&status.registry_version)
    );
    if status.endpoints == 0 {
        return Check::fail("registry", text, "check `registry.overlays` in sarkd's configuration");
    }
    let Some(newest) = newest else { return Check::ok("registry", text) };
    text.push_str(&format!(", newest fact {}", render::ago(newest, now)));
    if now.duration_since(newest) > STALE {
        let help = "providers move: install a newer SARK, or add what changed in an overlay";
        return Check::warn("registry", text, help);
    }
    Check::ok("registry", text)
}

fn policies(status: &StatusResponse) -> Check {
    match &status.revision {
        Some(revision) => Check::ok(
            "store",
            format!(
                "revision {} of {} by {}, {}",
                revision.number,
                render::time(revision.at),
                revision.actor,
                render::policies(revision.policies.len())
            ),
        ),
        None => Check::warn(
            "store",
            "nothing was applied yet",
            "`sarkctl flowspec plan -f policies/`, then apply",
        ),
    }
}

fn rules(reconcile: &ReconcileView, now: Timestamp) -> Check {
    let text = format!("{} of {} rules in place", reconcile.in_place, reconcile.desired);
    let last = reconcile.last_success.map_or_else(
        || "never compared".to_owned(),
        |at| format!("compared {}", render::ago(at, now)),
    );
    if let Some(error) = &reconcile.error {
        let times = render::count(reconcile.failures, "failed round");
        return Check::fail(
            "rules",
            format!("{text}, {last}, {times}: {error}"),
            "mend what is named above; the next round tries again by itself",
        );
    }
    let foreign = match reconcile.foreign {
        0 => String::new(),
        number => format!("; {number} that are not ours, never touched"),
    };
    if reconcile.orphaned > 0 {
        return Check::warn(
            "rules",
            format!(
                "{text}; {} ours by their community, and no revision asks for them",
                reconcile.orphaned
            ),
            "they were left by an installation whose store is gone, and are not touched: apply the \
             policies that made them, or withdraw them in the BGP speaker",
        );
    }
    if reconcile.converged {
        Check::ok("rules", format!("{text}, {last}{foreign}"))
    } else {
        Check::warn(
            "rules",
            format!("{text}, {last}{foreign}"),
            "wait for the next round, then look again",
        )
    }
}

/// What `sarkd` itself complains about and nothing above has told.
fn problems(status: &StatusResponse, told: &[Check]) -> Vec<Check> {
    status
        .problems
        .iter()
        .filter(|problem| {
            let covered = match problem.code.as_str() {
                "speaker-unreachable" => "speaker",
                "peer-down" => "peer ",
                "store-unavailable" => "database",
                // Told with the names, and no failure while others are answered.
                "names-stale" => return false,
                _ => return true,
            };
            !told.iter().any(|check| check.name.starts_with(covered) && check.help.is_some())
        })
        .map(|problem| {
            let help = problem.help.clone().unwrap_or_else(|| "see sarkd's log".to_owned());
            Check::fail(&problem.code, problem.message.clone(), help)
        })
        .collect()
}
