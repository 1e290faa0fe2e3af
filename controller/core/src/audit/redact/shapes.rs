//! What secrets look like wherever they stand.

use super::names;

/// Beginning, shortest whole length, kind. Lengths keep words and file names out.
const KEYS: &[(&str, usize, &str)] = &[
    ("sk-ant-", 24, "anthropic-key"),
    ("sk-or-v1-", 24, "openrouter-key"),
    ("sk-proj-", 24, "openai-key"),
    ("sk-svcacct-", 24, "openai-key"),
    ("sk-lf-", 24, "langfuse-key"),
    ("sk-", 24, "openai-key"),
    ("sess-", 32, "openai-session"),
    ("AIza", 35, "google-key"),
    ("ya29.", 24, "google-token"),
    ("gsk_", 24, "groq-key"),
    ("xai-", 24, "xai-key"),
    ("hf_", 20, "huggingface-token"),
    ("r8_", 20, "replicate-token"),
    ("pplx-", 24, "perplexity-key"),
    ("nvapi-", 24, "nvidia-key"),
    ("fw_", 20, "fireworks-key"),
    ("tgp_v1_", 20, "together-key"),
    ("csk-", 24, "cerebras-key"),
    ("jina_", 24, "jina-key"),
    ("bedrock-api-key-", 32, "aws-bedrock-key"),
    ("ABSK", 60, "aws-bedrock-key"),
    ("AKIA", 20, "aws-access-key"),
    ("ASIA", 20, "aws-access-key"),
    ("ghp_", 30, "github-token"),
    ("gho_", 30, "github-token"),
    ("ghu_", 30, "github-token"),
    ("ghs_", 30, "github-token"),
    ("ghr_", 30, "github-token"),
    ("github_pat_", 30, "github-token"),
    ("glpat-", 20, "gitlab-token"),
    ("xoxb-", 20, "slack-token"),
    ("xoxp-", 20, "slack-token"),
    ("xoxa-", 20, "slack-token"),
    ("xoxe-", 20, "slack-token"),
    ("xapp-", 20, "slack-token"),
    ("whsec_", 24, "webhook-secret"),
    ("sk_live_", 20, "stripe-key"),
    ("rk_live_", 20, "stripe-key"),
    ("npm_", 36, "npm-token"),
    ("pypi-", 40, "pypi-token"),
    ("dckr_pat_", 20, "docker-token"),
    ("hvs.", 24, "vault-token"),
    ("tskey-", 20, "tailscale-key"),
    ("2_ngrok_", 24, "ngrok-token"),
    ("dapi", 36, "databricks-token"),
    ("sark_", 28, "sark-token"),
    ("AGE-SECRET-KEY-", 40, "age-key"),
];

/// What keys and tokens begin with, by their first octet: of most words nothing else is compared.
const BEGIN: [bool; 256] = {
    let mut begin = [false; 256];
    begin[WEB_TOKEN.as_bytes()[0] as usize] = true;
    let mut at = 0;
    while at < KEYS.len() {
        begin[KEYS[at].0.as_bytes()[0] as usize] = true;
        at += 1;
    }
    begin
};

/// A JSON object in base64url.
const WEB_TOKEN: &str = "eyJ";

/// Octets of words.
const WORD: [bool; 256] = {
    let mut word = [false; 256];
    let mut at = 0;
    while at < 256 {
        let octet = at as u8;
        word[at] =
            octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'.' | b'-' | b'+' | b'~');
        at += 1;
    }
    word
};

/// No known key is shorter.
const SHORTEST: usize = 20;

/// So much of a word is looked at, for each of its beginnings: a hostile one costs no more.
const LOOKED_AT: usize = 2048;

/// Calls `found` with the places of secrets in the content of a JSON string, in order.
pub(super) fn find(content: &str, found: &mut dyn FnMut(usize, usize, &'static str)) {
    let octets = content.as_bytes();
    // Almost every string ends here: too short for a key, and nothing has a name or a scheme in it.
    let is_one_word = || !octets.iter().any(|octet| matches!(octet, b' ' | b'=' | b':' | b'\\'));
    if octets.len() < 8 || (octets.len() < SHORTEST && is_one_word()) {
        return;
    }
    let mut before = Before::Nothing;
    let mut at = 0;
    while let Some(&octet) = octets.get(at) {
        if octet == b'\\' {
            // `\n` is no letter n.
            at += if octets.get(at + 1) == Some(&b'u') { 6 } else { 2 };
            continue;
        }
        if octet == b'-' && octets.get(at..).is_some_and(|rest| rest.starts_with(b"-----BEGIN ")) {
            at = private_key(content, at, found);
            continue;
        }
        if !is_of_word(octet) {
            if octet == b':' && octets.get(at + 1..at + 3) == Some(b"//") {
                at = password(octets, at + 3, found);
                continue;
            }
            if !matches!(octet, b' ' | b'=' | b':') {
                before = Before::Nothing;
            }
            at += 1;
            continue;
        }
        let begin = at;
        while octets.get(at).copied().is_some_and(is_of_word) {
            at += 1;
        }
        let word = content.get(begin..at).unwrap_or_default();
        before = judge(word, begin, before, is_named(octets, at), found);
    }
}

/// What stood before a word.
#[derive(Clone, Copy)]
enum Before {
    Nothing,
    /// `Bearer `, `Basic `.
    Scheme,
    /// A name that says that its value is secret, and `=`.
    SecretsName,
}

fn judge(
    word: &str,
    begin: usize,
    before: Before,
    is_name: bool,
    found: &mut dyn FnMut(usize, usize, &'static str),
) -> Before {
    let end = begin + word.len();
    match before {
        Before::Scheme if word.len() >= 8 && has_digit_or_is_long(word) => {
            found(begin, end, "token");
            return Before::Nothing;
        }
        Before::SecretsName => {
            found(begin, end, "by-name");
            return Before::Nothing;
        }
        _ => {}
    }
    if word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic") {
        return Before::Scheme;
    }
    if word.len() >= SHORTEST {
        known(word, begin, found);
    }
    if is_name && names::is_secret(word) { Before::SecretsName } else { Before::Nothing }
}

/// Whether the word that ends here is the name of something: `=` follows.
fn is_named(octets: &[u8], mut at: usize) -> bool {
    loop {
        match octets.get(at) {
            Some(b' ' | b':') => at += 1,
            // The quotation mark around the name, or a tab.
            Some(b'\\') => at += if octets.get(at + 1) == Some(&b'u') { 6 } else { 2 },
            other => return other == Some(&b'='),
        }
    }
}

/// A known key, at the beginning of the word or after a sign in it.
fn known(word: &str, begin: usize, found: &mut dyn FnMut(usize, usize, &'static str)) {
    let mut fresh = true;
    let beginnings = word.len().saturating_sub(SHORTEST - 1);
    for (at, octet) in word.bytes().enumerate().take(beginnings) {
        let may_be_key = fresh && BEGIN.get(usize::from(octet)).is_some_and(|begins| *begins);
        if may_be_key && let Some(kind) = key(word.get(at..).unwrap_or_default()) {
            found(begin + at, begin + word.len(), kind);
            return;
        }
        fresh = !octet.is_ascii_alphanumeric();
    }
}

fn key(word: &str) -> Option<&'static str> {
    if is_web_token(word) {
        return Some("jwt");
    }
    let is = |(start, length, _): &&(&str, usize, &str)| {
        word.len() >= *length
            && word.starts_with(start)
            && word.bytes().take(LOOKED_AT).any(|octet| octet.is_ascii_digit())
    };
    KEYS.iter().find(is).map(|(_, _, kind)| *kind)
}

/// Parts of base64url, the first two of them JSON objects.
fn is_web_token(word: &str) -> bool {
    let head = word.get(..word.len().min(LOOKED_AT)).unwrap_or_default();
    head.starts_with(WEB_TOKEN) && head.contains(".eyJ")
}

fn has_digit_or_is_long(word: &str) -> bool {
    word.len() >= 20 || word.bytes().any(|octet| octet.is_ascii_digit())
}

fn is_of_word(octet: u8) -> bool {
    WORD.get(usize::from(octet)).is_some_and(|is| *is)
}

/// From `-----BEGIN` to after `-----END …-----`, or to the end of the string; returns where to go on.
fn private_key(
    content: &str,
    begin: usize,
    found: &mut dyn FnMut(usize, usize, &'static str),
) -> usize {
    let rest = content.get(begin..).unwrap_or_default();
    let head = rest.get(..rest.len().min(64)).unwrap_or(rest);
    if !head.contains("PRIVATE KEY") {
        return begin + 11;
    }
    let end = match rest.find("-----END ") {
        None => content.len(),
        Some(at) => {
            let tail = rest.get(at + 9..).unwrap_or_default();
            tail.find("-----").map_or(content.len(), |dashes| begin + at + 9 + dashes + 5)
        }
    };
    found(begin, end, "private-key");
    end
}

/// `user:password@` after `://`; returns where to go on.
fn password(
    octets: &[u8],
    begin: usize,
    found: &mut dyn FnMut(usize, usize, &'static str),
) -> usize {
    let mut colon = None;
    let mut at = begin;
    while let Some(&octet) = octets.get(at) {
        match octet {
            b':' if colon.is_none() => colon = Some(at),
            b'@' => {
                if let Some(colon) = colon {
                    found(colon + 1, at, "password");
                }
                return at + 1;
            }
            b'/' | b' ' | b'\\' | b'?' | b'#' => return begin,
            _ => {}
        }
        at += 1;
    }
    begin
}
