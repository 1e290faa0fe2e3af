//! Best paths, for who carries them out instead of announcing them.

use sark_flowspec::Observed;

/// A best path with FlowSpec NLRI, with what its attributes say beside communities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BestPath {
    /// The path. After a broken attribute, the communities that came before it.
    pub observed: Observed,
    /// Types of attributes that are not known to say nothing of packets, such as that of tunnels
    /// (RFC 9012). Who does not know what they mean cannot know what the path means.
    pub unknown_attributes: Vec<u8>,
    /// Why its attributes cannot be read to the end.
    pub broken: Option<String>,
}
