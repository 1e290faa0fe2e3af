//! What is imported is what clients will believe; anything else is refused, and says why.

use rcgen::{ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use sark_ca::{Authority, CaKey, ImportError, KeyError, PemError};
use sark_core::secret::Secret;

use crate::others::{self, below, key, params, root};
use crate::{now, told};

fn import(chain: &str, key: &Secret) -> Result<Authority, ImportError> {
    Authority::import(chain.as_bytes(), key, now())
}

fn refused(chain: &str, key: &Secret) -> String {
    told(&import(chain, key).unwrap_err())
}

#[test]
fn chains() {
    let root = root(params("Root", Some(1)));
    let issuing = below(&root, params("Issuing", Some(0)));
    let (chain, alone) = (issuing.pem() + &root.pem(), issuing.pem());
    assert_eq!(import(&chain, &key(&issuing)).unwrap().chain().len(), 2);
    assert_eq!(import(&alone, &key(&issuing)).unwrap().chain().len(), 1);
    let with_text =
        format!("Subject: x\n{alone}\nIssuer: y\r\n{}", root.pem().replace('\n', "\r\n"));
    assert_eq!(import(&with_text, &key(&issuing)).unwrap().chain().len(), 2);
    assert_eq!(
        refused(&(root.pem() + &issuing.pem()), &key(&issuing)),
        "the key is that of certificate 2, O=Example Corp, CN=Issuing, which should be the first"
    );
    assert_eq!(
        refused(&chain, &Secret::new(others::p256().serialize_pem())),
        "the key is not that of O=Example Corp, CN=Issuing"
    );
    let other = others::root(params("Root", Some(1)));
    for wrong in [issuing.pem() + &other.pem(), issuing.pem() + &issuing.pem()] {
        assert_eq!(
            refused(&wrong, &key(&issuing)),
            "certificate 1, O=Example Corp, CN=Issuing, is not signed by the next one: \
             O=Example Corp, CN=Root should follow"
        );
    }
    let long = issuing.pem() + &root.pem().repeat(8);
    assert!(matches!(import(&long, &key(&issuing)), Err(ImportError::Long(9))));
}

#[test]
fn authorities_that_may_not() {
    let case = |change: fn(&mut rcgen::CertificateParams)| {
        let mut params = params("Odd", None);
        change(&mut params);
        let odd = root(params);
        refused(&odd.pem(), &key(&odd))
    };
    let name = "O=Example Corp, CN=Odd";
    assert_eq!(
        case(|params| params.is_ca = IsCa::NoCa),
        format!("{name} is no certificate authority (basicConstraints)")
    );
    assert_eq!(
        case(|params| params.is_ca = IsCa::ExplicitNoCa),
        format!("{name} is no certificate authority (basicConstraints)")
    );
    assert_eq!(
        case(|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]),
        format!("{name} may not sign certificates (keyUsage)")
    );
    assert_eq!(
        case(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
        format!("{name} may not vouch for servers (extKeyUsage)")
    );
    assert_eq!(
        case(|params| params.not_after = rcgen::date_time_ymd(2026, 11, 1)),
        format!("{name} has expired at 2026-11-01T00:00:00Z")
    );
    assert_eq!(
        case(|params| params.not_before = rcgen::date_time_ymd(2027, 1, 1)),
        format!("{name} is not valid before 2027-01-01T00:00:00Z")
    );
    assert_eq!(
        case(|params| {
            let mut own = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            own.set_criticality(true);
            params.custom_extensions.push(own);
        }),
        format!("{name} has a critical extension that clients will not know, 1.2.3.4")
    );
    let root = root(params("Root", Some(0)));
    let issuing = below(&root, params("Issuing", Some(0)));
    assert_eq!(
        refused(&(issuing.pem() + &root.pem()), &key(&issuing)),
        "O=Example Corp, CN=Root allows 0 authorities below it, and has 1"
    );
    let good = others::root(params("Good", Some(0)));
    let late = Authority::import(good.pem().as_bytes(), &key(&good), others::after()).unwrap_err();
    assert!(matches!(late, ImportError::Expired { .. }));
}

#[test]
fn damaged_texts() {
    let good = root(params("Good", Some(0)));
    let (chain, secret) = (good.pem(), key(&good));
    for length in 0..chain.len() - 1 {
        // Without the last line, and with less.
        let error = import(&chain[..length], &secret).unwrap_err();
        assert!(matches!(error, ImportError::Pem(_)), "{length} {error:?}");
    }
    for length in 0..secret.reveal().len() - 1 {
        let error = import(&chain, &Secret::new(secret.reveal()[..length].to_owned())).unwrap_err();
        assert!(matches!(error, ImportError::Key(_)), "{length} {error:?}");
        assert!(!format!("{error:?}{}", told(&error)).contains(&secret.reveal()[40..60]));
    }
    // A bit of the certificate is another: it is no certificate, or was signed otherwise.
    let der = good.der().to_vec();
    for place in 0..der.len() {
        let mut der = der.clone();
        der[place] ^= 1;
        let bundle = sark_ca::CaCertificate::parse(der.into());
        assert!(!bundle.is_ok_and(|c| c.is_root()), "{place}");
    }
    let large = chain.repeat(4000);
    assert!(matches!(import(&large, &secret), Err(ImportError::Pem(PemError::Large(_)))));
    assert!(matches!(import("", &secret), Err(ImportError::Pem(PemError::Empty))));
    let key = |text: String| CaKey::from_pem(&Secret::new(text)).unwrap_err();
    assert_eq!(key(secret.reveal().repeat(2)), KeyError::Several);
    assert_eq!(key(chain.clone()), KeyError::Missing);
    assert_eq!(key("x".repeat(2 << 20)), KeyError::Damaged);
    let encrypted = secret.reveal().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert_eq!(key(encrypted), KeyError::Encrypted);
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    assert_eq!(key(ed25519.serialize_pem()), KeyError::Unsupported);
}

#[test]
fn names_are_printable() {
    let odd = root(params("x\n-----BEGIN CERTIFICATE-----\u{1b}[31m", Some(0)));
    let authority = import(&odd.pem(), &key(&odd)).unwrap();
    let name = authority.issuing().subject();
    assert!(name.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{name}");
    let again = import(&authority.chain_pem(), &authority.key_pem()).unwrap();
    assert_eq!(again.chain(), authority.chain());
}
