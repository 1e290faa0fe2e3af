//! Whose program asks, as far as its headers say. Anybody may say anything: it is for telling programs
//! apart that do not pretend.

use http::HeaderMap;

/// What a user agent has in it, in lower case, and who that is. Agents before the libraries that they are made of.
const AGENTS: [(&str, &str); 47] = [
    ("claude-cli/", "claude-code"),
    ("claude-code/", "claude-code"),
    ("claude-vscode/", "claude-code"),
    ("codex_cli_rs/", "codex"),
    ("codex_exec/", "codex"),
    ("codex_vscode/", "codex"),
    ("codex-tui/", "codex"),
    ("geminicli", "gemini-cli"),
    ("githubcopilot", "github-copilot"),
    ("copilot-cli/", "github-copilot"),
    ("cursor/", "cursor"),
    ("windsurf/", "windsurf"),
    ("opencode/", "opencode"),
    ("cline/", "cline"),
    ("roocode/", "roo-code"),
    ("kilo-code/", "kilo-code"),
    ("aider/", "aider"),
    ("zed/", "zed"),
    ("qwencode/", "qwen-code"),
    ("goose/", "goose"),
    ("litellm/", "litellm"),
    ("langchain", "langchain"),
    ("llama-index", "llama-index"),
    ("pydantic-ai/", "pydantic-ai"),
    ("ai-sdk/", "vercel-ai-sdk"),
    ("openai/python", "openai-python"),
    ("openai/js", "openai-node"),
    ("openai/go", "openai-go"),
    ("openai/java", "openai-java"),
    ("openai/ruby", "openai-ruby"),
    ("openai/.net", "openai-dotnet"),
    ("anthropic/python", "anthropic-python"),
    ("anthropic/js", "anthropic-typescript"),
    ("anthropic/go", "anthropic-go"),
    ("anthropic/java", "anthropic-java"),
    ("anthropicbedrock/python", "anthropic-python"),
    ("anthropicvertex/python", "anthropic-python"),
    ("groq/python", "groq-python"),
    ("groq/js", "groq-typescript"),
    ("google-genai-sdk/", "google-genai"),
    ("genai-py/", "google-generativeai"),
    ("mistral-client-python/", "mistral-python"),
    ("mistral-client-typescript/", "mistral-typescript"),
    ("ollama-python/", "ollama-python"),
    ("ollama-js/", "ollama-js"),
    ("ollama/", "ollama"),
    ("boto3/", "boto3"),
];

/// Other headers with which programs introduce themselves: the name, a beginning of its value, who.
const OTHERS: [(&str, &str, &str); 4] = [
    ("originator", "codex_", "codex"),
    ("editor-plugin-version", "copilot", "github-copilot"),
    ("x-goog-api-client", "google-genai-sdk/", "google-genai"),
    ("x-fern-sdk-name", "cohere", "cohere-python"),
];

/// A longer user agent is not looked at beyond this.
const LOOK: usize = 512;

/// The agent or the library that asks, such as `claude-code` or `openai-python`.
#[must_use]
pub fn agent(headers: &HeaderMap) -> Option<&'static str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let user_agent = text("user-agent").unwrap_or_default().to_ascii_lowercase();
    let user_agent = user_agent.get(..LOOK).unwrap_or(&user_agent);
    let words = (0..user_agent.len()).filter(|at| begins_word(user_agent, *at));
    let of_word = |at| {
        let rest = user_agent.get(at..)?;
        AGENTS.iter().position(|(part, _)| rest.starts_with(part))
    };
    let by_user_agent = words.filter_map(of_word).min().and_then(|first| AGENTS.get(first));
    // `AsyncOpenAI/Python` is found as well: it is the same library.
    by_user_agent.map(|(_, agent)| *agent).or_else(|| {
        let others = OTHERS.iter();
        let mut others = others.filter(|(name, beginning, _)| {
            text(name).is_some_and(|value| value.to_ascii_lowercase().starts_with(beginning))
        });
        others.next().map(|(.., agent)| *agent)
    })
}

/// At the beginning, after what is no letter, or after `Async`.
/// A word, and not within one; of letters and figures.
fn begins_word(text: &str, at: usize) -> bool {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    text.as_bytes().get(at).is_some_and(u8::is_ascii_alphanumeric)
        && (!before.last().is_some_and(u8::is_ascii_alphanumeric) || before.ends_with(b"async"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::agent;

    #[test]
    fn programs_that_say_who_they_are() {
        for (name, value, expected) in [
            ("user-agent", "OpenAI/Python 3.52.0", Some("openai-python")),
            ("user-agent", "AsyncOpenAI/Python 3.52.0", Some("openai-python")),
            ("user-agent", "OpenAI/JS 6.9.1", Some("openai-node")),
            ("user-agent", "Anthropic/Python 2.11.0", Some("anthropic-python")),
            ("user-agent", "AsyncAnthropicBedrock/Python 2.11.0", Some("anthropic-python")),
            ("user-agent", "claude-cli/2.0.55 (external, cli)", Some("claude-code")),
            ("user-agent", "codex_cli_rs/0.63.0 (Debian 12; x86_64)", Some("codex")),
            ("user-agent", "google-genai-sdk/3.4.0 gl-python/3.13", Some("google-genai")),
            ("user-agent", "GeminiCLI/0.17.1/gemini-3-pro (linux; x64)", Some("gemini-cli")),
            ("user-agent", "Boto3/1.44.1 md/Botocore#1.44.1 ua/2.1", Some("boto3")),
            ("user-agent", "ollama-python/0.6.1 (x86_64 linux) Python/3.13", Some("ollama-python")),
            ("user-agent", "mistral-client-python/3.7.0", Some("mistral-python")),
            ("user-agent", "myopenai/python", None),
            ("user-agent", "curl/8.14", None),
            ("originator", "codex_cli_rs", Some("codex")),
            ("x-fern-sdk-name", "cohere", Some("cohere-python")),
            ("user-agent", "", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            assert_eq!(agent(&headers), expected, "{value}");
        }
        assert_eq!(agent(&HeaderMap::new()), None);
    }
}
