//! Logs of DNS servers, line by line: the first octet says whose.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_feed_formats::dns_log::{DnsLog, LogForm};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let form = match first % 3 {
        0 => LogForm::Json,
        1 => LogForm::Dnsmasq,
        _ => LogForm::Zeek(vec![std::net::Ipv4Addr::new(10, 0, 0, 53).into()]),
    };
    let mut log = DnsLog::new(form);
    for line in String::from_utf8_lossy(rest).lines() {
        if let Some(seen) = log.read(line) {
            assert!(!seen.addresses.is_empty() && seen.chain.len() <= line.len().max(16));
        }
    }
});
