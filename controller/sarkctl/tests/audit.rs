//! `sarkctl audit` on a database file, whole and laid hands on.

use std::path::{Path, PathBuf};

use crate::support::{Run, sarkctl};
use sark_audit::{Checkpoint, SigningKey, Tree};
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::{AuditStore as _, CheckpointStore as _, KeptCheckpoint};
use sark_store::Store;
use serde_json::{Value, json};

struct Place(tempfile::TempDir);

impl Place {
    /// 20 records, a checkpoint at 16 that is anchored, the key beside.
    async fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let store = Store::open(&place.file("sark.db")).await.unwrap();
        let records: Vec<_> = (1..=20).map(record).collect();
        store.append_all(&records).await.unwrap();
        store.close().await;
        let key = place.checkpoint(16, 1).await;
        std::fs::write(place.file("audit.key.pub"), format!("{key}\n")).unwrap();
        place
    }

    /// Kept, and anchored; signed by the key of this number, which is given back.
    async fn checkpoint(&self, sequence: u64, seed: u8) -> String {
        let store = Store::open(&self.file("sark.db")).await.unwrap();
        let stored = store.stored_after(0, sequence as u32).await.unwrap();
        let mut tree = Tree::default();
        stored.iter().for_each(|one| tree.push(one.leaf()));
        let key = SigningKey::from_seed("test/audit", &[seed; 32]).unwrap();
        let head = stored[stored.len() - 1].head;
        let at = "2026-11-28T12:00:00Z".parse().unwrap();
        let note = Checkpoint::new(key.public(), head, &tree, at).sign(&key).to_string();
        let before = std::fs::read_to_string(self.file("anchors")).unwrap_or_default();
        std::fs::write(self.file("anchors"), format!("{before}{note}\n")).unwrap();
        let kept = KeptCheckpoint { head, at, note, tree: tree.to_string() };
        store.keep_checkpoint(&kept).await.unwrap();
        store.close().await;
        key.public().to_string()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn audit(&self, words: &[&str]) -> Run {
        let run = sarkctl(["audit"]).with(words).with(&["--database", "sark.db"]);
        run.directory(self.0.path()).run()
    }

    /// Another octet in the file itself.
    fn change(&self, from: &str, to: &str) {
        assert_eq!(from.len(), to.len());
        let path = self.file("sark.db");
        let mut octets = std::fs::read(&path).unwrap();
        let places: Vec<_> =
            (0..octets.len()).filter(|at| octets[*at..].starts_with(from.as_bytes())).collect();
        assert!(!places.is_empty(), "{from} is not there");
        for at in places {
            octets[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        std::fs::write(path, octets).unwrap();
    }
}

fn record(number: u32) -> AuditRecord {
    let at = format!("2026-11-28T12:00:{number:02}Z").parse().unwrap();
    let detail = json!({ "number": number, "reason": "because" });
    let event = if number.is_multiple_of(2) { "test.even" } else { "test.odd" };
    AuditRecord::new(at, "uid:0(root)", event, Outcome::Ok, detail)
}

#[tokio::test]
async fn a_trail_is_read_searched_and_exported() {
    let place = Place::new().await;
    let tail = place.audit(&["tail", "-n", "3"]);
    assert_eq!(tail.code, 0, "{}", tail.stderr);
    let lines: Vec<_> = tail.stdout.lines().collect();
    assert!(lines[1].starts_with("18 ") && lines[3].starts_with("20 "), "{}", tail.stdout);
    let search = place.audit(&["search", "--event", "test.o", "--limit", "3", "-o", "json"]);
    let found: Value = serde_json::from_str(&search.stdout).unwrap();
    let numbers: Vec<_> =
        found["records"].as_array().unwrap().iter().map(|one| one["sequence"].clone()).collect();
    assert_eq!(numbers, [19, 17, 15]);
    let none = place.audit(&["search", "--since", "2026-11-28T13:00:00Z"]);
    assert_eq!(none.stdout, "no records\n");
    let export = place.audit(&["export", "--after", "18"]);
    let events: Vec<Value> =
        export.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["metadata"]["uid"], "test/audit/19");
    let show = place.audit(&["show", "7", "-o", "json"]);
    assert!(show.stdout.contains("\"number\": 7"), "{}", show.stdout);
    assert_eq!(place.audit(&["show", "21"]).code, 2);
    let absent = sarkctl(["audit", "tail", "--database", "/nonexistent/sark.db"]).run();
    assert_eq!(absent.code, 2, "{}", absent.stderr);
}

#[tokio::test]
async fn a_whole_trail_verifies_and_a_record_is_proven() {
    let place = Place::new().await;
    let verify = place.audit(&["verify", "--anchor", "anchors"]);
    assert_eq!(verify.code, 0, "{}", verify.stderr);
    assert!(verify.stdout.contains("as it was written: 20 records"), "{}", verify.stdout);
    assert!(verify.stdout.contains("vouched    up to 16 by 1 checkpoint"), "{}", verify.stdout);

    let proof = place.audit(&["prove", "7"]);
    assert_eq!(proof.code, 0, "{}", proof.stderr);
    let check = |text: &str, key: &str| {
        std::fs::write(place.file("proof.json"), text).unwrap();
        let words = ["audit", "verify", "--proof", "proof.json", "--key", key];
        sarkctl(words).directory(place.0.path()).run()
    };
    let good = check(&proof.stdout, "audit.key.pub");
    assert_eq!(good.code, 0, "{}", good.stderr);
    assert!(good.stdout.starts_with("record 7 is in the trail of test/audit"), "{}", good.stdout);
    let forged = proof.stdout.replace(r#"\"number\":7"#, r#"\"number\":8"#);
    assert_ne!(forged, proof.stdout);
    assert_eq!(check(&forged, "audit.key.pub").code, 1);
    let other = SigningKey::from_seed("test/audit", &[2; 32]).unwrap().public().to_string();
    assert_eq!(check(&proof.stdout, &other).code, 1);
    let late = place.audit(&["prove", "17"]);
    assert!(late.code == 1 && late.stderr.contains("no checkpoint covers"), "{}", late.stderr);
}

#[tokio::test]
async fn what_was_changed_in_the_file_is_named() {
    for (from, to, says) in [
        (r#""number":7,"#, r#""number":6,"#, "record 7: its hash is not"),
        (r#""number":20,"#, r#""number":21,"#, "record 20: its hash is not"),
    ] {
        let place = Place::new().await;
        place.change(from, to);
        let verify = place.audit(&["verify"]);
        assert_eq!(verify.code, 1, "{}", verify.stdout);
        assert!(verify.stderr.contains(says), "{}", verify.stderr);
    }
    // The checkpoint that is kept beside, and the anchor's, are signed.
    let place = Place::new().await;
    place.change("time 2026-11-28T12:00:00Z", "time 2026-11-28T12:00:01Z");
    let verify = place.audit(&["verify"]);
    assert!(verify.code == 1 && verify.stderr.contains("is not believed"), "{}", verify.stderr);
}

/// Also those bits after which the text is none: bit 7 of most octets.
#[tokio::test]
async fn a_flipped_bit_is_named_whichever_it_is() {
    let place = Place::new().await;
    let path = place.file("sark.db");
    let whole = std::fs::read(&path).unwrap();
    let word = br#""number":7,"#;
    // More than one: a page that was split still has what moved.
    let places: Vec<_> = (0..whole.len()).filter(|at| whole[*at..].starts_with(word)).collect();
    assert!(!places.is_empty());
    for number in 0..90_usize {
        let mut octets = whole.clone();
        for at in &places {
            let bit = if number.is_multiple_of(2) { 7 } else { number % 7 };
            octets[at + number - 60] ^= 1 << bit;
        }
        std::fs::write(&path, octets).unwrap();
        let verify = place.audit(&["verify"]);
        assert_eq!(verify.code, 1, "octet {number}: {}", verify.stdout);
        assert!(verify.stderr.contains("record 7: it"), "octet {number}: {}", verify.stderr);
    }
}

#[tokio::test]
async fn checkpoints_of_several_keys_are_believed_with_all_of_them() {
    let place = Place::new().await;
    let old = std::fs::read_to_string(place.file("audit.key.pub")).unwrap();
    let new = place.checkpoint(20, 2).await;
    std::fs::write(place.file("audit.key.pub"), format!("{new}\n")).unwrap();
    // Neither of them alone.
    for key in [old.trim(), new.as_str()] {
        let verify = place.audit(&["verify", "--key", key]);
        assert_eq!(verify.code, 1, "{}", verify.stdout);
        assert!(verify.stderr.contains("is signed by test/audit+"), "{}", verify.stderr);
        assert!(verify.stderr.contains("a --key of its own"), "{}", verify.stderr);
    }
    let verify = place.audit(&["verify", "--key", old.trim(), "--key", "audit.key.pub"]);
    assert_eq!(verify.code, 0, "{}", verify.stderr);
    assert!(verify.stdout.contains("up to 20 by 2 checkpoints"), "{}", verify.stdout);
    // A file may have both.
    std::fs::write(place.file("keys"), format!("{old}\n{new}\n")).unwrap();
    let words = ["verify", "--key", "keys", "--anchor", "anchors"];
    assert_eq!(place.audit(&words).code, 0);
    let proof = place.audit(&["prove", "18", "--key", "keys"]);
    assert_eq!(proof.code, 0, "{}", proof.stderr);
    // A third one is still a forgery.
    place.checkpoint(18, 3).await;
    assert_eq!(place.audit(&words).code, 1);
}

#[tokio::test]
async fn an_anchor_that_was_torn_or_is_a_syslog_is_read() {
    let place = Place::new().await;
    let note = std::fs::read_to_string(place.file("anchors")).unwrap();
    // Within the dash before the signature: no text.
    let half = note.find('—').unwrap() + 1;
    let torn = format!("\n{}\n\n{note}", sark_audit::TORN);
    std::fs::write(place.file("torn"), [&note.as_bytes()[..half], torn.as_bytes()].concat())
        .unwrap();
    let verify = place.audit(&["verify", "--anchor", "torn"]);
    assert_eq!(verify.code, 0, "{}", verify.stderr);
    assert!(verify.stdout.contains("torn       torn, line 8: "), "{}", verify.stdout);
    let line = sark_audit::syslog_line(&note);
    let log = format!("Nov 28 12:00:00 host cron: hello\nNov 28 12:00:00 host sarkd: {line}\n");
    std::fs::write(place.file("syslog"), &log).unwrap();
    let verify = place.audit(&["verify", "--anchor", "syslog"]);
    assert_eq!(verify.code, 0, "{}", verify.stderr);
    std::fs::write(place.file("syslog"), log.replace("12:00:00Z", "12:00:01Z")).unwrap();
    let forged = place.audit(&["verify", "--anchor", "syslog"]);
    assert!(forged.code == 1 && forged.stderr.contains("is not believed"), "{}", forged.stderr);
    std::fs::write(place.file("other"), "hello\n").unwrap();
    assert_eq!(place.audit(&["verify", "--anchor", "other"]).code, 2);
}

#[tokio::test]
async fn a_trail_that_ends_too_soon_is_found_with_the_anchor() {
    let place = Place::new().await;
    let other = Path::new("other.db");
    let store = Store::open(&place.file("other.db")).await.unwrap();
    let records: Vec<_> = (1..=14).map(record).collect();
    store.append_all(&records).await.unwrap();
    store.close().await;
    let verify = |words: &[&str]| {
        let run = sarkctl(["audit", "verify", "--database"]).with(&[other.to_str().unwrap()]);
        run.with(words).directory(place.0.path()).run()
    };
    assert_eq!(verify(&[]).code, 0, "it is whole by itself");
    let cut = verify(&["--anchor", "anchors"]);
    assert_eq!(cut.code, 1, "{}", cut.stdout);
    assert!(cut.stderr.contains("record 15: it is missing, and so are those"), "{}", cut.stderr);
}
