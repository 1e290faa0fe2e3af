//! The command line of `sarkd`.

use std::path::PathBuf;

use clap::Parser;
use sark_core::document::Diagnostic;

use sark_api::config::{self, Config};

/// Controller of SARK: compiles policies to BGP FlowSpec rules and keeps routers holding them.
#[derive(Debug, Parser)]
#[command(name = "sarkd", version, about)]
pub struct Args {
    /// Configuration file
    #[arg(long, short, value_name = "FILE", default_value = "/etc/sark/sark.yaml")]
    pub config: PathBuf,

    /// Parse and check the configuration and its overlays, then stop: exit 0 or 2
    #[arg(long)]
    pub check: bool,

    /// One setting over file and environment, such as --set log.format=json
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE, such as log.format=json".to_owned()),
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// It is wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Content(Vec<Diagnostic>),
    /// The log filter is wrong.
    #[error(transparent)]
    Log(#[from] sark_program::log::LogError),
}

impl Args {
    /// Parse and check: file, environment, command line.
    pub fn load(&self) -> Result<Config, ConfigError> {
        let path = &self.config;
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.clone(), source })?;
        // Not `vars()`: it panics on a variable that is no UTF-8.
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let overrides: Vec<_> =
            self.set.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        let config = config::load(&path.display().to_string(), &text, environment, &overrides)
            .map_err(ConfigError::Content)?;
        sark_program::log::check(&config.log)?;
        Ok(config)
    }
}
