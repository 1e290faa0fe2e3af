//! What names lead to, for people.

use sark_api::{AddressView, Dnssec, NameView, RefusedView};
use sark_registry::ageing::Refused;
use sark_registry::{Snapshot, State};

use super::Names;

impl Names {
    /// All that are known, by name; how shared an address is, is in the registry.
    pub fn views(&self, registry: &Snapshot) -> Vec<NameView> {
        self.look(|ageing| {
            let names = ageing.memory().names.iter();
            let view = |(name, known): (&std::sync::Arc<str>, &sark_registry::ageing::Name)| {
                let endpoints = ageing.endpoints_of(name);
                let shared = |address| {
                    let of = endpoints.iter().filter_map(|id| registry.by_id(id));
                    let learned = of.flat_map(|endpoint| &endpoint.learned);
                    let found = learned.filter(|one| one.address == address);
                    found.map(|one| one.sharedness).max()
                };
                let addresses = known.addresses.iter().map(|(address, entry)| AddressView {
                    address: *address,
                    state: entry.state,
                    sharedness: shared(*address).unwrap_or(sark_registry::Sharedness::Cdn),
                    since: (entry.state != State::Candidate).then_some(entry.since),
                    last_seen: entry.answered_at,
                    until: entry.keep_until,
                    first_seen: Some(entry.first_seen),
                    vantage: Some(entry.vantage.clone()),
                    flow_until: entry.flow_until,
                    pollers: entry.pollers.iter().map(ToString::to_string).collect(),
                });
                NameView {
                    name: name.to_string(),
                    endpoints: endpoints.iter().map(ToString::to_string).collect(),
                    answered_at: known.answered_at,
                    next_at: known.due,
                    stale_since: known.stale_since,
                    addresses: addresses.collect(),
                    dnssec: known.dnssec.map(dnssec),
                    chain: known.chain.clone(),
                    failures: known.failures,
                    refused: known.refused.iter().cloned().map(refused).collect(),
                }
            };
            names.map(view).collect()
        })
    }
}

const fn dnssec(is_secure: bool) -> Dnssec {
    if is_secure { Dnssec::Secure } else { Dnssec::Insecure }
}

fn refused(refused: Refused) -> RefusedView {
    let Refused { address, what, vantage, at } = refused;
    RefusedView { address, what, vantage, at }
}
