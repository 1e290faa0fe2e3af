use std::collections::BTreeMap;

use sark_core::audit::{Notice, Outcome};
use sark_core::decision::Severity;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn route(name: &str, to: &[&str], severity: Severity) -> Route {
    Route {
        name: name.into(),
        to: to.iter().map(|&sink| sink.into()).collect(),
        severity,
        events: Vec::new(),
        only_when_named: false,
        resolved: true,
        quiet_hours: None,
    }
}

fn plan(routes: Vec<Route>) -> Plan {
    let window = Duration::from_secs(600);
    let (source, zone, quiet) = ("edge-1".into(), TimeZone::UTC, Vec::new());
    Plan { source, runbooks: None, window, zone, quiet, routes }
}

fn notice(key: &str, resolved: bool, routes: &[&str]) -> Notice {
    Notice {
        key: key.into(),
        title: format!("{key} is wrong"),
        resolved,
        routes: routes.iter().map(|&route| route.into()).collect(),
        runbook: Some("feeds".into()),
        facts: BTreeMap::new(),
    }
}

fn record(seconds: i64, severity: Severity, notice: Notice) -> AuditRecord {
    AuditRecord::new(at(seconds), "sarkd", "registry.feed.held", Outcome::Refused, ().into())
        .told(severity, notice)
}

/// Kind, sink and count of each delivery.
fn told(taken: &Taken) -> Vec<(String, String, u64)> {
    let of = |delivery: &NewDelivery| {
        let message: Message = serde_json::from_value(delivery.message.clone()).unwrap();
        (message.kind.as_str().to_owned(), delivery.sink.clone(), message.count)
    };
    taken.deliveries.iter().map(of).collect()
}

fn strs(told: &[(String, String, u64)]) -> Vec<(&str, &str, u64)> {
    told.iter().map(|(kind, sink, count)| (kind.as_str(), sink.as_str(), *count)).collect()
}

#[test]
fn one_cause_is_one_alert_until_the_window_ends() {
    let plan = plan(vec![route("all", &["soc"], Severity::Low)]);
    let of = |seconds| record(seconds, Severity::Medium, notice("feed:aws", false, &[]));
    let records: Vec<_> = (1..).zip([of(0), of(1), of(599), of(600), of(601), of(1200)]).collect();
    let taken = take(&plan, 0, &records, Vec::new(), at(1300));
    let sent = told(&taken);
    assert_eq!(strs(&sent), [("opened", "soc", 1), ("again", "soc", 4), ("again", "soc", 6)]);
    assert_eq!((taken.from, taken.to), (0, 6));
    assert_eq!(taken.groups.len(), 1);
    assert_eq!(taken.groups[0].count, 6);
    assert!(taken.deliveries.iter().all(|delivery| delivery.hurries));
    // However the trail is cut into pieces, the same is told.
    let (mut groups, mut pieces) = (Vec::new(), Vec::new());
    for (from, one) in (0..).zip(&records) {
        let taken = take(&plan, from, std::slice::from_ref(one), groups, at(1300));
        pieces.extend(taken.deliveries);
        groups = taken.groups;
    }
    assert_eq!(pieces, taken.deliveries);
}

/// A carrier every day, four of them on Monday: what nothing ends is another alert after a silence.
#[test]
fn what_has_not_happened_for_a_window_is_a_new_alert() {
    let routes =
        vec![route("all", &["soc"], Severity::Low), route("page", &["pager"], Severity::High)];
    let of = |key: &str, seconds, severity| record(seconds, severity, notice(key, false, &[]));
    let key = "sensor:rfc1149:carrier.seen:roof";
    let (monday, tuesday) = (0, 86_400);
    let records: Vec<_> = (1..)
        .zip([
            of(key, monday, Severity::High),
            of(key, monday + 599, Severity::Medium),
            of(key, tuesday, Severity::Medium),
            of(key, tuesday + 300, Severity::Medium),
            // The fourth.
            of(key, tuesday + 500, Severity::High),
            // Heard of within the window: the same still.
            of(key, tuesday + 1099, Severity::Low),
            of(key, tuesday + 1699, Severity::Low),
        ])
        .collect();
    let taken = take(&plan(routes.clone()), 0, &records, Vec::new(), at(tuesday));
    assert_eq!(
        strs(&told(&taken)),
        [
            ("opened", "soc", 1),
            ("opened", "pager", 1),
            ("opened", "soc", 1),
            ("worse", "soc", 3),
            ("worse", "pager", 3),
            ("opened", "soc", 1),
        ]
    );
    let severity = |number: usize| taken.deliveries[number].message["severity"].clone();
    assert_eq!([severity(2), severity(3), severity(5)], ["medium", "high", "low"]);
    assert_eq!(taken.groups.len(), 1);
    let group = &taken.groups[0];
    assert_eq!((group.severity, group.opened_at), (Severity::Low, at(tuesday + 1699)));
    assert_eq!(group.sinks, ["soc"]);
    // One that was written late is no silence.
    let late = [(1, of(key, 5000, Severity::High)), (2, of(key, 100, Severity::Low))];
    let taken = take(&plan(routes), 0, &late, Vec::new(), at(5000));
    assert_eq!((taken.groups[0].count, taken.groups[0].severity), (2, Severity::High));
}

/// A condition holds while nothing is heard of it.
#[test]
fn a_condition_lasts_until_it_is_gone() {
    let plan = plan(vec![
        route("all", &["soc"], Severity::Low),
        route("page", &["pager"], Severity::High),
    ]);
    for key in [
        "health.peer-down:edge1",
        "sensor.silent:rfc1149:roof",
        "sensor.gap:rfc1149",
        "approval:abc",
        "alerts.sink:mail",
    ] {
        let of =
            |seconds, severity, resolved| record(seconds, severity, notice(key, resolved, &[]));
        let records = [
            (1, of(0, Severity::High, false)),
            (2, of(86_400, Severity::Medium, false)),
            (3, of(31 * 86_400, Severity::Info, true)),
        ];
        let taken = take(&plan, 0, &records, Vec::new(), at(0));
        let sent = told(&taken);
        let kinds: Vec<_> = sent.iter().map(|(kind, ..)| kind.as_str()).collect();
        let expected = ["opened", "opened", "again", "again", "resolved", "resolved"];
        assert_eq!(kinds, expected, "{key}");
        assert_eq!(taken.deliveries[3].message["severity"], "high", "{key}");
        assert_eq!(taken.deliveries[5].message["firstAt"], at(0).to_string(), "{key}");
    }
}

#[test]
fn worse_is_told_at_once_and_the_end_to_those_who_know() {
    let routes =
        vec![route("all", &["soc"], Severity::Low), route("page", &["pager"], Severity::High)];
    let of = |seconds, severity, resolved| record(seconds, severity, notice("k", resolved, &[]));
    let records = [
        (1, of(0, Severity::Medium, false)),
        (2, of(5, Severity::Critical, false)),
        (3, of(9, Severity::Info, true)),
        // Nobody was told of it: nobody is told that it is gone.
        (4, of(10, Severity::High, true)),
    ];
    let taken = take(&plan(routes.clone()), 0, &records, Vec::new(), at(10));
    assert_eq!(
        strs(&told(&taken)),
        [
            ("opened", "soc", 1),
            ("worse", "soc", 2),
            ("worse", "pager", 2),
            ("resolved", "soc", 2),
            ("resolved", "pager", 2)
        ]
    );
    assert_eq!(taken.closed, ["k"]);
    let hurries: Vec<_> = taken.deliveries.iter().map(|delivery| delivery.hurries).collect();
    assert_eq!(hurries, [true, true, true, false, false], "an end disturbs nobody");
    let mild = [(1, of(0, Severity::Medium, false)), (2, of(9, Severity::High, true))];
    let taken = take(&plan(routes), 0, &mild, Vec::new(), at(10));
    assert_eq!(strs(&told(&taken)), [("opened", "soc", 1), ("resolved", "soc", 1)]);
}

#[test]
fn routes_that_a_policy_names() {
    let mut named = route("legal", &["mail"], Severity::Critical);
    named.only_when_named = true;
    let mut feeds = route("feeds", &["soc"], Severity::Low);
    feeds.events = vec!["registry.*".into()];
    let mut other = route("other", &["soc2"], Severity::Low);
    other.events = vec!["registry".into()];
    let plan = plan(vec![named, feeds, other]);
    let records = [
        (1, record(0, Severity::Critical, notice("a", false, &[]))),
        (2, record(0, Severity::Info, notice("b", false, &["legal"]))),
    ];
    let taken = take(&plan, 0, &records, Vec::new(), at(0));
    assert_eq!(strs(&told(&taken)), [("opened", "soc", 1), ("opened", "mail", 1)]);
}

/// A name with a mistake in it is no reason that nobody hears of it.
#[test]
fn a_route_that_there_is_not() {
    let mut feeds = route("feeds", &["tickets"], Severity::Low);
    feeds.events = vec!["health.*".into()];
    let mut named = route("legal", &["mail"], Severity::Low);
    named.only_when_named = true;
    let page = route("page", &["pager"], Severity::High);
    let routes = vec![named, feeds, page, route("keep", &["siem"], Severity::Low)];
    let of = |severity, names: &[&str]| [(1, record(0, severity, notice("k", false, names)))];
    let sent = |severity, names: &[&str]| {
        let taken = take(&plan(routes.clone()), 0, &of(severity, names), Vec::new(), at(0));
        told(&taken).into_iter().map(|(_, sink, _)| sink).collect::<Vec<_>>()
    };
    assert_eq!(sent(Severity::Info, &["soc"]), ["siem"]);
    assert_eq!(sent(Severity::Info, &[]), [""; 0]);
    assert_eq!(sent(Severity::High, &["soc"]), ["pager", "siem"]);
    // Who is named and there hears it: that is enough.
    assert_eq!(sent(Severity::Info, &["soc", "legal"]), ["mail"]);
    let unknown = |names: &[&str]| unknown_routes(&routes, &of(Severity::Info, names));
    assert_eq!(unknown(&["soc", "legal", "sco"]), ["sco".to_owned(), "soc".to_owned()].into());
    assert!(unknown(&["legal"]).is_empty());
}

#[test]
fn what_is_wrong_with_a_sink_is_told_to_the_others() {
    let plan = plan(vec![route("all", &["soc", "pager"], Severity::Low)]);
    let records = [(1, record(0, Severity::High, notice("alerts.sink:soc", false, &[])))];
    let taken = take(&plan, 0, &records, Vec::new(), at(0));
    assert_eq!(strs(&told(&taken)), [("opened", "pager", 1)]);
}

#[test]
fn in_quiet_hours_it_waits_unless_it_is_grave() {
    let mut quiet = route("all", &["soc"], Severity::Low);
    quiet.quiet_hours = Some("night".into());
    let mut plan = plan(vec![quiet]);
    plan.quiet = vec![QuietHours {
        name: "night".into(),
        from: "00:00".parse().unwrap(),
        to: "00:00".parse().unwrap(),
        days: Vec::new(),
        except: Severity::High,
    }];
    let records = [
        (1, record(0, Severity::Medium, notice("a", false, &[]))),
        (2, record(0, Severity::High, notice("b", false, &[]))),
    ];
    let taken = take(&plan, 0, &records, Vec::new(), at(0));
    let due: Vec<_> = taken.deliveries.iter().map(|delivery| delivery.due_at).collect();
    assert_eq!(
        due,
        [
            at(0)
                .to_zoned(TimeZone::UTC)
                .end_of_day()
                .unwrap()
                .timestamp()
                .round(jiff::Unit::Second)
                .unwrap(),
            at(0)
        ]
    );
}

#[test]
fn records_without_a_notice_only_move_the_cursor() {
    let plain = AuditRecord::new(at(0), "sarkd", "x", Outcome::Ok, ().into());
    let taken = take(&plan(Vec::new()), 6, &[(7, plain.clone()), (9, plain)], Vec::new(), at(0));
    assert_eq!((taken.from, taken.to), (6, 9));
    assert!(taken.deliveries.is_empty() && taken.groups.is_empty() && taken.closed.is_empty());
}
