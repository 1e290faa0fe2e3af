//! A registry as feeds make them: a few lists of a hundred thousand prefixes, some of hundreds, and
//! many endpoints with few; both families, nested, some prefixes of two endpoints.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sark_registry::{Endpoint, Kind, Learned, NamePattern, Role, Sharedness, State};

use super::{Random, endpoint, ipv4_table, ipv6_table};

/// Of each million prefixes, so many are in how many endpoints with how many each. What is left goes
/// to endpoints with twenty each.
const LARGE: (usize, usize) = (3, 100_000);
const MIDDLE: (usize, usize) = (1_000, 300);
const SMALL: usize = 20;
const MILLION: usize = 1_000_000;

/// So many prefixes and names in all. A quarter of the prefixes are IPv6, a quarter hosts (IPv4), the
/// rest has the lengths of a BGP table. A fifth of the names is one list's, the others are spread over
/// all endpoints.
pub fn endpoints(prefixes: usize, names: usize) -> Vec<Endpoint> {
    let mut random = Random(11);
    let nets = nets(prefixes, &mut random);
    let mut endpoints: Vec<Endpoint> = Vec::new();
    let mut rest = nets.as_slice();
    let scaled = |(many, each): (usize, usize)| (many, (each * prefixes / MILLION).max(1));
    let (middle, each) = MIDDLE;
    let sizes = [scaled(LARGE), ((middle * prefixes / MILLION).max(1), each)];
    let sizes = sizes.into_iter().flat_map(|(many, each)| std::iter::repeat_n(each, many));
    for size in sizes.chain(std::iter::repeat(SMALL)) {
        if rest.is_empty() {
            break;
        }
        let (own, others) = rest.split_at(size.min(rest.len()));
        rest = others;
        endpoints.push(one(endpoints.len(), own.to_vec(), &mut random));
    }
    let count = endpoints.len() as u64;
    let mut lists: Vec<Vec<NamePattern>> = vec![Vec::new(); endpoints.len()];
    for number in 0..names {
        let owner = if number < names / 5 { 0 } else { random.below(count) as usize };
        lists[owner].push(name(number, &mut random));
    }
    for (endpoint, list) in endpoints.iter_mut().zip(lists) {
        // In one piece, as long as it is.
        endpoint.names = list.into_boxed_slice().into_vec();
    }
    endpoints
}

/// Names as lists have them: hosts of a service, machines of a region, tenants of a cloud; every
/// eighth a wildcard. Three quarters are shorter than 24 octets.
fn name(number: usize, random: &mut Random) -> NamePattern {
    let place = ["us", "de", "jp", "br", "eu-west-1", "us-east-2"][random.below(6) as usize];
    let text = match number % 8 {
        0 => format!("*.z{number}.example.com"),
        1..=3 => format!("{place}{number}.example.net"),
        4 | 5 => format!("api.s{number}.example"),
        6 => format!("www.shop{number}.example.org"),
        _ => format!("tenant-{number}.{place}.models.cloud.example"),
    };
    text.parse().unwrap()
}

fn nets(count: usize, random: &mut Random) -> Vec<IpNet> {
    let (six, hosts) = (count / 4, count / 4);
    // One in fifty is there twice, for a second endpoint.
    let twice = count / 50;
    let four = count - six - hosts - twice;
    let mut nets: Vec<IpNet> = Vec::with_capacity(count);
    let v4 = |(bits, length): (u32, u8)| IpNet::from(Ipv4Net::new_assert(bits.into(), length));
    nets.extend(ipv4_table(four).into_iter().map(v4));
    let v6 = |(bits, length): (u128, u8)| IpNet::from(Ipv6Net::new_assert(bits.into(), length));
    nets.extend(ipv6_table(six).into_iter().map(v6));
    // Relays and proxies stand close together in the networks that let them.
    nets.extend((0..hosts as u64).map(|number| {
        let network = 0x2d00_0000 + (number / 8) * 0x0100;
        v4(((network + random.below(256)) as u32, 32))
    }));
    for _ in 0..twice {
        nets.push(nets[random.below(nets.len() as u64) as usize]);
    }
    // By chance, as they come from lists that know nothing of each other.
    for place in (1..nets.len()).rev() {
        nets.swap(place, random.below(place as u64 + 1) as usize);
    }
    nets
}

fn one(number: usize, prefixes: Vec<IpNet>, random: &mut Random) -> Endpoint {
    let draw = random.below(100);
    let sharedness = match draw {
        0..10 => Sharedness::Cdn,
        10..30 => Sharedness::Cloud,
        30..50 => Sharedness::Provider,
        _ => Sharedness::Dedicated,
    };
    let (kind, role) = match draw % 3 {
        0 => (Kind::Api, Role::Ingress),
        1 => (Kind::Vpn, Role::Relay),
        _ => (Kind::Doh, Role::Ingress),
    };
    let verified = draw.is_multiple_of(2);
    Endpoint { sharedness, kind, role, verified, names: Vec::new(), ..endpoint(number, prefixes) }
}

/// To so many addresses the names of the endpoints lead; every tenth to one that many share.
pub fn learn(endpoints: &mut [Endpoint], addresses: usize) {
    let mut random = Random(12);
    let count = endpoints.len();
    for number in 0..addresses {
        let endpoint = &mut endpoints[number % count];
        let bits = if number % 10 == 0 { 0xc633_6407 } else { random.next() as u32 };
        endpoint.learned.push(Learned {
            address: std::net::Ipv4Addr::from_bits(bits).into(),
            name: format!("api{number}.example.com"),
            state: State::Active,
            sharedness: Sharedness::Cdn,
            since: jiff::Timestamp::UNIX_EPOCH,
        });
    }
}
