//! What OpenSSL makes of it.

use std::path::Path;
use std::process::{Command, Output};

use sark_ca::{Authority, Below, Constraints, Host, Profile};
use sark_core::secret::Secret;
use tempfile::TempDir;

use crate::client::{leaves, shake};
use crate::now;

fn run(directory: &Path, arguments: &str) -> Output {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(directory).env("OPENSSL_CONF", "/dev/null");
    command.output().unwrap_or_else(|error| panic!("openssl: {error}; apt-get install openssl"))
}

fn openssl(directory: &Path, arguments: &str) -> String {
    let output = run(directory, arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{arguments} {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

fn put(directory: &TempDir, name: &str, text: &str) {
    std::fs::write(directory.path().join(name), text).unwrap();
}

fn pem(der: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("der"), der).unwrap();
    openssl(directory.path(), "x509 -inform der -in der")
}

/// Which flags are those of strict readers: RFC 5280's words, and no weak keys.
const STRICT: &str =
    "verify -x509_strict -check_ss_sig -auth_level 2 -purpose sslserver -attime 1795953600";

#[test]
fn it_verifies_leaves() {
    let profile = Profile {
        organization: Some("Example Corp".into()),
        constraints: Constraints {
            permitted_names: vec!["example.com".into()],
            permitted_networks: vec![
                "192.0.2.0/24".parse().unwrap(),
                "2001:db8::/32".parse().unwrap(),
            ],
            ..Constraints::default()
        },
        ..Profile::named("SARK root")
    };
    let root = Authority::root(&profile, Below::Intermediate, now()).unwrap();
    let below = root.intermediate(&Profile::named("SARK issuing"), now()).unwrap();
    assert_eq!(now().as_second(), 1_795_953_600);
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "root.pem", &root.chain_pem());
    put(&directory, "below.pem", &pem(below.issuing().der()));
    let text = openssl(directory.path(), "x509 -in root.pem -noout -text");
    for part in [
        "Issuer: O = Example Corp, CN = SARK root",
        "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:1",
        "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign",
        "X509v3 Name Constraints: critical",
        "DNS:example.com",
        "IP:192.0.2.0/255.255.255.0",
        "X509v3 Subject Key Identifier",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let print = openssl(directory.path(), "x509 -in root.pem -noout -fingerprint -sha256");
    assert!(print.contains(&root.issuing().fingerprint().to_string()), "{print}");
    let leaves = leaves(below, now());
    let long = format!("{}.example.com", "a".repeat(60));
    for (host, check) in [
        (Host::dns("api.example.com").unwrap(), "-verify_hostname api.example.com".to_owned()),
        (Host::dns(&long).unwrap(), format!("-verify_hostname {long}")),
        (Host::from(std::net::IpAddr::from([192, 0, 2, 1])), "-verify_ip 192.0.2.1".to_owned()),
        (
            Host::from("2001:db8::1".parse::<std::net::IpAddr>().unwrap()),
            "-verify_ip 2001:db8::1".to_owned(),
        ),
    ] {
        let leaf = leaves.get(&host, now()).unwrap();
        put(&directory, "leaf.pem", &pem(&leaf.cert[0]));
        let verify = format!("{STRICT} {check} -CAfile root.pem -untrusted below.pem leaf.pem");
        assert_eq!(openssl(directory.path(), &verify), "leaf.pem: OK\n");
    }
    let text = openssl(directory.path(), "x509 -in leaf.pem -noout -text");
    for part in [
        "TLS Web Server Authentication",
        "X509v3 Key Usage: critical\n                Digital Signature",
        "IP Address:2001:DB8:0:0:0:0:0:1",
        "Not Before: Nov 29 11:00:00 2026 GMT",
        "Not After : Dec  2 12:00:00 2026 GMT",
        "Signature Algorithm: ecdsa-with-SHA256",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let verify = format!(
        "{STRICT} -verify_hostname www.example.com -CAfile root.pem -untrusted below.pem leaf.pem"
    );
    assert!(!run(directory.path(), &verify).status.success());
}

/// Keys of each kind and in each form; and the name that directories of enterprises have, with several
/// components of one kind, which must be the leaf's issuer octet for octet.
#[test]
fn its_authorities_are_imported() {
    let directory = tempfile::tempdir().unwrap();
    let extensions = "[req]\ndistinguished_name=dn\nx509_extensions=ca\nprompt=no\n[dn]\n0.DC=com\n\
                      1.DC=example\n2.DC=corp\n0.OU=PKI\n1.OU=Proxies\nCN=Corp Issuing CA\n[ca]\n\
                      basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n\
                      subjectKeyIdentifier=hash\n";
    put(&directory, "ca.cnf", extensions);
    for (kind, make) in [
        (
            sark_ca::KeyKind::P256,
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
        ),
        (
            sark_ca::KeyKind::P384,
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem",
        ),
        (sark_ca::KeyKind::P256, "ecparam -name prime256v1 -genkey -out key.pem"),
        (
            sark_ca::KeyKind::Rsa,
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem",
        ),
        (sark_ca::KeyKind::Rsa, "genrsa -traditional -out key.pem 3072"),
    ] {
        openssl(directory.path(), make);
        openssl(
            directory.path(),
            "req -x509 -new -config ca.cnf -key key.pem -days 30 -out ca.pem",
        );
        let read = |name| std::fs::read_to_string(directory.path().join(name)).unwrap();
        let key = Secret::new(read("key.pem"));
        let made = openssl(directory.path(), "x509 -in ca.pem -noout -startdate -dateopt iso_8601");
        // OpenSSL has the machine's time, and so have we here.
        let at = made.trim().trim_start_matches("notBefore=").replace(' ', "T");
        let at = at.parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_hours(2);
        let authority = Authority::import(read("ca.pem").as_bytes(), &key, at).unwrap();
        assert_eq!(authority.key().kind(), kind, "{make}");
        assert!(authority.issuing().subject().contains("DC=corp"), "{:?}", authority.issuing());
        let again =
            Authority::import(authority.chain_pem().as_bytes(), &authority.key_pem(), at).unwrap();
        assert_eq!(again.chain(), authority.chain());
        let anchor = authority.issuing().der().clone();
        let leaves = leaves(authority, at);
        let shown = shake(&leaves, &[&anchor], "a.example", None, at).unwrap();
        put(&directory, "leaf.pem", &pem(&shown[0]));
        let verify = format!(
            "verify -x509_strict -attime {} -CAfile ca.pem -verify_hostname a.example leaf.pem",
            at.as_second()
        );
        assert_eq!(openssl(directory.path(), &verify), "leaf.pem: OK\n");
    }
    openssl(
        directory.path(),
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out key.pem",
    );
    let key = Secret::new(std::fs::read_to_string(directory.path().join("key.pem")).unwrap());
    assert_eq!(sark_ca::CaKey::from_pem(&key).unwrap_err(), sark_ca::KeyError::Unsupported);
}

#[test]
fn it_reads_the_bundle_and_the_keys() {
    let authority = Authority::root(&Profile::named("One"), Below::Leaves, now()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    put(&directory, "key.pem", authority.key_pem().reveal());
    put(&directory, "ca.pem", &authority.chain_pem());
    let of_key = openssl(directory.path(), "pkey -in key.pem -pubout");
    assert_eq!(of_key, openssl(directory.path(), "x509 -in ca.pem -noout -pubkey"));
    let other = Authority::root(&Profile::named("Two"), Below::Leaves, now()).unwrap();
    let both = authority.chain_pem() + &other.chain_pem();
    let bundle = sark_ca::Bundle::parse(both.as_bytes()).unwrap();
    put(&directory, "both.pem", &bundle.to_pem());
    for authority in [authority, other] {
        let leaf = leaves(authority, now()).get(&Host::dns("a.example").unwrap(), now()).unwrap();
        put(&directory, "leaf.pem", &pem(&leaf.cert[0]));
        openssl(directory.path(), &format!("{STRICT} -CAfile both.pem leaf.pem"));
    }
}
