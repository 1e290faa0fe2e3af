//! `cargo xtask demo`: the product on this machine, in two labs. [`edge`]: from a policy file to the tables of two
//! routers, and back after a crash. [`inspect`]: packets to a proxy, decisions, and what happens when each
//! program is killed.

mod dns;
mod edge;
mod inspect;
mod routers;
mod scene;
mod show;

use std::io::{IsTerminal, Write};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::show::Show;
use crate::interrupt::undo_on_interrupt;
use crate::lab::{Lab, LabError};
use crate::place::Place;
use crate::run::{RunError, run};
use crate::setup::{self, SetupError};

/// How to show it.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only this lab; both if not given.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// FRR's major version in the lab `edge`, 8 or 10; the machine's own if not given.
    #[arg(long, value_name = "VERSION")]
    frr: Option<u8>,
    /// Policies to apply in the lab `edge`: a file or a directory.
    #[arg(long, value_name = "PATH", default_value = "policies")]
    policies: String,
    /// Leave the labs up at the end without asking.
    #[arg(long)]
    stay: bool,
    /// Use what is built and installed already.
    #[arg(long)]
    no_build: bool,
    /// What the labs' names begin with, apart from labs that may be up.
    #[arg(long, default_value = "demo")]
    name: String,
}

/// A lab of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Edge routers, FlowSpec and the registry.
    Edge,
    /// The enforcer, the proxy, and decisions on what passes.
    Inspect,
}

/// The programs that are shown.
const PROGRAMS: [(&str, &str); 4] = [
    ("sark-controller", "sarkd"),
    ("sarkctl", "sarkctl"),
    ("sark-enforcerd", "sark-enforcer"),
    ("sark-inline-proxy", "sark-proxy"),
];

/// Why there was nothing to see.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// `--no-build` on a machine where nothing is built.
    #[error("{0} is not built: leave --no-build out")]
    NotBuilt(String),
    /// Something could not be installed.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The lab.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A command failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Something did not happen in time, or a program ended before it could.
    #[error("waited {seconds} s in vain for {what}; last words:{said}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// The last lines of the programs' logs.
        said: String,
    },
    /// What was shown is not so.
    #[error("this is not as it should be: {0}")]
    Unlike(String),
    /// A file of ours.
    #[error("could not use {path}")]
    File {
        /// Which.
        path: String,
        /// Cause.
        source: std::io::Error,
    },
    /// An answer that is not what it should be.
    #[error("could not read the answer of `{0}`")]
    Answer(String),
}

/// For anything in the lab; usual times are a few seconds at most.
const PATIENCE: Duration = Duration::from_secs(40);

/// Shows it.
pub fn main(place: &Place, options: &Options) -> Result<ExitCode, DemoError> {
    if !nix::unistd::geteuid().is_root() {
        return Err(LabError::NotRoot.into());
    }
    let mut show = Show::new();
    let name = |part| match part {
        Part::Edge => ("edge", options.name.clone()),
        Part::Inspect => ("inspect", format!("{}-inspect", options.name)),
    };
    let parts = [Part::Edge, Part::Inspect];
    let parts = parts.into_iter().filter(|part| options.only.is_none_or(|only| only == *part));
    let labs = parts.map(|part| {
        let (lab, name) = name(part);
        Ok((part, Arc::new(Lab::find(place, lab, Some(&name))?)))
    });
    let labs = labs.collect::<Result<Vec<_>, LabError>>()?;
    let undo: Vec<_> = labs.iter().map(|(_, lab)| Arc::clone(lab)).collect();
    let undo_place = place.clone();
    undo_on_interrupt(move || undo.iter().for_each(|lab| lab.abandon(&undo_place)));
    if !options.no_build {
        build(place, &mut show)?;
    }
    for (_, program) in PROGRAMS {
        let built = place.built(program);
        if !built.is_file() {
            return Err(DemoError::NotBuilt(built.display().to_string()));
        }
    }
    for (part, lab) in &labs {
        one(place, options, *part, lab, &mut show)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn one(
    place: &Place,
    options: &Options,
    part: Part,
    lab: &Lab,
    show: &mut Show,
) -> Result<(), DemoError> {
    let began = Instant::now();
    let shown = match part {
        Part::Edge => edge::scenes(place, options, lab, show),
        Part::Inspect => inspect::scenes(place, lab, show),
    };
    if shown.is_ok() {
        show.say(&format!("\nAll of it in {:.1} s.", began.elapsed().as_secs_f64()));
        if options.stay || wants_to_stay() {
            let look = match part {
                Part::Edge => edge::LOOK,
                Part::Inspect => inspect::LOOK,
            };
            stay(show, place, lab, look);
            return Ok(());
        }
    }
    let down = lab.down(place);
    shown?;
    down?;
    show.say("The lab is down; nothing is left of it.");
    Ok(())
}

fn build(place: &Place, show: &mut Show) -> Result<(), DemoError> {
    show.heading("Build");
    setup::ensure(place, &[setup::Part::Lab])?;
    let cargo = |words: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--profile", "ci", "--locked"]).args(words);
        run(cargo.current_dir(&place.root).env("CARGO_TARGET_DIR", &place.target))
    };
    cargo(&PROGRAMS.map(|(package, _)| ["-p", package]).concat())?;
    cargo(&["-p", "sark-inline-proxy", "--example", "standin"])?;
    show.done(&format!("built {}", PROGRAMS.map(|(_, program)| program).join(", ")));
    Ok(())
}

fn wants_to_stay() -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    print!("\nEnter takes the lab down; `stay` leaves it up: ");
    let _ = std::io::stdout().flush();
    let mut answer = String::new();
    let _ = std::io::stdin().read_line(&mut answer);
    answer.trim() == "stay"
}

/// `look` are nodes and commands; `SARKCTL` stands for the program.
fn stay(show: &mut Show, place: &Place, lab: &Lab, look: &[&str]) {
    let name = format!("{} --name {}", lab.topology(), lab.name);
    let sarkctl = place.built("sarkctl");
    let sarkctl = sarkctl.strip_prefix(&place.root).unwrap_or(&sarkctl).display().to_string();
    show.say("\nThe lab stays up. Look around:");
    for command in look {
        let command = command.replace("SARKCTL", &sarkctl);
        show.say(&format!("  cargo xtask lab exec {name} {command}"));
    }
    show.say(&format!("  cargo xtask lab down {name}"));
}
