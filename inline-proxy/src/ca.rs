//! `sark-proxy ca`: the authority in the state directory, by hand. A running proxy takes another one at its
//! next start.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use sark_ca::env::{Paths, Shell, combined, render};
use sark_ca::{CaDirectory, Overwrite, Plan, Profile};
use sark_core::secret::Secret;

use crate::args::CaCommand;

/// Certificates that end within this are told of.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The directory.
    #[error(transparent)]
    State(#[from] sark_ca::StateError),
    /// A file.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: String,
        /// Cause.
        source: std::io::Error,
    },
    /// A fingerprint.
    #[error(transparent)]
    Fingerprint(#[from] sark_ca::FingerprintError),
    /// A shell.
    #[error("{0:?} is no shell: sh, fish, powershell or json")]
    Shell(String),
    /// The system's roots.
    #[error("the system's roots cannot be read")]
    System(#[from] sark_ca::PemError),
    /// A path.
    #[error(transparent)]
    Env(#[from] sark_ca::env::EnvError),
    /// A defect.
    #[error("what there is cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Does it, in `state`. What is said of it is data, for stdout.
pub fn run(command: &CaCommand, state: &Path, now: Timestamp) -> Result<String, CaError> {
    let directory = CaDirectory::at(state.join("ca"));
    let overwrite = |replace: bool| if replace { Overwrite::Replace } else { Overwrite::Refuse };
    let plan = |name: &str, days: u16| Plan {
        root: Profile::named(name).valid_for_days(days),
        intermediate: None,
    };
    match command {
        CaCommand::Create { name, days, replace } => {
            make(state)?;
            directory.create(&plan(name, *days), overwrite(*replace), now)?;
            Ok(format!("clients have to trust {}\n", directory.trusted().display()))
        }
        CaCommand::Import { chain, key, roots, replace } => {
            make(state)?;
            let chain = read(chain)?;
            let key = Secret::new(String::from_utf8_lossy(&read(key)?).into_owned());
            let roots = roots.as_deref().map(read).transpose()?;
            directory.import(&chain, &key, roots.as_deref(), overwrite(*replace), now)?;
            Ok(format!("clients have to trust {}\n", directory.trusted().display()))
        }
        CaCommand::Rotate { name, days } => {
            directory.rotate(&plan(name, *days), Overwrite::Refuse, now)?;
            let trusted = directory.trusted();
            Ok(format!("give clients {}, then: sark-proxy ca activate\n", trusted.display()))
        }
        CaCommand::Activate => {
            directory.activate(now)?;
            Ok("it issues from the next start on\n".to_owned())
        }
        CaCommand::Retire { fingerprint } => {
            directory.retire(fingerprint.parse()?)?;
            Ok(format!("{fingerprint} is trusted no more by who takes trusted.pem again\n"))
        }
        CaCommand::Show => Ok(serde_json::to_string_pretty(&directory.report(SOON, now))? + "\n"),
        CaCommand::Env { shell, system } => {
            let shell: Shell = shell.parse().map_err(|_| CaError::Shell(shell.clone()))?;
            let (_, bundle) = directory.load(now)?;
            let trusted = directory.trusted();
            let both = trusted.with_file_name("combined.pem");
            let text = combined(&bundle, &read(system)?)?;
            let failed = |source| CaError::File { path: both.display().to_string(), source };
            std::fs::write(&both, text).map_err(failed)?;
            let paths = Paths { trusted: &trusted, combined: Some(&both) };
            Ok(render(shell, paths)?)
        }
    }
}

fn make(state: &Path) -> Result<(), CaError> {
    let failed = |source| CaError::File { path: state.display().to_string(), source };
    std::fs::create_dir_all(state).map_err(failed)
}

fn read(path: &Path) -> Result<Vec<u8>, CaError> {
    let failed = |source| CaError::File { path: path.display().to_string(), source };
    std::fs::read(path).map_err(failed)
}
