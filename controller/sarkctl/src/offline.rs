//! The pure crates on files, without `sarkd`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sark_api::config::Config;
use sark_compiler::{Compiled, Environment, InputError, Profile, compile, rehearse};
use sark_core::document::Diagnostic;
use sark_core::storage::PolicyFile;
use sark_core::{Clock as _, SystemClock};
use sark_policy::PolicySet;
use sark_registry::Snapshot;

use crate::exit::Failure;
use crate::input;

/// What `sarkd` would know, from files.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Offline options")]
pub struct Inputs {
    /// sarkd's configuration: proxy pools, protected prefixes, peers and their profiles
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Endpoints to add to those that ship; may be repeated, of two with one id the later wins
    #[arg(long, value_name = "FILE")]
    pub registry: Vec<PathBuf>,
    /// What the routers accept and program [default: what all configured peers can do, or strict]
    #[arg(long, value_name = "NAME", value_parser = profile_names())]
    pub profile: Option<String>,
    /// The time to plan for [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = timestamp)]
    pub now: Option<Timestamp>,
}

/// A time on the command line.
pub fn timestamp(text: &str) -> Result<Timestamp, &'static str> {
    text.parse().map_err(|_| "not a time such as `2026-11-21T07:00:00Z`")
}

fn profile_names() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(Profile::NAMES)
}

/// All that a plan is made of, but the policies.
pub struct Offline {
    /// Endpoints.
    pub registry: Snapshot,
    /// Deployment.
    pub environment: Environment,
    /// Time.
    pub now: Timestamp,
}

/// Mistakes in files, each with its place.
#[derive(Debug, thiserror::Error)]
#[error("{} mistakes", .0.len())]
pub struct Mistakes(pub Vec<Diagnostic>);

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        Self::usage(mistakes)
    }
}

impl Inputs {
    /// The first of these that was given, to say that it needs `--offline`.
    pub fn given(&self) -> Option<&'static str> {
        [
            (self.config.is_some(), "--config"),
            (!self.registry.is_empty(), "--registry"),
            (self.profile.is_some(), "--profile"),
            (self.now.is_some(), "--now"),
        ]
        .into_iter()
        .find_map(|(given, name)| given.then_some(name))
    }

    /// Refuses offline options without `--offline`.
    pub fn refuse_online(&self) -> Result<(), Failure> {
        self.given().map_or(Ok(()), |name| {
            Err(Failure::usage(format!("{name} has a meaning only with --offline"))
                .next("add --offline; sarkd has its own configuration, registry and clock"))
        })
    }

    /// Reads and checks the files.
    pub fn load(&self) -> Result<Offline, Failure> {
        let mut overlays = Vec::new();
        let mut environment = match &self.config {
            Some(path) => {
                let config = config(path)?;
                overlays = config.registry.overlays.clone();
                config.environment()
            }
            None => unconfigured(),
        };
        if let Some(name) = &self.profile {
            environment.profile = profile(name)?;
        }
        overlays.extend(self.registry.iter().cloned());
        Ok(Offline {
            registry: registry(&overlays)?,
            environment,
            now: self.now.unwrap_or_else(|| SystemClock.now()),
        })
    }
}

impl Offline {
    /// The policy set of these files, compiled.
    pub fn compile(&self, paths: &[PathBuf]) -> Result<Compiled, Failure> {
        let files = input::policies(paths)?;
        let set = policies(&files)?;
        let activated = BTreeMap::new();
        let (registry, environment) = (&self.registry, &self.environment);
        let mut compiled =
            compile(&set, registry, environment, &activated, self.now).map_err(|unknown| {
                Mistakes(unknown.into_iter().map(|it| diagnostic(it, &files)).collect())
            })?;
        if compiled.refused.is_empty() {
            compiled.refuse(rehearse(&set, registry, environment, &activated, self.now));
        }
        Ok(compiled)
    }
}

/// With the line that it is about.
fn diagnostic(error: InputError, files: &[PolicyFile]) -> Diagnostic {
    let text = files.iter().find(|file| file.name == error.file).map_or("", |file| &file.text);
    let message = format!("policy {}: {}", error.policy, error.message);
    let line = text.lines().nth((error.line as usize).saturating_sub(1)).unwrap_or_default();
    let column = 1 + line.len() - line.trim_start().len();
    let column = u32::try_from(column).unwrap_or(1);
    let diagnostic = Diagnostic::at(&error.file, text, error.line, column, message);
    match error.help {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

/// As `sarkd` reads it, with the same layers; overlays are found beside the file.
pub fn config(path: &Path) -> Result<Config, Failure> {
    let file = input::text(path)?;
    // Not `vars()`: it panics on a variable that is no UTF-8.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut config =
        sark_api::config::load(&file.name, &file.text, environment, &[]).map_err(Mistakes)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    for overlay in &mut config.registry.overlays {
        *overlay = directory.join(&*overlay);
    }
    Ok(config)
}

/// The endpoints that ship and these files, later ones over earlier ones.
pub fn registry(overlays: &[PathBuf]) -> Result<Snapshot, Failure> {
    let files: Vec<PolicyFile> =
        overlays.iter().map(|path| input::text(path)).collect::<Result<_, _>>()?;
    let files = files.iter().map(|file| (file.name.as_str(), file.text.as_str()));
    Ok(sark_registry::load(files).map_err(Mistakes)?)
}

/// Checked policies.
pub fn policies(files: &[PolicyFile]) -> Result<PolicySet, Mistakes> {
    sark_policy::parse_set(files).map_err(Mistakes)
}

/// A deployment of which nothing is known: a private AS, no pools, no sessions, the safe profile.
fn unconfigured() -> Environment {
    Environment {
        asn: 64512,
        instance: 1,
        pools: Vec::new(),
        protected: Vec::new(),
        sessions: Vec::new(),
        // `strict` is one of `Profile::NAMES`.
        profile: Profile::named("strict").expect("the strict profile exists"),
    }
}

fn profile(name: &str) -> Result<Profile, Failure> {
    Profile::named(name).ok_or_else(|| {
        Failure::usage(format!("there is no profile {name}"))
            .next(format!("there are: {}", Profile::NAMES.join(", ")))
    })
}
