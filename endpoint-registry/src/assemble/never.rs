//! Takes what must never be touched out of every endpoint.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::Note;
use crate::{
    Did, Endpoint, Given, NamePattern, feed::Subject, layer::counted, overlay::NeverTouch,
};

/// Names and prefixes of endpoints that are in a never-touch entry go; of a wider prefix the rest
/// stays. A wildcard of an endpoint that also stands for other names stays, and is noted.
pub(super) fn remove(
    endpoints: &mut BTreeMap<String, Endpoint>,
    never: &[NeverTouch],
    notes: &mut Vec<Note>,
) {
    let prefixes: Vec<IpNet> = never.iter().filter_map(NeverTouch::prefix).collect();
    let names: Vec<&NamePattern> = never.iter().filter_map(NeverTouch::name).collect();
    if never.is_empty() {
        return;
    }
    for endpoint in endpoints.values_mut() {
        let before = (endpoint.names.len(), endpoint.learned.len());
        endpoint.names.retain(|name| !names.iter().any(|never| covers(never, name)));
        let whole = std::mem::take(&mut endpoint.prefixes);
        let cut = whole.iter().filter(|net| prefixes.iter().any(|never| overlaps(**net, *never)));
        let cut = cut.count();
        endpoint.prefixes = if cut == 0 {
            whole
        } else {
            whole.into_iter().flat_map(|net| without(net, &prefixes)).collect()
        };
        endpoint.learned.retain(|learned| {
            !prefixes.iter().any(|never| never.contains(&learned.address))
                && !names.iter().any(|never| never.matches(&learned.name))
        });
        for name in names.iter().filter(|never| !never.is_wildcard()) {
            if let Some(pattern) = endpoint.names.iter().find(|own| own.matches(name.as_str())) {
                let message = format!("{} still has {name} by {pattern}", endpoint.id);
                notes.push(Note { layer: "never-touch".into(), code: "still-matches", message });
            }
        }
        let what = [
            counted(before.0 - endpoint.names.len(), "name", "names"),
            counted(cut, "prefix or part of one", "prefixes or parts of them"),
            counted(before.1 - endpoint.learned.len(), "address", "addresses"),
        ];
        let what: Vec<String> = what.into_iter().flatten().collect();
        if !what.is_empty() {
            endpoint.normalize();
            endpoint.layers.push(Given::new("never-touch", Did::Removed, what));
        }
    }
}

impl NeverTouch {
    /// Its prefix, if it is one.
    #[must_use]
    pub fn prefix(&self) -> Option<IpNet> {
        match self.subject {
            Subject::Prefix(prefix) => Some(prefix),
            Subject::Name(_) => None,
        }
    }

    /// Its name, if it is one.
    #[must_use]
    pub fn name(&self) -> Option<&NamePattern> {
        match &self.subject {
            Subject::Name(name) => Some(name),
            Subject::Prefix(_) => None,
        }
    }
}

/// Whether all that `name` stands for is in `never`: a wildcard is taken as a name of its form.
#[must_use]
pub fn covers(never: &NamePattern, name: &NamePattern) -> bool {
    never == name || never.matches(&name.as_str().replace('*', "x"))
}

fn overlaps(a: IpNet, b: IpNet) -> bool {
    a.contains(&b) || b.contains(&a)
}

/// What is left of a prefix, as few prefixes.
#[must_use]
pub fn without(net: IpNet, never: &[IpNet]) -> Vec<IpNet> {
    let (mut open, mut left) = (vec![net], Vec::new());
    while let Some(net) = open.pop() {
        if never.iter().any(|never| never.contains(&net)) {
            continue;
        }
        if !never.iter().any(|never| net.contains(never)) {
            left.push(net);
            continue;
        }
        // It contains one that is narrower, so it can be halved.
        open.extend(net.subnets(net.prefix_len().saturating_add(1)).into_iter().flatten());
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_prefix_is_all_but_what_is_never_touched() {
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        let left = |whole: &str, never: &[&str]| {
            let never: Vec<IpNet> = never.iter().map(|text| net(text)).collect();
            let mut left: Vec<String> =
                without(net(whole), &never).iter().map(ToString::to_string).collect();
            left.sort();
            left
        };
        assert_eq!(left("192.0.2.0/24", &["198.51.100.0/24"]), ["192.0.2.0/24"]);
        assert!(left("192.0.2.0/24", &["192.0.0.0/16"]).is_empty());
        assert_eq!(left("192.0.2.0/30", &["192.0.2.1/32"]), ["192.0.2.0/32", "192.0.2.2/31"]);
        assert_eq!(left("192.0.2.0/30", &["192.0.2.1/32", "192.0.2.2/31"]), ["192.0.2.0/32"]);
        assert_eq!(left("2001:db8::/32", &["2001:db8::1/128"]).len(), 96);
        assert_eq!(left("2001:db8::/32", &["192.0.2.0/24"]), ["2001:db8::/32"]);
    }

    #[test]
    fn a_pattern_covers_what_it_stands_for() {
        let name = |text: &str| text.parse::<NamePattern>().unwrap();
        let never = name("*.example.com");
        for (text, is) in [
            ("*.example.com", true),
            ("a.example.com", true),
            ("*.a.example.com", true),
            ("api.*.example.com", true),
            ("example.com", false),
            ("*.example.org", false),
        ] {
            assert_eq!(covers(&never, &name(text)), is, "{text}");
        }
        assert!(!covers(&name("a.example.com"), &never));
    }
}
