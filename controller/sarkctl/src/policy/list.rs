//! `policy list`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use sark_api::{PoliciesResponse, PolicyView, routes};
use sark_core::{Clock as _, SystemClock};

use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Out, style};
use crate::table::{Cell, Table};
use crate::{input, offline, render};

/// See [`super::Command::List`].
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// List the policies of files, without sarkd
    #[arg(long, requires = "files")]
    offline: bool,
    /// Policies, with --offline
    #[arg(short, long = "file", num_args = 1.., value_name = "FILE|DIR", requires = "offline")]
    files: Vec<PathBuf>,
    /// The time to look at, with --offline [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = offline::timestamp, requires = "offline")]
    now: Option<jiff::Timestamp>,
}

/// `policy list`.
pub fn run(arguments: &ListArgs, context: &mut Context) -> Outcome {
    let response = if arguments.offline {
        offline_list(arguments)?
    } else {
        context.client()?.get(routes::POLICIES, &[])?
    };
    context.out.data(&response, |out| many(out, &response))?;
    Ok(Exit::Done)
}

fn offline_list(arguments: &ListArgs) -> Result<PoliciesResponse, Failure> {
    let set = offline::policies(&input::policies(&arguments.files)?)?;
    let now = arguments.now.unwrap_or_else(|| SystemClock.now());
    Ok(PoliciesResponse {
        revision: None,
        policy_version: Some(set.version.to_string()),
        // Rules are for a plan to count.
        policies: set.policies.iter().map(|policy| PolicyView::of(policy, None, 0, now)).collect(),
    })
}

fn many(out: &mut Out, response: &PoliciesResponse) -> io::Result<()> {
    let policies = &response.policies;
    let active = policies.iter().filter(|policy| policy.active).count();
    writeln!(out, "{}, {active} active now", render::policies(policies.len()))?;
    let origin = match (response.revision, &response.policy_version) {
        (Some(revision), _) => format!("revision {revision}"),
        (None, Some(version)) => format!("policy set {}", render::short(version)),
        (None, None) => "nothing was applied yet".to_owned(),
    };
    let origin = out.paint(style::QUIET, &origin);
    writeln!(out, "{origin}")?;
    if policies.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let applied = response.revision.is_some();
    let mut table = Table::new([
        "POLICY",
        "PRIORITY",
        "ACTION",
        "ACTIVE",
        "RULES",
        "ENDS",
        "OWNER",
        "WRITTEN IN",
    ]);
    for policy in policies {
        table.row([
            Cell::new(style::HEAD, policy.name.as_str()),
            policy.priority.to_string().into(),
            policy.action.as_str().into(),
            activity(policy),
            if applied { policy.rules.to_string().into() } else { "-".into() },
            policy.expires_at.map_or_else(|| "-".to_owned(), render::time).into(),
            policy.owner.as_deref().unwrap_or("-").into(),
            format!("{}:{}", policy.file, policy.line).into(),
        ]);
    }
    table.print(out)
}

fn activity(policy: &PolicyView) -> Cell {
    let text = match (policy.active, policy.next_change) {
        (true, None) => "yes".to_owned(),
        (true, Some(end)) => format!("until {}", render::time(end)),
        (false, None) => "no".to_owned(),
        (false, Some(begin)) => format!("from {}", render::time(begin)),
    };
    Cell::new(if policy.active { style::ADD } else { style::QUIET }, text)
}
