//! What is asked of `sarkd`, and what becomes of its answers.

use std::collections::BTreeMap;

use crate::support::sarkctl;
use crate::support::server::{Answers, Server};
use sark_api::{
    ApplyResponse, Convergence, CountersView, DiagnosticBody, EnforcerCounter, EnforcerView,
    ErrorBody, ErrorCode, PlanResponse, RevisionView, RevisionsResponse, RuleState, RuleView,
    RulesResponse,
};
use sark_compiler::{Collateral, Origin, PlanDocument, PlannedAction};
use sark_core::storage::PolicyFile;
use sark_flowspec::Afi;
use serde_json::json;

const PLAN: &str = "POST /v1/flowspec/plan";
const APPLY: &str = "POST /v1/flowspec/apply";
const WITHDRAW: &str = "POST /v1/flowspec/withdraw";

fn rule(change: &str, matches: &str, community: Option<&str>, line: u32) -> serde_json::Value {
    let actions: Vec<_> = community
        .map(|community| json!({"type": "unknown", "community": community}))
        .into_iter()
        .collect();
    json!({
        "change": change, "policy": "inspect-llm", "afi": "ipv4", "nlri": "0501 20c00002", "match": matches,
        "actions": actions, "largeCommunity": "64512:1:7",
        "origin": {"file": "policies/llm.yaml", "line": line, "endpoint": ["example/api"], "source": ["seed"]},
        "collateral": {"addresses": "256", "others": ["other/api", "third/chat"]},
    })
}

fn plan(rules: Vec<serde_json::Value>, counts: [u64; 4], more: serde_json::Value) -> PlanDocument {
    let [announce, withdraw, keep, refused] = counts;
    let mut document = json!({
        "schema": 1, "rules": rules, "refused": [], "unresolved": [], "warnings": [],
        "summary": {"announce": announce, "withdraw": withdraw, "keep": keep, "refused": refused},
        "registryVersion": "sha256:0123456789abcdef0123", "policyVersion": "sha256:fedcba98765432100123",
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(document).unwrap()
}

/// One rule of each kind.
fn mixed() -> PlanDocument {
    let mut changed =
        rule("announce", "dst 198.51.100.0/25 proto =17", Some("8006000000000000"), 9);
    changed["previous"] = json!([]);
    plan(
        vec![
            rule(
                "announce",
                "dst 192.0.2.0/24 src 10.20.0.0/16 proto =6 dport =443",
                Some("010cc00002630000"),
                3,
            ),
            changed,
            rule("withdraw", "dst 203.0.113.0/24 proto =6", Some("8006000049742400"), 0),
            rule("keep", "src 10.0.0.0/8 proto =1", None, 12),
        ],
        [2, 1, 1, 0],
        json!({
            "unresolved": [{"policy": "inspect-llm", "endpoint": "openai/api", "names": ["api.openai.com"]}],
            "warnings": [{"policy": "inspect-llm", "code": "fragments", "message": "fragments after the first are not matched: they carry no ports"}],
        }),
    )
}

fn refused() -> PlanDocument {
    plan(
        vec![],
        [0, 0, 0, 1],
        json!({"refused": [{
            "policy": "block-all", "guard": "ceiling",
            "why": "example/api shares its addresses with other sites (cdn): dropping them hits those too",
            "fix": "use redirect to a pool that reads the SNI, or mark",
        }]}),
    )
}

fn planned(plan: PlanDocument) -> PlanResponse {
    PlanResponse { plan, revision: Some(4), current_policy_version: Some("sha256:aaaa".into()) }
}

fn applied(changed: bool, converged: bool) -> ApplyResponse {
    let reason = (!converged).then(|| "the speaker at 127.0.0.1:50051 does not answer".to_owned());
    ApplyResponse {
        revision: 5,
        changed,
        plan: mixed(),
        convergence: Convergence { converged, waited_ms: 41, reason },
    }
}

fn with_policy(answers: Answers) -> Server {
    answers.serve().file("llm.yaml", "apiVersion: sark/v1\n")
}

#[test]
fn a_plan_says_what_changes_and_why() {
    let server = with_policy(Answers::default().on(PLAN, 200, &planned(mixed())));
    let socket = ["flowspec", "plan", "-f", "llm.yaml", "--socket", "sarkd.sock"];
    sarkctl(socket).directory(server.path()).golden("plan");
    sarkctl(socket).directory(server.path()).columns(80).golden("plan-80-columns");
    sarkctl(socket)
        .with(&["-v", "--color", "always"])
        .directory(server.path())
        .golden("plan-verbose-colour");
    sarkctl(socket).with(&["-o", "json"]).directory(server.path()).golden("plan-json");
    sarkctl(socket).with(&["-o", "yaml"]).directory(server.path()).golden("plan-yaml");
    let sent = &server.requests()[0];
    assert_eq!(sent.0, PLAN);
    assert_eq!(sent.1, r#"{"files":[{"name":"llm.yaml","text":"apiVersion: sark/v1\n"}]}"#);
}

#[test]
fn the_table_reads_the_same_without_colour() {
    let server = with_policy(Answers::default().on(PLAN, 200, &planned(mixed())));
    let run = |colour| {
        sarkctl(["flowspec", "plan", "-f", "llm.yaml", "--socket", "sarkd.sock", "--color", colour])
            .directory(server.path())
            .run()
            .stdout
    };
    let (plain, mut coloured) = (run("never"), run("always"));
    assert!(coloured.contains('\u{1b}'));
    while let Some(at) = coloured.find('\u{1b}') {
        let end = at + coloured[at..].find('m').unwrap();
        coloured.replace_range(at..=end, "");
    }
    assert_eq!(plain, coloured);
}

#[test]
fn exit_codes_of_a_plan() {
    let detailed = |plan| {
        let server = with_policy(Answers::default().on(PLAN, 200, &planned(plan)));
        let start = ["flowspec", "plan", "-f", "llm.yaml", "--socket", "sarkd.sock"];
        let run = |more| sarkctl(start).with(&[more]).directory(server.path()).run().code;
        (run("-v"), run("--detailed-exitcode"))
    };
    assert_eq!(detailed(mixed()), (0, 4));
    assert_eq!(detailed(plan(vec![], [0, 0, 7, 0], json!({}))), (0, 0));
    // Refused beats changes.
    let mut both = refused();
    both.summary.announce = 3;
    assert_eq!(detailed(both), (3, 3));
}

#[test]
fn a_refused_plan_says_why_and_the_way_out() {
    let server = with_policy(Answers::default().on(PLAN, 200, &planned(refused())));
    let plan = ["flowspec", "plan", "-f", "llm.yaml", "--socket", "sarkd.sock"];
    sarkctl(plan).directory(server.path()).columns(60).golden("plan-refused");
    let apply = ["flowspec", "apply", "-f", "llm.yaml", "--yes", "--socket", "sarkd.sock"];
    sarkctl(apply).directory(server.path()).golden("apply-refused");
    assert!(server.requests().iter().all(|(question, _)| question == PLAN), "nothing was applied");
}

#[test]
fn apply_applies_what_was_shown() {
    let answers =
        Answers::default().on(PLAN, 200, &planned(mixed())).on(APPLY, 200, &applied(true, true));
    let server = with_policy(answers);
    let apply = ["flowspec", "apply", "-f", "llm.yaml", "--yes", "--socket", "sarkd.sock"];
    sarkctl(apply).directory(server.path()).golden("apply");
    let (question, body) = &server.requests()[1];
    assert_eq!(question, APPLY);
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["expect"], "sha256:aaaa");
    sarkctl(apply).with(&["-o", "json"]).directory(server.path()).golden("apply-json");
}

#[test]
fn apply_again_and_apply_without_a_speaker() {
    let apply = ["flowspec", "apply", "-f", "llm.yaml", "--yes", "--socket", "sarkd.sock"];
    let kept = plan(vec![], [0, 0, 3, 0], json!({}));
    let answers =
        Answers::default().on(PLAN, 200, &planned(kept)).on(APPLY, 200, &applied(false, true));
    sarkctl(apply).directory(with_policy(answers).path()).golden("apply-again");
    let answers =
        Answers::default().on(PLAN, 200, &planned(mixed())).on(APPLY, 200, &applied(true, false));
    sarkctl(apply).directory(with_policy(answers).path()).golden("apply-not-converged");
}

#[test]
fn a_program_is_not_asked() {
    let answers = Answers::default()
        .on(PLAN, 200, &planned(mixed()))
        .on(APPLY, 200, &applied(true, true))
        .on(WITHDRAW, 200, &applied(true, true));
    let server = with_policy(answers);
    let apply = ["flowspec", "apply", "-f", "llm.yaml", "--socket", "sarkd.sock"];
    let withdraw = ["flowspec", "withdraw", "inspect-llm", "--socket", "sarkd.sock"];
    for command in [sarkctl(apply), sarkctl(withdraw)] {
        let run = command.stdin("n\n").directory(server.path()).run();
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    }
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn withdraw_by_name_and_all() {
    let server = Answers::default().on(WITHDRAW, 200, &applied(true, true)).serve();
    let one = ["flowspec", "withdraw", "inspect-llm", "b", "-y", "--socket", "sarkd.sock"];
    sarkctl(one).directory(server.path()).golden("withdraw");
    let all = ["flowspec", "withdraw", "--all", "-y", "--socket", "sarkd.sock"];
    assert_eq!(sarkctl(all).directory(server.path()).run().code, 0);
    let bodies: Vec<String> = server.requests().into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, [r#"{"policies":["inspect-llm","b"]}"#, r#"{"all":true}"#]);
}

#[test]
fn errors_of_sarkd_become_exit_codes() {
    let mut bad = ErrorBody::new(ErrorCode::BadInput, "1 mistake in the policies");
    bad.error.diagnostics.push(DiagnosticBody {
        file: "llm.yaml".into(),
        line: 3,
        column: 5,
        message: "unknown key `prots`".into(),
        excerpt: Some("    prots: [443]".into()),
        help: Some("did you mean `ports`?".into()),
    });
    let mut raced = ErrorBody::new(ErrorCode::Refused, "the policy set is refused");
    raced.error.plan = Some(Box::new(refused()));
    let cases = [
        ("bad-input", 400, bad),
        ("forbidden", 403, ErrorBody::new(ErrorCode::Forbidden, "uid 1000 may not apply")),
        ("conflict", 409, ErrorBody::new(ErrorCode::Conflict, "the policy set is sha256:bbbb")),
        ("refused", 422, raced),
        (
            "unavailable",
            503,
            ErrorBody::new(ErrorCode::Unavailable, "the store is full")
                .with_help("free some space under /var/lib/sark"),
        ),
    ];
    for (name, status, body) in cases {
        let answers = Answers::default().on(PLAN, 200, &planned(mixed())).on(APPLY, status, &body);
        let apply = ["flowspec", "apply", "-f", "llm.yaml", "--yes", "--socket", "sarkd.sock"];
        let server = with_policy(answers);
        sarkctl(apply).directory(server.path()).golden(&format!("error-{name}"));
    }
}

#[test]
fn list_and_show() {
    let redirect: PlannedAction = serde_json::from_value(json!(
        {"type": "redirect-ip", "address": "192.0.2.99", "copy": false, "community": "010cc00002630000"}
    ))
    .unwrap();
    let view = |state, community: Option<&str>, matches: &str| RuleView {
        state,
        policy: community.map(|_| "inspect-llm".to_owned()),
        afi: Afi::Ipv4,
        nlri: "0d0120cb007158038106059101bb".into(),
        matches: matches.into(),
        actions: vec![redirect.clone()],
        observed_actions: (state == RuleState::Stale).then(Vec::new),
        large_community: community.map(str::to_owned),
        origin: community.map(|_| Origin {
            file: "llm.yaml".into(),
            line: 3,
            endpoint: vec!["example/api".into()],
            source: vec!["seed".into()],
        }),
        collateral: community
            .map(|_| Collateral { addresses: "1".into(), others: vec!["other/api".into()] }),
        counters: None,
    };
    let at = "2026-11-21T07:00:05Z".parse().unwrap();
    let of = |enforcer: &str, packets| EnforcerCounter {
        enforcer: enforcer.into(),
        at,
        packets,
        bytes: packets * 100,
    };
    let counters = CountersView {
        packets: 1234,
        bytes: 123_400,
        enforcers: vec![of("edge-1", 1200), of("edge-2", 34)],
    };
    let first = RuleView {
        counters: Some(counters),
        ..view(RuleState::InPlace, Some("64512:1:1234"), "dst 203.0.113.88/32 proto =6")
    };
    let rules = RulesResponse {
        revision: Some(4),
        observed: true,
        rules: vec![
            first.clone(),
            view(RuleState::Missing, Some("64512:1:99"), "dst 203.0.113.89/32 proto =6"),
            view(RuleState::Stale, Some("64512:1:98"), "dst 203.0.113.91/32 proto =6"),
            view(RuleState::Foreign, None, "dst 203.0.113.90/32 proto =6"),
        ],
        enforcers: vec![EnforcerView { enforcer: "edge-1".into(), at, rules: 2 }],
        warnings: Vec::new(),
    };
    let server = Answers::default()
        .on("GET /v1/flowspec/rules", 200, &rules)
        .on("GET /v1/flowspec/rules/1234", 200, &first)
        .on("GET /v1/flowspec/rules/7", 404, &ErrorBody::new(ErrorCode::NotFound, "no rule 7"))
        .serve();
    sarkctl(["flowspec", "list", "--socket", "sarkd.sock"]).directory(server.path()).golden("list");
    let json = ["flowspec", "list", "-o", "json", "--socket", "sarkd.sock"];
    sarkctl(json).directory(server.path()).golden("list-json");
    let show = ["flowspec", "show", "1234", "--socket", "sarkd.sock"];
    sarkctl(show).directory(server.path()).golden("show");
    let none = ["flowspec", "show", "7", "--socket", "sarkd.sock"];
    sarkctl(none).directory(server.path()).golden("show-none");
}

#[test]
fn revisions() {
    let at = "2026-11-21T07:00:00Z".parse().unwrap();
    let revision = RevisionView {
        number: 4,
        at,
        actor: "uid:0(root)".into(),
        cause: "apply".into(),
        policy_version: "sha256:fedcba98765432100123".into(),
        registry_version: "sha256:0123456789abcdef0123".into(),
        policies: BTreeMap::from([("inspect-llm".to_owned(), at)]),
        announce: 3,
        withdraw: 0,
        keep: 1,
        files: None,
    };
    let files = Some(vec![PolicyFile { name: "llm.yaml".into(), text: "kind: X\n".into() }]);
    let server = Answers::default()
        .on(
            "GET /v1/flowspec/revisions?limit=20",
            200,
            &RevisionsResponse { revisions: vec![revision.clone()] },
        )
        .on("GET /v1/flowspec/revisions?limit=5", 200, &RevisionsResponse { revisions: vec![] })
        .on("GET /v1/flowspec/revisions/4", 200, &RevisionView { files, ..revision })
        .serve();
    sarkctl(["flowspec", "revisions", "--socket", "sarkd.sock"])
        .directory(server.path())
        .golden("revisions");
    sarkctl(["flowspec", "revisions", "4", "--socket", "sarkd.sock"])
        .directory(server.path())
        .golden("revision");
    let none = ["flowspec", "revisions", "--limit", "5", "--socket", "sarkd.sock"];
    sarkctl(none).directory(server.path()).golden("revisions-none");
}
