//! Whatever step a change stops at, there is an authority to load, and the change can be made again.

use std::fs;
use std::path::Path;

use super::*;
use crate::files::fault;

fn now() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

fn plan(name: &str) -> Plan {
    Plan { root: Profile::named(name), intermediate: None }
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Who issues.
fn issues(directory: &CaDirectory) -> String {
    directory.load(now()).unwrap().0.issuing().subject().to_owned()
}

/// Stops `change` after each of its steps, on a copy of `at`, and has a look; gives the number of steps.
fn stopped(
    at: &Path,
    change: impl Fn(&CaDirectory) -> Result<(), StateError>,
    look: impl Fn(&CaDirectory, bool),
) -> u32 {
    for steps in 0.. {
        let place = at.with_extension("copy");
        copy(at, &place);
        let directory = CaDirectory::at(place);
        let done = fault::after(steps, || change(&directory)).is_ok();
        look(&directory, done);
        if done {
            return steps;
        }
    }
    unreachable!("it ends")
}

fn names(directory: &CaDirectory) -> Vec<String> {
    let entries = fs::read_dir(&directory.path).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_stop_can_be_recovered_from() {
    let home = tempfile::tempdir().unwrap();
    let directory = CaDirectory::at(home.path().join("ca"));
    directory.create(&plan("Old"), Overwrite::Refuse, now()).unwrap();
    let old = directory.load(now()).unwrap().1.roots()[0].fingerprint();

    let rotate = |directory: &CaDirectory| {
        directory.rotate(&plan("New"), Overwrite::Refuse, now()).map(|_| ())
    };
    let steps = stopped(&directory.path, rotate, |directory, done| {
        assert_eq!(issues(directory), "CN=Old");
        // Again: what was begun is no obstacle, unless it was finished.
        match rotate(directory) {
            Ok(()) => {}
            Err(StateError::Pending(name)) => assert_eq!(name, "CN=New"),
            Err(error) => panic!("{error:?} {done}"),
        }
        directory.activate(now()).unwrap();
        assert_eq!(issues(directory), "CN=New");
    });
    assert!(steps > 8, "{steps}");

    rotate(&directory).unwrap();
    let activate = |directory: &CaDirectory| directory.activate(now());
    let steps = stopped(&directory.path, activate, |directory, done| {
        let before = issues(directory);
        assert!(["CN=Old", "CN=New"].contains(&before.as_str()), "{before}");
        assert!(!done || before == "CN=New");
        // The next change finishes the one before; back and forth it goes, and nothing is lost.
        directory.activate(now()).unwrap();
        let after = issues(directory);
        directory.activate(now()).unwrap();
        assert_ne!(issues(directory), after);
        assert_eq!(
            names(directory),
            [".lock", "issuing.key", "issuing.pem", "standby.key", "standby.pem", "trusted.pem"]
        );
    });
    assert!(steps > 12, "{steps}");

    activate(&directory).unwrap();
    let retire = |directory: &CaDirectory| directory.retire(old);
    stopped(&directory.path, retire, |directory, done| {
        assert_eq!(issues(directory), "CN=New");
        match retire(directory) {
            Ok(()) => assert!(!done),
            Err(error) => assert!(matches!(error, StateError::Unknown(_)), "{error:?}"),
        }
        assert_eq!(names(directory), [".lock", "issuing.key", "issuing.pem", "trusted.pem"]);
        assert_eq!(directory.load(now()).unwrap().1.roots().len(), 1);
    });

    let replace = |directory: &CaDirectory| {
        directory.create(&plan("Third"), Overwrite::Replace, now()).map(|_| ())
    };
    stopped(&directory.path, replace, |directory, done| {
        let before = issues(directory);
        assert!(
            ["CN=New", "CN=Third"].contains(&before.as_str()) && (!done || before == "CN=Third")
        );
        replace(directory).unwrap();
        assert_eq!(issues(directory), "CN=Third");
        assert_eq!(directory.load(now()).unwrap().1.roots().len(), 1);
    });
}

#[test]
fn a_first_authority_that_was_not_finished_is_made_again() {
    let home = tempfile::tempdir().unwrap();
    let empty = home.path().join("ca");
    fs::create_dir(&empty).unwrap();
    let create = |overwrite| {
        move |directory: &CaDirectory| directory.create(&plan("New"), overwrite, now()).map(|_| ())
    };
    stopped(&empty, create(Overwrite::Refuse), |directory, done| {
        if done {
            assert_eq!(issues(directory), "CN=New");
        }
        match create(Overwrite::Refuse)(directory) {
            Err(StateError::Exists(_)) => create(Overwrite::Replace)(directory).unwrap(),
            other => other.unwrap(),
        }
        assert_eq!(issues(directory), "CN=New");
        assert_eq!(names(directory), [".lock", "issuing.key", "issuing.pem", "trusted.pem"]);
    });
}
