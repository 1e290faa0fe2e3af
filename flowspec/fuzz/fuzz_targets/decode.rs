//! Octets → rule → octets → text → rule, and the canonical form. The first octet chooses the
//! family; actions are tried on the first 8 and 20 octets of the same input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_flowspec::{Action, Afi, ExtendedCommunity, Nlri};

fuzz_target!(|input: &[u8]| {
    let Some((&first, octets)) = input.split_first() else { return };
    let afi = if first % 2 == 0 { Afi::Ipv4 } else { Afi::Ipv6 };
    action(octets);
    let mut rest = octets;
    let mut rules = Vec::new();
    while let Ok((nlri, after)) = Nlri::decode_first(afi, rest) {
        rule(afi, &nlri, &rest[..rest.len() - after.len()]);
        rest = after;
        rules.push(nlri);
    }
    for pair in rules.windows(2) {
        let (a, b) = (&pair[0], &pair[1]);
        assert_eq!(a.cmp(b), b.cmp(a).reverse());
        assert_eq!(a.cmp(b).is_eq(), a.encode() == b.encode());
    }
});

fn rule(afi: Afi, nlri: &Nlri, octets: &[u8]) {
    // The same octets but for bits that a receiver ignores: same length, and from then on stable.
    let encoded = nlri.encode();
    assert_eq!(encoded.len(), octets.len());
    let again = Nlri::decode(afi, &encoded).expect("decodes what was encoded");
    assert_eq!(&again, nlri);
    assert_eq!(again.encode(), encoded);

    let canonical = nlri.canonical();
    assert_eq!(canonical.canonical(), canonical);
    Nlri::new(afi, canonical.components().to_vec()).expect("the canonical form is a rule");

    // Text round trip, where the values lie within their fields.
    let text = nlri.to_string();
    if let Ok(read) = Nlri::parse(afi, &text) {
        assert_eq!(read.to_string(), text);
        assert_eq!(read.canonical(), canonical);
    }
    let text = canonical.to_string();
    match Nlri::parse(afi, &text) {
        Ok(read) => assert_eq!(read.canonical(), canonical),
        // Its own items were kept because ranges did not fit; flow labels then take four octets.
        Err(_) => assert!(canonical.body_len() > 1000, "{text}"),
    }
}

fn action(octets: &[u8]) {
    if let Some(octets) = octets.first_chunk::<8>() {
        community(ExtendedCommunity::Basic(*octets));
    }
    if let Some(octets) = octets.first_chunk::<20>() {
        community(ExtendedCommunity::Ipv6(*octets));
    }
}

fn community(community: ExtendedCommunity) {
    if let Ok(Some(action)) = Action::decode(&community) {
        assert_eq!(Action::decode(&action.encode()), Ok(Some(action)));
        assert!(!action.to_string().is_empty());
    }
}
