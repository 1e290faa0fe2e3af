//! Whose host it is.

use crate::Family;

/// A provider's host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Host {
    /// Slug of the registry.
    pub(super) provider: &'static str,
    pub(super) family: Family,
}

use Family::{Anthropic, Bedrock, Cohere, Gemini, Mistral, Ollama, OpenAi};

/// Names, with `*` for what a label or a part of it may be.
const HOSTS: [(&str, &str, Family); 40] = [
    ("api.openai.com", "openai", OpenAi),
    ("*.api.openai.com", "openai", OpenAi),
    ("*.openai.azure.com", "azure", OpenAi),
    ("*.openai.azure.us", "azure", OpenAi),
    ("*.cognitiveservices.azure.com", "azure", OpenAi),
    ("*.services.ai.azure.com", "azure", OpenAi),
    ("*.models.ai.azure.com", "azure", OpenAi),
    ("models.inference.ai.azure.com", "github", OpenAi),
    ("models.github.ai", "github", OpenAi),
    ("api.githubcopilot.com", "github", OpenAi),
    ("api.anthropic.com", "anthropic", Anthropic),
    ("generativelanguage.googleapis.com", "google", Gemini),
    ("aiplatform.googleapis.com", "google", Gemini),
    ("*-aiplatform.googleapis.com", "google", Gemini),
    ("bedrock-runtime.*.amazonaws.com", "aws", Bedrock),
    ("bedrock-runtime-fips.*.amazonaws.com", "aws", Bedrock),
    ("bedrock-runtime.*.amazonaws.com.cn", "aws", Bedrock),
    ("api.mistral.ai", "mistral", Mistral),
    ("codestral.mistral.ai", "mistral", Mistral),
    ("api.groq.com", "groq", OpenAi),
    ("api.cohere.com", "cohere", Cohere),
    ("api.cohere.ai", "cohere", Cohere),
    ("openrouter.ai", "openrouter", OpenAi),
    ("api.x.ai", "xai", OpenAi),
    ("api.deepseek.com", "deepseek", OpenAi),
    ("api.perplexity.ai", "perplexity", OpenAi),
    ("api.together.xyz", "together", OpenAi),
    ("api.together.ai", "together", OpenAi),
    ("api.fireworks.ai", "fireworks", OpenAi),
    ("router.huggingface.co", "huggingface", OpenAi),
    ("api.cerebras.ai", "cerebras", OpenAi),
    ("api.deepinfra.com", "deepinfra", OpenAi),
    ("integrate.api.nvidia.com", "nvidia", OpenAi),
    ("api.moonshot.ai", "moonshot", OpenAi),
    ("api.minimax.io", "minimax", OpenAi),
    ("api.z.ai", "zai", OpenAi),
    ("dashscope.aliyuncs.com", "alibaba", OpenAi),
    ("dashscope-intl.aliyuncs.com", "alibaba", OpenAi),
    ("ai-gateway.vercel.sh", "vercel", OpenAi),
    ("ollama.com", "ollama", Ollama),
];

/// By name, with or without a port or a dot at its end.
pub(super) fn find(host: &str) -> Option<Host> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let found = HOSTS.iter().find(|(pattern, ..)| is(&name, pattern));
    found.map(|&(_, provider, family)| Host { provider, family })
}

fn is(name: &str, pattern: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return name == pattern };
    let rest = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    rest.is_some_and(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn names_and_their_like() {
        for (name, provider) in [
            ("api.openai.com", Some("openai")),
            ("API.OpenAI.com.:443", Some("openai")),
            ("eu.api.openai.com", Some("openai")),
            ("contoso.openai.azure.com", Some("azure")),
            (".openai.azure.com", None),
            ("api.openai.com.example.org", None),
            ("xapi.openai.com", None),
            ("us-central1-aiplatform.googleapis.com", Some("google")),
            ("bedrock-runtime.eu-west-1.amazonaws.com", Some("aws")),
            ("bedrock-runtime.amazonaws.com", None),
            ("bedrock.eu-west-1.amazonaws.com", None),
            ("openrouter.ai", Some("openrouter")),
            ("localhost:11434", None),
            ("", None),
            ("[::1]:443", None),
        ] {
            assert_eq!(find(name).map(|host| host.provider), provider, "{name}");
        }
    }
}
