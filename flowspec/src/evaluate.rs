//! What a set of rules does to a packet (RFC 8955 sections 5.1 and 7.3).

use crate::{Action, Nlri, Packet, Route};

/// Anything that has a match and actions.
pub trait Rule {
    /// What it matches.
    fn nlri(&self) -> &Nlri;
    /// What is done; empty accepts.
    fn actions(&self) -> &[Action];
}

impl Rule for Route {
    fn nlri(&self) -> &Nlri {
        &self.nlri
    }

    fn actions(&self) -> &[Action] {
        &self.actions
    }
}

/// The first matching rule in the order of section 5.1, whatever order they are given in.
pub fn winner<'r, R: Rule>(
    rules: impl IntoIterator<Item = &'r R>,
    packet: &Packet,
) -> Option<&'r R> {
    rules.into_iter().filter(|rule| rule.nlri().matches(packet)).min_by_key(|rule| rule.nlri())
}

/// All rules that act on the packet, in the order of section 5.1: the winner and, as long as a
/// rule carries traffic-action with the T bit, which means *continue*, the next that matches. The
/// actions of all of them apply; where two contradict each other, routers differ (section 7.7).
pub fn acting<'r, R: Rule>(rules: impl IntoIterator<Item = &'r R>, packet: &Packet) -> Vec<&'r R> {
    let mut matching: Vec<&R> =
        rules.into_iter().filter(|rule| rule.nlri().matches(packet)).collect();
    matching.sort_by_key(|rule| rule.nlri());
    let stop = matching.iter().position(|rule| !rule.actions().iter().any(Action::continues));
    if let Some(stop) = stop {
        matching.truncate(stop + 1);
    }
    matching
}
