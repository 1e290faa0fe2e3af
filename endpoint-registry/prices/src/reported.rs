//! What providers count, each in its own way, and how it becomes a [`Usage`].

use serde::{Deserialize, Serialize};

use crate::provider::Provider;
use crate::{Unit, Usage};

/// What is inside of what. To get it wrong is the commonest mistake of cost accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counting {
    /// Every token is counted once.
    Apart,
    /// Cached tokens are inside the input, reasoning inside the output: OpenAI, Mistral, Groq and
    /// those that speak as they do.
    Inside,
    /// Cached tokens are beside the input, reasoning inside the output: Anthropic, Bedrock.
    Beside,
    /// Cached tokens are inside the prompt, thoughts beside the candidates: Gemini.
    Gemini,
}

impl Counting {
    /// Of a model of a provider, by the registry's slug or a list's word. Google and Azure answer for
    /// Claude as Anthropic does; gateways answer for it as OpenAI does.
    #[must_use]
    pub fn of(provider: &str, model: &str) -> Self {
        let is = |slug| Provider::of(slug).has(provider) || provider == slug;
        match () {
            () if is("anthropic") || is("aws") => Self::Beside,
            () if (is("google") || is("azure"))
                && model.to_ascii_lowercase().contains("claude") =>
            {
                Self::Beside
            }
            () if is("google") => Self::Gemini,
            () => Self::Inside,
        }
    }
}

/// Numbers of a provider's answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub struct Reported {
    pub input: u64,
    pub cache_read: u64,
    /// For as short a time as there is.
    pub cache_write: u64,
    /// For an hour.
    pub cache_write_1h: u64,
    /// Inside the input, unless all are apart.
    pub input_audio: u64,
    pub output: u64,
    pub reasoning: u64,
    /// Inside the output, unless all are apart.
    pub output_audio: u64,
}

/// The parts are more than what they are said to be parts of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{parts} tokens are said to be inside the {whole} of the {of}")]
pub struct CountError {
    /// `input` or `output`.
    pub of: &'static str,
    /// The sum of the parts.
    pub parts: u128,
    /// What they should be in.
    pub whole: u64,
}

impl Reported {
    /// Every token once.
    pub fn usage(&self, counting: Counting) -> Result<Usage, CountError> {
        let cached = [self.cache_read, self.cache_write, self.cache_write_1h];
        let (cached_inside, reasoning_inside) = match counting {
            Counting::Inside => (cached, self.reasoning),
            Counting::Beside => ([0; 3], self.reasoning),
            Counting::Gemini => (cached, 0),
            Counting::Apart => return Ok(self.apart(self.input, self.output)),
        };
        let inside = cached_inside.into_iter().chain([self.input_audio]);
        let input = rest("input", self.input, inside)?;
        let output = rest("output", self.output, [reasoning_inside, self.output_audio])?;
        Ok(self.apart(input, output))
    }

    fn apart(&self, input: u64, output: u64) -> Usage {
        Usage::default()
            .with(Unit::Input, input)
            .with(Unit::CacheRead, self.cache_read)
            .with(Unit::CacheWrite, self.cache_write)
            .with(Unit::CacheWrite1h, self.cache_write_1h)
            .with(Unit::InputAudio, self.input_audio)
            .with(Unit::Output, output)
            .with(Unit::Reasoning, self.reasoning)
            .with(Unit::OutputAudio, self.output_audio)
    }
}

fn rest(
    of: &'static str,
    whole: u64,
    parts: impl IntoIterator<Item = u64>,
) -> Result<u64, CountError> {
    let parts: u128 = parts.into_iter().map(u128::from).sum();
    let rest = u64::try_from(parts).ok().and_then(|parts| whole.checked_sub(parts));
    rest.ok_or(CountError { of, parts, whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_call_as_each_counts_it() {
        // 1000 new tokens, 5000 from the cache, 300 of an answer, 200 of thoughts.
        let usage = Usage::default()
            .with(Unit::Input, 1000)
            .with(Unit::CacheRead, 5000)
            .with(Unit::Output, 300)
            .with(Unit::Reasoning, 200);
        let counts = |input, output| Reported {
            input,
            cache_read: 5000,
            output,
            reasoning: 200,
            ..Reported::default()
        };
        for (provider, model, input, output) in [
            ("openai", "m", 6000, 500),
            ("mistral", "m", 6000, 500),
            ("anthropic", "m", 1000, 500),
            ("aws", "m", 1000, 500),
            ("bedrock_converse", "m", 1000, 500),
            ("google", "m", 6000, 300),
            ("gemini", "m", 6000, 300),
            ("google", "claude-opus-4-1@20250805", 1000, 500),
            ("azure", "Claude-Sonnet-4-5", 1000, 500),
            ("azure", "gpt-5", 6000, 500),
            ("openrouter", "anthropic/claude-opus-4.1", 6000, 500),
        ] {
            let counted = counts(input, output).usage(Counting::of(provider, model));
            assert_eq!(counted.as_ref(), Ok(&usage), "{provider} {model}");
        }
    }

    #[test]
    fn parts_that_are_more_than_the_whole() {
        let wrong = Reported { input: 10, cache_read: 11, ..Reported::default() };
        let error = wrong.usage(Counting::Inside).unwrap_err();
        assert_eq!(error, CountError { of: "input", parts: 11, whole: 10 });
        wrong.usage(Counting::Beside).unwrap();
        let wrong = Reported { output: 1, reasoning: u64::MAX, output_audio: 9, ..wrong };
        wrong.usage(Counting::Beside).unwrap_err();
    }
}
