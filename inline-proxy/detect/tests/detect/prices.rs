//! From an answer's tokens to what they cost.

use sark_prices::{Call, Limits, parse};

use crate::support::answer;

/// The same call costs the same, whoever counts it.
#[test]
fn one_call_as_each_provider_counts_it() {
    let entry = |provider: &str| {
        format!(
            r#"{{"litellm_provider":"{provider}","mode":"chat","input_cost_per_token":1e-6,"cache_read_input_token_cost":1e-7,"output_cost_per_token":1e-5}}"#
        )
    };
    let list = format!(
        r#"{{"gpt":{},"claude":{},"gemini/g":{},"nova":{}}}"#,
        entry("openai"),
        entry("anthropic"),
        entry("gemini"),
        entry("bedrock_converse")
    );
    let list = parse(list.as_bytes(), &Limits::default()).unwrap();
    let gemini = "generativelanguage.googleapis.com";
    let bedrock = "bedrock-runtime.eu-west-1.amazonaws.com";
    for (provider, host, path, model, body) in [
        (
            "openai",
            "api.openai.com",
            "/v1/chat/completions",
            "gpt",
            r#"{"usage":{"prompt_tokens":6000,"completion_tokens":500,"prompt_tokens_details":{"cached_tokens":5000},"completion_tokens_details":{"reasoning_tokens":200}}}"#,
        ),
        (
            "openai",
            "api.openai.com",
            "/v1/responses",
            "gpt",
            r#"{"usage":{"input_tokens":6000,"output_tokens":500,"input_tokens_details":{"cached_tokens":5000},"output_tokens_details":{"reasoning_tokens":200}}}"#,
        ),
        (
            "anthropic",
            "api.anthropic.com",
            "/v1/messages",
            "claude",
            r#"{"usage":{"input_tokens":1000,"cache_read_input_tokens":5000,"output_tokens":500}}"#,
        ),
        (
            "google",
            gemini,
            "/v1beta/models/g:generateContent",
            "g",
            r#"{"usageMetadata":{"promptTokenCount":6000,"cachedContentTokenCount":5000,"candidatesTokenCount":300,"thoughtsTokenCount":200}}"#,
        ),
        (
            "aws",
            bedrock,
            "/model/nova/converse",
            "nova",
            r#"{"usage":{"inputTokens":1000,"cacheReadInputTokens":5000,"outputTokens":500}}"#,
        ),
    ] {
        let request = format!(r#"{{"model":"{model}","messages":[]}}"#);
        let answer = answer(host, path, &request, "application/json", body.as_bytes());
        let usage = answer.usage().unwrap().unwrap();
        let call = Call { provider: Some(provider), model, tier: None, usage: &usage };
        let cost = list.cost(&call);
        assert!(cost.is_whole(), "{path}: {cost:?}");
        // 1000 at 1 µ$, 5000 at 0.1, 500 at 10.
        assert_eq!(cost.total.0, 6_500 * 1_000_000, "{path}");
    }
}
