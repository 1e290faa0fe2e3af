//! `apply`: these policies become the whole policy set.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use sark_api::{ApplyRequest, ApplyResponse, ErrorCode, PlanRequest, PlanResponse, routes};

use super::plan::changes;
use crate::cli::Context;
use crate::client::ClientError;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Out, style, talk};
use crate::{input, progress, render};

/// See [`super::Command::Apply`].
#[derive(Debug, clap::Args)]
pub struct ApplyArgs {
    /// Policies; of a directory its *.yaml and *.yml; `-` is standard input
    #[arg(short, long = "file", required = true, num_args = 1.., value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Do not ask (it asks only on a terminal)
    #[arg(short, long)]
    yes: bool,
}

/// `apply`.
pub fn run(arguments: &ApplyArgs, context: &mut Context) -> Outcome {
    let files = input::policies(&arguments.files)?;
    let client = context.client()?;
    let request = PlanRequest { files };
    let plan =
        progress::during("sarkd plans", || client.post::<PlanResponse>(routes::PLAN, &request))?;
    if context.out.format == Format::Table {
        render::plan(&mut context.out, &plan.plan, context.verbose)?;
        writeln!(context.out)?;
        context.out.flush()?;
    }
    if !plan.plan.refused.is_empty() {
        if context.out.format != Format::Table {
            context.out.data(&plan.plan, |_| Ok(()))?;
        }
        talk("refused: nothing was changed");
        return Ok(Exit::Refused);
    }
    let question = format!(
        "Announce {} and withdraw {}?",
        render::count(plan.plan.summary.announce, "rule"),
        render::count(plan.plan.summary.withdraw, "rule")
    );
    if changes(&plan.plan) > 0 && !arguments.yes {
        confirm(&question)?;
    }
    // What was shown is what is applied: if somebody else applied in between, sarkd says so.
    let expect = plan.current_policy_version.unwrap_or_else(|| "none".to_owned());
    let request = ApplyRequest { files: request.files, expect: Some(expect) };
    let answer =
        progress::during("sarkd applies", || client.post::<ApplyResponse>(routes::APPLY, &request));
    finish(answer, context)
}

/// Prints what `sarkd` did.
pub fn finish(answer: Result<ApplyResponse, ClientError>, context: &mut Context) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return refused(error, context),
    };
    context.out.data(&answer, |out| done(out, &answer))?;
    if !answer.convergence.converged {
        talk(format_args!(
            "the revision is stored, and sarkd goes on until the BGP speaker has it; see `sarkctl doctor`"
        ));
    }
    Ok(Exit::Done)
}

/// Policies can come to be refused between plan and apply, or by what is left after a withdrawal.
fn refused(error: ClientError, context: &mut Context) -> Outcome {
    let plan = error.detail().filter(|detail| detail.code == ErrorCode::Refused);
    if let Some(plan) = plan.and_then(|detail| detail.plan.as_deref()) {
        context.out.data(plan, |out| render::refusals(out, &plan.refused))?;
    }
    Err(error.into())
}

fn done(out: &mut Out, answer: &ApplyResponse) -> io::Result<()> {
    if !answer.changed {
        return writeln!(out, "revision {} holds already: nothing to do", answer.revision);
    }
    let summary = &answer.plan.summary;
    let revision = out.paint(style::HEAD, &format!("revision {}", answer.revision));
    writeln!(
        out,
        "{revision}: {} announced, {} withdrawn, {} kept",
        summary.announce, summary.withdraw, summary.keep
    )?;
    let convergence = &answer.convergence;
    if convergence.converged {
        writeln!(out, "in the BGP speaker's table after {} ms", convergence.waited_ms)
    } else {
        let why = convergence.reason.as_deref().unwrap_or("it takes longer than usual");
        let word = out.paint(style::CHANGE, "not in the BGP speaker's table yet");
        writeln!(out, "{word}: {why}")
    }
}

/// Asks the person at the terminal; a program that runs this has decided already.
pub fn confirm(question: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Ok(());
    }
    let mut stderr = io::stderr();
    let _ = write!(stderr, "{question} [y/N] ");
    let _ = stderr.flush();
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::failed("not confirmed: nothing was changed"))
}
