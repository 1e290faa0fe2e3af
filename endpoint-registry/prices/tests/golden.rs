//! A list in the shape of the public one, with invented content, against what is made of it.
//! `UPDATE_GOLDEN=1` rewrites the `.expected` files.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fmt::Write as _, fs, path::PathBuf};

use sark_prices::{Call, Limits, PriceList, Unit, Usage, oddities, parse};

fn list() -> PriceList {
    parse(include_bytes!("golden/list.json"), &Limits::default()).unwrap()
}

#[track_caller]
fn compare(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{} differs; now it is:\n{text}", path.display());
}

#[test]
fn what_is_read() {
    let list = list();
    let mut text = String::new();
    for (name, model) in list.models() {
        let word = |word: &Option<std::sync::Arc<str>>| word.as_deref().unwrap_or("-").to_owned();
        writeln!(text, "{name}  {} {}", word(&model.provider), word(&model.mode)).unwrap();
        if *name != *model.name {
            writeln!(text, "    is {}", model.name).unwrap();
            continue;
        }
        for price in &model.prices {
            writeln!(text, "    {} {}", price.field, price.amount).unwrap();
        }
        for range in &model.ranges {
            let most = range.most.map_or("any".to_owned(), |most| most.to_string());
            writeln!(text, "    above {} to {most}", range.above).unwrap();
            for price in &range.prices {
                writeln!(text, "        {} {}", price.field, price.amount).unwrap();
            }
        }
    }
    compare("list.expected", &text);
}

#[test]
fn what_is_odd() {
    let mut text = String::new();
    for oddity in oddities(&list()) {
        writeln!(text, "{}: {} {}", oddity.code, oddity.count, oddity.what).unwrap();
        for example in oddity.examples {
            writeln!(text, "    {example}").unwrap();
        }
    }
    compare("odd.expected", &text);
}

#[test]
fn who_is_found() {
    let list = list();
    let mut text = String::new();
    for (provider, model) in [
        (None, "model-large"),
        (Some("openai"), "model-large"),
        (Some("openai"), "model-large-2026-08-07"),
        (Some("openai"), "model-large-2026-11-01"),
        (Some("openai"), "model-latest"),
        (Some("openai"), "model-lost"),
        (Some("openai"), "model-large-preview"),
        (Some("openai"), "model-larger"),
        (Some("openai"), "model-9"),
        (Some("openai"), "ft:model-mini:our-org::abc"),
        (Some("openai"), "groq/llama-70b"),
        (Some("azure"), "model-large"),
        (Some("azure"), "model-mini"),
        (Some("azure"), "model-mini-2026-08-07"),
        (Some("azure"), "sonata-4-5"),
        (Some("anthropic"), "sonata-4-5-20260929"),
        (Some("anthropic"), "sonata-4-5"),
        (Some("anthropic"), "sonata-4-6"),
        (Some("anthropic"), "sonata-4-5-thinking"),
        (Some("aws"), "anthropic.sonata-4-5-20260929-v1:0"),
        (Some("aws"), "eu.anthropic.sonata-4-5-20260929-v1:0"),
        (Some("aws"), "jp.anthropic.sonata-4-5-20260929-v1:0"),
        (Some("aws"), "anthropic.opera-2"),
        (Some("aws"), "apac.anthropic.opera-2"),
        (
            Some("aws"),
            "arn:aws:bedrock:eu-central-1:111122223333:inference-profile/eu.anthropic.sonata-4-5-20260929-v1:0",
        ),
        (Some("google"), "twin-pro"),
        (Some("gemini"), "models/twin-pro"),
        (Some("vertex_ai"), "twin-pro"),
        (Some("google"), "publishers/anthropic/models/sonata-4-5@20260929"),
        (Some("alibaba"), "flash"),
        (Some("together"), "meta-llama/Llama-70B"),
        (Some("local-models"), "model-large"),
        (None, "llama-70b"),
        (Some("broken"), "prose"),
        (Some("broken"), "prose-2026-08-07"),
        (Some("broken"), "prose-2026-08-08"),
        (None, "sample_spec"),
        (None, ""),
        (Some(""), "model-large"),
    ] {
        let found = match list.lookup(provider, model) {
            Ok(found) => format!("{}, {}", found.name, found.how),
            Err(why) => why.to_string(),
        };
        writeln!(text, "{} {model:?}: {found}", provider.unwrap_or("-")).unwrap();
    }
    compare("lookups.expected", &text);
}

fn used(counts: &[(Unit, u64)]) -> Usage {
    counts.iter().fold(Usage::default(), |usage, (unit, count)| usage.with(*unit, *count))
}

#[test]
fn what_calls_cost() {
    use Unit::{
        CacheRead, CacheWrite, CacheWrite1h, CacheWrite12h, Input, InputAudio, InputImage,
        InputSecond, Output, OutputAudio, OutputImage, Query, Reasoning, Request, SearchLow,
    };
    let chat = used(&[(Input, 1000), (CacheRead, 5000), (Output, 300), (Reasoning, 200)]);
    let long = used(&[(Input, 150_000), (CacheRead, 50_001), (Output, 1000), (CacheWrite1h, 10)]);
    let cases: [(&str, &str, Option<&str>, Usage); 27] = [
        ("openai", "model-large", None, chat.clone()),
        ("openai", "model-large", Some("default"), chat.clone()),
        ("openai", "model-large", Some("batch"), chat.clone()),
        ("openai", "model-large", Some("priority"), chat.clone()),
        ("openai", "model-large", Some("ultrafast"), chat.clone()),
        ("openai", "model-large", None, used(&[(Input, 1), (SearchLow, 3), (Request, 1)])),
        ("openai", "model-large", None, Usage::default()),
        ("openai", "model-mini", None, used(&[(Input, 272_000), (Output, 10)])),
        ("openai", "model-mini", None, used(&[(Input, 272_001), (Output, 10)])),
        (
            "openai",
            "model-mini",
            Some("priority"),
            used(&[(Input, 200_000), (CacheRead, 80_000), (Output, 10)]),
        ),
        (
            "openai",
            "model-mini",
            None,
            used(&[(CacheWrite, 7), (CacheWrite1h, 7), (CacheWrite12h, 7)]),
        ),
        (
            "openai",
            "model-voice",
            None,
            used(&[(InputAudio, 100), (OutputAudio, 50), (InputImage, 1)]),
        ),
        ("openai", "model-large", None, used(&[(InputAudio, 100), (Input, 1)])),
        ("openai", "low/1024-x-1024/model-paint", None, used(&[(OutputImage, 2)])),
        ("openai", "model-ear", None, used(&[(InputSecond, 60)])),
        ("openai", "text-embedding", Some("batches"), used(&[(Input, 123_456)])),
        ("openai", "model-unheard-of", None, chat.clone()),
        ("anthropic", "sonata-4-5", None, chat.clone()),
        ("anthropic", "sonata-4-5", None, long.clone()),
        ("anthropic", "sonata-4-5", Some("batch"), long.clone()),
        ("google", "twin-pro", None, long),
        (
            "alibaba",
            "flash",
            None,
            used(&[(Input, 30_000), (CacheRead, 2_000), (Output, 10), (Reasoning, 10)]),
        ),
        (
            "alibaba",
            "flash",
            None,
            used(&[(Input, 30_000), (CacheRead, 2_001), (Output, 10), (Reasoning, 10)]),
        ),
        (
            "alibaba",
            "flash",
            Some("batch"),
            used(&[(Input, 1_000_001), (Output, 10), (Request, 1)]),
        ),
        ("cohere", "rerank", None, used(&[(Query, 3), (Input, 1000)])),
        ("github", "model-large", None, used(&[(Input, 10)])),
        ("broken", "prose", None, used(&[(Input, 10), (Output, 1)])),
    ];
    let list = list();
    let mut text = String::new();
    for (provider, model, tier, usage) in &cases {
        let call = Call { provider: Some(provider), model, tier: *tier, usage };
        let cost = list.cost(&call);
        let entry = cost.entry.as_deref().unwrap_or("no entry");
        writeln!(text, "{provider} {model} {} ({entry})", tier.unwrap_or("-")).unwrap();
        for line in &cost.lines {
            write!(text, "    {} {} × {} = {}", line.unit, line.count, line.price, line.amount)
                .unwrap();
            write!(text, "  {}", line.source).unwrap();
            match &line.instead_of {
                Some(wanted) => writeln!(text, ", instead of {wanted}").unwrap(),
                None => writeln!(text).unwrap(),
            }
        }
        for item in &cost.unpriced {
            writeln!(text, "    {} {} unpriced: {}", item.unit, item.count, item.why).unwrap();
        }
        writeln!(
            text,
            "    total {}{}",
            cost.total,
            if cost.is_whole() { "" } else { ", not all of it" }
        )
        .unwrap();
    }
    compare("costs.expected", &text);
}
