//! Communities out of the octets of BGP path attributes (RFC 4271 section 4.3).

use sark_flowspec::{ExtendedCommunity, LargeCommunity};

/// RFC 4360.
const EXTENDED_COMMUNITIES: u8 = 16;
/// RFC 5701.
const IPV6_EXTENDED_COMMUNITIES: u8 = 25;
/// RFC 8092.
const LARGE_COMMUNITIES: u8 = 32;
/// The attribute's length takes two octets.
const EXTENDED_LENGTH: u8 = 0x10;

/// The communities of one path, each kind in the order of its attribute.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Communities {
    pub(crate) basic: Vec<ExtendedCommunity>,
    pub(crate) ipv6: Vec<ExtendedCommunity>,
    pub(crate) large: Vec<LargeCommunity>,
    /// Types of the attributes that may say something of packets that we do not know.
    pub(crate) unknown: Vec<u8>,
}

/// Whether an attribute says nothing of what is done with packets: how a path came here, and which
/// of two is better. ORIGIN to CLUSTER_LIST, MP_REACH_NLRI, MP_UNREACH_NLRI, AS4_PATH,
/// AS4_AGGREGATOR, AIGP (RFC 7311) and ONLY_TO_CUSTOMER (RFC 9234).
fn says_nothing_of_packets(kind: u8) -> bool {
    matches!(kind, 1..=10 | 14 | 15 | 17 | 18 | 26 | 35)
}

impl Communities {
    /// Reads one attribute, flags and length included; of attributes of other types
    /// only the type is kept, if at all.
    pub(crate) fn read(&mut self, attribute: &[u8]) -> Result<(), String> {
        let (kind, value) = split(attribute)?;
        match kind {
            EXTENDED_COMMUNITIES => {
                let (all, rest) = value.as_chunks::<8>();
                self.basic.extend(all.iter().map(|octets| ExtendedCommunity::Basic(*octets)));
                whole(kind, rest)
            }
            IPV6_EXTENDED_COMMUNITIES => {
                let (all, rest) = value.as_chunks::<20>();
                self.ipv6.extend(all.iter().map(|octets| ExtendedCommunity::Ipv6(*octets)));
                whole(kind, rest)
            }
            LARGE_COMMUNITIES => {
                let (words, rest) = value.as_chunks::<4>();
                let (all, odd) = words.as_chunks::<3>();
                self.large.extend(all.iter().map(|[global, local1, local2]| LargeCommunity {
                    global: u32::from_be_bytes(*global),
                    local1: u32::from_be_bytes(*local1),
                    local2: u32::from_be_bytes(*local2),
                }));
                whole(kind, rest).and_then(|()| whole(kind, odd))
            }
            kind => {
                if !says_nothing_of_packets(kind) {
                    self.unknown.push(kind);
                }
                Ok(())
            }
        }
    }
}

fn split(attribute: &[u8]) -> Result<(u8, &[u8]), String> {
    let (kind, length, value) = match attribute {
        [flags, kind, high, low, value @ ..] if flags & EXTENDED_LENGTH != 0 => {
            (*kind, usize::from(u16::from_be_bytes([*high, *low])), value)
        }
        [flags, kind, length, value @ ..] if flags & EXTENDED_LENGTH == 0 => {
            (*kind, usize::from(*length), value)
        }
        _ => return Err("a path attribute is cut off".to_owned()),
    };
    if value.len() == length {
        Ok((kind, value))
    } else {
        Err(format!("path attribute {kind} says {length} octets and has {}", value.len()))
    }
}

fn whole<T>(kind: u8, rest: &[T]) -> Result<(), String> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(format!("path attribute {kind} ends inside a community"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets: &[u8]) -> Result<Communities, String> {
        let mut communities = Communities::default();
        communities.read(octets).map(|()| communities)
    }

    #[test]
    fn communities_of_each_kind() {
        let two = [0xc0, 16, 16, 0x80, 6, 0, 0, 0, 0, 0, 0, 0x80, 9, 0, 0, 0, 0, 0, 46];
        let read_two = read(&two).unwrap();
        assert_eq!(
            read_two.basic,
            [
                ExtendedCommunity::Basic([0x80, 6, 0, 0, 0, 0, 0, 0]),
                ExtendedCommunity::Basic([0x80, 9, 0, 0, 0, 0, 0, 46]),
            ]
        );

        let mut v6 = vec![0xc0, 25, 20, 0, 0x0c];
        v6.extend([0x20; 18]);
        assert_eq!(read(&v6).unwrap().ipv6.len(), 1);

        let large = [0xd0, 32, 0, 12, 0, 0, 0xfd, 0xe9, 0, 0, 0, 7, 0xff, 0, 0, 1];
        assert_eq!(
            read(&large).unwrap().large,
            [LargeCommunity { global: 65001, local1: 7, local2: 0xff00_0001 }]
        );
        assert_eq!(read(&[0x40, 1, 1, 0]).unwrap(), Communities::default());
        // Tunnel encapsulation.
        assert_eq!(read(&[0xc0, 23, 1, 0]).unwrap().unknown, [23]);
    }

    #[test]
    fn broken_attributes_are_errors() {
        for octets in [
            &[][..],
            &[0xc0],
            &[0xc0, 16],
            &[0xd0, 16, 0],
            &[0xc0, 16, 8, 0],
            &[0xc0, 16, 4, 1, 2, 3, 4],
            &[0xc0, 16, 0, 1],
            &[0xc0, 25, 8, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0xc0, 32, 8, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert!(read(octets).is_err(), "{octets:02x?}");
        }
    }
}
