use super::*;

fn who(roles: &[Role], scopes: &[&str]) -> Identity {
    Identity {
        name: "token:ci".into(),
        known: Known::Token,
        rights: Rights {
            roles: roles.iter().copied().collect(),
            scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
        },
        made_by: Some("uid:0(root)".into()),
    }
}

fn role(line: Line, role: Role) -> Access {
    Access { line, needs: Needs::Role(role) }
}

#[test]
fn a_role_goes_as_far_as_it_says() {
    use Role::{Admin, Approver, Operator, Viewer};
    let table = [
        (Viewer, [true, false, false, false]),
        (Operator, [true, true, false, false]),
        (Approver, [true, false, true, false]),
        (Admin, [true, true, true, true]),
    ];
    for (has, may) in table {
        for (needed, expected) in Role::ALL.into_iter().zip(may) {
            let answer = who(&[has], &[]).may(role(Line::Flowspec, needed), None);
            assert_eq!(answer.is_ok(), expected, "{has} for {needed}");
        }
    }
    who(&[Operator, Approver], &[]).may(role(Line::Approvals, Approver), None).unwrap();
    let error = who(&[], &[]).may(role(Line::Status, Viewer), None).unwrap_err();
    assert_eq!(error.to_string(), "token:ci is without a role, and this is for viewer");
}

#[test]
fn a_scope_narrows_and_never_widens() {
    let narrow = who(&[Role::Operator], &["registry"]);
    narrow.may(role(Line::Registry, Role::Operator), None).unwrap();
    narrow.may(role(Line::Status, Role::Viewer), None).unwrap();
    let error = narrow.may(role(Line::Flowspec, Role::Viewer), None).unwrap_err();
    assert_eq!(error.to_string(), "token:ci is for registry only, and this is of flowspec");
    narrow.may(role(Line::Registry, Role::Admin), None).unwrap_err();
}

#[test]
fn a_sensor_reports_its_kind_and_does_nothing_else() {
    let report = Access { line: Line::Sensors, needs: Needs::Report };
    let sensor = who(&[], &["sensors:rfc1149"]);
    sensor.may(report, Some("rfc1149")).unwrap();
    sensor.may(report, Some("generic")).unwrap_err();
    sensor.may(report, None).unwrap_err();
    sensor.may(role(Line::Sensors, Role::Viewer), None).unwrap_err();
    sensor.may(Access { line: Line::Status, needs: Needs::Identity }, None).unwrap();
    who(&[Role::Operator], &[]).may(report, Some("generic")).unwrap();
    who(&[Role::Operator], &["sensors"]).may(report, Some("generic")).unwrap();
    who(&[Role::Operator], &["registry"]).may(report, Some("generic")).unwrap_err();
    who(&[Role::Viewer], &["sensors"]).may(report, Some("generic")).unwrap_err();
}

#[test]
fn who_asks_for_decisions_does_nothing_else() {
    let decide = Access { line: Line::Policy, needs: Needs::Decide };
    let gateway = who(&[], &["decide"]);
    gateway.may(decide, None).unwrap();
    gateway.may(role(Line::Policy, Role::Viewer), None).unwrap_err();
    who(&[Role::Operator], &[]).may(decide, None).unwrap();
    who(&[Role::Operator], &["policy"]).may(decide, None).unwrap();
    who(&[Role::Operator], &["flowspec"]).may(decide, None).unwrap_err();
    let error = who(&[Role::Viewer], &[]).may(decide, None).unwrap_err();
    assert_eq!(error.to_string(), "token:ci may not ask for decisions");
    who(&[], &["sensors:rfc1149"]).may(decide, None).unwrap_err();
}

#[test]
fn a_proxy_decides_elsewhere_and_does_nothing_else() {
    let snapshot = Access { line: Line::Policy, needs: Needs::Proxy };
    let records = Access { line: Line::Audit, needs: Needs::Proxy };
    let proxy = who(&[], &["proxy"]);
    let admin = who(&[Role::Admin], &[]);
    for access in [snapshot, records] {
        proxy.may(access, None).unwrap();
        admin.may(access, None).unwrap();
        who(&[], &["decide"]).may(access, None).unwrap_err();
        who(&[], &["sensors:rfc1149"]).may(access, None).unwrap_err();
        who(&[Role::Admin], &["flowspec"]).may(access, None).unwrap_err();
        let error = who(&[Role::Operator], &[]).may(access, None).unwrap_err();
        assert_eq!(error.to_string(), "token:ci is not a proxy");
    }
    who(&[Role::Admin], &["policy"]).may(records, None).unwrap_err();
    proxy.may(Access { line: Line::Policy, needs: Needs::Decide }, None).unwrap_err();
    proxy.may(role(Line::Audit, Role::Viewer), None).unwrap_err();
}

#[test]
fn an_enforcer_counts_and_does_nothing_else() {
    let counters = Access { line: Line::Flowspec, needs: Needs::Enforcer };
    let enforcer = who(&[], &["enforcer"]);
    enforcer.may(counters, None).unwrap();
    enforcer.may(role(Line::Flowspec, Role::Viewer), None).unwrap_err();
    enforcer.may(Access { line: Line::Audit, needs: Needs::Proxy }, None).unwrap_err();
    who(&[Role::Operator], &["flowspec"]).may(counters, None).unwrap();
    who(&[Role::Operator], &["policy"]).may(counters, None).unwrap_err();
    who(&[], &["proxy"]).may(counters, None).unwrap_err();
    let error = who(&[Role::Viewer], &[]).may(counters, None).unwrap_err();
    assert_eq!(error.to_string(), "token:ci is not an enforcer");
}

#[test]
fn nobody_gives_away_more_than_they_have() {
    let rights = |roles: &[Role], scopes: &[&str]| who(roles, scopes).rights;
    let admin = rights(&[Role::Admin], &["identities", "sensors"]);
    assert!(admin.cover(&rights(&[Role::Operator], &["sensors"])));
    assert!(admin.cover(&rights(&[], &["sensors:rfc1149"])));
    assert!(!admin.cover(&rights(&[Role::Viewer], &[])), "without a scope it reaches everywhere");
    assert!(!admin.cover(&rights(&[Role::Viewer], &["flowspec"])));
    assert!(!rights(&[Role::Operator], &[]).cover(&rights(&[Role::Admin], &["flowspec"])));
    assert!(!admin.cover(&rights(&[], &["decide"])));
    assert!(rights(&[Role::Admin], &["policy"]).cover(&rights(&[], &["decide"])));
    assert!(!rights(&[Role::Admin], &["policy"]).cover(&rights(&[], &["proxy"])));
    assert!(rights(&[Role::Admin], &["policy", "audit"]).cover(&rights(&[], &["proxy"])));
    assert!(rights(&[], &["proxy"]).cover(&rights(&[], &["proxy"])));
    assert!(rights(&[Role::Admin], &["flowspec"]).cover(&rights(&[], &["enforcer"])));
    assert!(!rights(&[Role::Admin], &["policy"]).cover(&rights(&[], &["enforcer"])));
    assert!(!rights(&[], &["sensors:a"]).cover(&rights(&[], &["sensors:b"])));
}

#[test]
fn scopes_read_what_they_print() {
    for text in
        ["flowspec", "sensors", "sensors:rfc1149", "identities", "decide", "proxy", "enforcer"]
    {
        let scope: Scope = text.parse().unwrap();
        assert_eq!(scope.to_string(), text);
        let json = serde_json::to_string(&scope).unwrap();
        assert_eq!(serde_json::from_str::<Scope>(&json).unwrap(), scope);
    }
    for wrong in ["", "flowspecs", "sensors:", "sensors:A", "sensors:../x", "sensors:a b"] {
        assert!(wrong.parse::<Scope>().is_err(), "{wrong}");
    }
}

#[test]
fn a_token_of_ones_own_is_oneself() {
    let token = who(&[Role::Approver], &[]);
    assert!(token.is_one_with("token:ci", None));
    assert!(token.is_one_with("uid:0(root)", None));
    assert!(!token.is_one_with("uid:1000(noc)", None));
    let root = Identity { name: "uid:0(root)".into(), made_by: None, ..token };
    assert!(root.is_one_with("token:ci", Some("uid:0(root)")));
    assert!(!root.is_one_with("token:ci", Some("uid:1(other)")));
}
