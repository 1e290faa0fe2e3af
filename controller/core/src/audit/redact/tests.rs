use super::redacted;

fn of(value: &serde_json::Value) -> serde_json::Value {
    let text = value.to_string();
    serde_json::from_str(&redacted(&text).unwrap_or(text)).unwrap()
}

/// Keys in the shape of their makers', none of them real.
#[test]
fn known_keys_and_tokens_are_found_wherever_they_stand() {
    let tail = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0";
    for (secret, kind) in [
        (format!("sk-ant-api03-{tail}"), "anthropic-key"),
        (format!("sk-proj-{tail}"), "openai-key"),
        (format!("sk-{tail}"), "openai-key"),
        (format!("AIza{tail}"), "google-key"),
        (format!("gsk_{tail}"), "groq-key"),
        (format!("hf_{tail}"), "huggingface-token"),
        (format!("ghp_{tail}"), "github-token"),
        ("AKIAIOSFODNN7EXAMPLE".to_owned(), "aws-access-key"),
        (format!("xoxb-1234-{tail}"), "slack-token"),
        (format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{tail}"), "jwt"),
    ] {
        for text in [
            secret.clone(),
            format!("key is {secret}, take it"),
            format!("line\n{secret}\n"),
            format!("https://a.example/v1?key={secret}&x=1"),
            format!("my_{secret}"),
            format!("é\"{secret}\""),
        ] {
            let redacted = of(&serde_json::json!({ "why": [text] }));
            let left = redacted.to_string();
            assert!(!left.contains(&tail[20..]) && !left.contains("IOSFODNN7"), "{left}");
            assert!(left.contains(&format!("[redacted:{kind}]")), "{left}");
        }
        let named = of(&serde_json::json!({ &secret: 1 })).to_string();
        assert!(!named.contains(&secret), "{named}");
    }
}

#[test]
fn what_stands_under_a_name_of_secrets_goes_whole() {
    let given = serde_json::json!({
        "detail": {
            "Authorization": "Basic abc", "x-goog-api-key": "short", "OPENAI_API_KEY": "é \" \\",
            "prompt": "tell me", "messages": ["one", "two"], "password": "",
            "routingKey": "file:/run/key", "apiToken": "env:PD_KEY", "tokens": 7, "token": "ci",
            "kept": { "prompt": { "sealed": "AAAA" } },
        }
    });
    let expected = serde_json::json!({
        "detail": {
            "Authorization": "[redacted:by-name]", "x-goog-api-key": "[redacted:by-name]",
            "OPENAI_API_KEY": "[redacted:by-name]", "prompt": "[redacted:by-name]",
            "messages": "[redacted:by-name]", "password": "",
            "routingKey": "file:/run/key", "apiToken": "env:PD_KEY", "tokens": 7, "token": "ci",
            "kept": { "prompt": { "sealed": "AAAA" } },
        }
    });
    assert_eq!(of(&given), expected);
    assert_eq!(of(&expected), expected, "a second time changes nothing");
}

#[test]
fn schemes_assignments_addresses_and_private_keys() {
    for (given, expected) in [
        ("Bearer abcdef123456 then", "Bearer [redacted:token] then"),
        ("authorization: bearer abcdef123456", "authorization: bearer [redacted:token]"),
        ("\"password\" = \"hunter2\"", "\"password\" = \"[redacted:by-name]\""),
        ("api_key\t= abc", "api_key\t= [redacted:by-name]"),
        ("Bearer\tabcd1234", "Bearer\t[redacted:token]"),
        ("OPENAI_API_KEY=abc ls", "OPENAI_API_KEY=[redacted:by-name] ls"),
        ("https://u:p4ss@h.example/x", "https://u:[redacted:password]@h.example/x"),
        (
            "x -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- y",
            "x [redacted:private-key] y",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMII", "[redacted:private-key]"),
    ] {
        assert_eq!(of(&serde_json::json!(given)), serde_json::json!(expected));
    }
}

#[test]
fn what_is_no_secret_stays() {
    let hash = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for text in [
        hash,
        "a bearer of bad news",
        "registry.feed.held:task-force-of-people-who-write",
        "https://api.openai.com:443/v1/chat/completions?x=a@b",
        "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
        "uid:0(root)",
        "ak47.example.com/sk-8.html",
        "\\\"\u{1}\\",
        "",
    ] {
        let given = serde_json::json!({ "why": text, "\"\\": text });
        assert_eq!(redacted(&given.to_string()), None, "{text}");
    }
}

/// As clients of OpenAI, Anthropic and Gemini send them.
#[test]
fn everything_below_a_prompt_goes_whatever_its_shape() {
    let words = "the quick brown fox";
    let openai = serde_json::json!({ "model": "gpt", "n": 1, "messages": [
        { "role": "system", "content": words },
        { "role": "user", "content": [
            { "type": "text", "text": words },
            { "type": "image_url", "image_url": { "url": words, "x}]\"": words } },
        ] },
        { "role": "assistant", "tool_calls": [{ "function": { "arguments": words } }] },
    ] });
    let anthropic = serde_json::json!({ "max_tokens": 9, "messages": [
        { "role": "user", "content": [
            { "type": "tool_result", "content": [{ "type": "text", "text": words }] },
        ] },
    ], "system_prompt": [{ "type": "text", "text": words }] });
    let gemini = serde_json::json!({
        "contents": [{ "role": "user", "parts": [{ "text": words }, { "inline_data": words }] }],
        "system_instruction": { "parts": [{ "text": words }] },
    });
    // Numbers of tokens are a prompt too, and a name in one is one.
    let tokens = serde_json::json!({ "prompt": [[464, 2068, 7586]], "completion": { words: 1 } });
    for body in [openai, anthropic, gemini, tokens] {
        for given in [
            serde_json::json!({ "detail": &body, "after": "stays" }),
            serde_json::json!({ "detail": { "kept": { "x": { "y": &body } } }, "after": "stays" }),
            serde_json::json!({ "detail": [{ "deep": [&body, "near"] }], "after": "stays" }),
        ] {
            let left = of(&given);
            let text = left.to_string();
            assert!(!text.contains("fox") && !text.contains("2068"), "{text}");
            assert!(text.contains("[redacted:by-name]"), "{text}");
            assert_eq!(left["after"], "stays");
            assert_eq!(of(&left), left, "a second time changes nothing");
        }
    }
    // What counts messages, or has none, stays; so does what was kept, and no more of it than that.
    let harmless = serde_json::json!({ "detail": {
        "messages": 3, "prompt": null, "contents": [], "completion": {},
        "kept": { "messages": { "key": "k", "nonce": "n", "sealed": "AAAA" } },
    } });
    assert_eq!(of(&harmless), harmless);
    let elsewhere =
        serde_json::json!({ "detail": { "x": { "kept": { "prompt": { "a": words } } } } });
    assert!(!of(&elsewhere).to_string().contains("fox"));
}

/// It was a list of many little texts that grew by five: longer than the spool believes.
#[test]
fn what_is_left_out_makes_no_record_much_longer() {
    let given = serde_json::json!({ "messages": vec!["a"; 10_000] }).to_string();
    assert!(redacted(&given).unwrap().len() < given.len());
}

proptest::proptest! {
    /// Whatever is in it: what comes out is JSON of the same members, and redacting it again
    /// changes nothing.
    #[test]
    fn any_text_stays_json(
        texts in proptest::collection::vec("(\\PC|\"|\\\\|\n|sk-[a-z0-9]{24}|Bearer |://|:|@|-----BEGIN PRIVATE KEY){0,12}", 0..6)
    ) {
        let given = serde_json::json!({ "why": texts, "n": texts.len() });
        let once = of(&given);
        proptest::prop_assert_eq!(once["why"].as_array().unwrap().len(), texts.len());
        proptest::prop_assert_eq!(of(&once), once);
    }
}
