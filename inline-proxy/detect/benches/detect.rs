//! Requests and answers as they pass a proxy: what reading them takes.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Method};
use sark_detect::{AnswerReader, Asked, Head, Limits, Recognised, recognise, sse};

/// A coding agent's request: tools with schemas, and turns with code in them.
fn request(octets: usize) -> String {
    let tool = |number: usize| {
        format!(
            r#"{{"name":"tool_{number}","description":"Reads a file \"as is\".","input_schema":{{"type":"object","properties":{{"path":{{"type":"string"}}}}}}}}"#
        )
    };
    let tools: Vec<_> = (0..octets.div_ceil(1000).min(30)).map(tool).collect();
    let mut body = format!(
        r#"{{"model":"claude-opus-4-5","max_tokens":4096,"stream":true,"tools":[{}],"messages":["#,
        tools.join(",")
    );
    let turn = r#"{"role":"user","content":[{"type":"text","text":"fn main() {\n    println!(\"hello, {}\", name);\n}\n and then some words of prose that say what is to be done with it."}]}"#;
    while body.len() < octets {
        body.push_str(turn);
        body.push(',');
    }
    body.push_str(turn);
    body.push_str("]}");
    body
}

fn head(path: &str, host: &str, headers: &HeaderMap) -> Recognised {
    recognise(&Head { scheme: "https", method: &Method::POST, host, path, headers })
}

fn ask(host: &str, path: &str, body: &[u8]) -> (Recognised, Asked) {
    let headers = HeaderMap::new();
    let mut found = head(path, host, &headers);
    let asked = found.read(&headers, body, &Limits::default()).unwrap();
    (found, asked)
}

fn requests(criterion: &mut Criterion) {
    let headers = HeaderMap::new();
    criterion.bench_function("head", |b| {
        b.iter(|| head(black_box("/v1/messages?beta=true"), "api.anthropic.com", &headers));
    });
    let mut group = criterion.benchmark_group("request");
    for (name, octets) in [("1 KB", 1 << 10), ("100 KB", 100 << 10), ("2 MB", 2 << 20)] {
        let body = request(octets);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| ask("api.anthropic.com", "/v1/messages", black_box(body.as_bytes())));
        });
        group.bench_function(format!("{name} as a serde_json::Value"), |b| {
            b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(body.as_bytes())));
        });
    }
    group.finish();
}

const EVENT: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" the next few words\"}}\n\n";
const CHUNK: &str = "data: {\"id\":\"chatcmpl-B1\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,\"model\":\"gpt-5\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" the next\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";

fn answers(criterion: &mut Criterion) {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/event-stream"));
    let body = br#"{"model":"m","stream":true,"messages":[]}"#;
    for (name, host, path, event) in [
        ("messages", "api.anthropic.com", "/v1/messages", EVENT),
        ("chat", "api.openai.com", "/v1/chat/completions", CHUNK),
    ] {
        let stream = event.repeat((256 << 10) / event.len());
        let (found, asked) = ask(host, path, body);
        let mut group = criterion.benchmark_group(format!("stream of {name}"));
        group.throughput(Throughput::Bytes(stream.len() as u64));
        for (how, portion) in [("an event at a time", event.len()), ("by 16 KB", 16 << 10)] {
            group.bench_function(format!("framing alone, {how}"), |b| {
                b.iter(|| {
                    let mut decoder = sse::Decoder::new(1 << 20);
                    let mut count = 0;
                    for portion in stream.as_bytes().chunks(portion) {
                        decoder.push(black_box(portion), |_| count += 1);
                    }
                    count
                });
            });
            group.bench_function(format!("read, {how}"), |b| {
                b.iter_batched(
                    || AnswerReader::new(&found, &asked, &headers, &Limits::default()),
                    |mut reader| {
                        for portion in stream.as_bytes().chunks(portion) {
                            reader.push(black_box(portion));
                        }
                        reader
                    },
                    BatchSize::SmallInput,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, requests, answers);
criterion_main!(benches);
