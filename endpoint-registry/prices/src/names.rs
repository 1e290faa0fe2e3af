//! Names of models: dates at their end, places in front, where one may be cut.

use std::sync::Arc;

use crate::provider::canonical;

/// Places that lists write in front of a model, `us.` or `eu/`, in the order they are tried.
pub(crate) const PLACES: [&str; 10] =
    ["global", "us", "eu", "apac", "au", "jp", "ca", "us-gov", "global-standard", "data-zone"];

/// What stands before the first `/` of these names, each once, in canonical form and as written.
pub(crate) fn prefixes<'a>(names: impl Iterator<Item = &'a Arc<str>>) -> Vec<(String, Arc<str>)> {
    let mut last: Option<&str> = None;
    let mut prefixes = Vec::new();
    // Names come sorted, so that equal prefixes follow one another, or nearly.
    for name in names {
        let Some((prefix, _)) = name.split_once('/') else { continue };
        if last.replace(prefix) != Some(prefix) {
            prefixes.push((canonical(prefix), prefix.into()));
        }
    }
    prefixes.sort();
    prefixes.dedup();
    prefixes
}

/// The model of a resource name: `models/gemini-pro`, a Bedrock ARN, a Vertex AI path.
pub(crate) fn bare(name: &str) -> &str {
    let is_resource = ["models/", "arn:", "projects/", "publishers/"];
    if is_resource.iter().any(|start| name.starts_with(start)) {
        return name.rsplit('/').next().unwrap_or(name);
    }
    name
}

/// Without the place in front of it.
pub(crate) fn placeless(name: &str) -> Option<&str> {
    let (place, rest) = name.split_once('.')?;
    PLACES.contains(&place).then_some(rest)
}

/// Without the date at its end.
pub(crate) fn undated(name: &str) -> Option<&str> {
    let forms: [&[usize]; 5] = [&[4, 2, 2], &[8], &[6], &[2, 4], &[2, 2]];
    let short: [&[usize]; 1] = [&[4]];
    forms.into_iter().chain(short).find_map(|form| cut_date(name, form))
}

/// Cuts a date of such groups of digits, each after a `-` (the first perhaps after an `@`).
fn cut_date<'a>(name: &'a str, form: &[usize]) -> Option<&'a str> {
    let (mut rest, mut groups) = (name, Vec::with_capacity(form.len()));
    for (at, length) in form.iter().enumerate().rev() {
        let start = rest.len().checked_sub(*length)?;
        let (before, digits) = rest.split_at_checked(start)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        groups.insert(0, digits.parse::<u32>().ok()?);
        rest = match before.strip_suffix('@').filter(|_| at == 0) {
            Some(rest) => rest,
            None => before.strip_suffix('-')?,
        };
    }
    let is_date = match (form, groups.as_slice()) {
        ([4, 2, 2], &[year, month, day]) => is_day(year, month, day),
        ([8], &[date]) => is_day(date / 10_000, date / 100 % 100, date % 100),
        ([6], &[date]) => is_day(2000 + date / 10_000, date / 100 % 100, date % 100),
        ([2, 4], &[month, year]) => is_day(year, month, 1),
        ([2, 2], &[month, day]) => is_day(2020, month, day),
        // Month and day, or year and month.
        ([4], &[date]) => {
            is_day(2020, date / 100, date % 100) || is_day(2000 + date / 100, date % 100, 1)
        }
        _ => false,
    };
    (is_date && rest.ends_with(|c: char| c.is_ascii_alphanumeric())).then_some(rest)
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    (2020..2040).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// Shorter and shorter beginnings, cut where another word begins. A version is never cut:
/// `sonnet-4` is not the beginning of `sonnet-4-5`, nor `gpt-4` of `gpt-4o` or `gpt-4.1`. Nor is
/// what stands before a `/` a model.
pub(crate) fn beginnings(name: &str) -> impl Iterator<Item = &str> {
    let floor = name.rfind('/').unwrap_or(0);
    let letters = name.char_indices().rev().take_while(move |(at, _)| *at > floor);
    let cuts = letters.filter(|(_, letter)| "-_:@".contains(*letter));
    cuts.filter_map(|(at, _)| {
        let (start, rest) = (name.get(..at)?, name.get(at + 1..)?);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let is_whole = !rest.as_bytes().get(digits).is_some_and(u8::is_ascii_alphanumeric);
        let is_version =
            start.ends_with(|c: char| c.is_ascii_digit()) && (1..=2).contains(&digits) && is_whole;
        let ends_well = start.ends_with(|c: char| c.is_ascii_alphanumeric());
        (ends_well && !is_version).then_some(start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (name, expected) in [
            ("gpt-4o-2024-08-06", Some("gpt-4o")),
            ("claude-sonnet-4-5-20250929", Some("claude-sonnet-4-5")),
            ("claude-opus-4-5@20251101", Some("claude-opus-4-5")),
            ("gpt-4-0613", Some("gpt-4")),
            ("kimi-k2-0905", Some("kimi-k2")),
            ("qwen3-instruct-2507", Some("qwen3-instruct")),
            ("command-r-08-2024", Some("command-r")),
            ("gemini-pro-preview-05-06", Some("gemini-pro-preview")),
            ("doubao-pro-250115", Some("doubao-pro")),
            ("claude-sonnet-4-5", None),
            ("gpt-4o", None),
            ("model-8192", None),
            ("model-2024-13-01", None),
            ("20250929", None),
            ("-20250929", None),
            ("é20250929", None),
        ] {
            assert_eq!(undated(name), expected, "{name}");
        }
    }

    #[test]
    fn where_names_are_cut() {
        let cuts = |name| beginnings(name).collect::<Vec<_>>();
        assert_eq!(cuts("ft:gpt-4o-mini:org"), ["ft:gpt-4o-mini", "ft:gpt-4o", "ft:gpt", "ft"]);
        assert_eq!(cuts("claude-sonnet-4-5"), ["claude-sonnet", "claude"]);
        assert_eq!(cuts("gpt-4.1-new"), ["gpt-4.1", "gpt"]);
        assert_eq!(cuts("llama-3-70b"), ["llama-3", "llama"]);
        assert_eq!(cuts("meta-llama/Llama-3-8b"), ["meta-llama/Llama-3", "meta-llama/Llama"]);
        assert_eq!(cuts("--é-"), Vec::<&str>::new());
    }

    #[test]
    fn resources_and_places() {
        assert_eq!(bare("models/gemini-pro"), "gemini-pro");
        assert_eq!(bare("arn:aws:bedrock:us-east-1::foundation-model/x.y-v1:0"), "x.y-v1:0");
        assert_eq!(bare("meta-llama/Llama-3"), "meta-llama/Llama-3");
        assert_eq!(placeless("us.anthropic.claude"), Some("anthropic.claude"));
        assert_eq!(placeless("anthropic.claude"), None);
    }
}
