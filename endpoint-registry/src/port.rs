//! Ports of a transport: `tcp/443`, `udp/8000-8100`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Transport {
    Tcp,
    Udp,
}

/// Ports of one transport, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    /// TCP or UDP.
    pub transport: Transport,
    /// First.
    pub first: u16,
    /// Last.
    pub last: u16,
}

/// Why a text is not a port range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PortError {
    #[error("{0:?} is not a port: write tcp/443, udp/2408 or tcp/8000-8100")]
    Form(String),
    #[error("{0:?}: ports are 1 to 65535")]
    Number(String),
    #[error("{0:?} ends before it begins")]
    Reversed(String),
}

impl PortRange {
    /// Whether a port of a transport is in it.
    #[must_use]
    pub fn contains(self, transport: Transport, port: u16) -> bool {
        self.transport == transport && (self.first..=self.last).contains(&port)
    }
}

impl FromStr for PortRange {
    type Err = PortError;

    fn from_str(text: &str) -> Result<Self, PortError> {
        let form = || PortError::Form(text.to_owned());
        let (transport, ports) = text.split_once('/').ok_or_else(form)?;
        let transport = match transport {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return Err(form()),
        };
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let number = |digits: &str| {
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(form());
            }
            let number = digits.parse().unwrap_or(0);
            if number == 0 { Err(PortError::Number(text.to_owned())) } else { Ok(number) }
        };
        let (first, last) = (number(first)?, number(last)?);
        if last < first {
            return Err(PortError::Reversed(text.to_owned()));
        }
        Ok(Self { transport, first, last })
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.transport, self.first)?;
        if self.last > self.first { write!(f, "-{}", self.last) } else { Ok(()) }
    }
}

impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_reads() {
        for text in ["tcp/443", "udp/2408", "tcp/8000-8100", "udp/1-65535"] {
            assert_eq!(text.parse::<PortRange>().unwrap().to_string(), text);
        }
        assert_eq!("tcp/80-80".parse::<PortRange>().unwrap().to_string(), "tcp/80");
    }

    #[test]
    fn refuses_what_is_not_a_port() {
        for (text, expected) in [
            ("443", PortError::Form("443".into())),
            ("TCP/443", PortError::Form("TCP/443".into())),
            ("sctp/1", PortError::Form("sctp/1".into())),
            ("tcp/", PortError::Form("tcp/".into())),
            ("tcp/+1", PortError::Form("tcp/+1".into())),
            ("tcp/1-2-3", PortError::Form("tcp/1-2-3".into())),
            ("tcp/0", PortError::Number("tcp/0".into())),
            ("udp/65536", PortError::Number("udp/65536".into())),
            ("tcp/99999999999999999999", PortError::Number("tcp/99999999999999999999".into())),
            ("tcp/90-80", PortError::Reversed("tcp/90-80".into())),
        ] {
            assert_eq!(text.parse::<PortRange>(), Err(expected), "{text}");
        }
    }
}
