//! Text → rule → text, in both families, and packets and route targets from the same text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_flowspec::{Afi, Nlri, Packet, RouteTarget, parse_tcp_flags};

fuzz_target!(|text: &str| {
    let packet = Packet::parse(text);
    for afi in [Afi::Ipv4, Afi::Ipv6] {
        match Nlri::parse(afi, text) {
            Ok(nlri) => {
                let printed = nlri.to_string();
                assert_eq!(Nlri::parse(afi, &printed).as_ref(), Ok(&nlri));
                assert_eq!(Nlri::decode(afi, &nlri.encode()).as_ref(), Ok(&nlri));
                if let Ok(packet) = &packet {
                    assert_eq!(nlri.matches(packet), nlri.canonical().matches(packet));
                }
            }
            Err(error) => assert!(error.at() <= text.len()),
        }
    }
    if let Ok(target) = text.parse::<RouteTarget>() {
        assert_eq!(target.to_string().parse(), Ok(target));
    }
    let _ = parse_tcp_flags(text);
});
