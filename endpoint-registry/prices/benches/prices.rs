//! A list as large as the public one, with invented content.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::{fmt::Write as _, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sark_prices::{Call, Limits, Unit, Usage, compare, oddities, parse};

/// 4,500 models of 90 providers.
fn list(scale: u32) -> String {
    let mut text = String::from("{");
    for at in 0..4500_u32 {
        let comma = if at == 0 { "" } else { "," };
        let (provider, price) = (at % 90, (1 + at % 400) * scale);
        write!(
            text,
            r#"{comma}"provider_{provider}/model-{at}-2026-08-07": {{
        "cache_creation_input_token_cost": {price}.25e-09, "cache_read_input_token_cost": {price}e-10,
        "deprecation_date": "2027-10-01", "input_cost_per_token": {price}e-09,
        "input_cost_per_token_above_200k_tokens": {price}.5e-09,
        "input_cost_per_token_batches": {price}e-10, "litellm_provider": "provider_{provider}",
        "max_input_tokens": 272000, "max_output_tokens": 128000, "max_tokens": 128000,
        "mode": "chat", "output_cost_per_token": {price}e-08,
        "output_cost_per_token_above_200k_tokens": {price}.5e-08,
        "output_cost_per_token_batches": {price}e-09, "source": "https://prices.example/model",
        "supported_endpoints": ["/v1/chat/completions", "/v1/batch", "/v1/responses"],
        "supports_function_calling": true, "supports_prompt_caching": true,
        "supports_response_schema": true, "supports_tool_choice": true, "supports_vision": true
    }}"#
        )
        .unwrap();
    }
    text.push('}');
    text
}

fn bench(criterion: &mut Criterion) {
    let text = list(1);
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("read");
    group.sample_size(20).throughput(Throughput::Bytes(u64::try_from(text.len()).unwrap()));
    group.bench_function("parse 4500", |b| {
        b.iter(|| parse(black_box(text.as_bytes()), &limits).unwrap());
    });
    group.finish();

    let (old, new) =
        (parse(text.as_bytes(), &limits).unwrap(), parse(list(3).as_bytes(), &limits).unwrap());
    let mut group = criterion.benchmark_group("list");
    group.sample_size(20);
    group.bench_function("compare", |b| b.iter(|| compare(black_box(&old), &new)));
    group.bench_function("oddities", |b| b.iter(|| oddities(black_box(&old))));
    group.finish();

    let usage = Usage::default()
        .with(Unit::Input, 1000)
        .with(Unit::CacheRead, 300_000)
        .with(Unit::Output, 700)
        .with(Unit::Reasoning, 300);
    let mut group = criterion.benchmark_group("call");
    for (name, model, tier) in [
        ("lookup and cost", "model-2345-2026-08-07", None),
        ("in batches", "model-2345-2026-08-07", Some("batches")),
        ("by a beginning", "model-2345-2026-08-07-preview-of-something", None),
        ("unknown", "another-2345-2026-08-07-preview-of-something", None),
    ] {
        let call = Call { provider: Some("provider-5"), model, tier, usage: &usage };
        let cost = old.cost(&call);
        assert_eq!(cost.is_whole(), name != "unknown", "{name}: {cost:?}");
        group.bench_function(name, |b| b.iter(|| old.cost(black_box(&call))));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
