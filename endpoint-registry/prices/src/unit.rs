//! What is counted.

use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};

/// What a price is for, and what a usage counts. Every token is in one of these only: those read
/// from a cache are not in [`Input`](Self::Input), reasoning is not in [`Output`](Self::Output).
/// Where a provider counts otherwise, [`Reported`](crate::Reported) takes them apart.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Unit {
    Input,
    CacheRead,
    /// Kept for as short a time as there is, mostly five minutes.
    CacheWrite,
    /// Kept for an hour or more.
    #[serde(rename = "cache-write-1h")]
    CacheWrite1h,
    /// Kept for twelve hours or more.
    #[serde(rename = "cache-write-12h")]
    CacheWrite12h,
    InputAudio,
    CacheReadAudio,
    CacheWriteAudio,
    /// Tokens of images.
    InputImageToken,
    CacheReadImage,
    /// Tokens of videos.
    InputVideoToken,
    Output,
    Reasoning,
    OutputAudio,
    OutputImageToken,
    OutputVideoToken,
    InputImage,
    OutputImage,
    InputPixel,
    OutputPixel,
    InputSecond,
    OutputSecond,
    InputAudioSecond,
    InputVideoSecond,
    OutputVideoSecond,
    InputCharacter,
    OutputCharacter,
    Page,
    Query,
    Request,
    SearchLow,
    SearchMedium,
    SearchHigh,
}

use Unit::{
    CacheRead, CacheReadAudio, CacheReadImage, CacheWrite, CacheWrite1h, CacheWrite12h,
    CacheWriteAudio, Input, InputAudio, InputAudioSecond, InputCharacter, InputImage,
    InputImageToken, InputPixel, InputSecond, InputVideoSecond, InputVideoToken, Output,
    OutputAudio, OutputCharacter, OutputImage, OutputImageToken, OutputPixel, OutputSecond,
    OutputVideoSecond, OutputVideoToken, Page, Query, Reasoning, Request, SearchHigh, SearchLow,
    SearchMedium,
};

/// Each with the list's name of its price, in the order of the type.
const TABLE: [(Unit, &str); 33] = [
    (Input, "input_cost_per_token"),
    (CacheRead, "cache_read_input_token_cost"),
    (CacheWrite, "cache_creation_input_token_cost"),
    (CacheWrite1h, "cache_creation_input_token_cost_above_1hr"),
    (CacheWrite12h, "cache_creation_input_token_cost_above_12hr"),
    (InputAudio, "input_cost_per_audio_token"),
    (CacheReadAudio, "cache_read_input_audio_token_cost"),
    (CacheWriteAudio, "cache_creation_input_audio_token_cost"),
    (InputImageToken, "input_cost_per_image_token"),
    (CacheReadImage, "cache_read_input_image_token_cost"),
    (InputVideoToken, "input_cost_per_video_token"),
    (Output, "output_cost_per_token"),
    (Reasoning, "output_cost_per_reasoning_token"),
    (OutputAudio, "output_cost_per_audio_token"),
    (OutputImageToken, "output_cost_per_image_token"),
    (OutputVideoToken, "output_cost_per_video_token"),
    (InputImage, "input_cost_per_image"),
    (OutputImage, "output_cost_per_image"),
    (InputPixel, "input_cost_per_pixel"),
    (OutputPixel, "output_cost_per_pixel"),
    (InputSecond, "input_cost_per_second"),
    (OutputSecond, "output_cost_per_second"),
    (InputAudioSecond, "input_cost_per_audio_per_second"),
    (InputVideoSecond, "input_cost_per_video_per_second"),
    (OutputVideoSecond, "output_cost_per_video_per_second"),
    (InputCharacter, "input_cost_per_character"),
    (OutputCharacter, "output_cost_per_character"),
    (Page, "ocr_cost_per_page"),
    (Query, "input_cost_per_query"),
    (Request, "input_cost_per_request"),
    (SearchLow, "search_context_cost_per_query.search_context_size_low"),
    (SearchMedium, "search_context_cost_per_query.search_context_size_medium"),
    (SearchHigh, "search_context_cost_per_query.search_context_size_high"),
];

impl Unit {
    /// All of them, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.into_iter().map(|(unit, _)| unit)
    }

    /// What the list calls its price.
    #[must_use]
    pub fn field(self) -> &'static str {
        TABLE.get(self as usize).map_or("", |(_, field)| field)
    }

    /// Tokens that a prompt is long by.
    pub(crate) const fn is_prompt(self) -> bool {
        matches!(
            self,
            Input
                | CacheRead
                | CacheWrite
                | CacheWrite1h
                | CacheWrite12h
                | InputAudio
                | CacheReadAudio
                | CacheWriteAudio
                | InputImageToken
                | CacheReadImage
                | InputVideoToken
        )
    }

    /// Tokens of text, which long prompts make dearer.
    pub(crate) const fn is_text(self) -> bool {
        matches!(
            self,
            Input | CacheRead | CacheWrite | CacheWrite1h | CacheWrite12h | Output | Reasoning
        )
    }

    /// A token of any kind.
    pub(crate) const fn is_token(self) -> bool {
        self.is_prompt()
            || matches!(
                self,
                Output | Reasoning | OutputAudio | OutputImageToken | OutputVideoToken
            )
    }

    /// Whose price is taken for it, the first that there is. Nothing stands in for what may cost
    /// something else altogether: spoken words, pictures that were made.
    pub(crate) const fn instead(self) -> &'static [Self] {
        match self {
            CacheRead | CacheWrite | InputImageToken | InputVideoToken => &[Input],
            CacheWrite1h => &[CacheWrite, Input],
            CacheWrite12h => &[CacheWrite1h, CacheWrite, Input],
            CacheReadAudio | CacheWriteAudio => &[InputAudio],
            CacheReadImage => &[InputImageToken, Input],
            Reasoning => &[Output],
            _ => &[],
        }
    }
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

/// How much of each was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    counts: [u64; TABLE.len()],
}

impl Default for Usage {
    fn default() -> Self {
        Self { counts: [0; TABLE.len()] }
    }
}

impl Usage {
    /// With so many of this unit, whatever there was of it.
    #[must_use]
    pub fn with(mut self, unit: Unit, count: u64) -> Self {
        if let Some(place) = self.counts.get_mut(unit as usize) {
            *place = count;
        }
        self
    }

    /// How many of this unit.
    #[must_use]
    pub fn of(&self, unit: Unit) -> u64 {
        self.counts.get(unit as usize).copied().unwrap_or(0)
    }

    /// Those that there are any of, in order.
    pub fn counts(&self) -> impl Iterator<Item = (Unit, u64)> {
        Unit::all().zip(self.counts).filter(|(_, count)| *count > 0)
    }

    /// All tokens of the prompt, cached or not: what the threshold of a long prompt is compared
    /// with.
    #[must_use]
    pub fn prompt(&self) -> u64 {
        let prompt = self.counts().filter(|(unit, _)| unit.is_prompt());
        prompt.fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// All tokens of the answer, those of thoughts included.
    #[must_use]
    pub fn answer(&self) -> u64 {
        let answer = self.counts().filter(|(unit, _)| unit.is_token() && !unit.is_prompt());
        answer.fold(0, |sum, (_, count)| sum.saturating_add(count))
    }
}

impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.counts())
    }
}

impl<'de> Deserialize<'de> for Usage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counts = std::collections::BTreeMap::<Unit, u64>::deserialize(deserializer)?;
        Ok(counts.into_iter().fold(Self::default(), |usage, (unit, count)| usage.with(unit, count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_type() {
        for (at, (unit, field)) in TABLE.into_iter().enumerate() {
            assert_eq!(unit as usize, at, "{field}");
            assert_eq!(unit.field(), field);
        }
        assert_eq!(SearchHigh as usize + 1, TABLE.len());
    }

    #[test]
    fn a_usage_is_a_map_on_the_wire() {
        let usage = Usage::default().with(Input, 10).with(CacheWrite1h, 3).with(OutputAudio, 2);
        let text = serde_json::to_string(&usage).unwrap();
        assert_eq!(text, r#"{"input":10,"cache-write-1h":3,"output-audio":2}"#);
        assert_eq!(serde_json::from_str::<Usage>(&text).unwrap(), usage);
        assert_eq!((usage.prompt(), usage.answer()), (13, 2));
        assert_eq!(CacheWrite1h.to_string(), "cache-write-1h");
        serde_json::from_str::<Usage>(r#"{"tokens":1}"#).unwrap_err();
        serde_json::from_str::<Usage>(r#"{"input":-1}"#).unwrap_err();
    }
}
