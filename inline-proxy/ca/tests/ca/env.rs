//! What is printed is what shells read back.

use std::path::Path;
use std::process::Command;

use sark_ca::env::{self, Effect, EnvError, Paths, Shell, VARIABLES, render};
use sark_ca::{Bundle, PemError};

use crate::others::{self, params};

const ODD: &str = "/srv/it's \"a\" $HOME `id` \\ \u{2019}; #/ca.pem";

fn paths<'a>(trusted: &'a str, combined: Option<&'a str>) -> Paths<'a> {
    Paths { trusted: Path::new(trusted), combined: combined.map(Path::new) }
}

#[test]
fn sh_reads_back_what_was_meant() {
    let script = render(Shell::Sh, paths(ODD, Some("/srv/all.pem"))).unwrap();
    for variable in VARIABLES {
        let echo = format!("{script}printf %s \"${}\"", variable.name);
        let output = Command::new("sh").arg("-euc").arg(echo).output().unwrap();
        let value = String::from_utf8(output.stdout).unwrap();
        let meant = if variable.effect == Effect::Adds { ODD } else { "/srv/all.pem" };
        assert_eq!((value.as_str(), output.status.success()), (meant, true), "{}", variable.name);
    }
}

#[test]
fn what_replaces_the_roots_of_the_system_has_them_too() {
    for shell in [Shell::Sh, Shell::Fish, Shell::PowerShell] {
        let with = render(shell, paths("/ca/trusted.pem", Some("/ca/combined.pem"))).unwrap();
        let without = render(shell, paths("/ca/trusted.pem", None)).unwrap();
        for variable in VARIABLES {
            let is_set = |text: &str| {
                text.lines().any(|line| !line.starts_with('#') && line.contains(variable.name))
            };
            assert!(is_set(&with), "{}", variable.name);
            assert_eq!(is_set(&without), variable.effect == Effect::Adds, "{}", variable.name);
            assert!(without.contains(variable.name));
        }
        assert!(with.contains("keytool -importcert") && with.contains("update-ca-certificates"));
    }
    let fish = render(Shell::Fish, paths("/it's", None)).unwrap();
    assert!(fish.contains("set -gx NODE_EXTRA_CA_CERTS '/it\\'s'\n"), "{fish}");
    let powershell = render(Shell::PowerShell, paths("C:\\it's\u{2019}", None)).unwrap();
    assert!(powershell.contains("$env:NODE_EXTRA_CA_CERTS = 'C:\\it''s\u{2019}\u{2019}'\n"));
}

#[test]
fn programs_read_json() {
    let text = render(Shell::Json, paths(ODD, None)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let variables = json["variables"].as_array().unwrap();
    assert_eq!(variables.len(), VARIABLES.len());
    let find = |name| variables.iter().find(|variable| variable["name"] == name).unwrap();
    assert_eq!(find("NODE_EXTRA_CA_CERTS")["value"], ODD);
    assert_eq!(find("SSL_CERT_FILE")["value"], serde_json::Value::Null);
    assert_eq!(find("SSL_CERT_FILE")["effect"], "replaces");
    assert_eq!(
        "yaml".parse::<Shell>().unwrap_err().to_string(),
        "not one of sh, fish, powershell, json"
    );
}

#[test]
fn no_path_ends_a_comment() {
    for path in ["/ca\nrm -rf x", "/ca\r", "/ca\u{1b}[0m"] {
        for shell in [Shell::Sh, Shell::Fish, Shell::PowerShell, Shell::Json] {
            assert_eq!(render(shell, paths(path, None)), Err(EnvError::Path));
            assert_eq!(render(shell, paths("/ca", Some(path))), Err(EnvError::Path));
        }
    }
}

#[test]
fn the_combined_file_has_each_root_once() {
    let [one, two, three] =
        ["One", "Two", "Three"].map(|name| others::root(params(name, None)).pem());
    let ours = Bundle::parse((one.clone() + &two).as_bytes()).unwrap();
    let system = format!("# system\n{three}\n{two}{three}");
    let text = env::combined(&ours, system.as_bytes()).unwrap();
    let all = Bundle::parse(text.as_bytes()).unwrap();
    assert_eq!(all.roots().len(), 3);
    assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 3);
    assert!(text.starts_with("# O=Example Corp, CN=One\n"));
    assert_eq!(env::combined(&ours, b""), Err(PemError::Empty));
    assert_eq!(env::combined(&ours, &system.as_bytes()[..700]), Err(PemError::Damaged(2)));
}
