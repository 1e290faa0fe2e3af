//! Which records.

use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use sark_core::audit::Search;
use sark_core::decision::Severity;

use crate::offline::timestamp;

const SEVERITIES: [Severity; 5] =
    [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

/// Which records; all that are given must hold.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    /// At this time or later
    #[arg(long, value_name = "RFC3339", value_parser = timestamp)]
    since: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_name = "RFC3339", value_parser = timestamp)]
    until: Option<Timestamp>,
    /// By this one, such as `uid:0(root)` or `sarkd`
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Events that begin like this, such as `registry.feed`
    #[arg(long, value_name = "PREFIX")]
    event: Option<String>,
    /// At least this severe
    #[arg(long, value_name = "SEVERITY", value_parser = severities())]
    severity: Option<String>,
    /// On this host
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Of this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// About requests whose id begins like this
    #[arg(long, value_name = "ID")]
    request: Option<String>,
    /// On which a rule of this policy matched
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// Alerts only
    #[arg(long)]
    alerts: bool,
}

fn severities() -> PossibleValuesParser {
    PossibleValuesParser::new(SEVERITIES.map(Severity::as_str))
}

impl FilterArgs {
    /// As a search.
    pub fn search(&self) -> Search {
        let Self { since, until, actor, event, severity, host, user, request, policy, alerts } =
            self.clone();
        let severity =
            severity.and_then(|word| SEVERITIES.into_iter().find(|s| s.as_str() == word));
        Search { since, until, actor, event, severity, host, user, request, policy, alerts }
    }
}
