//! Each form of the same few endpoints, as its tool gets it.
#![allow(clippy::unwrap_used, reason = "tests, helpers included")]

mod support;

use sark_export::{Form, Selection, Spared, export};
use sark_registry::{Kind, Role};
use support::{all, now, scene, spared};

/// Golden files are rewritten by `UPDATE_GOLDEN=1`.
fn compare(name: &str, text: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{path} differs (UPDATE_GOLDEN=1 rewrites it); now it is:\n{text}");
}

#[test]
fn eight_forms() {
    let snapshot = scene();
    let mut notes = String::new();
    for form in Form::ALL {
        let exported = all(&snapshot, *form, false);
        compare(&format!("scene.{form}"), &exported.text);
        for note in exported.notes {
            notes.push_str(&format!("{form}: {note}\n"));
        }
    }
    compare("notes.txt", &notes);
}

#[test]
fn the_same_registry_is_the_same_document() {
    for form in Form::ALL {
        assert_eq!(all(&scene(), *form, true), all(&scene(), *form, true), "{form}");
    }
}

/// What an endpoint says of itself is the least: one of its addresses lies in a content network.
#[test]
fn an_address_in_a_shared_range_is_left_out_whatever_its_endpoint_says() {
    for form in [Form::Nftables, Form::Zeek, Form::Suricata, Form::Stix] {
        let (few, many) = (all(&scene(), form, false), all(&scene(), form, true));
        for address in ["203.0.113.9", "203.0.113.80"] {
            assert!(!few.text.contains(address), "{form}: {address}");
            assert!(many.text.contains(address), "{form}: {address}");
        }
        assert!(few.notes.iter().any(|note| note.starts_with("3 addresses")), "{:?}", few.notes);
        assert!(!many.notes.iter().any(|note| note.contains(" sites ")), "{:?}", many.notes);
    }
    let csv = all(&scene(), Form::Csv, false).text;
    assert!(csv.contains(",cdn,false,prefix,203.0.113.9/32\r\n"), "{csv}");
}

/// What must not be touched is in no form that is blocked by, whichever version is exported.
#[test]
fn what_is_spared_is_left_out() {
    let mut notes = String::new();
    for form in [Form::Nftables, Form::Rpz, Form::Hosts, Form::Zeek, Form::Suricata, Form::Stix] {
        let exported = export(&scene(), form, &Selection::default(), &spared(), now());
        compare(&format!("spared.{form}"), &exported.text);
        for word in ["192.0.2.0/26", "192.0.2.1/", "192.0.2.1'", "198.51.100.7", "\"api.models."] {
            assert!(!exported.text.contains(word), "{form}: {word}");
        }
        for note in exported.notes {
            notes.push_str(&format!("{form}: {note}\n"));
        }
    }
    compare("spared-notes.txt", &notes);
    // Data says what was.
    for form in [Form::Json, Form::Csv] {
        let data = export(&scene(), form, &Selection::default(), &spared(), now());
        assert_eq!(data, all(&scene(), form, false));
    }
}

/// Loaded again, a set replaces what was there: also when nothing is left for it.
#[test]
fn a_set_with_nothing_left_is_emptied() {
    let sets = |selection: Selection| {
        let text = export(&scene(), Form::Nftables, &selection, &Spared::default(), now()).text;
        let of = |prefix: &str| {
            let lines = text.lines().filter_map(|line| line.trim().strip_prefix(prefix));
            lines.map(|line| line.trim_end_matches(" {").to_owned()).collect::<Vec<_>>()
        };
        let flushed = of("flush set inet sark ");
        assert_eq!(of("set "), flushed, "{text}");
        assert!(!text.contains("{\n\n}"), "{text}");
        (flushed, of("add element inet sark "))
    };
    let any = Selection::default();
    // Addresses of a content network; endpoints that their owner does not confirm.
    let front = Selection { providers: vec!["front".into()], ..any.clone() };
    assert_eq!(sets(front), (vec!["front_asset_v4".into(), "front_asset_v6".into()], vec![]));
    let verified = Selection { kinds: vec![Kind::Vpn], verified: true, ..any };
    let both = vec!["p_3relays_vpn_v4".to_owned(), "p_3relays_vpn_v6".to_owned()];
    assert_eq!(sets(verified.clone()), (both.clone(), vec![]));
    let (flushed, filled) = sets(Selection { verified: false, ..verified });
    assert_eq!((&flushed, filled.as_slice()), (&both, &both[..1]));
}

#[test]
fn a_selection_selects() {
    let ids = |selection: Selection| {
        let text = export(&scene(), Form::Json, &selection, &Spared::default(), now()).text;
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let endpoints = document["endpoints"].as_array().unwrap();
        endpoints.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let any = Selection::default();
    assert_eq!(ids(any.clone()), ["3relays/entries", "front/ranges", "models/api"]);
    assert_eq!(ids(Selection { kinds: vec![Kind::Vpn], ..any.clone() }), ["3relays/entries"]);
    let egress = Selection { roles: vec![Role::Egress], ..any.clone() };
    assert_eq!(ids(egress.clone()), ["models/agents"]);
    assert_eq!(ids(Selection { verified: true, ..any.clone() }), ["front/ranges", "models/api"]);
    let front = Selection { providers: vec!["front".into(), "models".into()], ..any.clone() };
    assert_eq!(front.check(&scene()), Ok(()));
    assert_eq!(ids(front), ["front/ranges", "models/api"]);
    let misspelt = Selection { providers: vec!["modles".into()], ..any };
    assert_eq!(misspelt.check(&scene()).unwrap_err().nearest.as_deref(), Some("models"));
    // Who connects from there is nobody's destination.
    let exported = export(&scene(), Form::Nftables, &egress, &Spared::default(), now());
    assert!(!exported.text.contains("192.0.2.64"), "{}", exported.text);
    assert_eq!(exported.notes.len(), 2, "{:?}", exported.notes);
}
