//! Structured logs on stderr, as text or one JSON object per line.

use std::io::IsTerminal;

use sark_core::log::{LogConfig, LogFormat};
use tracing_subscriber::EnvFilter;

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is no filter.
    #[error("log.filter {filter:?} cannot be read")]
    Filter {
        /// As configured.
        filter: String,
        /// Cause.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Started before.
    #[error("logging was started before")]
    Started,
}

/// Whether the filter can be read.
pub fn check(config: &LogConfig) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(&config.filter)
        .map_err(|source| LogError::Filter { filter: config.filter.clone(), source })
}

/// Starts it, once per process.
pub fn start(config: &LogConfig) -> Result<(), LogError> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(check(config)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match config.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|_| LogError::Started)
}
