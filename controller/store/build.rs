//! A migration that is added is compiled in: `OUT_DIR/ENGINE.rs` is a list of names and texts.

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    for engine in ["sqlite", "postgres"] {
        let (directory, mut list) =
            (Path::new(&here).join("migrations").join(engine), "&[".to_owned());
        let files = std::fs::read_dir(&directory).expect("the migrations are there");
        let mut files: Vec<_> =
            files.map(|file| file.expect("the migrations can be listed").path()).collect();
        files.sort();
        for path in files {
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
            let _ = write!(list, "({name:?}, include_str!({path:?})), ");
        }
        list.push(']');
        std::fs::write(Path::new(&out).join(engine).with_extension("rs"), list)
            .expect("it is written");
    }
}
