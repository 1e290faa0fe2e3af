//! Help, wrong usage, completions and man pages.

use crate::support::sarkctl;

#[test]
fn help_of_everything() {
    sarkctl(["--help"]).golden("help");
    sarkctl(["flowspec", "--help"]).golden("help-flowspec");
    sarkctl(["flowspec", "plan", "--help"]).golden("help-flowspec-plan");
    sarkctl(["flowspec", "simulate", "-h"]).golden("help-flowspec-simulate");
    sarkctl(["registry", "-h"]).golden("help-registry");
    sarkctl(["policy", "-h"]).golden("help-policy");
}

#[test]
fn wrong_usage_exits_with_2() {
    sarkctl(["flowspec", "paln"]).golden("usage-unknown-command");
    sarkctl(["flowspec", "plan"]).golden("usage-no-file");
    sarkctl(["flowspec", "plan", "-f", "x.yaml", "--profile", "strikt", "--offline"])
        .golden("usage-unknown-profile");
    sarkctl(["flowspec", "plan", "-f", "x.yaml", "--now", "yesterday"]).golden("usage-bad-time");
    sarkctl(["flowspec", "list", "--timeout", "0s"]).golden("usage-no-timeout");
    sarkctl(["flowspec", "plan", "-f", "x.yaml", "--profile", "frr"]).golden("usage-offline-only");
    sarkctl(["flowspec", "withdraw"]).golden("usage-withdraw-what");
    sarkctl(["flowspec", "withdraw", "a", "--all"]).golden("usage-withdraw-both");
}

#[test]
fn colour_is_asked_for_also_in_help() {
    for always in [&["--color", "always"][..], &["--color=always"]] {
        let run = sarkctl(["flowspec", "-h"]).with(always).run();
        assert!(run.stdout.contains('\u{1b}'), "{}", run.stdout);
    }
    assert!(!sarkctl(["flowspec", "-h"]).run().stdout.contains('\u{1b}'));
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let run = sarkctl(["completions", shell]).run();
        assert_eq!(run.code, 0);
        for word in ["simulate", "revisions", "lookup", "detailed-exitcode"] {
            assert!(run.stdout.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn bash_can_read_its_completions() {
    let script = sarkctl(["completions", "bash"]).run().stdout;
    let mut bash = std::process::Command::new("bash")
        .arg("-n")
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("bash is part of every Debian");
    std::io::Write::write_all(&mut bash.stdin.take().unwrap(), script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn man_pages_are_written_one_per_command() {
    let directory = tempfile::tempdir().unwrap();
    let run = sarkctl(["man", "pages"]).directory(directory.path()).run();
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    for page in ["sarkctl.1", "sarkctl-flowspec-plan.1", "sarkctl-registry-lookup.1"] {
        let page = std::fs::read_to_string(directory.path().join("pages").join(page)).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    let first = sarkctl(["man"]).run();
    assert!(first.stdout.contains(".TH sarkctl 1"), "{}", first.stdout);
}

#[test]
fn man_pages_cannot_be_written_where_a_file_is() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("pages"), "").unwrap();
    let run = sarkctl(["man", "pages"]).directory(directory.path()).run();
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("help: name a directory"), "{}", run.stderr);
}
