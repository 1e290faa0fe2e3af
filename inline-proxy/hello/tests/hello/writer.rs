//! Writes hellos, well-formed or not: it knows nothing of the reader.

use sark_hello::{Limits, Progress, Reader};

/// The fields of a ClientHello. Lengths are what the content has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    pub version: u16,
    pub random: [u8; 32],
    pub session_id: Vec<u8>,
    pub cipher_suites: Vec<u16>,
    pub compression_methods: Vec<u8>,
    pub extensions: Option<Vec<(u16, Vec<u8>)>>,
}

impl Hello {
    /// TLS 1.2, one cipher suite, these extensions.
    pub fn with(extensions: &[(u16, Vec<u8>)]) -> Self {
        Self {
            version: 0x0303,
            random: [7; 32],
            session_id: vec![1; 32],
            cipher_suites: vec![0x1301],
            compression_methods: vec![0],
            extensions: Some(extensions.to_vec()),
        }
    }

    pub fn body(&self) -> Vec<u8> {
        let mut body = self.version.to_be_bytes().to_vec();
        body.extend(self.random);
        body.extend(short(&self.session_id));
        body.extend(long(&octets(&self.cipher_suites)));
        body.extend(short(&self.compression_methods));
        if let Some(extensions) = &self.extensions {
            let block = extensions
                .iter()
                .flat_map(|(kind, content)| [kind.to_be_bytes().to_vec(), long(content)].concat());
            body.extend(long(&block.collect::<Vec<_>>()));
        }
        body
    }

    /// With type and length.
    pub fn message(&self) -> Vec<u8> {
        message(&self.body())
    }

    /// In one record, which must be long enough for it.
    pub fn record(&self) -> Vec<u8> {
        records(&self.message(), &[])
    }
}

pub fn message(body: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[1][..], &length, body].concat()
}

/// The message in records that end at these places, and at the message's end.
pub fn records(message: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % message.len()).collect();
    cuts.extend([0, message.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    let of = |pair: &[usize]| record(22, &message[pair[0]..pair[1]]);
    cuts.windows(2).flat_map(of).collect()
}

pub fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1], &long(content)[..]].concat()
}

/// Octets with one octet of length before them.
pub fn short(content: &[u8]) -> Vec<u8> {
    [&[u8::try_from(content.len()).unwrap()], content].concat()
}

/// Octets with two octets of length before them.
pub fn long(content: &[u8]) -> Vec<u8> {
    [&u16::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
}

pub fn octets(codes: &[u16]) -> Vec<u8> {
    codes.iter().flat_map(|code| code.to_be_bytes()).collect()
}

pub fn server_name(name: &[u8]) -> (u16, Vec<u8>) {
    (0, long(&[&[0], &long(name)[..]].concat()))
}

pub fn groups(codes: &[u16]) -> (u16, Vec<u8>) {
    (10, long(&octets(codes)))
}

pub fn point_formats(formats: &[u8]) -> (u16, Vec<u8>) {
    (11, short(formats))
}

pub fn signature_algorithms(codes: &[u16]) -> (u16, Vec<u8>) {
    (13, long(&octets(codes)))
}

pub fn alpn(names: &[&[u8]]) -> (u16, Vec<u8>) {
    (16, long(&names.iter().flat_map(|name| short(name)).collect::<Vec<_>>()))
}

pub fn versions(codes: &[u16]) -> (u16, Vec<u8>) {
    (43, short(&octets(codes)))
}

/// Groups, and how long their keys are.
pub fn key_shares(shares: &[(u16, usize)]) -> (u16, Vec<u8>) {
    let share = |&(group, length): &(u16, usize)| {
        [group.to_be_bytes().to_vec(), long(&vec![9; length])].concat()
    };
    (51, long(&shares.iter().flat_map(share).collect::<Vec<_>>()))
}

/// So many sessions to resume.
pub fn psk(identities: usize, binders: usize) -> (u16, Vec<u8>) {
    let identity = [long(&[5; 200]), vec![0; 4]].concat();
    (41, [long(&identity.repeat(identities)), long(&short(&[6; 32]).repeat(binders))].concat())
}

pub fn psk_modes() -> (u16, Vec<u8>) {
    (45, vec![1, 1])
}

pub fn ech_outer() -> (u16, Vec<u8>) {
    (0xfe0d, [&[0, 0, 1, 0, 3, 0x2a], &long(&[8; 32])[..], &long(&[9; 208])].concat())
}

/// The verdict on octets that come at once.
pub fn read(octets: &[u8]) -> Progress {
    Reader::new(Limits::default()).push(octets)
}

/// The verdict on octets that come in these portions, and after how many of them.
pub fn read_in<'a>(
    portions: impl IntoIterator<Item = &'a [u8]>,
    limits: Limits,
) -> (Progress, usize) {
    let mut reader = Reader::new(limits);
    for portion in portions {
        let progress = reader.push(portion);
        if progress != Progress::NeedMore {
            return (progress, reader.octets().len());
        }
    }
    (Progress::NeedMore, reader.octets().len())
}
