//! Clients believe the leaves.

use std::net::IpAddr;
use std::sync::Arc;

use proptest::collection;
use proptest::prelude::*;
use rustls::pki_types::CertificateDer;
use sark_ca::{Authority, Below, Constraints, Host, LeafError, Leaves, Profile};
use x509_parser::prelude::*;

use crate::client::{leaves, shake, verify};
use crate::{days, now, others, root};

#[test]
fn a_leaf_of_the_root_itself() {
    let authority = root();
    let anchor = authority.issuing().der().clone();
    let leaves = leaves(authority, now());
    let shown = shake(&leaves, &[&anchor], "api.example.com", None, now()).unwrap();
    assert_eq!(shown.len(), 1, "the root is left out");
    // An hour ago, for clients whose clock is behind; and to the end.
    for (days_later, good) in [(0, true), (3, true), (4, false), (-1, false)] {
        let verified = verify(&shown, &anchor, "api.example.com", now() + days(days_later));
        assert_eq!(verified.is_ok(), good, "{days_later} {verified:?}");
    }
    verify(&shown, &anchor, "API.example.com", now() - jiff::SignedDuration::from_mins(59))
        .unwrap();
    verify(&shown, &anchor, "www.example.com", now()).unwrap_err();
}

#[test]
fn a_leaf_of_an_intermediate() {
    let root = Authority::root(&Profile::named("Root"), Below::Intermediate, now()).unwrap();
    let below = root.intermediate(&Profile::named("Below"), now()).unwrap();
    assert_eq!((root.issuing().path_length(), below.issuing().path_length()), (Some(1), Some(0)));
    assert!(below.issuing().not_after() <= root.issuing().not_after());
    let anchor = root.issuing().der().clone();
    let leaves = leaves(below, now());
    let shown = shake(&leaves, &[&anchor], "a.example", None, now()).unwrap();
    assert_eq!(shown.len(), 2, "leaf and intermediate");
}

#[test]
fn clients_of_addresses() {
    let authority = root();
    let anchor = authority.issuing().der().clone();
    let leaves = leaves(authority, now());
    for address in ["192.0.2.1", "2001:db8::1"] {
        let to: IpAddr = address.parse().unwrap();
        shake(&leaves, &[&anchor], address, Some(to), now()).unwrap();
    }
    // Who asks for a name gets it, wherever the connection went.
    let to = "192.0.2.1".parse().ok();
    shake(&leaves, &[&anchor], "a.example", to, now()).unwrap();
    // And who neither asks nor came to a place that we know of gets none.
    shake(&leaves, &[&anchor], "192.0.2.1", None, now()).unwrap_err();
    assert_eq!(leaves.minted(), 3);
}

#[test]
fn others_are_not_believed() {
    let (ours, others) = (root(), root());
    let anchor = others.issuing().der().clone();
    shake(&leaves(ours, now()), &[&anchor], "a.example", None, now()).unwrap_err();
}

/// P-384, and a name that libraries would write otherwise; RSA is OpenSSL's to make.
#[test]
fn an_imported_authority() {
    let mut params = others::params("Issuing \u{fc} CA", Some(0));
    params.key_usages.clear();
    let issuer = rcgen::CertifiedIssuer::self_signed(params, others::p384()).unwrap();
    let key = others::key(&issuer);
    let authority = Authority::import(issuer.pem().as_bytes(), &key, now()).unwrap();
    assert_eq!(authority.key().kind(), sark_ca::KeyKind::P384);
    let shown = shake(&leaves(authority, now()), &[issuer.der()], "a.example", None, now());
    shown.unwrap();
}

#[test]
fn what_a_leaf_says() {
    let authority = root();
    let issuing = authority.issuing().clone();
    let leaves = leaves(authority, now());
    let long = format!("{}.example.com", "a".repeat(60));
    for (host, has_name) in [("api.example.com", true), (&long, false)] {
        let shown = leaves.get(&Host::dns(host).unwrap(), now()).unwrap();
        let (rest, leaf) = X509Certificate::from_der(&shown.cert[0]).unwrap();
        assert!(rest.is_empty());
        assert_eq!(leaf.version(), X509Version::V3);
        assert_eq!(leaf.raw_serial().len(), 16);
        assert_eq!(leaf.subject().iter_common_name().count() == 1, has_name);
        let san = leaf.subject_alternative_name().unwrap().unwrap();
        assert_eq!(san.value.general_names, [GeneralName::DNSName(host)]);
        assert_eq!(san.critical, !has_name);
        let usage = leaf.key_usage().unwrap().unwrap();
        assert!(usage.critical && usage.value.digital_signature() && !usage.value.key_cert_sign());
        let purposes = leaf.extended_key_usage().unwrap().unwrap().value;
        assert!(purposes.server_auth && !purposes.client_auth && !purposes.any);
        assert!(!leaf.is_ca());
        let (_, issuer) = X509Certificate::from_der(issuing.der()).unwrap();
        let ids = |certificate: &X509Certificate<'_>| {
            let mut ids = (None, None);
            for extension in certificate.extensions() {
                match extension.parsed_extension() {
                    ParsedExtension::SubjectKeyIdentifier(id) => ids.0 = Some(id.0.to_vec()),
                    ParsedExtension::AuthorityKeyIdentifier(id) => {
                        ids.1 = id.key_identifier.as_ref().map(|id| id.0.to_vec());
                    }
                    _ => {}
                }
            }
            ids
        };
        assert_eq!(ids(&leaf).1, ids(&issuer).0);
        assert!(ids(&leaf).0.is_some() && ids(&issuer).1 == ids(&issuer).0);
        leaf.verify_signature(Some(issuer.public_key())).unwrap();
    }
}

#[test]
fn constraints_hold_with_us_as_with_clients() {
    let constraints = Constraints {
        permitted_names: vec!["example.com".into()],
        excluded_names: vec!["bank.example.com".into()],
        permitted_networks: vec!["192.0.2.0/24".parse().unwrap()],
        ..Constraints::default()
    };
    let profile = Profile { constraints: constraints.clone(), ..Profile::named("Bounded") };
    let bounded = Authority::root(&profile, Below::Intermediate, now()).unwrap();
    assert_eq!(bounded.issuing().constraints(), &constraints);
    let anchor = bounded.issuing().der().clone();
    let bounded = bounded.intermediate(&Profile::named("Below"), now()).unwrap();
    let bounded = leaves(bounded, now());
    for (name, good) in [
        ("example.com", true),
        ("a.example.com", true),
        ("a.bank.example.com", false),
        ("an-example.com", false),
        ("a.test", false),
    ] {
        let host = Host::dns(name).unwrap();
        match bounded.get(&host, now()) {
            Ok(leaf) => verify(&leaf.cert, &anchor, name, now()).unwrap(),
            Err(error) => assert_eq!(error, LeafError::Constrained(host)),
        }
        assert_eq!(bounded.get(&Host::dns(name).unwrap(), now()).is_ok(), good, "{name}");
        assert_eq!(shake(&bounded, &[&anchor], name, None, now()).is_ok(), good, "{name}");
    }
    let address = |text: &str| bounded.get(&text.parse::<IpAddr>().unwrap().into(), now());
    assert!(address("192.0.2.7").is_ok() && address("198.51.100.1").is_err());
}

/// A leaf that we would refuse is refused by the client too: the leaf comes from an authority of the same
/// key that is not bounded.
#[test]
fn clients_apply_the_constraints_that_we_write() {
    let constraints =
        Constraints { permitted_names: vec!["example.com".into()], ..Constraints::default() };
    let profile = Profile { constraints, ..Profile::named("Bounded") };
    let bounded = Authority::root(&profile, Below::Intermediate, now()).unwrap();
    let below = bounded.intermediate(&Profile::named("Below"), now()).unwrap();
    let [first, ..] = below.chain() else { panic!("no chain") };
    let pem = below.chain_pem();
    let alone = pem.split_inclusive("-----END CERTIFICATE-----").next().unwrap();
    let unbounded = Authority::import(alone.as_bytes(), &below.key_pem(), now()).unwrap();
    assert_eq!(unbounded.issuing(), first);
    let leaf = leaves(unbounded, now()).get(&Host::dns("a.test").unwrap(), now()).unwrap();
    verify(&leaf.cert, bounded.issuing().der(), "a.test", now()).unwrap_err();
}

fn label() -> impl Strategy<Value = String> {
    "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Any name that a client can ask for, it gets a leaf for that it believes.
    #[test]
    fn any_name(labels in collection::vec(label(), 1..6)) {
        thread_local!(static STAND: (Arc<Leaves>, CertificateDer<'static>) = {
            let authority = root();
            let anchor = authority.issuing().der().clone();
            (leaves(authority, now()), anchor)
        });
        let name = labels.join(".");
        let valid = rustls::pki_types::DnsName::try_from(name.as_str()).is_ok();
        match Host::dns(&name) {
            Ok(_) => STAND.with(|(leaves, anchor)| shake(leaves, &[anchor], &name, None, now()))
                .map(|_| ()).map_err(|error| TestCaseError::fail(format!("{name}: {error}")))?,
            Err(sark_ca::HostError::Address) => {}
            Err(error) => prop_assert!(!valid, "{name}: {error}"),
        }
    }

    #[test]
    fn any_address(octets in any::<[u8; 16]>(), v4 in any::<bool>()) {
        let [a, b, c, d, ..] = octets;
        let address: IpAddr = if v4 { [a, b, c, d].into() } else { octets.into() };
        let authority = root();
        let anchor = authority.issuing().der().clone();
        let leaves = leaves(authority, now());
        let shown = leaves.get(&address.into(), now()).unwrap();
        let address = address.to_canonical().to_string();
        verify(&shown.cert, &anchor, &address, now()).unwrap();
    }

    #[test]
    fn no_octets_make_it_panic(octets in collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
        let _ = sark_ca::CaCertificate::parse(octets.clone().into());
        let _ = sark_ca::Bundle::parse(&octets);
        let _ = Host::dns(&text);
        let _ = text.parse::<sark_ca::Fingerprint>();
    }
}
