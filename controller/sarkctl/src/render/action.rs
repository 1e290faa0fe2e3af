//! Actions as a person reads them, from the octets that go out: so they cannot disagree.

use sark_flowspec::{Action, ExtendedCommunity, RouteTarget};

/// What becomes of the packets, such as `redirect to 192.0.2.10, mark DSCP 46`.
pub fn actions<'a>(communities: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = communities.into_iter().map(community).collect();
    if texts.is_empty() { "accept".to_owned() } else { texts.join(", ") }
}

fn community(hex: &str) -> String {
    let action = octets(hex).and_then(|octets| Action::decode(&octets).ok().flatten());
    action.map_or_else(|| format!("community {hex}"), |action| text(&action))
}

fn octets(hex: &str) -> Option<ExtendedCommunity> {
    let octets: Option<Vec<u8>> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect();
    let octets = octets?;
    if let Ok(basic) = octets.as_slice().try_into() {
        return Some(ExtendedCommunity::Basic(basic));
    }
    octets.as_slice().try_into().ok().map(ExtendedCommunity::Ipv6)
}

/// One action.
pub fn text(action: &Action) -> String {
    match action {
        Action::TrafficRateBytes { rate, .. } | Action::TrafficRatePackets { rate, .. }
            if rate.get() == 0.0 =>
        {
            "drop".to_owned()
        }
        Action::TrafficRateBytes { rate, .. } => format!("limit {}B/s", amount(rate.get())),
        Action::TrafficRatePackets { rate, .. } => format!("limit {} packets/s", rate.get()),
        Action::TrafficAction { sample, terminal } => match (sample, terminal) {
            (true, false) => "sample".to_owned(),
            (true, true) => "sample, go on to the next rule".to_owned(),
            (false, true) => "go on to the next rule".to_owned(),
            (false, false) => "accept".to_owned(),
        },
        Action::RedirectVrf(RouteTarget::As2 { asn, value }) => format!("to VRF {asn}:{value}"),
        Action::RedirectVrf(RouteTarget::Ipv4 { address, value }) => {
            format!("to VRF {address}:{value}")
        }
        Action::RedirectVrf(RouteTarget::As4 { asn, value }) => format!("to VRF {asn}:{value}"),
        Action::RedirectIp { address, copy: false } => format!("redirect to {address}"),
        Action::RedirectIp { address, copy: true } => format!("copy to {address}"),
        Action::TrafficMarking { dscp } => format!("mark DSCP {dscp}"),
    }
}

/// Exact: a unit is used only when nothing is lost by it.
fn amount(rate: f32) -> String {
    [(1e9, "G"), (1e6, "M"), (1e3, "k")]
        .into_iter()
        .find(|(unit, _)| rate >= *unit && (rate / unit).fract() == 0.0)
        .map_or_else(|| format!("{rate} "), |(unit, sign)| format!("{} {sign}", rate / unit))
}

#[cfg(test)]
mod tests {
    use super::{actions, amount};

    #[test]
    fn amounts_lose_nothing() {
        assert_eq!(amount(1e6), "1 M");
        assert_eq!(amount(1_500_000.0), "1500 k");
        assert_eq!(amount(1234.0), "1234 ");
    }

    #[test]
    fn what_is_no_action_is_shown_as_it_is() {
        assert_eq!(actions([]), "accept");
        assert_eq!(actions(["zz", "00"]), "community zz, community 00");
    }

    #[test]
    fn actions_read_as_sentences() {
        let all = [
            "8006000000000000",
            "8006fde949742400",
            "800c0000447a0000",
            "8007000000000002",
            "8008fde900000064",
            "010c0a6309090000",
            "000c20010db800ff000000000000000000010000",
            "800900000000002e",
        ];
        assert_eq!(
            actions(all),
            "drop, limit 1 MB/s, limit 1000 packets/s, sample, to VRF 65001:100, \
             redirect to 10.99.9.9, redirect to 2001:db8:ff::1, mark DSCP 46"
        );
    }
}
