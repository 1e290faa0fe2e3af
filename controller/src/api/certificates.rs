//! Client certificates, and who they are.

use sark_api::config::CertificateConfig;
use sark_core::identity::{Identity, Known};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a certificate says of whom it was made for. The handshake has proved that an authority that
/// is believed says so, and that the client has the key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) common_name: Option<String>,
    pub(crate) alternatives: Vec<String>,
}

impl Names {
    /// None, if it cannot be read.
    pub(crate) fn of(der: &[u8]) -> Self {
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            return Self::default();
        };
        let mut common = certificate.subject().iter_common_name();
        let common_name = common.next().and_then(|name| name.as_str().ok());
        // Of two, neither is known to be meant.
        let common_name = common_name.filter(|_| common.next().is_none()).map(str::to_owned);
        let alternative = certificate.subject_alternative_name().ok().flatten();
        let names = alternative.map(|extension| &extension.value.general_names);
        let alternatives = names.into_iter().flatten().filter_map(text).collect();
        Self { common_name, alternatives }
    }

    /// Who it is, as the first of these that fits says.
    pub(crate) fn identity(&self, known: &[CertificateConfig]) -> Option<Identity> {
        let fits = |one: &&CertificateConfig| match (&one.san, &one.common_name) {
            (Some(san), None) => self.alternatives.contains(san),
            (None, Some(name)) => self.common_name.as_ref() == Some(name),
            _ => false,
        };
        let one = known.iter().find(fits)?;
        Some(Identity {
            name: format!("cert:{}", one.name),
            known: Known::Certificate,
            rights: one.rights(),
            made_by: None,
        })
    }

    /// For people: the first name it has.
    pub(crate) fn first(&self) -> &str {
        let first = self.alternatives.first().or(self.common_name.as_ref());
        first.map_or("a certificate without a name", String::as_str)
    }
}

fn text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) | GeneralName::URI(text) | GeneralName::RFC822Name(text) => {
            Some((*text).to_owned())
        }
        GeneralName::IPAddress(octets) => match *octets {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
            octets => {
                let octets: [u8; 16] = octets.try_into().ok()?;
                Some(std::net::Ipv6Addr::from(octets).to_string())
            }
        },
        _ => None,
    }
}
