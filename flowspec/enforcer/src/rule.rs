//! A rule as the router's BGP daemon has it.

use sark_flowspec::{Action, DecodeError, ExtendedCommunity, Nlri, Observed};

use crate::Reason;

/// What to enforce. The order of rules is that of their NLRI (RFC 8955 section 5.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What it matches; its identity.
    pub nlri: Nlri,
    /// What is done; empty accepts.
    pub actions: Vec<Action>,
    /// Why not all of its actions are among them.
    pub unread: Option<Reason>,
}

impl Rule {
    /// A rule all of whose actions are known.
    #[must_use]
    pub fn new(nlri: Nlri, actions: Vec<Action>) -> Self {
        Self { nlri, actions, unread: None }
    }

    /// A path of a speaker's table; an error if its NLRI has none of the meanings we know.
    pub fn observed(path: &Observed) -> Result<Self, DecodeError> {
        let nlri = path.nlri.clone()?;
        let mut rule = Self::new(nlri, Vec::new());
        for community in &path.communities {
            match Action::decode(community) {
                Ok(Some(action)) => rule.actions.push(action),
                Ok(None) if is_action(community) => {
                    rule.unread.get_or_insert(Reason::UnknownAction(*community));
                }
                Ok(None) => {}
                Err(error) => {
                    let community = *community;
                    rule.unread.get_or_insert(Reason::BadAction { community, error });
                }
            }
        }
        Ok(rule)
    }
}

/// Whether a community is of a kind that only FlowSpec actions have: the generic transitive types
/// (RFC 8955 section 7), redirect to next hop of draft-simpson (`08 00`), and the redirects of
/// attribute 25 (RFC 8956 section 6.1, `00 0b` to `00 0d`). Route targets, colours and the like are
/// not: they say nothing of packets.
fn is_action(community: &ExtendedCommunity) -> bool {
    match community {
        ExtendedCommunity::Basic([kind, subtype, ..]) => {
            matches!((kind, subtype), (0x80..=0x82, _) | (0x08, 0x00) | (0x01, 0x0c))
        }
        ExtendedCommunity::Ipv6([kind, subtype, ..]) => {
            matches!((kind, subtype), (0x80, _) | (0x00, 0x0b..=0x0d))
        }
    }
}

impl sark_flowspec::Rule for Rule {
    fn nlri(&self) -> &Nlri {
        &self.nlri
    }

    fn actions(&self) -> &[Action] {
        &self.actions
    }
}
