use super::*;
use crate::identity::{Known, Rights, Role};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn who(name: &str, made_by: Option<&str>) -> Identity {
    Identity {
        name: name.into(),
        known: Known::User,
        rights: Rights::of([Role::Approver]),
        made_by: made_by.map(Into::into),
    }
}

fn wanted() -> Wanted {
    Wanted {
        kind: "flowspec.plan".into(),
        subject: ContentHash::of(b"a plan"),
        title: "Redirect 10.20.0.0/16".into(),
        wait: SignedDuration::from_secs(60),
    }
}

fn pending() -> Approval {
    Approval::request("a1".into(), wanted(), &who("uid:1(a)", None), at(0)).unwrap()
}

#[test]
fn approved_by_another_and_used_once() {
    let approved = pending().decide(true, &who("uid:2(b)", None), None, at(1)).unwrap();
    assert_eq!(approved.state(at(59)), State::Approved);
    let used = approved.redeem("uid:1(a)", at(2)).unwrap();
    assert_eq!(used.state(at(1000)), State::Used);
    let again = used.redeem("uid:1(a)", at(3)).unwrap_err();
    assert_eq!(again.to_string(), "approval a1 is used");
}

#[test]
fn never_ones_own() {
    let own = |by: &Identity| pending().decide(true, by, None, at(1)).unwrap_err();
    assert!(matches!(own(&who("uid:1(a)", None)), ApprovalError::Own { .. }));
    assert!(matches!(own(&who("token:x", Some("uid:1(a)"))), ApprovalError::Own { .. }));
    let asked =
        Approval::request("a2".into(), wanted(), &who("token:x", Some("uid:1(a)")), at(0)).unwrap();
    asked.decide(true, &who("uid:1(a)", None), None, at(1)).unwrap_err();
    asked.decide(true, &who("uid:2(b)", None), None, at(1)).unwrap();
    // To take it back is no approval.
    let back = pending().decide(false, &who("uid:1(a)", None), Some("typo".into()), at(1)).unwrap();
    assert_eq!(back.state(at(2)), State::Rejected);
}

#[test]
fn what_is_late_is_expired_whatever_it_was() {
    assert_eq!(pending().state(at(60)), State::Expired);
    assert_eq!(pending().expire(at(59)), None);
    let noticed = pending().expire(at(60)).unwrap();
    assert_eq!((noticed.state(at(59)), noticed.state(at(61))), (State::Expired, State::Expired));
    assert_eq!(noticed.expire(at(61)), None, "once");
    noticed.decide(true, &who("uid:2(b)", None), None, at(59)).unwrap_err();
    let error = pending().decide(true, &who("uid:2(b)", None), None, at(60)).unwrap_err();
    assert_eq!(error.to_string(), "approval a1 is expired");
    let approved = pending().decide(true, &who("uid:2(b)", None), None, at(59)).unwrap();
    assert_eq!(approved.state(at(60)), State::Expired);
    approved.redeem("uid:1(a)", at(60)).unwrap_err();
    pending().redeem("uid:1(a)", at(1)).unwrap_err();
}

#[test]
fn fields_are_bounded() {
    let asked = |wanted| Approval::request("a".into(), wanted, &who("x", None), at(0));
    for wrong in [
        Wanted { kind: "Flow Spec".into(), ..wanted() },
        Wanted { title: " ".into(), ..wanted() },
        Wanted { title: "a\nb".into(), ..wanted() },
        Wanted { title: "x".repeat(201), ..wanted() },
        Wanted { wait: SignedDuration::ZERO, ..wanted() },
        Wanted { wait: SignedDuration::MAX, ..wanted() },
    ] {
        asked(wrong.clone()).expect_err(&format!("{wrong:?}"));
    }
    let reason = Some("\u{1b}[2J".to_owned());
    pending().decide(true, &who("uid:2(b)", None), reason, at(1)).unwrap_err();
}
