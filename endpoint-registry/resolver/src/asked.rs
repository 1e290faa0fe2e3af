//! One question and what its answer says.

use std::net::IpAddr;

use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::rdata::SVCB;
use hickory_resolver::proto::rr::rdata::svcb::SvcParamValue;
use hickory_resolver::proto::rr::{Name, RData, Record};
use sark_registry::resolve::Hint;

/// Records at the end of a message's CNAME chain.
pub(crate) struct Asked {
    /// Names that the CNAME records led to, in order.
    pub(crate) chain: Vec<String>,
    /// With the least TTL along the chain.
    pub(crate) records: Vec<(u32, RData)>,
    /// Whose the records are.
    pub(crate) owner: String,
    /// The resolver says that all of it is secure. `None` if there was nothing to say it of.
    pub(crate) secure: Option<bool>,
}

impl Asked {
    /// No record.
    pub(crate) fn nothing(owner: &Name) -> Self {
        Self { chain: vec![], records: vec![], owner: text(owner), secure: None }
    }

    /// Follows the CNAME records, which a recursive resolver sends along (RFC 1034 section 4.3.2),
    /// in whatever order. `None` if there are more than `most`.
    pub(crate) fn of(message: &Message, name: &Name, most: usize) -> Option<Self> {
        let mut owner = name.clone();
        let mut chain = Vec::new();
        let mut least = u32::MAX;
        let of = |owner: &Name, record: &&Record| record.name == *owner;
        while let Some((ttl, next)) = message.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(next) if record.name == owner => Some((record.ttl, &next.0)),
            _ => None,
        }) {
            if chain.len() == most {
                return None;
            }
            least = least.min(ttl);
            owner = next.clone();
            chain.push(text(&owner));
        }
        let records = message.answers.iter().filter(|record| of(&owner, record));
        let records = records.map(|record| (least.min(record.ttl), record.data.clone())).collect();
        let secure = Some(message.metadata.authentic_data);
        Some(Self { chain, records, owner: text(&owner), secure })
    }
}

/// Lower case, without the dot at the end.
pub(crate) fn text(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

/// Of a record in service form.
pub(crate) fn hint(record: &SVCB, owner: &str) -> Hint {
    let target = text(&record.target_name);
    let mut hint = Hint {
        priority: record.svc_priority,
        target: if target.is_empty() { owner.to_owned() } else { target },
        addresses: vec![],
        port: None,
        ech: false,
    };
    for (_, value) in &record.svc_params {
        match value {
            SvcParamValue::Ipv4Hint(hints) => {
                hint.addresses.extend(hints.0.iter().map(|a| IpAddr::V4(a.0)));
            }
            SvcParamValue::Ipv6Hint(hints) => {
                hint.addresses.extend(hints.0.iter().map(|a| IpAddr::V6(a.0)));
            }
            SvcParamValue::Port(port) => hint.port = Some(*port),
            SvcParamValue::EchConfigList(_) => hint.ech = true,
            _ => {}
        }
    }
    hint
}
