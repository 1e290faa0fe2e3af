//! The shipped set: as it is, with other data, and what OPA says of it as a decision.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sark_core::decision::{Action, Decision, Matched, Obligation, Severity};
use sark_policy::decision::{Line, SetFile, Settings};
use serde::Deserialize;
use serde_json::{Value, json};

pub struct Shipped {
    pub files: Vec<SetFile>,
    pub data: Value,
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn shipped() -> Shipped {
    let root = root().join("policies/decision");
    let (mut files, mut open) = (Vec::new(), vec![root.clone()]);
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let octets = std::fs::read(&path).unwrap();
            let path = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            files.push(SetFile { path, octets });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let data = files.iter().find(|file| file.path == "data.yaml").unwrap();
    let text = std::str::from_utf8(&data.octets).unwrap();
    let mut documents = sark_core::document::parse::<Value>("data.yaml", text).unwrap();
    let data = documents.remove(0).value;
    Shipped { files, data }
}

impl Shipped {
    /// All Rego files, tests too.
    pub fn modules(&self) -> Vec<(String, String)> {
        let rego = self.files.iter().filter(|file| file.path.ends_with(".rego"));
        rego.map(|file| (file.path.clone(), String::from_utf8(file.octets.clone()).unwrap()))
            .collect()
    }

    pub fn with_data(&self, data: Value) -> Self {
        let mut files = self.files.clone();
        files.retain(|file| file.path != "data.yaml");
        let octets = data.to_string().into_bytes();
        files.push(SetFile { path: "data.json".to_owned(), octets });
        Self { files, data }
    }

    /// User → groups.
    pub fn groups(&self) -> BTreeMap<String, Vec<String>> {
        let mut of: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (group, users) in self.data["groups"].as_object().unwrap() {
            for user in users.as_array().unwrap() {
                of.entry(user.as_str().unwrap().to_owned()).or_default().push(group.clone());
            }
        }
        of
    }

    /// `POLICY/RULE` of every rule there is.
    pub fn rule_ids(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (path, text) in self.modules() {
            if path.ends_with("_test.rego") || path.starts_with("lib/") {
                continue;
            }
            let name = Path::new(&path).file_stem().unwrap().to_str().unwrap();
            for line in text.lines().filter_map(|line| line.trim().strip_prefix("\"rule_id\": ")) {
                let rule = line.trim_end_matches(',').trim_matches('"');
                found.push(format!("{}/{rule}", name.replace('_', "-")));
            }
        }
        assert!(found.len() > 25, "{found:?}");
        found
    }
}

/// What an operator might make of the data: lists that are short, exemptions that are not empty, other
/// actions.
pub fn changed(data: &Value) -> Value {
    let mut data = data.clone();
    data["groups"] = json!({
        "contractors": ["bob", "名無し"], "llm-exempt": [], "tunnel-exempt": ["ann"],
        "out-of-hours": ["ann"], "research": ["ann@example.com", "bob"],
    });
    data["llm"]["providers"]["everyone"] =
        json!({ "allow": ["openai", "azure*"], "deny": ["zai"] });
    data["llm"]["providers"]["groups"]["research"] = json!({ "allow": ["mistral", "deepseek"] });
    data["llm"]["providers"]["unknown"] = json!("deny");
    data["llm"]["models"]["everyone"] = json!({ "openai": ["gpt-5*"], "*": ["llama-*"] });
    data["llm"]["models"]["groups"]["research"] = json!({});
    data["llm"]["spend"]["users"] = json!({ "ann": { "day_usd": 0.5 } });
    data["llm"]["spend"]["groups"]["research"] = json!({ "month_usd": 80.25 });
    data["llm"]["spend"]["unpriced"] = json!("hold");
    data["llm"]["secrets"]["exempt_kinds"] = json!(["stripe_test_key"]);
    data["llm"]["secrets"]["exempt_groups"] = json!(["research"]);
    data["llm"]["uninspected"]["action"] = json!("deny");
    data["llm"]["uninspected"]["over_bytes"] = json!(1000);
    data["llm"]["uninspected"]["exempt_groups"] = json!(["research"]);
    data["llm"]["hours"]["until"] = json!({ "hour": 6, "minute": 30 });
    data["llm"]["hours"]["from"] = json!({ "hour": 12, "minute": 0 });
    data["llm"]["hours"]["holidays"] = json!(["2026-12-25"]);
    data["llm"]["hours"]["exempt_agents"] = json!(["review-*"]);
    data["llm"]["hours"]["action"] = json!("hold");
    data["mcp"]["pins"]["exempt_servers"] = json!(["https://tools.example.com/*"]);
    data["mcp"]["pins"]["action"] = json!("hold");
    data["tunnel"]["services"]["exempt_corporate"] = json!(true);
    data["tunnel"]["services"]["exempt_processes"] = json!(["cloudflared", "c*"]);
    data["tunnel"]["services"]["action"] = json!("block");
    data["edr"]["processes"]["signers"] = json!({ "chrome": ["Google LLC"], "claude": [] });
    data["edr"]["processes"]["action"] = json!("block");
    data["edr"]["agents"]["action"] = json!("isolate");
    data["edr"]["agents"]["exempt_groups"] = json!(["research"]);
    data["sensor"]["rfc1149"]["exempt_sites"] = json!(["loft"]);
    data
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    action: Action,
    rule_id: String,
    reason: String,
    severity: Option<Severity>,
    #[serde(default)]
    obligations: Vec<Obligation>,
}

/// What OPA's answer for a line, policy → `decisions`, comes to.
pub fn decision(answer: &Value, settings: &Settings, line: Line) -> Decision {
    let mut matched = Vec::new();
    for (policy, members) in answer.as_object().unwrap() {
        for member in members.as_array().unwrap() {
            let Member { action, rule_id, reason, severity, obligations } =
                serde_json::from_value(member.clone()).unwrap();
            let severity = severity.unwrap_or(action.severity());
            let policy_id = policy.clone();
            matched.push(Matched { action, severity, policy_id, rule_id, reason, obligations });
        }
    }
    if matched.is_empty() {
        let action = Action::from(settings.defaults[&line]);
        let reason = format!("no rule of {line} matched");
        return Decision::without_rule(action, "default", line.as_str(), reason);
    }
    Decision::of(matched).unwrap()
}
