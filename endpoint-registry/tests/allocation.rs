//! Questions that a packet or a flow asks do not allocate.

use std::hint::black_box;

use allocation_counter::measure;
use sark_registry::Snapshot;

#[path = "../benches/support/mod.rs"]
mod support;
use support::{Random, mix};

#[test]
fn lookups_do_not_allocate() {
    // The counter counts.
    assert_eq!(measure(|| drop(black_box(vec![7u64; 9]))).count_total, 1);
    let mut endpoints = mix::endpoints(50_000, 25_000);
    mix::learn(&mut endpoints, 500);
    let snapshot = Snapshot::build(endpoints);
    let mut random = Random(1);
    let (mut asked, mut names) = (Vec::new(), Vec::new());
    for endpoint in snapshot.endpoints() {
        let prefixes = &endpoint.prefixes;
        asked.push(prefixes[random.below(prefixes.len() as u64) as usize]);
        asked.push(std::net::IpAddr::from((random.next() as u32).to_be_bytes()).into());
        names.extend(endpoint.names.first().map(|name| name.as_str().replace('*', "x.y")));
        names.push(format!("{}.nobody.example", random.next()));
    }
    let mut hits = [0usize; 5];
    let mut effective = 0;
    let counted = measure(|| {
        for net in &asked {
            let address = net.network();
            hits[0] += usize::from(snapshot.longest_match(address).is_some());
            hits[1] += snapshot.covering(address).count();
            hits[2] += snapshot.overlaps(*net).count();
            for hit in snapshot.overlaps(*net).take(3) {
                hits[3] += 1;
                effective += snapshot.effective_sharedness(hit.endpoint, hit.prefix) as usize;
            }
        }
        for name in &names {
            snapshot.visit_name(name, |_| hits[4] += 1);
        }
    });
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0));
    // They were questions that have answers.
    assert!(hits.iter().all(|hits| *hits > snapshot.endpoints().len() / 2), "{hits:?}");
    assert!(effective > 0);
    let hit = snapshot.longest_match(asked[0].network()).unwrap();
    assert!(hit.prefix.contains(&asked[0].network()));
}
