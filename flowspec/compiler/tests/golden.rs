//! A golden plan per profile for each file in `policies/`. `UPDATE_GOLDEN=1` rewrites them.

mod support;

use std::path::Path;

use sark_compiler::Plan;
use support::{ASN, compile_in, environment, parse};

#[test]
#[allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]
fn golden_plans() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = here.join("tests/golden");
    let mut names: Vec<_> = std::fs::read_dir(here.join("../../policies"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    names.sort();
    assert!(names.len() >= 6, "the policies that ship are not there");
    let rewrite = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut expected = vec!["overlay.yaml".to_owned()];
    for path in names {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let set = parse(&[(&format!("policies/{stem}.yaml"), &text)]);
        for profile in ["frr", "strict"] {
            let compiled = compile_in(&set, &environment(profile)).unwrap();
            let mut document = Plan::between(&compiled, &[], ASN, 1).document;
            // The seed changes more often than what is planned on it.
            document.registry_version = "-".into();
            document.policy_version = "-".into();
            let made = serde_json::to_string_pretty(&document).unwrap() + "\n";
            let name = format!("{stem}.{profile}.json");
            let file = golden.join(&name);
            expected.push(name);
            if rewrite {
                std::fs::write(&file, &made).unwrap();
            }
            let known = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(
                known == made,
                "{} differs; look at it with UPDATE_GOLDEN=1 and git diff",
                file.display()
            );
        }
    }
    for entry in std::fs::read_dir(golden).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(expected.contains(&name), "no policy file for the golden plan {name}");
    }
}
