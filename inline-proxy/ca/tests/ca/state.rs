//! The directory: what is written with which mode, and what is refused.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use jiff::SignedDuration;
use sark_ca::{
    Bundle, BundleError, CaDirectory, FileError, Finding, Overwrite, Plan, Profile, StateError,
};
use sark_core::secret::Secret;

use crate::others::{self, params};
use crate::{days, now, told};

pub fn plan(name: &str) -> Plan {
    Plan { root: Profile::named(name), intermediate: None }
}

pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

pub fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_made_is_private_and_stays() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("var/ca");
    let directory = CaDirectory::at(path.clone());
    assert!(matches!(directory.load(now()), Err(StateError::Missing(_))));
    assert!(directory.create(&plan("One"), Overwrite::Refuse, now()).unwrap().is_none());
    assert_eq!(mode(&path.join("issuing.key")), 0o600);
    assert_eq!(mode(&path.join("issuing.pem")), 0o644);
    assert_eq!(mode(&path.join("trusted.pem")), 0o644);
    let (authority, trusted) = directory.load(now()).unwrap();
    assert_eq!(trusted.roots(), authority.chain());
    let error = directory.create(&plan("Two"), Overwrite::Refuse, now()).unwrap_err();
    assert!(matches!(error, StateError::Exists(_)));
    let again = directory.load(now()).unwrap().0;
    assert_eq!(again.chain(), authority.chain());
    directory.create(&plan("Two"), Overwrite::Replace, now()).unwrap();
    let (authority, trusted) = directory.load(now()).unwrap();
    assert_eq!(authority.issuing().subject(), "CN=Two");
    assert_eq!(trusted.roots(), authority.chain());
    let entries: Vec<_> = fs::read_dir(&path).unwrap().collect();
    assert_eq!(entries.len(), 4, "three files and the lock: {entries:?}");
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let directory = CaDirectory::at(home.path().join("ca"));
    directory.create(&plan("One"), Overwrite::Refuse, now()).unwrap();
    let key = home.path().join("ca/issuing.key");
    for open in [0o640, 0o604, 0o660, 0o644, 0o610] {
        chmod(&key, open);
        let error = directory.load(now()).unwrap_err();
        assert!(told(&error).contains("others can read the key"), "{}", told(&error));
        let StateError::File(FileError::Open { mode, .. }) = error else { panic!("{error:?}") };
        assert_eq!(mode, open);
        let report = directory.report(days(30), now());
        let [Finding::Unusable { why }] = &report.findings[..] else { panic!("{report:?}") };
        assert!(why.contains("chmod 600"), "{why}");
        assert_eq!(report.issuing.len(), 1);
    }
    chmod(&key, 0o400);
    directory.load(now()).unwrap();
    chmod(&home.path().join("ca"), 0o777);
    let error = directory.rotate(&plan("Two"), Overwrite::Refuse, now()).unwrap_err();
    assert!(matches!(error, StateError::File(FileError::OpenDirectory { mode: 0o777, .. })));
}

#[test]
fn files_that_are_none_of_ours() {
    let home = tempfile::tempdir().unwrap();
    let directory = CaDirectory::at(home.path().join("ca"));
    directory.create(&plan("One"), Overwrite::Refuse, now()).unwrap();
    let [key, chain, trusted] =
        ["issuing.key", "issuing.pem", "trusted.pem"].map(|name| home.path().join("ca").join(name));
    let good = fs::read(&chain).unwrap();
    fs::write(&chain, vec![b'x'; 3 << 20]).unwrap();
    assert!(matches!(directory.load(now()), Err(StateError::File(FileError::Large(_)))));
    fs::remove_file(&chain).unwrap();
    assert!(matches!(directory.load(now()), Err(StateError::Missing(_))));
    fs::create_dir(&chain).unwrap();
    assert!(directory.load(now()).is_err());
    fs::remove_dir(&chain).unwrap();
    // A pipe that nobody writes to does not hold it up.
    let made = std::process::Command::new("mkfifo").arg(&chain).status().unwrap();
    assert!(made.success());
    assert!(matches!(directory.load(now()), Err(StateError::File(FileError::NoFile(_)))));
    fs::remove_file(&chain).unwrap();
    fs::write(&chain, &good[..good.len() / 2]).unwrap();
    let error = told(&directory.load(now()).unwrap_err());
    assert!(error.contains("cut off, or changed"), "{error}");
    fs::write(&chain, &good).unwrap();
    let secret = fs::read_to_string(&key).unwrap();
    fs::write(&key, others::p256().serialize_pem()).unwrap();
    let error = told(&directory.load(now()).unwrap_err());
    assert!(error.contains("the key is not that of CN=One"), "{error}");
    fs::write(&key, &secret).unwrap();
    fs::write(&trusted, others::root(params("Other", None)).pem()).unwrap();
    assert!(matches!(directory.load(now()), Err(StateError::NoRoot { .. })));
    // A link is read as what it leads to, and replaced by a file.
    let elsewhere = home.path().join("elsewhere.pem");
    fs::write(&elsewhere, &good).unwrap();
    fs::remove_file(&trusted).unwrap();
    symlink(&elsewhere, &trusted).unwrap();
    directory.load(now()).unwrap();
    directory.rotate(&plan("Two"), Overwrite::Refuse, now()).unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), good);
}

#[test]
fn one_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let directory = CaDirectory::at(home.path().join("ca"));
    directory.create(&plan("One"), Overwrite::Refuse, now()).unwrap();
    let lock = fs::File::options().write(true).open(home.path().join("ca/.lock")).unwrap();
    lock.lock().unwrap();
    let error = directory.rotate(&plan("Two"), Overwrite::Refuse, now()).unwrap_err();
    assert!(matches!(error, StateError::File(FileError::Busy(_))), "{error:?}");
    directory.load(now()).unwrap();
    drop(lock);
    directory.rotate(&plan("Two"), Overwrite::Refuse, now()).unwrap();
}

#[test]
fn anothers_authority_is_taken_in() {
    let root = others::root(params("Root", Some(1)));
    let issuing = others::below(&root, params("Issuing", Some(0)));
    let (chain, key) = (issuing.pem(), others::key(&issuing));
    let home = tempfile::tempdir().unwrap();
    let directory = CaDirectory::at(home.path().join("ca"));
    let import = |chain: &str, key: &Secret, roots: Option<&str>| {
        let roots = roots.map(str::as_bytes);
        directory.import(chain.as_bytes(), key, roots, Overwrite::Replace, now())
    };
    let error = import(&chain, &key, None).unwrap_err();
    assert_eq!(
        told(&error),
        "the chain ends at O=Example Corp, CN=Issuing, and the root that has signed it, \
         O=Example Corp, CN=Root, is not there"
    );
    let other = others::root(params("Root", Some(1)));
    assert!(matches!(import(&chain, &key, Some(&other.pem())), Err(StateError::NoRoot { .. })));
    let error = import(&chain, &key, Some(&chain)).unwrap_err();
    assert!(matches!(error, StateError::Roots(BundleError::NoRoot(_))), "{error:?}");
    assert!(matches!(import(&chain, &others::key(&other), None), Err(StateError::Given(_))));
    assert!(directory.load(now()).is_err(), "nothing was written");
    for (chain, roots) in [(chain.clone(), Some(root.pem())), (chain.clone() + &root.pem(), None)] {
        import(&chain, &key, roots.as_deref()).unwrap();
        let (authority, trusted) = directory.load(now()).unwrap();
        assert_eq!(authority.issuing().subject(), "O=Example Corp, CN=Issuing");
        assert_eq!(authority.chain().len(), 2, "its root is known, and not shown");
        assert_eq!(trusted.roots().len(), 1);
        assert_eq!(trusted.roots()[0].der(), root.der());
        let leaves = crate::client::leaves(authority, now());
        let shown = crate::client::shake(&leaves, &[root.der()], "a.example", None, now());
        assert_eq!(shown.unwrap().len(), 2);
    }
}

#[test]
fn a_bundle_says_who_is_in_it() {
    let one = others::root(params("One", None));
    let text = one.pem() + &others::root(params("Two", None)).pem() + &one.pem();
    let bundle = Bundle::parse(text.as_bytes()).unwrap();
    assert_eq!(bundle.roots().len(), 2);
    let pem = bundle.to_pem();
    assert_eq!(Bundle::parse(pem.as_bytes()).unwrap(), bundle);
    let [first, ..] = bundle.roots() else { panic!("no root") };
    let comment = format!(
        "# O=Example Corp, CN=One\n# valid from 2026-01-01T00:00:00Z to 2036-01-01T00:00:00Z\n\
         # SHA-256 {}\n-----BEGIN CERTIFICATE-----\n",
        first.fingerprint()
    );
    assert!(pem.starts_with(&comment), "{pem}");
    assert!(pem.lines().all(|line| line.starts_with('#') || line.len() <= 64));
    assert_eq!(bundle.without(first.fingerprint()).roots().len(), 1);
}

#[test]
fn the_report_says_what_ends() {
    let home = tempfile::tempdir().unwrap();
    let directory = CaDirectory::at(home.path().join("ca"));
    let report = directory.report(days(30), now());
    assert!(matches!(&report.findings[..], [Finding::Unusable { .. }]), "{report:?}");
    let plan = Plan {
        root: Profile::named("Root").valid_for_days(1000),
        intermediate: Some(Profile::named("Issuing").valid_for_days(100)),
    };
    let root = directory.create(&plan, Overwrite::Refuse, now()).unwrap().unwrap();
    let report = directory.report(days(30), now());
    assert_eq!(report.findings, []);
    assert_eq!(report.root, Some(root.issuing().fingerprint()));
    let described: Vec<_> = report
        .issuing
        .iter()
        .map(|one| (one.subject.as_str(), one.days_left, one.issues))
        .collect();
    assert_eq!(described, [("CN=Issuing", 100, true), ("CN=Root", 1000, false)]);
    let at = now() + days(80) + SignedDuration::from_hours(1);
    let report = directory.report(days(30), at);
    let subject = "CN=Issuing".to_owned();
    assert_eq!(report.findings, [Finding::ExpiresSoon { subject: subject.clone(), days_left: 19 }]);
    assert_eq!(report.findings[0].to_string(), "CN=Issuing expires in 19 days: rotate");
    let report = directory.report(days(30), now() + days(101));
    let [Finding::Unusable { why }, Finding::Expired { .. }] = &report.findings[..] else {
        panic!("{report:?}")
    };
    assert!(why.ends_with("CN=Issuing has expired at 2027-03-09T12:00:00Z"), "{why}");
    assert_eq!(report.issuing[0].days_left, -1);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["findings"][1], serde_json::json!({"finding": "expired", "subject": subject}));
    assert_eq!(json["root"], root.issuing().fingerprint().to_string());
    // The root's key went to whoever asked, and is not here.
    for entry in fs::read_dir(home.path().join("ca")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains(root.key_pem().reveal().lines().nth(1).unwrap()));
    }
    let again = sark_ca::Authority::import(root.chain_pem().as_bytes(), &root.key_pem(), now());
    again.unwrap().intermediate(&Profile::named("Next"), now()).unwrap();
}
