//! Leaves are minted once, are never shown for too long, and share a key for a day.

use std::sync::{Arc, Barrier};

use jiff::SignedDuration;
use rustls::pki_types::CertificateDer;
use sark_ca::{Authority, Below, Host, LeafConfig, LeafError, Leaves, LeavesError, Profile};
use x509_parser::prelude::*;

use crate::client::leaves;
use crate::{days, now, root};

fn public_key(leaf: &CertificateDer<'_>) -> Vec<u8> {
    let (_, leaf) = X509Certificate::from_der(leaf).unwrap();
    leaf.public_key().raw.to_vec()
}

#[test]
fn one_is_kept_until_half_of_its_life_at_most() {
    let leaves = leaves(root(), now());
    let (host, other) = (Host::dns("a.example").unwrap(), Host::dns("b.example").unwrap());
    let first = leaves.get(&host, now()).unwrap();
    assert!(Arc::ptr_eq(
        &first,
        &leaves.get(&host, now() + days(1) - SignedDuration::from_secs(1)).unwrap()
    ));
    let other = leaves.get(&other, now()).unwrap();
    assert_eq!(public_key(&first.cert[0]), public_key(&other.cert[0]), "one key for all");
    assert_eq!(leaves.minted(), 2);
    let second = leaves.get(&host, now() + days(1)).unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    assert_ne!(
        public_key(&first.cert[0]),
        public_key(&second.cert[0]),
        "and a new one a day later"
    );
    // A clock that was set back: what is not valid yet is not shown.
    let third = leaves.get(&host, now() - days(2)).unwrap();
    assert!(!Arc::ptr_eq(&second, &third));
    assert_eq!((leaves.minted(), leaves.len()), (4, 2));
}

#[test]
fn many_who_ask_at_once_wait_for_one() {
    let leaves = leaves(root(), now());
    let barrier = Barrier::new(8);
    for round in 0..50 {
        let at = now() + days(round);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    leaves.get(&Host::dns("a.example").unwrap(), at).unwrap()
                });
            }
        });
        assert_eq!(leaves.minted(), u64::try_from(round).unwrap() + 1);
    }
}

#[test]
fn no_more_than_the_capacity_are_kept() {
    let config = LeafConfig { capacity: 64, ..LeafConfig::default() };
    let leaves = Leaves::new(Arc::new(root()), config, now()).unwrap();
    for number in 0..1000 {
        leaves.get(&Host::dns(&format!("a{number}.example")).unwrap(), now()).unwrap();
    }
    assert!((1..=64).contains(&leaves.len()), "{}", leaves.len());
}

#[test]
fn a_leaf_ends_with_its_authority() {
    let profile = Profile::named("Short").valid_for_days(2);
    let authority = Authority::root(&profile, Below::Leaves, now()).unwrap();
    let end = authority.not_after();
    let leaves = leaves(authority, now());
    let host = Host::dns("a.example").unwrap();
    for (later, good) in [(0, true), (47, true), (48, false), (1000, false)] {
        let at = now() + SignedDuration::from_hours(later);
        match leaves.get(&host, at) {
            Ok(leaf) => {
                assert!(good);
                let (_, leaf) = X509Certificate::from_der(&leaf.cert[0]).unwrap();
                assert!(leaf.validity().not_after.timestamp() <= end.as_second());
                assert!(leaf.validity().not_after.timestamp() > at.as_second());
            }
            Err(error) => assert_eq!((error, good), (LeafError::Expired(end), false)),
        }
    }
}

#[test]
fn what_is_configured_is_checked() {
    let good = LeafConfig::default();
    assert_eq!(good.check(), Ok(()));
    for (wrong, error) in [
        (LeafConfig { lifetime: days(8), ..good }, LeavesError::Lifetime),
        (LeafConfig { lifetime: SignedDuration::from_hours(23), ..good }, LeavesError::Lifetime),
        (LeafConfig { shown: days(2), ..good }, LeavesError::Shown),
        (LeafConfig { shown: SignedDuration::ZERO, ..good }, LeavesError::Shown),
        (LeafConfig { key_age: days(30), ..good }, LeavesError::KeyAge),
        (LeafConfig { capacity: 0, ..good }, LeavesError::Capacity),
    ] {
        assert_eq!(wrong.check(), Err(error));
        assert_eq!(Leaves::new(Arc::new(root()), wrong, now()).unwrap_err(), error);
    }
}

#[test]
fn no_key_is_printed() {
    let authority = root();
    let key = authority.key_pem();
    let secret: String = key.reveal().lines().nth(1).unwrap().chars().take(20).collect();
    let printed = format!("{authority:?} {key:?} {:?}", leaves(root(), now()));
    assert!(!printed.contains(&secret) && printed.contains("***"), "{printed}");
}
