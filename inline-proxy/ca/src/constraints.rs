//! nameConstraints (RFC 5280 §4.2.1.10): whom an authority may vouch for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use x509_parser::extensions::{GeneralName, GeneralSubtree, NameConstraints};

use crate::der::{SEQUENCE, explicit, implicit, tlv};
use crate::host::{Host, Kind};
use crate::oid::{NAME_CONSTRAINTS, extension};

/// Names and networks that leaves may be for. Where nothing is permitted of a kind, all of the kind is,
/// but for what is excluded: an authority for names alone excludes `0.0.0.0/0` and `::/0`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraints {
    /// These names and all below them.
    pub permitted_names: Vec<String>,
    /// Not these, and none below them.
    pub excluded_names: Vec<String>,
    /// These networks.
    pub permitted_networks: Vec<IpNet>,
    /// Not these.
    pub excluded_networks: Vec<IpNet>,
}

impl Constraints {
    /// Whether nothing is constrained.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a leaf for this host would be believed.
    #[must_use]
    pub fn permit(&self, host: &Host) -> bool {
        match host.kind() {
            Kind::Dns(name) => {
                let is_in = |bases: &[String]| bases.iter().any(|base| is_below(name, base));
                (self.permitted_names.is_empty() || is_in(&self.permitted_names))
                    && !is_in(&self.excluded_names)
            }
            Kind::Ip(address) => {
                let is_in = |nets: &[IpNet]| nets.iter().any(|net| net.contains(address));
                (self.permitted_networks.is_empty() || is_in(&self.permitted_networks))
                    && !is_in(&self.excluded_networks)
            }
        }
    }

    /// The extension, which is critical; none where nothing is constrained.
    pub(crate) fn extension(&self) -> Option<Vec<u8>> {
        let permitted = subtrees(&self.permitted_names, &self.permitted_networks);
        let excluded = subtrees(&self.excluded_names, &self.excluded_networks);
        let part = |number, trees: &[u8]| match trees {
            [] => Vec::new(),
            trees => tlv(explicit(number), &[trees]),
        };
        let value = tlv(SEQUENCE, &[&part(0, &permitted), &part(1, &excluded)]);
        let is_empty = permitted.is_empty() && excluded.is_empty();
        (!is_empty).then(|| extension(NAME_CONSTRAINTS, true, &value))
    }

    /// Of a certificate's, and whether subjects are constrained too; none if it has a form that nobody
    /// could write.
    pub(crate) fn of(found: &NameConstraints<'_>) -> Option<(Self, bool)> {
        let mut all = Self::default();
        let permitted = found.permitted_subtrees.as_deref();
        let permitted = read(permitted, &mut all.permitted_names, &mut all.permitted_networks)?;
        let excluded = found.excluded_subtrees.as_deref();
        let excluded = read(excluded, &mut all.excluded_names, &mut all.excluded_networks)?;
        Some((all, permitted || excluded))
    }
}

/// Labels from the right, as §4.2.1.10 adds them to the left. A leading dot, which is not of that RFC
/// but in use, leaves the name itself out. All is below the empty name.
fn is_below(name: &str, base: &str) -> bool {
    if name.len() < base.len() {
        return false;
    }
    let (above, end) = name.as_bytes().split_at(name.len() - base.len());
    end.eq_ignore_ascii_case(base.as_bytes())
        && (above.is_empty() || base.is_empty() || base.starts_with('.') || above.ends_with(b"."))
        && !(above.is_empty() && base.starts_with('.'))
}

/// GeneralSubtrees, without the tag around.
fn subtrees(names: &[String], networks: &[IpNet]) -> Vec<u8> {
    let names = names.iter().map(|name| tlv(implicit(2), &[name.as_bytes()]));
    let networks = networks.iter().map(|net| match net {
        IpNet::V4(net) => tlv(implicit(7), &[&net.network().octets(), &net.netmask().octets()]),
        IpNet::V6(net) => tlv(implicit(7), &[&net.network().octets(), &net.netmask().octets()]),
    });
    names.chain(networks).flat_map(|base| tlv(SEQUENCE, &[&base])).collect()
}

/// Whether there are subjects among them.
fn read(
    trees: Option<&[GeneralSubtree<'_>]>,
    names: &mut Vec<String>,
    networks: &mut Vec<IpNet>,
) -> Option<bool> {
    let mut subjects = false;
    for tree in trees.unwrap_or_default() {
        match &tree.base {
            GeneralName::DNSName(name) => names.push((*name).to_owned()),
            GeneralName::IPAddress(octets) => networks.push(network(octets)?),
            GeneralName::DirectoryName(_) => subjects = true,
            GeneralName::Invalid(..) => return None,
            // Mail, URIs: no leaf has them.
            _ => {}
        }
    }
    Some(subjects)
}

/// An address and a mask of the same length.
fn network(octets: &[u8]) -> Option<IpNet> {
    let (address, mask) = octets.split_at_checked(octets.len() / 2)?;
    IpNet::with_netmask(self::address(address)?, self::address(mask)?).ok()
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(|octets| Ipv4Addr::from(octets).into());
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).into())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_a_name() {
        for (name, base, is) in [
            ("a.example", "example", true),
            ("example", "example", true),
            ("anexample", "example", false),
            ("a.example", ".example", true),
            ("example", ".example", false),
            ("a.example", "", true),
            ("a.example", "A.EXAMPLE", true),
            ("example", "a.example", false),
        ] {
            assert_eq!(is_below(name, base), is, "{name} {base}");
        }
    }

    #[test]
    fn what_is_permitted() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let constraints = Constraints {
            permitted_names: names(&["example"]),
            excluded_names: names(&["bank.example"]),
            excluded_networks: vec!["192.0.2.0/24".parse().unwrap()],
            ..Constraints::default()
        };
        let name = |name| constraints.permit(&Host::dns(name).unwrap());
        assert!(name("a.example") && !name("a.bank.example") && !name("a.test"));
        let address =
            |address: &str| constraints.permit(&Host::from(address.parse::<IpAddr>().unwrap()));
        assert!(address("198.51.100.1") && address("2001:db8::1") && !address("192.0.2.9"));
        assert!(Constraints::default().permit(&Host::dns("a.test").unwrap()));
    }
}
