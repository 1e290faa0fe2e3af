//! Where things are: the checkout, and the directory builds go to.

use std::path::{Path, PathBuf};

/// The two directories everything is relative to.
#[derive(Debug, Clone)]
pub struct Place {
    /// The checkout.
    pub root: PathBuf,
    /// Cargo's target directory, where all we make lies too.
    pub target: PathBuf,
}

impl Place {
    /// From where this program was built and where it lies.
    pub fn find() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.ancestors().nth(2).unwrap_or(here).to_path_buf();
        let exe = std::env::current_exe().unwrap_or_default();
        let target = exe
            .ancestors()
            .find(|dir| dir.join("CACHEDIR.TAG").is_file())
            .map_or_else(|| root.join("target"), Path::to_path_buf);
        Self { root, target }
    }

    /// A program of ours, built with this one.
    pub fn built(&self, program: &str) -> PathBuf {
        std::env::current_exe().unwrap_or_default().with_file_name(program)
    }
}

/// True where a skipped test is a failure.
pub fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}
