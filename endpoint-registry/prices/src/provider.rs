//! Which words of a list are a provider.

/// Our slugs whose providers have other names in lists, in order of preference. All others are
/// found by their own.
const OTHERS: [(&str, &[&str]); 8] = [
    ("alibaba", &["dashscope", "qwencloud", "qwen-ai-platform"]),
    ("aws", &["bedrock", "amazon-nova", "sagemaker"]),
    ("bedrock-converse", &["bedrock"]),
    ("cloudflare-ai-gateway", &["cloudflare", "clf-ai-gateway"]),
    ("google", &["gemini", "vertex-ai"]),
    ("github", &["github-copilot"]),
    ("meta", &["meta", "meta-llama"]),
    ("mistral", &["mistral", "codestral"]),
];

/// Lower case, `-` for `_`.
pub(crate) fn canonical(word: &str) -> String {
    word.chars().map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// A provider as asked for: a slug of the registry, or a list's own word.
pub(crate) struct Provider {
    pub(crate) words: Vec<String>,
}

impl Provider {
    pub(crate) fn of(slug: &str) -> Self {
        let slug = canonical(slug);
        let others = OTHERS.into_iter().find(|(ours, _)| *ours == slug);
        let words = match others {
            Some((_, words)) => words.iter().map(|word| (*word).to_owned()).collect(),
            None => vec![slug],
        };
        Self { words }
    }

    /// Whether this word of a list is one of its: `vertex_ai`, `vertex_ai-language-models`,
    /// `text-completion-openai`.
    pub(crate) fn has(&self, word: &str) -> bool {
        let word = canonical(word);
        let word = word.strip_prefix("text-completion-").unwrap_or(&word);
        self.words.iter().any(|own| {
            word.strip_prefix(own.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Provider;

    #[test]
    fn words_of_lists() {
        for (slug, word, is_it) in [
            ("openai", "openai", true),
            ("openai", "text-completion-openai", true),
            ("openai", "azure", false),
            ("openai", "openai2", false),
            ("google", "gemini", true),
            ("google", "vertex_ai-language-models", true),
            ("vertex_ai", "gemini", false),
            ("aws", "bedrock_converse", true),
            ("bedrock", "bedrock_mantle", true),
            ("azure", "azure_ai", true),
            ("together", "together_ai", true),
            ("fireworks", "fireworks_ai-embedding-models", true),
            ("alibaba", "dashscope", true),
            ("xai", "xai", true),
            ("", "openai", false),
        ] {
            assert_eq!(Provider::of(slug).has(word), is_it, "{slug} {word}");
        }
    }
}
