//! A proxy with everything in memory, whose clients are taken as if a router had sent them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use sark_ca::{Authority, Below, LeafConfig, Leaves, Profile};
use sark_core::audit::AuditRecord;
use sark_core::storage::{AuditStore as _, MemoryStore};
use sark_core::{Clock as _, SystemClock};
use sark_decider::{Decider, Settings};
use sark_inline_proxy::entrance::transparent::{Steering, listen, meant};
use sark_inline_proxy::{
    Answers, Budget, Clients, Courses, Dialer, Entrance, Fail, FailPolicy, Flow, Judge, Keep,
    Known, Limits, Metrics, Nobody, OneClient, Overload, PinPolicy, PinSettings, Pins, Proxy,
    Reach, Redact, Refusals, SourceMap, Target, Termination, Trust, Upstreams, Watcher,
};
use sark_policy::decision::{DecisionSet, SetFile};
use sark_registry::{Snapshot, seed};
use sark_traces::{TraceMetrics, Tracer};
use sark_trail::{TrailMetrics, TrailSettings, WhenFull, trail};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub const NAME: &str = "api.openai.com";

pub const SETTINGS: &str = "\
apiVersion: sark/v1
kind: DecisionSet
metadata: { name: test, owner: nobody }
spec:
  zone: UTC
  defaults:
    llm: { action: audit }
    mcp: { action: audit }
    edr: { action: audit }
    tunnel: { action: audit }
    sensor: { action: audit }
  onError: { llm: deny, mcp: deny, edr: alert, tunnel: alert, sensor: alert }
";

pub const POLICY: &str = r#"package sark.llm.models

import rego.v1

decisions contains {
	"rule_id": "forbidden",
	"action": "deny",
	"severity": "medium",
	"reason": sprintf("%s is not a model for you", [input.model]),
} if input.model == "forbidden"

decisions contains {
	"rule_id": "secrets",
	"action": "redact",
	"severity": "low",
	"reason": "passwords stay here",
	"obligations": [{"type": "redact", "findings": ["password"]}],
} if input.model == "gpt-elsewhere"

decisions contains {
	"rule_id": "file",
	"action": "deny",
	"severity": "medium",
	"reason": "files stay here",
} if input.operation == "file"

decisions contains {
	"rule_id": "tool",
	"action": "deny",
	"severity": "medium",
	"reason": sprintf("%s is no tool for you", [tool]),
} if {
	input.operation == "tool_call"
	some tool in input.tools
	tool == "rm"
}

decisions contains {
	"rule_id": "seen",
	"action": "audit",
	"severity": "info",
	"reason": "models are asked on record",
} if input.model
"#;

/// Of requests, where a test says nothing else.
pub const BUDGET: Budget =
    Budget { requests: 1000, requests_each: 1000, bodies: 1 << 28, bodies_each: 1 << 28 };

const MCP: &str = r#"package sark.mcp.calls

import rego.v1

decisions contains {
	"rule_id": "tool",
	"action": "deny",
	"severity": "medium",
	"reason": sprintf("%s is no tool for you", [input.call.name]),
} if {
	input.operation == "tool_call"
	input.call.name == "rm"
}

decisions contains {
	"rule_id": "sampling",
	"action": "deny",
	"severity": "medium",
	"reason": "servers do not ask models here",
} if input.operation == "sampling"
"#;

pub struct World {
    pub proxy: Arc<Proxy>,
    /// Clients believe this.
    pub root: String,
    pub store: Arc<MemoryStore>,
    _directory: tempfile::TempDir,
}

#[derive(Default)]
pub struct Options {
    pub courses: Courses,
    pub pins: PinPolicy,
    pub without_set: Option<Fail>,
    pub budget: Option<Budget>,
    pub each: Option<usize>,
    /// Connections to servers that nobody uses.
    pub idle: Option<usize>,
    /// Servers that are told of clients.
    pub tell: Vec<IpNet>,
    /// Inner prefixes that clients may ask for.
    pub also: Vec<IpNet>,
    /// Listeners that are the proxy's own.
    pub own: Vec<SocketAddr>,
    /// After which a connection that became another protocol ends.
    pub quiet: Option<Duration>,
    pub answer_within: Option<Duration>,
    pub fail: FailPolicy,
    pub answers: Answers,
    /// Nobody, if it is not said.
    pub redact: Option<Arc<dyn Redact>>,
    pub tracer: Tracer,
    /// Names nobody but these is trusted for.
    pub server_roots: Vec<String>,
}

impl World {
    pub async fn new(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(SystemClock));
        let counted = Arc::<TrailMetrics>::default();
        let settings = TrailSettings {
            directory: directory.path().join("spool"),
            queue: 1024,
            most_octets: 1 << 24,
            when_full: WhenFull::Block,
            program: "sark-proxy",
        };
        let parts = (Arc::clone(&store) as _, Arc::clone(&clock) as _, Arc::clone(&counted));
        let made = trail(&settings, parts.0, parts.1, parts.2, Arc::default()).await;
        let (trail, writer, drain) = made.unwrap();
        tokio::task::spawn_blocking(move || writer.run());
        tokio::spawn(drain.run(CancellationToken::new()));
        let decider = Arc::new(Decider::new(Settings::default()));
        if options.without_set.is_none() {
            let files = [
                ("set.yaml", SETTINGS),
                ("sark/llm/models.rego", POLICY),
                ("sark/mcp/calls.rego", MCP),
            ];
            let files = files.map(|(path, text)| SetFile {
                path: path.to_owned(),
                octets: text.as_bytes().to_vec(),
            });
            let set = DecisionSet::load(&files, None, &sark_policy::decision::Limits::default());
            decider.put(Some(decider.pool(Arc::new(set.unwrap())).unwrap()), None);
        }
        let known = Known { registry: Arc::new(Snapshot::build(seed())), prices: None };
        let judge = Judge::new(
            decider,
            known,
            trail,
            Arc::clone(&clock) as _,
            options.without_set.unwrap_or_default(),
            "proxy:test".to_owned(),
        );
        let now = clock.now();
        let root = Authority::root(&Profile::named("Proxy Root"), Below::Leaves, now).unwrap();
        let pem = root.chain_pem();
        let leaves = Leaves::new(Arc::new(root), LeafConfig::default(), now).unwrap();
        let mut files: Vec<PathBuf> = Vec::new();
        for (number, root) in options.server_roots.iter().enumerate() {
            files.push(directory.path().join(format!("{number}.pem")));
            std::fs::write(files.last().unwrap(), root).unwrap();
        }
        let second = Duration::from_secs(1);
        let (tell, who) = (options.tell, OneClient::default());
        let reach = Reach {
            also: options.also,
            own: options.own,
            mark: None,
            within: second * 5,
            tell,
            who,
        };
        let keep = Keep { each: 8, all: options.idle.unwrap_or(64), idle: second * 30 };
        let trust = Trust::new(&files, second * 5).unwrap();
        let pins = PinSettings {
            policy: options.pins,
            names: vec![NAME.parse().unwrap()],
            alerts: 2,
            within: second * 60,
            holds: second * 60,
        };
        let source = SourceMap {
            prefix: Some("127.0.0.0/8".parse().unwrap()),
            user: Some("alice".into()),
            groups: vec!["engineering".into()],
            host: None,
        };
        let idle = options.quiet.unwrap_or(second * 10);
        let proxy = Proxy {
            courses: options.courses,
            sources: vec![source],
            judge: Arc::new(judge),
            upstreams: Upstreams::new(Dialer::new(reach), trust, keep),
            termination: Termination::new(Arc::new(leaves), clock).unwrap(),
            pins: Pins::new(pins),
            limits: Limits {
                hello: sark_hello::Limits::default(),
                hello_within: second,
                handshake_within: second * 5,
                head_within: second * 2,
                body_within: second * 5,
                answer_within: options.answer_within.unwrap_or(second * 5),
                inspect: 1 << 20,
                detect: sark_detect::Limits::default(),
                idle,
            },
            fail: options.fail,
            answers: options.answers,
            redact: options.redact.unwrap_or(Arc::new(Nobody)),
            watcher: Watcher::new(idle),
            overload: Arc::new(Overload::new(options.budget.unwrap_or(BUDGET), who)),
            clients: Arc::new(Clients::new(1000, options.each.unwrap_or(1000), who)),
            refusals: Refusals::new(who),
            tracer: options.tracer,
            metrics: Metrics::new(&counted, &TraceMetrics::default()),
            stop: CancellationToken::new(),
            cut: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        Self { proxy: Arc::new(proxy), root: pem, store, _directory: directory }
    }

    /// Where clients connect whose packets meant `target`, or who ask by name.
    pub async fn listen(&self, target: Option<SocketAddr>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, proxy) = (listener.local_addr().unwrap(), Arc::clone(&self.proxy));
        tokio::spawn(async move {
            while let Ok((stream, client)) = listener.accept().await {
                let flow = Flow {
                    client: SocketAddr::new(elsewhere(client.ip()), client.port()),
                    local: address,
                    target: Target::Address(target.unwrap_or(address)),
                    entrance: match target {
                        Some(_) => Entrance::Transparent,
                        None => Entrance::Explicit,
                    },
                };
                proxy.take(stream, flow);
            }
        });
        address
    }

    /// Where balancers connect, who say whose connections they are.
    pub async fn listen_told(&self, entrance: Entrance, target: Target) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (local, proxy) = (listener.local_addr().unwrap(), Arc::clone(&self.proxy));
        tokio::spawn(async move {
            while let Ok((stream, client)) = listener.accept().await {
                let flow = Flow { client, local, target: target.clone(), entrance };
                proxy.take_on_behalf(stream, flow);
            }
        });
        local
    }

    /// Where the kernel hands connections over.
    pub async fn steered(&self, address: &str, steering: Steering) {
        let listener = listen(address.parse().unwrap(), Some(steering)).unwrap();
        let (local, proxy) = (listener.local_addr().unwrap(), Arc::clone(&self.proxy));
        tokio::spawn(async move {
            while let Ok((stream, client)) = listener.accept().await {
                let target = Target::Address(meant(&stream, steering).unwrap());
                proxy.take(stream, Flow { client, local, target, entrance: Entrance::Transparent });
            }
        });
    }

    /// Records of this event, once there are as many.
    pub async fn records(&self, event: &str, many: usize) -> Vec<AuditRecord> {
        for _ in 0..200 {
            let records = self.store.records(1000).await.unwrap();
            let found: Vec<_> =
                records.into_iter().filter(|record| record.event == event).collect();
            if found.len() >= many {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("there are not {many} records {event}: {:#?}", self.store.records(1000).await);
    }
}

/// This machine is one client: its addresses beside the first stand for others.
pub fn elsewhere(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(v4) if v4.is_loopback() && v4 != Ipv4Addr::LOCALHOST => {
            let [.., last] = v4.octets();
            IpAddr::from([192, 0, 2, last])
        }
        _ => client,
    }
}

pub fn chat(model: &str, stream: bool) -> String {
    serde_json::json!({
        "model": model, "stream": stream,
        "messages": [{ "role": "user", "content": "How many words are these?" }],
    })
    .to_string()
}
