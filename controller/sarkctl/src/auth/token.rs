//! `auth token`.

use std::io::Write as _;
use std::path::PathBuf;

use jiff::SignedDuration;
use sark_api::{TokenMade, TokenRequest, TokenView, TokensResponse, routes};
use sark_core::identity::{Role, Scope, TokenState};

use super::list;
use crate::cli::Context;
use crate::context::private;
use crate::exit::{Exit, Outcome};
use crate::output::{printable, style, talk};
use crate::render;
use crate::table::{Cell, Table};

/// Tokens.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a token; its text is shown once, on standard output, and stored nowhere
    Create(CreateArgs),
    /// List tokens: what each may do, whether it holds, when it was last used
    List,
    /// Show one
    Show(WhichArgs),
    /// Revoke a token: it holds no more, at once
    Revoke(WhichArgs),
}

/// See [`Command::Create`].
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sarkctl auth token create ci --role operator --scope flowspec --expires 30d --to ci.token
  sarkctl auth token create roof-cat-2 --scope sensors:rfc1149
  sarkctl auth token create edge-1 --scope proxy --to edge-1.token")]
pub struct CreateArgs {
    /// Its name: records say token:NAME, sensor:NAME, proxy:NAME or enforcer:NAME
    name: String,
    /// How far: viewer, operator, approver, admin; may be repeated; none for a sensor, a proxy or an enforcer
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<Role>,
    /// Where: flowspec, registry, policy, audit, alerts, sensors, approvals, identities,
    /// sensors:KIND, decide, proxy or enforcer; may be repeated; none is everywhere
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// For how long it holds, such as `12h` or `30d`; at most 366 days
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = days)]
    expires: u64,
    /// Write its text to this file, of mode 0600, and not to standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// One token.
#[derive(Debug, clap::Args)]
pub struct WhichArgs {
    /// Its name, or its id
    token: String,
}

fn days(text: &str) -> Result<u64, String> {
    let bad = || format!("`{text}` is not a time above zero, such as `12h` or `30d`");
    let seconds = match text.strip_suffix('d') {
        Some(days) => days.parse::<u64>().ok().and_then(|days| days.checked_mul(86_400)),
        None => text.parse::<SignedDuration>().ok().and_then(|t| u64::try_from(t.as_secs()).ok()),
    };
    seconds.filter(|seconds| *seconds > 0).ok_or_else(bad)
}

/// Runs it.
pub fn run(command: Command, context: &mut Context) -> Outcome {
    match command {
        Command::Create(arguments) => create(arguments, context),
        Command::List => all(context),
        Command::Show(arguments) => {
            let path = one(&arguments.token);
            let token: TokenView = context.client()?.get(&path, &[])?;
            show(&token, context)
        }
        Command::Revoke(arguments) => {
            let path = one(&arguments.token);
            let token: TokenView = context.client()?.delete(&path, &[])?;
            show(&token, context)
        }
    }
}

fn one(which: &str) -> String {
    routes::TOKEN.replace("{token}", &render::percent(which))
}

fn create(arguments: CreateArgs, context: &mut Context) -> Outcome {
    let CreateArgs { name, roles, scopes, expires, to } = arguments;
    let request = TokenRequest {
        name,
        roles: roles.into_iter().collect(),
        scopes: scopes.into_iter().collect(),
        seconds: Some(expires),
    };
    let made: TokenMade = context.client()?.post(routes::TOKENS, &request)?;
    let until = made.token.expires_at.map_or_else(|| "revoked".to_owned(), render::time);
    match to {
        Some(path) => {
            private(&path, &format!("{}\n", made.secret))?;
            context.out.data(&made.token, |out| {
                writeln!(out, "{} holds until {until}: {}", made.token.actor, path.display())
            })?;
        }
        None => {
            context.out.data(&made, |out| writeln!(out, "{}", made.secret))?;
            talk(format_args!(
                "{} holds until {until}. This is its text: it is not shown again.",
                made.token.actor
            ));
        }
    }
    Ok(Exit::Done)
}

fn all(context: &mut Context) -> Outcome {
    let answer: TokensResponse = context.client()?.get(routes::TOKENS, &[])?;
    context.out.data(&answer, |out| {
        if answer.tokens.is_empty() {
            return writeln!(out, "no tokens");
        }
        let mut table = Table::new(["NAME", "ID", "STATE", "ROLES", "SCOPES", "UNTIL", "USED"]);
        for token in &answer.tokens {
            table.row([
                Cell::new(style::HEAD, token.name.as_str()),
                token.id.as_str().into(),
                Cell::new(colour(token.state), word(token.state)),
                list(&token.roles, "-").into(),
                list(&token.scopes, "-").into(),
                token.expires_at.map_or_else(|| "-".to_owned(), render::time).into(),
                token.last_used_at.map_or_else(|| "never".to_owned(), render::time).into(),
            ]);
        }
        table.print(out)
    })?;
    Ok(Exit::Done)
}

fn show(token: &TokenView, context: &mut Context) -> Outcome {
    context.out.data(token, |out| {
        let state = out.paint(colour(token.state), word(token.state));
        writeln!(out, "name     {}", printable(&token.actor))?;
        writeln!(out, "id       {}", token.id)?;
        writeln!(out, "state    {state}")?;
        writeln!(out, "roles    {}", list(&token.roles, "none"))?;
        writeln!(out, "scopes   {}", list(&token.scopes, "everywhere"))?;
        let by = printable(&token.created_by);
        writeln!(out, "made     {} by {by}", render::time(token.created_at))?;
        if let Some(at) = token.expires_at {
            writeln!(out, "until    {}", render::time(at))?;
        }
        if let (Some(at), Some(by)) = (token.revoked_at, &token.revoked_by) {
            writeln!(out, "revoked  {} by {}", render::time(at), printable(by))?;
        }
        match (token.last_used_at, &token.last_used_from) {
            (Some(at), Some(from)) => {
                writeln!(out, "used     {} from {}", render::time(at), printable(from))
            }
            _ => writeln!(out, "used     never"),
        }
    })?;
    Ok(Exit::Done)
}

fn word(state: TokenState) -> &'static str {
    match state {
        TokenState::Active => "active",
        TokenState::Expired => "expired",
        TokenState::Revoked => "revoked",
    }
}

fn colour(state: TokenState) -> anstyle::Style {
    match state {
        TokenState::Active => style::ADD,
        TokenState::Expired => style::QUIET,
        TokenState::Revoked => style::REMOVE,
    }
}
