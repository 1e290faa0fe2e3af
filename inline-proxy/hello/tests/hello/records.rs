//! Records, portions and bounds.

use sark_hello::{Limits, Progress, Protocol, Reader, Refusal};

use crate::writer::{
    Hello, alpn, ech_outer, key_shares, psk, psk_modes, read, read_in, record, records,
    server_name, versions,
};

/// About as long as a browser's: post-quantum key share, ECH.
fn hello() -> Hello {
    Hello::with(&[
        server_name(b"api.anthropic.com"),
        alpn(&[b"h2", b"http/1.1"]),
        versions(&[0x0304, 0x0303]),
        key_shares(&[(0x11ec, 1216), (0x001d, 32)]),
        ech_outer(),
    ])
}

/// Several tens of kilobytes of sessions to resume.
fn long_hello(sessions: usize) -> Hello {
    Hello::with(&[server_name(b"a.example"), psk_modes(), psk(sessions, sessions)])
}

fn name(progress: &Progress) -> Option<&str> {
    match progress {
        Progress::Hello(hello) => hello.server_name(),
        _ => None,
    }
}

fn refusal(octets: &[u8]) -> Refusal {
    let Progress::Refused(refusal) = read(octets) else { panic!("{octets:x?}") };
    // However it comes.
    let (progress, _) = read_in(octets.chunks(1), Limits::default());
    assert_eq!(progress, Progress::Refused(refusal.clone()));
    refusal
}

#[test]
fn cut_anywhere_into_two_records() {
    let message = hello().message();
    let whole = read(&records(&message, &[]));
    assert_eq!(name(&whole), Some("api.anthropic.com"));
    for cut in 1..message.len() {
        let octets = records(&message, &[cut]);
        assert_eq!(read(&octets), whole, "{cut}");
        assert_eq!(read_in(octets.chunks(1), Limits::default()), (whole.clone(), octets.len()));
    }
}

#[test]
fn cut_into_many_records() {
    let message = hello().message();
    for size in [30, 100, 536, 1000] {
        let cuts: Vec<_> = (0..message.len()).step_by(size).collect();
        let octets = records(&message, &cuts);
        for portion in [1, 7, 536, 1460, octets.len()] {
            let (progress, after) = read_in(octets.chunks(portion), Limits::default());
            assert_eq!(name(&progress), Some("api.anthropic.com"), "{size} {portion}");
            assert_eq!(after, octets.len());
        }
    }
    let tiny: Vec<_> = (0..message.len()).step_by(20).collect();
    assert_eq!(refusal(&records(&message, &tiny)), Refusal::ManyRecords(64));
    // The bound is exact.
    let each: Vec<_> = (0..message.len()).collect();
    let octets = records(&message, &each);
    let allowed = |records| read_in([&octets[..]], Limits { records, ..Limits::default() }).0;
    assert_eq!(name(&allowed(message.len())), Some("api.anthropic.com"));
    let fewer = message.len() - 1;
    assert_eq!(allowed(fewer), Progress::Refused(Refusal::ManyRecords(fewer)));
}

/// RFC 8446 §5.1: it is to be ignored for all purposes.
#[test]
fn minor_versions_of_records_mean_nothing() {
    let mut octets = records(&hello().message(), &[500]);
    for minor in 0..=255 {
        (octets[2], octets[507]) = (minor, !minor);
        assert_eq!(name(&read(&octets)), Some("api.anthropic.com"), "{minor}");
    }
}

#[test]
fn what_is_no_hello() {
    let octets = records(&hello().message(), &[500]);
    let (first, second) = octets.split_at(505);
    let after_first = |kind: u8| refusal(&[first, &record(kind, &[1]), second].concat());
    assert_eq!(after_first(20), Refusal::Interleaved(20));
    assert_eq!(after_first(21), Refusal::Alert);
    assert_eq!(after_first(23), Refusal::Interleaved(23));
    assert_eq!(after_first(0x47), Refusal::Interleaved(0x47));
    assert_eq!(
        refusal(&[first, &[22, 2, 0, 0, 1], second].concat()),
        Refusal::RecordVersion(0x0200)
    );
    assert_eq!(refusal(&[first, &record(22, &[]), second].concat()), Refusal::EmptyRecord);
    assert_eq!(refusal(&record(22, &[])), Refusal::EmptyRecord);
    assert_eq!(refusal(&[22, 3, 1, 0x40, 1]), Refusal::LongRecord(0x4001));
    assert_eq!(refusal(&record(21, &[2, 40])), Refusal::Alert);
    assert_eq!(refusal(&record(20, &[1])), Refusal::FirstRecord(20));
    assert_eq!(refusal(&record(23, b"late")), Refusal::FirstRecord(23));
    assert_eq!(refusal(&record(22, &[2, 0, 0, 70])), Refusal::NotHello(2));
    assert_eq!(refusal(&[0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]), Refusal::Sslv2);
    assert_eq!(refusal(&[0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10]), Refusal::Sslv2);
    let more = [hello().message(), vec![1, 0, 0, 0]].concat();
    assert_eq!(refusal(&record(22, &more)), Refusal::Trailing);
}

#[test]
fn what_follows_is_kept() {
    let mut octets = hello().record();
    let hello_ends = octets.len();
    octets.extend(record(20, &[1]));
    octets.extend(record(23, &[0; 300]));
    let mut reader = Reader::new(Limits::default());
    assert_eq!(name(&reader.push(&octets)), Some("api.anthropic.com"));
    assert_eq!(reader.push(b"more"), Progress::Refused(Refusal::Over));
    octets.extend(b"more");
    assert_eq!(reader.into_octets(), octets);
    let (progress, after) = read_in(octets.chunks(1), Limits::default());
    assert_eq!((name(&progress), after), (Some("api.anthropic.com"), hello_ends));
}

#[test]
fn protocols_that_are_not_tls() {
    for (octets, protocol) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], Protocol::Http),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", Protocol::Http2),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", Protocol::Ssh),
        (b"\x05\x01\0", Protocol::Other),
    ] {
        assert_eq!(read(octets), Progress::NotTls(protocol));
        let (progress, _) = read_in(octets.chunks(1), Limits::default());
        assert_eq!(progress, Progress::NotTls(protocol));
    }
}

/// The bound is exact, and holds before the octets have come if they were announced.
#[test]
fn no_more_octets_than_allowed() {
    let octets = hello().record();
    let limits = |octets| Limits { octets, ..Limits::default() };
    let enough = octets.len();
    let refused = |most| Progress::Refused(Refusal::TooLong(most));
    for portion in [1, 100, enough] {
        let (progress, _) = read_in(octets.chunks(portion), limits(enough));
        assert_eq!(name(&progress), Some("api.anthropic.com"));
        let (progress, after) = read_in(octets.chunks(portion), limits(enough - 1));
        assert_eq!(progress, refused(enough - 1));
        assert!(after <= enough - 1 + portion);
    }
    // By its own claim.
    let (progress, after) = read_in(octets.chunks(1), limits(1000));
    assert_eq!((progress, after), (refused(1000), 9));
    let (progress, after) = read_in([&record(22, &[1, 0xff, 0xff, 0xff])[..]], limits(1 << 20));
    assert_eq!((progress, after), (refused(1 << 20), 9));
    for most in 0..10 {
        assert_eq!(read_in([&octets[..]], limits(most)).0, refused(most));
    }
    // What is not TLS takes no more either.
    assert_eq!(read_in(b"PROPF".chunks(1), limits(5)).0, refused(5));
}

/// 60 kB in one message: four full records and more, octet by octet.
#[test]
fn long_messages_grow_with_what_comes() {
    let message = long_hello(250).message();
    let mut octets = Vec::new();
    for part in message.chunks(1 << 14) {
        octets.extend(record(22, part));
    }
    assert!(octets.len() > 58_000);
    assert_eq!(read(&octets), Progress::Refused(Refusal::TooLong(16 * 1024)));
    let limits = Limits { octets: 64 * 1024, ..Limits::default() };
    let mut offers = false;
    let cost = allocation_counter::measure(|| {
        let (progress, after) = read_in(octets.chunks(1), limits);
        offers = matches!(progress, Progress::Hello(hello) if hello.offers_psk());
        assert_eq!(after, octets.len());
    });
    assert!(offers);
    // Two buffers, each grown by doubling.
    assert!(cost.bytes_total < 4 * 65_536 + 65_536 && cost.count_total < 100, "{cost:?}");
}

#[test]
fn claims_cost_nothing() {
    for begin in [&[22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xf0][..], &[22, 3, 1, 0, 4, 1, 0, 0x3f, 0xf0]] {
        let cost = allocation_counter::measure(|| {
            assert_eq!(read(begin), Progress::NeedMore);
        });
        assert!(cost.bytes_max < 100, "{cost:?}");
    }
    // A block of extensions that holds none of what it claims.
    let mut message = Hello::with(&[(5, vec![0; 50])]).message();
    let at = message.len() - 54;
    message[at - 2..at].copy_from_slice(&[0xff, 0xff]);
    let octets = record(22, &message);
    let cost = allocation_counter::measure(|| {
        assert!(matches!(read(&octets), Progress::Refused(Refusal::Malformed(_))));
    });
    assert!(cost.bytes_max < 1000, "{cost:?}");
}
