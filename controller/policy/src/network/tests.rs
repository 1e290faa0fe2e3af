//! What people write, what it means, and what they are told.

use sark_core::storage::PolicyFile;

use super::*;

fn file(name: &str, text: &str) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.to_owned() }
}

fn parse(text: &str) -> Result<PolicySet, String> {
    parse_set(&[file("a.yaml", text)]).map_err(|mistakes| {
        mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")
    })
}

#[test]
fn shipped_policies() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies");
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| file(&path.display().to_string(), &std::fs::read_to_string(&path).unwrap()))
        .collect();
    assert_eq!(files.len(), 6);
    match parse_set(&files) {
        Ok(set) => {
            assert_eq!(set.policies.len(), 8);
            let mut priorities: Vec<_> =
                set.policies.iter().map(|policy| policy.priority).collect();
            priorities.sort_unstable();
            priorities.dedup();
            assert_eq!(priorities.len(), 8, "no two of the same priority");
        }
        Err(mistakes) => {
            panic!("{}", mistakes.iter().map(|m| format!("{m}\n")).collect::<String>())
        }
    }
}
