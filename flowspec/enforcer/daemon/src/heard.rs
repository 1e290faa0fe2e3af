//! Best paths → rules. What is no rule is told, not left out.

use std::collections::HashMap;

use sark_enforcer::{Reason, Rule};
use sark_flowspec::{Afi, DecodeError, Nlri};
use sark_gobgp::BestPath;

/// What gobgpd has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    /// By what they match.
    pub paths: HashMap<Nlri, BestPath>,
    /// Octets that are no rule we know.
    pub unread: Vec<Unread>,
}

/// An NLRI that cannot be read: it matches nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Address family.
    pub afi: Afi,
    /// Length included.
    pub octets: Vec<u8>,
    /// Why.
    pub error: DecodeError,
}

impl Heard {
    /// Sorts them out.
    #[must_use]
    pub fn of(paths: Vec<BestPath>) -> Self {
        let mut heard = Self::default();
        for path in paths {
            match &path.observed.nlri {
                Ok(nlri) => {
                    let nlri = nlri.clone();
                    heard.paths.insert(nlri, path);
                }
                Err(error) => heard.unread.push(Unread {
                    afi: path.observed.afi,
                    octets: path.observed.octets.clone(),
                    error: error.clone(),
                }),
            }
        }
        heard.unread.sort_by(|a, b| (a.afi, &a.octets).cmp(&(b.afi, &b.octets)));
        heard
    }

    /// What to compile.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.paths.values().filter_map(rule).collect()
    }
}

/// A path as a rule; one whose attributes we do not all know keeps its place and does nothing.
fn rule(path: &BestPath) -> Option<Rule> {
    let mut rule = Rule::observed(&path.observed).ok()?;
    if path.broken.is_some() {
        rule.unread = Some(Reason::BadAttribute);
    } else if let Some(kind) = path.unknown_attributes.first() {
        rule.unread = Some(Reason::UnknownAttribute(*kind));
    }
    Some(rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sark_enforcer::{Options, Program};
    use sark_flowspec::{ExtendedCommunity, Observed};

    const DROP: ExtendedCommunity = ExtendedCommunity::Basic([0x80, 6, 0, 0, 0, 0, 0, 0]);

    fn path(octets: &[u8], unknown: &[u8], broken: Option<&str>) -> BestPath {
        let observed = Observed {
            afi: Afi::Ipv4,
            octets: octets.to_vec(),
            nlri: Nlri::decode(Afi::Ipv4, octets),
            communities: vec![DROP],
            large_communities: Vec::new(),
            local: false,
        };
        let (unknown_attributes, broken) = (unknown.to_vec(), broken.map(str::to_owned));
        BestPath { observed, unknown_attributes, broken }
    }

    #[test]
    fn what_is_not_known_is_told_and_does_nothing() {
        let heard = Heard::of(vec![
            path(&[3, 1, 8, 10], &[], None),
            path(&[3, 1, 8, 11], &[23], None),
            path(&[3, 1, 8, 12], &[], Some("cut off")),
            path(&[2, 99, 0], &[], None),
        ]);
        assert_eq!(heard.unread.len(), 1);
        assert_eq!(heard.unread[0].octets, [2, 99, 0]);
        let program = Program::compile(&heard.rules(), &Options::new(["in0"]), None).unwrap();
        let enforced: Vec<bool> = program.rules().iter().map(|rule| rule.enforced).collect();
        assert_eq!(enforced, [true, false, false]);
        let reasons: Vec<_> = program.refusals().iter().map(|refusal| refusal.reason).collect();
        assert_eq!(reasons, [Reason::UnknownAttribute(23), Reason::BadAttribute]);
    }
}
