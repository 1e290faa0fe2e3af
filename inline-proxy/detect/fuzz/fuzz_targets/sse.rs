//! Event streams: whole, octet by octet and in portions they have the same events. The first two octets
//! choose the limit and the portions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sark_detect::framing::TooLong;
use sark_detect::sse::Decoder;

fuzz_target!(|input: &[u8]| {
    let Some((&[most, portion], octets)) = input.split_first_chunk() else { return };
    let most = if most < 128 { usize::from(most) + 1 } else { usize::MAX };
    let whole = read(octets, octets.len(), most);
    assert_eq!(read(octets, 1, most), whole);
    assert_eq!(read(octets, usize::from(portion) + 2, most), whole);
});

type Events = Vec<Result<(Vec<u8>, Vec<u8>), TooLong>>;

fn read(octets: &[u8], portion: usize, most: usize) -> (Events, u64) {
    let mut decoder = Decoder::new(most);
    let mut events = Vec::new();
    let (mut pushed, mut sendable, mut last) = (0, 0, 0);
    let mut each = |event: Result<sark_detect::sse::Event<'_>, TooLong>| {
        if let Ok(event) = event {
            assert!(last <= event.start && event.start < event.end);
            assert!(event.data.len() <= most && !event.kind.contains(&b'\n'));
            last = event.end;
        }
        events.push(event.map(|event| (event.kind.to_vec(), event.data.to_vec())));
    };
    for portion in octets.chunks(portion.max(1)) {
        pushed += portion.len() as u64;
        let now = decoder.push(portion, &mut each);
        assert!(now >= sendable && now <= pushed);
        sendable = now;
    }
    decoder.finish(&mut each);
    assert!(last <= pushed);
    (events, sendable)
}
