//! Where events end, and what may be sent on.

use sark_detect::framing::{TooLong, eventstream, lines, sequence};
use sark_detect::sse::Decoder;

use crate::support::{aws, aws_event};

type Events = Vec<Result<(String, String), TooLong>>;

fn sse(portions: &[&[u8]], most: usize) -> (Events, Vec<u64>) {
    let mut decoder = Decoder::new(most);
    let mut events = Vec::new();
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let mut each = |event: Result<sark_detect::sse::Event<'_>, _>| {
        events.push(event.map(|event| (text(event.kind), text(event.data))));
    };
    let ends = portions.iter().map(|portion| decoder.push(portion, &mut each)).collect();
    decoder.finish(&mut each);
    (events, ends)
}

fn event(kind: &str, data: &str) -> Result<(String, String), TooLong> {
    Ok((kind.to_owned(), data.to_owned()))
}

#[test]
fn lines_of_event_streams() {
    let long = "x".repeat(100);
    for (stream, events) in [
        ("data: a\n\n", vec![event("", "a")]),
        ("data: a\r\n\r\ndata: b\r\n\r\n", vec![event("", "a"), event("", "b")]),
        ("data: a\r\rdata: b\r\r", vec![event("", "a"), event("", "b")]),
        ("data: a\r\n\rdata: b\n\r\n", vec![event("", "a"), event("", "b")]),
        ("\u{feff}data: a\n\n", vec![event("", "a")]),
        ("data: \u{feff}a\n\n", vec![event("", "\u{feff}a")]),
        ("data: a\ndata: b\ndata\n\n", vec![event("", "a\nb\n")]),
        ("data:a\ndata:  b\n\n", vec![event("", "a\n b")]),
        ("event: x\nid: 1\nretry: 5\ndata: a\n\n", vec![event("x", "a")]),
        ("event: x\nevent: y\ndata: a\n\n", vec![event("y", "a")]),
        ("event: x\n\ndata: a\n\n", vec![event("", "a")]),
        (": c\ndata: a\n: d\n\n", vec![event("", "a")]),
        ("dat: a\nData: b\n data: c\n\n", vec![]),
        ("data:\n\n", vec![event("", "")]),
        ("\n\n\n", vec![]),
        ("data: [DONE]", vec![event("", "[DONE]")]),
        ("data: a\ndata: b\n", vec![event("", "a\nb")]),
        ("", vec![]),
        (
            &format!("data: a\n\ndata: {long}\n\ndata: b\n\n"),
            vec![event("", "a"), Err(TooLong(64)), event("", "b")],
        ),
    ] {
        let octets = stream.as_bytes();
        assert_eq!(sse(&[octets], 64).0, events, "{stream:?}");
        let single: Vec<_> = octets.chunks(1).collect();
        assert_eq!(sse(&single, 64).0, events, "{stream:?} by 1");
    }
}

#[test]
fn nothing_waits_but_the_event_that_is_not_whole() {
    let portions: [&[u8]; 8] = [
        b"data: a",
        b"\n",
        b"\ndata: b\r\n\r",
        b"\n",
        b": ping\n",
        b"event: x\n",
        b": c\n",
        b"data: y\n\n",
    ];
    let (events, ends) = sse(&portions, 64);
    assert_eq!(events, [event("", "a"), event("", "b"), event("x", "y")]);
    // The LF of a CR LF is sent on with what it ends; a comment within an event waits for it.
    assert_eq!(ends, [0, 0, 20 - 1, 20, 27, 27, 27, 49]);
    // What is too long waits for nothing.
    let (_, ends) = sse(&[b"data: ", &[b'x'; 100], b"xx", b"\n\n", b"data"], 64);
    assert_eq!(ends, [0, 106, 108, 110, 110]);
}

#[test]
fn json_lines() {
    let read = |portions: &[&[u8]]| {
        let mut decoder = lines::Decoder::new(8);
        let mut seen = Vec::new();
        let mut each = |line: Result<&[u8], TooLong>| seen.push(line.map(<[u8]>::to_vec));
        let ends: Vec<_> =
            portions.iter().map(|portion| decoder.push(portion, &mut each)).collect();
        decoder.finish(&mut each);
        (seen, ends)
    };
    let (seen, ends) = read(&[b"{}\r\n\n[", b"1]\n123456789", b"0\n", b"{"]);
    let line = |text: &str| Ok(text.as_bytes().to_vec());
    assert_eq!(seen, [line("{}"), line("[1]"), Err(TooLong(8)), line("{")]);
    assert_eq!(ends, [5, 18, 20, 20]);
}

#[test]
fn elements_of_an_array() {
    let read = |stream: &str, portion: usize| {
        let mut decoder = sequence::Decoder::new(24);
        let (mut seen, mut end) = (Vec::new(), 0);
        for portion in stream.as_bytes().chunks(portion) {
            end = decoder.push(portion, |element| {
                seen.push(element.map(|octets| String::from_utf8_lossy(octets).into_owned()));
            });
        }
        (seen, end, decoder.is_open())
    };
    let one = |text: &str| Ok(text.to_owned());
    for (stream, seen, end, is_open) in [
        (r#"[{"a":1}, {"b":[{}]}]"#, vec![one(r#"{"a":1}"#), one(r#"{"b":[{}]}"#)], 21, false),
        (r#"{"error":{}}"#, vec![one(r#"{"error":{}}"#)], 12, false),
        (r#"[{"a":"}]\"{"},{"b"#, vec![one(r#"{"a":"}]\"{"}"#)], 14, true),
        (r#"[{"aaaaaaaaaaaaaaaaaaaaaaaa":1},{}]"#, vec![Err(TooLong(24)), one("{}")], 35, false),
        ("[", vec![], 0, false),
        ("", vec![], 0, false),
    ] {
        for portion in [1, 2, 5, 100] {
            assert_eq!(
                read(stream, portion),
                (seen.clone(), end, is_open),
                "{stream} by {portion}"
            );
        }
    }
}

type Messages = Vec<Result<(String, String, String), eventstream::Wrong>>;

fn messages(octets: &[u8], portion: usize, most: usize) -> (Messages, u64, bool) {
    let mut decoder = eventstream::Decoder::new(most);
    let (mut seen, mut end) = (Vec::new(), 0);
    for portion in octets.chunks(portion) {
        end = decoder.push(portion, |message| {
            seen.push(message.map(|message| {
                let payload = String::from_utf8_lossy(message.payload).into_owned();
                (message.message_type.to_owned(), message.kind.to_owned(), payload)
            }));
        });
    }
    (seen, end, decoder.is_open())
}

#[test]
fn aws_messages_and_their_checksums() {
    let first = aws_event("messageStop", r#"{"stopReason":"end_turn"}"#);
    let second =
        aws(&[(":message-type", "exception"), (":exception-type", "throttlingException")], "{}");
    let good = [first.clone(), second].concat();
    let stop = || {
        Ok((
            "event".to_owned(),
            "messageStop".to_owned(),
            r#"{"stopReason":"end_turn"}"#.to_owned(),
        ))
    };
    let exception =
        || Ok(("exception".to_owned(), "throttlingException".to_owned(), "{}".to_owned()));
    for portion in [1, 7, 4096] {
        let (seen, end, is_open) = messages(&good, portion, 4096);
        assert_eq!(seen, [stop(), exception()]);
        assert_eq!((end, is_open), (good.len() as u64, false));

        // Damaged within: that message is not read, the next one is.
        let mut damaged = good.clone();
        damaged[first.len() - 8] ^= 1;
        assert_eq!(
            messages(&damaged, portion, 4096).0,
            [Err(eventstream::Wrong::Crc), exception()]
        );
        // Damaged lengths: nothing is.
        let mut damaged = good.clone();
        damaged[1] ^= 1;
        let (seen, end, _) = messages(&damaged, portion, 4096);
        assert_eq!(seen, [Err(eventstream::Wrong::PreludeCrc)]);
        assert_eq!(end, good.len() as u64);
        // Too long: skipped.
        let (seen, end, _) = messages(&good, portion, first.len() - 1);
        assert_eq!(seen, [Err(TooLong(first.len() - 1).into()), exception()]);
        assert_eq!(end, good.len() as u64);
        // Cut off.
        let (seen, end, is_open) = messages(&good[..good.len() - 1], portion, 4096);
        assert_eq!((seen.len(), end, is_open), (1, first.len() as u64, true));
    }
}

#[test]
fn aws_lengths_that_do_not_fit() {
    for (total, headers) in [(15_u32, 0_u32), (16, 1), (40, 25), (0, 0), (20, u32::MAX)] {
        let mut octets = [total.to_be_bytes(), headers.to_be_bytes()].concat();
        octets.extend(crate::support::crc32(&octets).to_be_bytes());
        octets.extend([0; 64]);
        let (seen, ..) = messages(&octets, 5, 4096);
        assert_eq!(seen, [Err(eventstream::Wrong::Lengths(total))]);
    }
}
