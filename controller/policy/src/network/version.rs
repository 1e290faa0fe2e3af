//! What a policy means, as one text to hash: spelling, order and comments are gone.

use std::fmt::Write;

use sark_core::ContentHash;

use super::{Expiry, Policy, Schedule};

/// Hash of what the policy does. Owner and ticket do not count: to change them does not begin the
/// policy anew.
pub(super) fn of_policy(policy: &Policy) -> ContentHash {
    let mut text = String::from("sark/v1 FlowSpecPolicy\n");
    let mut line = |key: &str, value: &dyn std::fmt::Debug| {
        let _ = writeln!(text, "{key} {value:?}");
    };
    line("name", &policy.name);
    line("priority", &policy.priority);
    line("from", &policy.from);
    if let Some(to) = &policy.to {
        line("to.providers", &to.providers);
        line("to.services", &to.services);
        line("to.kinds", &to.kinds);
        line("to.tunnels", &to.tunnels);
        line("to.prefixes", &to.prefixes);
        line("to.names", &to.names);
    }
    line("protocols", &policy.protocols);
    line("ports", &policy.ports);
    line("sourcePorts", &policy.source_ports);
    line("packetLength", &policy.packet_length);
    line("dscp", &policy.dscp);
    line("tcpFlags", &policy.tcp_flags);
    line("fragment", &policy.fragment);
    line("verdict", &policy.action.verdict);
    line("mark", &policy.action.mark);
    line("sample", &policy.action.sample);
    line("whenProxyDown", &policy.when_proxy_down);
    if let Some(Schedule { zone, windows }) = &policy.schedule {
        line("zone", &zone.iana_name());
        for window in windows {
            line("window", &(&window.days, window.from.to_string(), window.to.to_string()));
        }
    }
    match policy.expires {
        None => {}
        Some(Expiry::At(at)) => line("expires at", &at.as_nanosecond()),
        Some(Expiry::After(after)) => line("expires after", &after.as_nanos()),
    }
    ContentHash::of(text.as_bytes())
}

/// Hash of a set, with who answers for it. The policies are in order of their names.
pub(super) fn of_set(policies: &[Policy]) -> ContentHash {
    let mut text = String::from("sark/v1 policy set\n");
    for policy in policies {
        let _ = writeln!(text, "{} {:?} {:?}", policy.version, policy.owner, policy.ticket);
    }
    ContentHash::of(text.as_bytes())
}
