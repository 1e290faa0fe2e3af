//! `docs/configuration.md` against the types: it loads, it names every key, and what it shows as
//! default is the default.
#![allow(clippy::unwrap_used, reason = "tests, helpers included")]

use std::collections::BTreeSet;

use sark_api::config::load;
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/configuration.md");

fn examples() -> Vec<&'static str> {
    PAGE.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_page_shows_every_key_and_its_default() {
    let [small, whole] = examples()[..] else { panic!("two examples") };
    let small = load("small", small, [], &[]).unwrap();
    let config = load("whole", whole, [], &[]).unwrap();

    let written: Value = sark_core::document::parse("whole", whole).unwrap().remove(0).value;
    let known = serde_json::to_value(&config).unwrap();
    assert_eq!(paths(&written), paths(&known));

    assert_eq!(
        (&config.state, &config.store, &config.api, &config.metrics, &config.log, &config.bgp),
        (&small.state, &small.store, &small.api, &small.metrics, &small.log, &small.bgp)
    );
    assert_eq!((&config.registry, &config.reconcile), (&small.registry, &small.reconcile));
    assert_eq!(config.sensors, small.sensors);
    assert_eq!(config.audit, small.audit);
}

#[test]
fn the_page_of_the_store_shows_every_key_of_postgres() {
    let page = include_str!("../../../docs/store.md");
    let shown = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let text = format!("bgp: {{ asn: 64512, routerId: 192.0.2.1 }}\n{shown}");
    let config = load("store", &text, [], &[]).unwrap();
    let known = serde_json::to_value(config.store.postgres.unwrap()).unwrap();
    for (key, value) in known.as_object().unwrap() {
        // The other way to say it.
        assert!(key == "url" || !value.is_null(), "{key}");
    }
}

/// All keys, with those above them; lists are seen through.
fn paths(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![(String::new(), value)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let path = format!("{path}.{key}");
                    found.insert(path.clone());
                    open.push((path, value));
                }
            }
            Value::Array(items) => open.extend(items.iter().map(|item| (path.clone(), item))),
            _ => {}
        }
    }
    found
}
