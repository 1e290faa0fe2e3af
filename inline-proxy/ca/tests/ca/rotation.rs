//! One root takes over from another, and no client is left behind.

use rustls::pki_types::CertificateDer;
use sark_ca::{Bundle, CaDirectory, Finding, Overwrite, Plan, Profile, StateError};

use crate::client::{leaves, shake};
use crate::others::{self, params};
use crate::state::plan;
use crate::{days, now, told};

/// Whether clients that trust these roots believe what the directory issues now.
fn believes(directory: &CaDirectory, trusted: &Bundle) -> bool {
    let (authority, _) = directory.load(now()).unwrap();
    let roots: Vec<&CertificateDer<'static>> =
        trusted.roots().iter().map(sark_ca::CaCertificate::der).collect();
    shake(&leaves(authority, now()), &roots, "a.example", None, now()).is_ok()
}

#[test]
fn from_old_to_new() {
    let home = tempfile::tempdir().unwrap();
    let directory = CaDirectory::at(home.path().join("ca"));
    directory.create(&plan("Old"), Overwrite::Refuse, now()).unwrap();
    let old = directory.load(now()).unwrap().1;
    assert!(matches!(directory.activate(now()), Err(StateError::Missing(_))));
    let next = Plan {
        root: Profile::named("New"),
        intermediate: Some(Profile::named("New issuing").valid_for_days(365)),
    };
    assert!(directory.rotate(&next, Overwrite::Refuse, now()).unwrap().is_some());
    let both = directory.load(now()).unwrap().1;
    assert_eq!(both.roots().len(), 2);
    assert!(believes(&directory, &old) && believes(&directory, &both));
    let subject = "CN=New issuing".to_owned();
    let report = directory.report(days(30), now());
    assert_eq!(report.findings, [Finding::StandsBy { subject }]);
    assert_eq!((report.issuing.len(), report.standby.len(), report.trusted.len()), (1, 2, 2));
    let error = directory.rotate(&plan("Third"), Overwrite::Refuse, now()).unwrap_err();
    assert!(matches!(error, StateError::Pending(_)), "{error:?}");
    let old_root = old.roots()[0].fingerprint();
    assert!(matches!(directory.retire(old_root), Err(StateError::InUse(_))));

    directory.activate(now()).unwrap();
    assert!(!believes(&directory, &old) && believes(&directory, &both));
    // Too early: back again, and once more.
    directory.activate(now()).unwrap();
    assert!(believes(&directory, &old));
    directory.activate(now()).unwrap();

    directory.retire(old_root).unwrap();
    let new = directory.load(now()).unwrap().1;
    assert_eq!(new.roots().len(), 1);
    assert!(believes(&directory, &new) && !believes(&directory, &old));
    assert_eq!(directory.report(days(30), now()).findings, []);
    assert!(matches!(directory.retire(old_root), Err(StateError::Unknown(_))));
    assert!(matches!(directory.activate(now()), Err(StateError::Missing(_))));
    assert!(matches!(directory.retire(new.roots()[0].fingerprint()), Err(StateError::InUse(_))));
}

#[test]
fn a_rotation_is_called_off() {
    let home = tempfile::tempdir().unwrap();
    let directory = CaDirectory::at(home.path().join("ca"));
    directory.create(&plan("Old"), Overwrite::Refuse, now()).unwrap();
    directory.rotate(&plan("New"), Overwrite::Refuse, now()).unwrap();
    // Another one instead: its root is trusted too, and the first one's is of no use.
    directory.rotate(&plan("Other"), Overwrite::Replace, now()).unwrap();
    let unused = Finding::Unused { subject: "CN=New".to_owned() };
    assert!(directory.report(days(30), now()).findings.contains(&unused));
    for root in &directory.load(now()).unwrap().1.roots()[1..] {
        directory.retire(root.fingerprint()).unwrap();
    }
    assert_eq!(directory.report(days(30), now()).findings, []);
    assert!(matches!(directory.activate(now()), Err(StateError::Missing(_))));
}

#[test]
fn to_anothers_authority() {
    let home = tempfile::tempdir().unwrap();
    let directory = CaDirectory::at(home.path().join("ca"));
    let root = others::root(params("Root", None));
    let [one, two] = ["One", "Two"].map(|name| others::below(&root, params(name, Some(0))));
    let (first, roots) = (one.pem(), root.pem());
    let roots = Some(roots.as_bytes());
    let (key, next) = (others::key(&one), others::key(&two));
    let not_yet = directory.rotate_to(two.pem().as_bytes(), &next, roots, Overwrite::Refuse, now());
    assert!(matches!(not_yet, Err(StateError::Missing(_))));
    directory.import(first.as_bytes(), &key, roots, Overwrite::Refuse, now()).unwrap();
    directory.rotate_to(two.pem().as_bytes(), &next, roots, Overwrite::Refuse, now()).unwrap();
    directory.activate(now()).unwrap();
    let (authority, trusted) = directory.load(now()).unwrap();
    assert_eq!(authority.issuing().subject(), "O=Example Corp, CN=Two");
    // Both are below one root: it stays.
    assert_eq!(trusted.roots().len(), 1);
    let error = directory.retire(trusted.roots()[0].fingerprint()).unwrap_err();
    assert_eq!(told(&error), "O=Example Corp, CN=Root is the root of the authority that issues");
}

#[test]
fn one_that_has_expired_is_not_activated() {
    let home = tempfile::tempdir().unwrap();
    let directory = CaDirectory::at(home.path().join("ca"));
    directory.create(&plan("Old"), Overwrite::Refuse, now()).unwrap();
    let short = Plan { root: Profile::named("New").valid_for_days(2), intermediate: None };
    directory.rotate(&short, Overwrite::Refuse, now()).unwrap();
    let error = directory.activate(now() + days(3)).unwrap_err();
    assert!(told(&error).contains("CN=New has expired"), "{}", told(&error));
    assert_eq!(directory.load(now()).unwrap().0.issuing().subject(), "CN=Old");
}
