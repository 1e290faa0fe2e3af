//! `sark-proxy`, as it is shipped: its program, the shipped decision set, and records on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sark_api::{EndpointView, ProxySet, ProxySnapshot};
use sark_ca::{CaDirectory, Overwrite, Plan, Profile};
use sark_core::storage::PolicyFile;
use sark_core::{Clock as _, SystemClock};
use sark_policy::decision::{DecisionSet, Limits, SetFile};
use sark_registry::{Snapshot, seed};

use crate::inside::{INSPECTED, MODELS, OTHER};
use crate::program::{Running, directory};
use crate::rivals::{BULK, OPENED, Place, SERVER, SOURCE, TIED, UNDECIDED};

/// Where the stand-in for `sarkd` is.
pub fn socket(place: &Place) -> PathBuf {
    place.directory.join("sarkd.sock")
}

pub fn start(place: &Place) -> Running {
    let at = directory(&place.directory, "sark");
    // Names are looked up by the proxy, as everywhere.
    let reverse = [
        (OPENED, MODELS, SERVER),
        (UNDECIDED, INSPECTED, SERVER),
        (TIED, OTHER, SERVER),
        (BULK, OTHER, SOURCE),
    ]
    .map(|(listen, to, port)| {
        format!("  - {{ listen: 127.0.0.1:{listen}, to: {to}, port: {port} }}\n")
    });
    let text = format!(
        "reverse:\n{}courses: {{ inspect: [{INSPECTED}] }}\nsarkd: {{ socket: {} }}\nupstream: {{ roots: [{}], each: 512 }}\n\
         limits: {{ eachClient: 10000 }}\nstate: {{ directory: {}, mostOctets: 8589934592 }}\n\
         metrics: {{ listen: null }}\nlog: {{ filter: warn }}\n",
        reverse.concat(),
        socket(place).display(),
        place.certificates.root.display(),
        at.display(),
    );
    let file = at.join("proxy.yaml");
    fs::write(&file, text).unwrap();
    fs::write(at.join("snapshot.json"), snapshot()).unwrap();
    let program = PathBuf::from(std::env::var_os("SARK_PROXY").unwrap());
    let plan = Plan { root: Profile::named("bench"), intermediate: None };
    CaDirectory::at(at.join("ca")).create(&plan, Overwrite::Refuse, SystemClock.now()).unwrap();
    let mut command = Command::new(&program);
    command.arg("-c").arg(&file);
    Running::start(&command, &[place.cores.proxy], at.join("log"), &[OPENED, TIED])
}

/// What `sarkd` would have given: the seed of the registry, and the shipped set.
fn snapshot() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/decision");
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            files.push(SetFile { path: name, octets: fs::read(&path).unwrap() });
        }
    }
    let set = DecisionSet::load(&files, None, &Limits::default()).unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    let files = files
        .into_iter()
        .map(|file| PolicyFile { name: file.path, text: text(file.octets) })
        .collect();
    let registry = Snapshot::build(seed());
    let snapshot = ProxySnapshot {
        version: "benchmark".to_owned(),
        registry_version: registry.version().to_string(),
        endpoints: registry.endpoints().iter().map(EndpointView::from).collect(),
        active: Some(ProxySet { version: set.version().to_string(), files }),
        candidate: None,
        prices: None,
        price_version: None,
    };
    serde_json::to_vec(&snapshot).unwrap()
}
