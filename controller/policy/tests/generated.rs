//! Files that are made from the types are the same as the types make them.
//! `UPDATE_GOLDEN=1` writes them.

use std::path::Path;

#[track_caller]
fn compare(path: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, made).expect("the golden file can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == made,
        "{} is old: run UPDATE_GOLDEN=1 cargo test -p sark-policy",
        path.display()
    );
}

#[test]
fn schema() {
    let mut made = serde_json::to_string_pretty(&sark_policy::json_schema()).unwrap();
    made.push('\n');
    compare("policies/flowspec-policy.schema.json", &made);
}

#[test]
fn reference() {
    compare("docs/policy-reference.md", &sark_policy::reference());
}
