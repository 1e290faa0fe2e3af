//! Whatever is written is read, whatever comes is answered, and how it was cut does not show.

use proptest::collection::{SizeRange, btree_set, vec};
use proptest::prelude::*;
use sark_hello::{Limits, Progress, Reader};

use crate::recorded;
use crate::writer::{
    Hello, alpn, ech_outer, groups, key_shares, point_formats, psk, psk_modes, read, read_in,
    records, server_name, signature_algorithms, versions,
};

const LIMITS: Limits = Limits { octets: 64 * 1024, records: 64 };

/// What a hello shall say.
#[derive(Debug, Clone)]
struct Said {
    hello: Hello,
    name: Option<String>,
    alpn: Vec<Vec<u8>>,
    groups: Vec<u16>,
    shares: Vec<u16>,
    has_psk: bool,
    has_ech: bool,
}

fn codes(length: impl Into<SizeRange>) -> impl Strategy<Value = Vec<u16>> {
    vec(any::<u16>(), length)
}

fn said() -> impl Strategy<Value = Said> {
    let name = proptest::option::of("([a-zA-Z0-9_-]{1,20}\\.){0,4}[a-zA-Z]{2,10}");
    let fields = (
        any::<u16>(),
        any::<[u8; 32]>(),
        vec(any::<u8>(), 0..=32),
        codes(1..60),
        any::<[bool; 4]>(),
    );
    let lists = (
        vec(vec(any::<u8>(), 1..12), 0..4),
        codes(0..10),
        btree_set(any::<u16>(), 0..4),
        codes(1..12),
        // Of no meaning here.
        proptest::collection::btree_map(200..0xfe00_u16, vec(any::<u8>(), 0..40), 0..12),
    );
    (fields, name, lists, 1..1300_usize).prop_map(|(fields, name, lists, key)| {
        let (version, random, session_id, cipher_suites, [has_psk, has_ech, is_tls13, has_formats]) =
            fields;
        let (protocols, offered, shares, schemes, others) = lists;
        let shares: Vec<_> = shares.into_iter().collect();
        let mut extensions: Vec<_> = others.into_iter().collect();
        extensions.push(signature_algorithms(&schemes));
        extensions.extend(name.as_ref().map(|name| server_name(name.as_bytes())));
        let names: Vec<_> = protocols.iter().map(Vec::as_slice).collect();
        extensions.extend((!protocols.is_empty()).then(|| alpn(&names)));
        extensions.extend((!offered.is_empty()).then(|| groups(&offered)));
        extensions.extend(is_tls13.then(|| versions(&[0x0304, 0x0303])));
        extensions.extend(has_formats.then(|| point_formats(&[0, 1])));
        extensions.extend(has_ech.then(ech_outer));
        let keys: Vec<_> = shares.iter().map(|&group| (group, key)).collect();
        extensions.push(key_shares(&keys));
        if has_psk {
            extensions.extend([psk_modes(), psk(2, 2)]);
        }
        let hello = Hello {
            version,
            random,
            session_id,
            cipher_suites,
            compression_methods: if is_tls13 { vec![0] } else { vec![64, 0, 1] },
            extensions: Some(extensions),
        };
        Said { hello, name, alpn: protocols, groups: offered, shares, has_psk, has_ech }
    })
}

/// Octets that look like hellos, mostly.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let written = (said(), vec(any::<usize>(), 0..8))
        .prop_map(|(said, cuts)| records(&said.hello.message(), &cuts));
    let real =
        proptest::sample::select(recorded::all().map(|(_, octets)| octets).collect::<Vec<_>>());
    let edits = vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6);
    let edited = (prop_oneof![written, real], edits).prop_map(|(mut octets, edits)| {
        for (at, octet, how) in edits {
            let at = at.index(octets.len());
            match how {
                0 => octets[at] = octet,
                1 => octets.insert(at, octet),
                _ if octets.len() > 1 => _ = octets.remove(at),
                _ => {}
            }
        }
        octets
    });
    prop_oneof![4 => edited, 1 => vec(any::<u8>(), 0..200)]
}

fn portions<'a>(octets: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (octets.len() + 1)).collect();
    cuts.extend([0, octets.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &octets[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        said in said(), cuts in vec(any::<usize>(), 0..20), reads in vec(any::<usize>(), 0..20),
    ) {
        let octets = records(&said.hello.message(), &cuts);
        let (progress, after) = read_in(portions(&octets, &reads), LIMITS);
        prop_assert_eq!(after, octets.len());
        let Progress::Hello(hello) = progress else { panic!("{progress:?}") };
        let Said { hello: written, .. } = &said;
        prop_assert_eq!(hello.message(), written.message());
        prop_assert_eq!(hello.version(), written.version);
        prop_assert_eq!(hello.random(), written.random);
        prop_assert_eq!(hello.session_id(), &written.session_id);
        prop_assert!(hello.cipher_suites().iter().eq(written.cipher_suites.iter().copied()));
        prop_assert_eq!(hello.compression_methods(), &written.compression_methods);
        let extensions = written.extensions.iter().flatten();
        prop_assert!(hello.extensions().map(|extension| (extension.kind, extension.octets)).eq(
            extensions.map(|(kind, octets)| (*kind, octets.as_slice()))
        ));
        let name = said.name.map(|name| name.to_lowercase());
        prop_assert_eq!(hello.server_name(), name.as_deref());
        prop_assert!(hello.alpn().eq(said.alpn.iter()));
        prop_assert!(hello.supported_groups().iter().eq(said.groups.iter().copied()));
        prop_assert!(hello.key_share_groups().eq(said.shares.iter().copied()));
        prop_assert_eq!(hello.offers_psk(), said.has_psk);
        prop_assert_eq!(hello.ech().is_some(), said.has_ech);
        prop_assert_eq!(hello.ja4().len(), 36);
        prop_assert_eq!(hello.ja3().len(), 32);
    }

    #[test]
    fn cuts_do_not_show(octets in nearly(), reads in vec(any::<usize>(), 0..20), most in 0..3000_usize) {
        for limits in [LIMITS, Limits::default(), Limits { octets: most, records: 3 }] {
            let whole = Reader::new(limits).push(&octets);
            prop_assert_eq!(&read_in(portions(&octets, &reads), limits).0, &whole);
            let (progress, after) = read_in(octets.chunks(1), limits);
            prop_assert_eq!(&progress, &whole);
            prop_assert!(after <= limits.octets.max(1));
            // Nothing short of the verdict has another one.
            if after > 0 && progress != Progress::NeedMore {
                let before = Reader::new(limits).push(&octets[..after - 1]);
                prop_assert!(before == Progress::NeedMore || most == 0, "{before:?}");
            }
        }
    }

    #[test]
    fn names_are_names(name in "[ -~]{0,40}|[a-z0-9.\\-]{1,20}") {
        if let Progress::Hello(hello) = read(&Hello::with(&[server_name(name.as_bytes())]).record()) {
            let read = hello.server_name().unwrap();
            prop_assert!(name.eq_ignore_ascii_case(read));
            prop_assert!(read.parse::<std::net::IpAddr>().is_err());
            prop_assert!(!read.starts_with('.') && !read.ends_with('.') && !read.contains(".."));
        }
    }
}
