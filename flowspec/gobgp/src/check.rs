//! What must not reach gobgpd.
//!
//! gobgpd sends malformed NLRI for some rules, which makes routers reset the session and lose all
//! rules, and dies of others (seen on 3.10, 3.36 and 4.8; the reasons are beside the checks). It
//! checks nothing itself, so it is done here, before anything is sent.

use sark_flowspec::{
    Action, Afi, BitmaskItem, Component, ComponentType, Nlri, NumericItem, NumericOp, PrefixMatch,
    Route, SpeakerError,
};

/// Longest NLRI body that gobgpd encodes: from 239 octets on it writes the length over the first
/// component (osrg/gobgp issue 3596).
pub const MAX_BODY: usize = 238;

/// Fails with [`SpeakerError::Unsendable`] for the first route that would harm gobgpd or a peer.
pub fn routes(routes: &[Route]) -> Result<(), SpeakerError> {
    routes.iter().try_for_each(|route| {
        nlri(&route.nlri)
            .and_then(|()| route.actions.iter().try_for_each(action))
            .map_err(|reason| unsendable(&route.nlri, reason))
    })
}

/// The same for the NLRIs of a withdrawal.
pub fn nlris(nlris: &[Nlri]) -> Result<(), SpeakerError> {
    nlris.iter().try_for_each(|rule| nlri(rule).map_err(|reason| unsendable(rule, reason)))
}

fn unsendable(rule: &Nlri, reason: String) -> SpeakerError {
    SpeakerError::Unsendable { rule: rule.to_string(), reason }
}

fn nlri(nlri: &Nlri) -> Result<(), String> {
    let body = nlri.body_len();
    if body > MAX_BODY {
        return Err(format!(
            "its NLRI has {body} octets, and gobgpd garbles more than {MAX_BODY}: split the rule"
        ));
    }
    if nlri.components().is_empty() {
        return Err("it has no component".to_owned());
    }
    let mut last = None;
    for component in nlri.components() {
        let kind = component.component_type();
        if last.is_some_and(|last| last >= kind) {
            return Err(format!("component {kind} is out of order or there twice"));
        }
        last = Some(kind);
        self::component(nlri.afi(), component)?;
    }
    // gobgpd's table key is its own text of the rule, equal for several encodings of one rule. With
    // one form only, what is read back can be compared octet by octet.
    if nlri.canonical() != *nlri {
        return Err("it is not in canonical form".to_owned());
    }
    Ok(())
}

fn component(afi: Afi, component: &Component) -> Result<(), String> {
    let kind = component.component_type();
    match component {
        Component::Destination(prefix) | Component::Source(prefix) => self::prefix(afi, prefix),
        Component::TcpFlags(items) | Component::Fragment(items) => bitmask(afi, kind, items),
        Component::FlowLabel(_) if afi == Afi::Ipv4 => {
            Err("IPv4 has no flow label: peers would reset the session".to_owned())
        }
        Component::Protocol(items)
        | Component::Port(items)
        | Component::DestinationPort(items)
        | Component::SourcePort(items)
        | Component::IcmpType(items)
        | Component::IcmpCode(items)
        | Component::PacketLength(items)
        | Component::Dscp(items)
        | Component::FlowLabel(items) => numeric(afi, kind, items),
    }
}

fn prefix(afi: Afi, prefix: &PrefixMatch) -> Result<(), String> {
    match (afi, prefix) {
        (Afi::Ipv4, PrefixMatch::V4(_)) => Ok(()),
        (Afi::Ipv6, PrefixMatch::V6 { pattern, length, offset }) => {
            if *offset != 0 {
                Err("gobgpd encodes an IPv6 prefix offset as before RFC 8956: routers would reset \
                     the session or match other packets"
                    .to_owned())
            } else if *length > 128 {
                Err(format!("prefix length {length} is beyond 128"))
            } else if pattern.to_ipv4_mapped().is_some() {
                // Its parser turns the text `::ffff:192.0.2.1` into an IPv4 address.
                Err("gobgpd reads an IPv4-mapped prefix as IPv4".to_owned())
            } else {
                Ok(())
            }
        }
        (Afi::Ipv4, PrefixMatch::V6 { .. }) | (Afi::Ipv6, PrefixMatch::V4(_)) => {
            Err("a prefix is not of the rule's address family".to_owned())
        }
    }
}

fn numeric(afi: Afi, kind: ComponentType, items: &[NumericItem]) -> Result<(), String> {
    list(kind, items.first().map(|item| item.and))?;
    for item in items {
        // gobgpd prints these as their opposites, and its text is its table key.
        if matches!(item.op, NumericOp::False | NumericOp::True) {
            return Err(format!("{kind} has an item that is always true or always false"));
        }
        if item.value > kind.max_value(afi) {
            return Err(beyond(kind, item.value));
        }
    }
    Ok(())
}

fn bitmask(afi: Afi, kind: ComponentType, items: &[BitmaskItem]) -> Result<(), String> {
    list(kind, items.first().map(|item| item.and))?;
    // gobgpd prints eight flags only, and its text of a rule is its table key: a rule with other
    // flags would take the place of another rule without them, silently.
    if kind == ComponentType::TcpFlags
        && let Some(item) = items.iter().find(|item| item.value > 0xff)
    {
        return Err(format!(
            "gobgpd does not tell {kind} {} from {}: use the eight flags FIN to CWR",
            item.value,
            item.value & 0xff
        ));
    }
    match items.iter().find(|item| item.value & !kind.max_value(afi) != 0) {
        Some(item) => Err(beyond(kind, item.value)),
        None => Ok(()),
    }
}

fn list(kind: ComponentType, first_and: Option<bool>) -> Result<(), String> {
    match first_and {
        None => Err(format!("{kind} has no item")),
        Some(true) => Err(format!("the first item of {kind} has the AND bit")),
        Some(false) => Ok(()),
    }
}

/// A value of 2^32 or more kills gobgpd 3.10; others out of their field have crashed routers.
fn beyond(kind: ComponentType, value: u64) -> String {
    format!("{value} is beyond the field of {kind}")
}

fn action(action: &Action) -> Result<(), String> {
    match action {
        Action::TrafficMarking { dscp } if *dscp > 0x3f => {
            Err(format!("DSCP {dscp} is beyond six bits"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
