use super::*;

fn parse(text: &str) -> Result<String, NameError> {
    text.parse::<NamePattern>().map(|name| name.to_string())
}

#[test]
fn the_wire_form_comes_out() {
    for (text, expected) in [
        ("api.openai.com", "api.openai.com"),
        ("API.OpenAI.com.", "api.openai.com"),
        ("*.openai.azure.com", "*.openai.azure.com"),
        ("bedrock-runtime.*.amazonaws.com", "bedrock-runtime.*.amazonaws.com"),
        ("*-aiplatform.googleapis.com", "*-aiplatform.googleapis.com"),
        ("_v2-origintunneld._tcp.argotunnel.com", "_v2-origintunneld._tcp.argotunnel.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("例え.テスト.example", "xn--r8jz45g.xn--zckzah.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("r2---sn-x.example.com", "r2---sn-x.example.com"),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
        assert_eq!(parse(expected).as_deref(), Ok(expected), "{expected} again");
    }
}

#[test]
fn tricks_are_refused_with_their_reason() {
    use NameError as E;
    type Reason = fn(&NameError) -> bool;
    let long_label = format!("{}.example.com", "a".repeat(64));
    let long_name = format!("{}com", "abcdefg.".repeat(32));
    let cases: &[(&str, Reason)] = &[
        ("", |e| matches!(e, E::Empty)),
        (".", |e| matches!(e, E::Empty)),
        ("*", |e| matches!(e, E::WideWildcard(_))),
        ("*.com", |e| matches!(e, E::WideWildcard(_))),
        ("api.*.com", |e| matches!(e, E::WideWildcard(_))),
        ("api.openai.*", |e| matches!(e, E::WideWildcard(_))),
        ("*.*.example.com", |e| matches!(e, E::ManyWildcards(_))),
        ("a**b.example.com", |e| matches!(e, E::ManyWildcards(_))),
        ("localhost", |e| matches!(e, E::SingleLabel(_))),
        ("api..openai.com", |e| matches!(e, E::EmptyLabel(_))),
        (".openai.com", |e| matches!(e, E::EmptyLabel(_))),
        ("api.openai.com..", |e| matches!(e, E::EmptyLabel(_))),
        ("192.0.2.1", |e| matches!(e, E::Address(_))),
        ("2001:db8::1", |e| matches!(e, E::Address(_))),
        ("010.0.0.1", |e| matches!(e, E::Address(_))),
        ("api.openai.com:443", |e| matches!(e, E::Character { character: ':', .. })),
        ("https://api.openai.com", |e| matches!(e, E::Character { .. })),
        ("api openai.com", |e| matches!(e, E::Character { character: ' ', .. })),
        ("api.openai.com\n", |e| matches!(e, E::Character { character: '\n', .. })),
        ("caf\u{e9}'s.example.com", |e| matches!(e, E::Character { character: '\'', .. })),
        ("-api.openai.com", |e| matches!(e, E::Hyphen(_))),
        ("api-.openai.com", |e| matches!(e, E::Hyphen(_))),
        (&long_label, |e| matches!(e, E::LongLabel(_))),
        (&long_name, |e| matches!(e, E::Long(_))),
        // Cyrillic о in a Latin word; Cyrillic alone that reads as Latin; Greek omicron.
        ("api.\u{43e}penai.com", |e| matches!(e, E::MixedScript { .. })),
        ("api.\u{440}\u{430}\u{443}\u{440}\u{430}l.com", |e| matches!(e, E::MixedScript { .. })),
        ("\u{430}\u{440}\u{440}\u{4cf}\u{435}.com", |e| matches!(e, E::Confusable { .. })),
        ("api.\u{3bf}.com", |e| matches!(e, E::Confusable { .. })),
        // Full-width letters, a soft hyphen, a zero-width space, an ideographic full stop.
        ("\u{ff41}pi.openai.com", |e| matches!(e, E::Disguised { .. })),
        ("a\u{ad}pi.openai.com", |e| matches!(e, E::Disguised { .. })),
        ("a\u{200b}pi.openai.com", |e| matches!(e, E::Disguised { .. } | E::Idna { .. })),
        ("api\u{3002}openai.com", |e| matches!(e, E::Disguised { .. })),
        ("a\u{202e}pi.openai.com", |e| matches!(e, E::Idna { .. })),
        // Punycode that is not an A-label of anything, or of what it could say plainly.
        ("xn--a.example.com", |e| matches!(e, E::Idna { .. })),
        ("xn--openai-.example.com", |e| matches!(e, E::Idna { .. } | E::Hyphen(_))),
    ];
    for (text, expected) in cases {
        match parse(text) {
            Err(error) if expected(&error) => {}
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn a_wildcard_stands_for_what_its_place_says() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "*.openai.azure.com",
            &["x.openai.azure.com", "a.b.openai.azure.com"],
            &[
                "openai.azure.com",
                ".openai.azure.com",
                "xopenai.azure.com",
                "x.openai.azure.com.io",
            ],
        ),
        (
            "bedrock-runtime.*.amazonaws.com",
            &["bedrock-runtime.us-east-1.amazonaws.com"],
            &[
                "bedrock-runtime.amazonaws.com",
                "bedrock-runtime..amazonaws.com",
                "bedrock-runtime.a.b.amazonaws.com",
                "x.bedrock-runtime.us-east-1.amazonaws.com",
            ],
        ),
        (
            "derp*.tailscale.com",
            &["derp1.tailscale.com", "derp12b.tailscale.com"],
            &["derp.tailscale.com", "derp1.x.tailscale.com", "xderp1.tailscale.com"],
        ),
        ("api.openai.com", &["api.openai.com"], &["eu.api.openai.com", "api.openai.co"]),
    ];
    for (pattern, hits, misses) in cases {
        let pattern: NamePattern = pattern.parse().unwrap();
        for name in *hits {
            assert!(pattern.matches(name), "{pattern} {name}");
        }
        for name in *misses {
            assert!(!pattern.matches(name), "{pattern} {name}");
        }
    }
}
