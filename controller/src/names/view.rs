//! What names lead to, for people.

use std::net::IpAddr;
use std::sync::Arc;

use sark_api::{AddressView, Dnssec, NameView, RefusedView};
use sark_registry::ageing::{Name, Refused};
use sark_registry::{Sharedness, Snapshot, State};

use super::Names;

impl Names {
    /// All that are known, by name; how shared an address is, is in the registry. With many names it
    /// takes its time, most of it without holding up who learns.
    pub fn views(&self, registry: &Snapshot) -> Vec<NameView> {
        let all: Vec<(Arc<str>, Name, Vec<Arc<str>>)> = self.look(|ageing| {
            let copy = |(name, known): (&Arc<str>, &Name)| {
                (Arc::clone(name), known.clone(), ageing.endpoints_of(name).to_vec())
            };
            ageing.memory().names.iter().map(copy).collect()
        });
        all.into_iter().map(|(name, known, of)| view(registry, &name, known, &of)).collect()
    }
}

fn view(registry: &Snapshot, name: &str, known: Name, endpoints: &[Arc<str>]) -> NameView {
    let shared = |address: IpAddr| {
        let of = endpoints.iter().filter_map(|id| registry.by_id(id));
        of.flat_map(|endpoint| endpoint.learned_at(address)).map(|one| one.sharedness).max()
    };
    let addresses = known.addresses.into_iter().map(|(address, entry)| AddressView {
        address,
        state: entry.state,
        sharedness: shared(address).unwrap_or(Sharedness::Cdn),
        since: (entry.state != State::Candidate).then_some(entry.since),
        last_seen: entry.answered_at,
        until: entry.keep_until,
        first_seen: Some(entry.first_seen),
        vantage: Some(entry.vantage),
        flow_until: entry.flow_until,
        pollers: entry.pollers.iter().map(ToString::to_string).collect(),
    });
    NameView {
        name: name.to_owned(),
        endpoints: endpoints.iter().map(ToString::to_string).collect(),
        answered_at: known.answered_at,
        next_at: known.due,
        stale_since: known.stale_since,
        addresses: addresses.collect(),
        dnssec: known.dnssec.map(dnssec),
        chain: known.chain,
        failures: known.failures,
        refused: known.refused.into_iter().map(refused).collect(),
    }
}

const fn dnssec(is_secure: bool) -> Dnssec {
    if is_secure { Dnssec::Secure } else { Dnssec::Insecure }
}

fn refused(refused: Refused) -> RefusedView {
    let Refused { address, what, vantage, at } = refused;
    RefusedView { address, what, vantage, at }
}
