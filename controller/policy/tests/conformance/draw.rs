//! Inputs drawn by seed. Values are those that policies and data speak of, those just beside them, and
//! nothing.

use sark_policy::decision::{Input, Line};
use serde_json::{Map, Value, json};

const GROUPS: [&str; 8] = [
    "contractors",
    "llm-exempt",
    "tunnel-exempt",
    "out-of-hours",
    "research",
    "Contractors",
    "",
    "größe",
];
const USERS: [&str; 4] = ["ann", "bob", "ann@example.com", "名無し"];
const TAGS: [&str; 6] = ["server", "llm-lab", "ci", "sandbox", "laptop", "Server"];
const PROVIDERS: [&str; 9] =
    ["openai", "anthropic", "google", "deepseek", "mistral", "azure", "OpenAI", "open", "zai"];
const MODELS: [&str; 14] = [
    "gpt-5-mini-2025-08-07",
    "gpt-5",
    "GPT-4o-mini",
    "gpt-4o",
    "claude-haiku-4-5-20251001",
    "claude-opus-4-1",
    "claude-haiku-",
    "claude-haiku",
    "gemini-2.5-flash",
    "llama-3.3-70b",
    "text-embedding-3-small",
    "*",
    "",
    "modèle-été",
];
const PROGRAMS: [&str; 20] = [
    "chrome",
    "Chrome.exe",
    "chromedriver",
    "Google Chrome Helper",
    "firefox",
    "claude",
    "CLAUDE.EXE",
    "codex",
    "node",
    "python3",
    "curl",
    "nc",
    "ncat.exe",
    "procdump64.exe",
    "winword.exe",
    "WINWORD",
    "php-fpm8.2",
    "bash",
    "cloudflared",
    ".exe",
];
const AGENTS: [&str; 5] = ["claude-code", "Claude-Code", "aider", "review-bot-2", "cursor"];
const MICROUSD: [u64; 23] = [
    0,
    1,
    399_999,
    400_000,
    499_999,
    500_000,
    7_999_999,
    8_000_000,
    9_999_999,
    10_000_000,
    10_000_001,
    39_999_999,
    40_000_000,
    50_000_000,
    79_999_999,
    80_000_000,
    100_000_000,
    399_999_999,
    400_000_000,
    499_999_999,
    500_000_000,
    4_294_967_295_000,
    u64::MAX,
];
const CONFIDENCES: [f64; 10] = [0.0, 0.1, 0.499, 0.5, 0.501, 0.699, 0.7, 0.701, 0.9, 1.0];

/// Splitmix64.
pub struct Draw(pub u64);

impl Draw {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn some<T: Copy>(&mut self, of: &[T], most: u64) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| self.one(of)).collect()
    }

    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    fn confidence(&mut self) -> f64 {
        let any = self.below(1001) as f64 / 1000.0;
        if self.percent(80) { self.one(&CONFIDENCES) } else { any }
    }

    fn microusd(&mut self) -> u64 {
        let any = self.below(600_000_000);
        if self.percent(80) { self.one(&MICROUSD) } else { any }
    }

    /// Half of an hour around the ends of a working day, any minute of two years, and Christmas.
    pub fn time(&mut self) -> jiff::Timestamp {
        const DAY: u64 = 86_400;
        let day = if self.percent(5) { 20_812 } else { 20_454 + self.below(730) };
        let minute = match self.below(4) {
            0 => 7 * 60 - 2 + self.below(4),
            1 => 20 * 60 - 2 + self.below(4),
            2 => 12 * 60,
            _ => self.below(1440),
        };
        let second = day * DAY + minute * 60 + self.below(60);
        jiff::Timestamp::from_second(i64::try_from(second).unwrap()).unwrap()
    }

    pub fn input(&mut self, line: Line) -> Input {
        let mut fields = Fields { draw: self, map: Map::new() };
        fields.put("id", json!("c1"));
        match line {
            Line::Llm => request(&mut fields, false),
            Line::Mcp => request(&mut fields, true),
            Line::Edr => activity(&mut fields),
            Line::Tunnel => tunnel(&mut fields),
            Line::Sensor => report(&mut fields),
        }
        let text = Value::Object(fields.map).to_string();
        Input::from_json(line, &text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }
}

struct Fields<'a> {
    draw: &'a mut Draw,
    map: Map<String, Value>,
}

impl Fields<'_> {
    fn put(&mut self, name: &str, value: Value) {
        self.map.insert(name.to_owned(), value);
    }

    /// There in so many of a hundred inputs.
    fn maybe(&mut self, share: u64, name: &str, value: impl FnOnce(&mut Draw) -> Value) {
        if self.draw.percent(share) {
            let value = value(self.draw);
            self.put(name, value);
        }
    }

    fn who(&mut self) {
        self.maybe(80, "user", |draw| json!(draw.one(&USERS)));
        self.maybe(60, "groups", |draw| json!(draw.some(&GROUPS, 3)));
    }
}

fn request(fields: &mut Fields<'_>, is_call: bool) {
    let operations = [
        "chat",
        "chat",
        "completion",
        "embedding",
        "image",
        "audio",
        "file",
        "batch",
        "models",
        "tool_call",
        "tool_list",
        "sampling",
        "other",
    ];
    let calls = ["tool_call", "tool_call", "tool_call", "tool_list", "resource_read"];
    let operation = fields.draw.one(if is_call { calls.as_slice() } else { operations.as_slice() });
    fields.put("operation", json!(operation));
    fields.who();
    fields.maybe(40, "agent", |draw| json!(draw.one(&AGENTS)));
    fields.maybe(85, "provider", |draw| json!(draw.one(&PROVIDERS)));
    fields
        .maybe(30, "endpoint", |draw| json!(draw.one(&["openai/api", "anthropic/api", "no/such"])));
    fields.maybe(85, "model", |draw| json!(draw.one(&MODELS)));
    fields.maybe(90, "inspected", |draw| json!(draw.percent(75)));
    fields.maybe(80, "body_bytes", |draw| json!(draw.one(&[0_u64, 1, 999, 1000, 1001, u64::MAX])));
    fields.maybe(70, "spend", |draw| {
        let mut spend =
            json!({ "day_microusd": draw.microusd(), "month_microusd": draw.microusd() });
        if draw.percent(75) {
            spend["request_microusd"] = json!(draw.microusd());
        }
        spend
    });
    fields.maybe(60, "findings", |draw| {
        let one = |draw: &mut Draw| {
            let kinds = ["aws_access_key", "slack_token", "stripe_test_key", "größe"];
            json!({
                "class": draw.one(&["secret", "secret", "personal", "Secret"]),
                "kind": draw.one(&kinds),
                "count": draw.one(&[0_u32, 1, 2, 3, 5, 6, u32::MAX]),
                "confidence": draw.confidence(),
            })
        };
        (0..draw.below(4)).map(|_| one(draw)).collect()
    });
    if is_call {
        let servers =
            ["npx left-pad", "https://tools.example.com/mcp", "HTTPS://TOOLS.example.com/x"];
        let call = json!({
            "server": fields.draw.one(&servers),
            "name": fields.draw.one(&["read_file", "é %v %d", ""]),
            "pinned": fields.draw.percent(40),
        });
        fields.put("call", call);
    }
}

fn process(draw: &mut Draw) -> Value {
    let mut process = json!({ "name": draw.one(&PROGRAMS), "pid": draw.below(1 << 32) });
    if draw.percent(50) {
        process["signer"] = json!(draw.one(&["Google LLC", "Evil Ltd", ""]));
    }
    process
}

fn activity(fields: &mut Fields<'_>) {
    let kinds = [
        "llm_connection",
        "llm_lookup",
        "key_in_environment",
        "mcp_started",
        "agent_started",
        "agent_child",
        "tunnel_process",
        "local_model",
    ];
    let kind = fields.draw.one(&kinds);
    fields.put("kind", json!(kind));
    fields.put("connector", json!("osquery"));
    let host = json!({ "id": "h1", "tags": fields.draw.some(&TAGS, 2) });
    fields.put("host", host);
    fields.maybe(70, "user", |draw| json!(draw.one(&USERS)));
    let own = process(fields.draw);
    fields.put("process", own);
    fields.maybe(70, "ancestors", |draw| (0..draw.below(5)).map(|_| process(draw)).collect());
    fields.maybe(60, "agent", |draw| json!(draw.one(&AGENTS)));
    fields.maybe(60, "unattended", |draw| json!(draw.percent(50)));
    fields.maybe(60, "provider", |draw| json!(draw.one(&PROVIDERS)));
    fields.maybe(80, "key_names", |draw| {
        json!(draw.some(&["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MISTRAL_API_KEY", "É"], 3))
    });
    fields.maybe(75, "mcp", |draw| {
        let packages =
            ["@modelcontextprotocol/server-git", "left-pad-mcp", "@ModelContextProtocol/x", ""];
        json!({
            "package": draw.one(&packages),
            "pinned": draw.percent(50),
            "abilities": draw.some(&["write", "execute", "data", "browser"], 2),
        })
    });
    let confidence = fields.draw.confidence();
    fields.put("confidence", json!(confidence));
}

fn tunnel(fields: &mut Fields<'_>) {
    let kinds = ["tunnel", "tunnel", "vpn", "tor", "proxy", "ssh", "dns", "icmp", "unknown"];
    let services = ["ngrok", "cloudflare-tunnel", "tor", "tailscale", "wireguard", "Ngrok"];
    let kind = fields.draw.one(&kinds);
    fields.put("kind", json!(kind));
    fields.maybe(80, "service", |draw| json!(draw.one(&services)));
    let confidence = fields.draw.confidence();
    fields.put("confidence", json!(confidence));
    fields.who();
    fields.maybe(70, "process", |draw| json!(draw.one(&PROGRAMS)));
    fields.maybe(70, "corporate", |draw| json!(draw.percent(40)));
    fields.maybe(60, "llm_confidence", |draw| json!(draw.confidence()));
    fields.maybe(20, "llm_provider", |draw| json!(draw.one(&PROVIDERS)));
}

fn report(fields: &mut Fields<'_>) {
    let kind = fields.draw.one(&["rfc1149", "rfc1149", "rfc1149", "rfc1149", "generic"]);
    let event = fields.draw.one(&["carrier", "carrier", "escape", "coverage", "heartbeat"]);
    fields.put("kind", json!(kind));
    fields.put("event", json!(event));
    let sensor = fields.draw.one(&["roof-cat-2", "猫"]);
    fields.put("sensor", json!(sensor));
    fields.maybe(80, "site", |draw| json!(draw.one(&["roof", "loft", "Dachboden Süd"])));
    let confidence = fields.draw.confidence();
    fields.put("confidence", json!(confidence));
    fields.maybe(80, "recent", |draw| json!(draw.one(&[0_u32, 1, 3, 4, u32::MAX])));
    fields.maybe(85, "facts", |draw| {
        let mut facts = Map::new();
        let bytes = [0_i64, 1, 99_999, 100_000, 100_001, i64::MAX, -1];
        if draw.percent(50) {
            facts.insert("payload".to_owned(), json!(draw.percent(60)));
        }
        if draw.percent(70) {
            facts.insert("payload_bytes".to_owned(), json!(draw.one(&bytes)));
        }
        if draw.percent(60) {
            facts.insert("agents_awake".to_owned(), json!(draw.one(&[0_i64, 0, 1, 3])));
        }
        if draw.percent(10) {
            // Not what it is called, but nothing a policy may fall over.
            facts.insert("payload_bytes".to_owned(), json!(draw.one(&["many", ""])));
        }
        facts.insert("altitude_m".to_owned(), json!(draw.confidence()));
        Value::Object(facts)
    });
}
