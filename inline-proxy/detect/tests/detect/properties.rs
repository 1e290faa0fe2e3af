//! Whatever comes is answered, and how it was cut does not show.

use proptest::collection::vec;
use proptest::prelude::*;
use sark_detect::framing::websocket::{Decoder, Side};
use sark_detect::framing::{eventstream, lines, sequence};
use sark_detect::{Answer, Limits, sse};

use crate::support::{ask, aws_event, reader};

/// Cut after as many octets as each says, around and around.
fn cut<'a>(octets: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let (mut rest, mut portions) = (octets, Vec::new());
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (portion, after) = rest.split_at((*size).clamp(1, rest.len()));
        portions.push(portion);
        rest = after;
    }
    portions
}

const LIMITS: Limits = Limits { request: 1 << 20, answer: 300, event: 120, depth: 96, tools: 4 };

type Route = (&'static str, &'static str, &'static str);

/// One of each dialect and framing.
const ROUTES: [Route; 14] = [
    ("api.openai.com", "/v1/chat/completions", "text/event-stream"),
    ("api.openai.com", "/v1/chat/completions", "application/json"),
    ("api.openai.com", "/v1/responses", "text/event-stream"),
    ("api.openai.com", "/v1/responses", "application/json"),
    ("api.anthropic.com", "/v1/messages", "text/event-stream"),
    ("api.anthropic.com", "/v1/messages", "application/json"),
    (
        "generativelanguage.googleapis.com",
        "/v1beta/models/g:streamGenerateContent",
        "text/event-stream",
    ),
    (
        "generativelanguage.googleapis.com",
        "/v1beta/models/g:streamGenerateContent",
        "application/json",
    ),
    (
        "bedrock-runtime.a.amazonaws.com",
        "/model/m/converse-stream",
        "application/vnd.amazon.eventstream",
    ),
    (
        "bedrock-runtime.a.amazonaws.com",
        "/model/anthropic.x/invoke-with-response-stream",
        "application/vnd.amazon.eventstream",
    ),
    ("api.cohere.com", "/v2/chat", "text/event-stream"),
    ("api.cohere.com", "/v2/chat", "application/json"),
    ("gpu:11434", "/api/chat", "application/x-ndjson"),
    ("tools.example", "/v1/messages", "application/json"),
];

fn read(route: Route, portions: &[&[u8]]) -> (Answer, u64) {
    let (host, path, kind) = route;
    let body = r#"{"model":"m","stream":true,"messages":[]}"#;
    let mut reader = reader(host, path, body, kind, &LIMITS);
    let (mut octets, mut sendable) = (0, 0);
    for portion in portions {
        octets += portion.len() as u64;
        let passed = reader.push(portion);
        assert!((sendable..=octets).contains(&passed.sendable));
        assert!(passed.called.is_none_or(|at| (sendable..=passed.sendable).contains(&at)));
        if let Some(range) = passed.unasked {
            assert!(range.start < range.end && range.end <= passed.sendable);
        }
        sendable = passed.sendable;
    }
    assert_eq!(reader.finish().sendable, octets);
    (reader.into_answer(), sendable)
}

/// JSON that looks like parts of answers, and what does not.
fn json() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(r#"{"choices":[{"delta":{"content":"é\n\"x"}}]}"#.to_owned()),
        Just(r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#.to_owned()),
        Just(
            r#"{"type":"message_start","message":{"model":"c","usage":{"input_tokens":3}}}"#
                .to_owned()
        ),
        Just(r#"{"type":"content_block_delta","index":0,"delta":{"text":"}]"}}"#.to_owned()),
        Just(
            r#"{"type":"response.output_text.delta","delta":"abc","sequence_number":4}"#.to_owned()
        ),
        Just(r#"{"candidates":[{"content":{"parts":[{"text":"[{\\"}]}}]}"#.to_owned()),
        Just(
            r#"{"message":{"content":"hi","tool_calls":[{"function":{"name":"f"}}]},"done":true}"#
                .to_owned()
        ),
        Just("[DONE]".to_owned()),
        "[a-z{}\\[\\]\":,\\\\é ]{0,150}",
    ]
}

/// A stream in one of the framings, mostly well made.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let ends = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let sse = (vec((json(), ends, 0..4_u8), 0..8), any::<bool>()).prop_map(|(events, bom)| {
        let mut text = if bom { "\u{feff}".to_owned() } else { String::new() };
        for (data, end, how) in events {
            match how {
                0 => text.push_str(&format!("event: x{end}data: {data}{end}{end}")),
                1 => text.push_str(&format!(": c{end}data:{data}{end}{end}")),
                2 => text.push_str(&format!("data: {{{end}data: }}{end}{end}")),
                _ => text.push_str(&format!("data: {data}{end}{end}{end}")),
            }
        }
        text.into_bytes()
    });
    let lines = vec(json(), 0..8).prop_map(|lines| lines.join("\n").into_bytes());
    let array = vec(json(), 0..8).prop_map(|all| format!("[{}]", all.join(",\n")).into_bytes());
    let aws = vec((json(), any::<u8>()), 0..6).prop_map(|messages| {
        let mut octets = Vec::new();
        for (payload, damage) in messages {
            let mut message = aws_event("contentBlockDelta", &payload);
            if damage < 30 {
                let at = usize::from(damage) % message.len();
                message[at] ^= 0x10;
            }
            octets.extend(message);
        }
        octets
    });
    prop_oneof![4 => sse, 2 => lines, 2 => array, 2 => aws, 1 => vec(any::<u8>(), 0..400)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_read_the_same_however_they_are_cut(
        octets in stream(),
        sizes in vec(1..40_usize, 1..6),
    ) {
        for route in ROUTES {
            let (whole, end) = read(route, &[&octets]);
            let (by_one, end_by_one) = read(route, &cut(&octets, &[1]));
            let (cut, end_cut) = read(route, &cut(&octets, &sizes));
            prop_assert_eq!(&whole, &by_one, "{:?}", route);
            prop_assert_eq!(&whole, &cut, "{:?}", route);
            prop_assert_eq!(end, end_by_one);
            prop_assert_eq!(end, end_cut);
        }
    }

    #[test]
    fn events_are_found_the_same_however_they_are_cut(
        octets in stream(),
        sizes in vec(1..40_usize, 1..6),
        most in 1..200_usize,
    ) {
        let portions = [vec![&octets[..]], cut(&octets, &[1]), cut(&octets, &sizes)];
        let sse = portions.each_ref().map(|portions| {
            let mut decoder = sse::Decoder::new(most);
            let mut seen = Vec::new();
            let mut each = |event: Result<sse::Event<'_>, _>| {
                seen.push(event.map(|event| (event.kind.to_vec(), event.data.to_vec())));
            };
            let ends = portions.iter().map(|portion| decoder.push(portion, &mut each)).last().unwrap_or(0);
            decoder.finish(&mut each);
            (seen, ends)
        });
        prop_assert!(sse.iter().all(|one| *one == sse[0]));
        let lines = portions.each_ref().map(|portions| {
            let mut decoder = lines::Decoder::new(most);
            let mut seen = Vec::new();
            let mut each = |line: Result<&[u8], _>| seen.push(line.map(<[u8]>::to_vec));
            let ends = portions.iter().map(|portion| decoder.push(portion, &mut each)).last().unwrap_or(0);
            decoder.finish(&mut each);
            (seen, ends)
        });
        prop_assert!(lines.iter().all(|one| *one == lines[0]));
        let sequence = portions.each_ref().map(|portions| {
            let mut decoder = sequence::Decoder::new(most);
            let mut seen = Vec::new();
            let mut each = |element: Result<&[u8], _>| seen.push(element.map(<[u8]>::to_vec));
            let ends = portions.iter().map(|portion| decoder.push(portion, &mut each)).last().unwrap_or(0);
            (seen, ends)
        });
        prop_assert!(sequence.iter().all(|one| *one == sequence[0]));
        let aws = portions.each_ref().map(|portions| {
            let mut decoder = eventstream::Decoder::new(most);
            let mut seen = Vec::new();
            let mut each = |message: Result<eventstream::Message<'_>, _>| {
                seen.push(message.map(|m| (m.kind.to_owned(), m.payload.to_vec())));
            };
            let ends = portions.iter().map(|portion| decoder.push(portion, &mut each)).last().unwrap_or(0);
            (seen, ends)
        });
        prop_assert!(aws.iter().all(|one| *one == aws[0]));
        for side in [Side::Client, Side::Server] {
            let sessions = portions.each_ref().map(|portions| {
                let mut decoder = Decoder::new(side, most);
                let mut seen = Vec::new();
                for portion in portions {
                    match decoder.push(portion) {
                        Ok(messages) => seen.extend(messages),
                        Err(wrong) => return (seen, Some(wrong)),
                    }
                }
                (seen, None)
            });
            // What is wrong ends it where it stands; what came before in the same portion is not given.
            prop_assert!(sessions.iter().all(|one| one.1 == sessions[0].1));
            if sessions[0].1.is_none() {
                prop_assert!(sessions.iter().all(|one| one.0 == sessions[0].0));
            }
        }
    }

    /// What is sent on event by event, put together, is what came.
    #[test]
    fn nothing_is_sent_before_it_is_whole_nor_lost(octets in stream(), size in 1..40_usize) {
        let mut decoder = sse::Decoder::new(usize::MAX);
        let (mut last, mut end) = (0, 0);
        for portion in octets.chunks(size) {
            let sendable = decoder.push(portion, |event| end = event.unwrap().end);
            prop_assert!(sendable >= last && sendable >= end);
            last = sendable;
        }
        decoder.finish(|event| end = event.unwrap().end);
        prop_assert!(end <= octets.len() as u64);
    }

    #[test]
    fn any_body_is_read_or_refused(text in ".{0,200}", octets in vec(any::<u8>(), 0..200)) {
        for (host, path, _) in ROUTES {
            let _ = ask(host, path, &text);
            let _ = ask(host, path, &String::from_utf8_lossy(&octets));
        }
        let _ = ask("unknown.example", "/x", &text);
    }

    /// A key that matters is refused wherever the second one stands, and whatever is between.
    #[test]
    fn a_second_model_is_never_read(
        between in "[a-z]{1,8}",
        first in "[a-z]{1,8}",
        second in "[a-z]{1,8}",
        upper in any::<bool>(),
    ) {
        let key = if upper { "MoDel" } else { "model" };
        let body = format!(r#"{{"model":"{first}","x{between}":[{{"model":1}}],"{key}":"{second}"}}"#);
        prop_assert!(ask("api.openai.com", "/v1/chat/completions", &body).is_err());
    }
}
