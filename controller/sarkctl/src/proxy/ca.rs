//! `proxy ca`: the authority that a proxy mints certificates with, in its directory.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use jiff::SignedDuration;
use sark_ca::env::{Paths, Shell, combined, render as for_shell};
use sark_ca::{CaDirectory, Described, Overwrite, Plan, Profile, Report};
use sark_core::secret::Secret;
use sark_core::{Clock as _, SystemClock};

use crate::cli::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Out, printable, style, talk};
use crate::render;
use crate::table::{Cell, Table};

/// Certificates that end within this are told of.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// See [`super::Command::Ca`].
#[derive(Debug, clap::Args)]
pub struct CaArgs {
    /// Its directory: `ca` in the proxy's `state.directory`
    #[arg(long, global = true, value_name = "DIR", default_value = "/var/lib/sark-proxy/ca")]
    directory: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a new one: its root is what clients have to trust
    Create(CreateArgs),
    /// Take one that was made elsewhere: PEM files
    Import(ImportArgs),
    /// Make the next root; both are trusted until the old one is retired
    Rotate(MadeArgs),
    /// Issue by the one that stands by; once more goes back
    Activate,
    /// Take an old root out of what clients trust
    Retire {
        /// SHA-256 of the root, as `show` prints it
        fingerprint: String,
    },
    /// Show what there is, and what somebody should look at
    Show,
    /// Print what makes programs on this machine trust it: variables and commands, for a shell
    Env(EnvArgs),
}

#[derive(Debug, clap::Args)]
struct MadeArgs {
    /// Name of the root, as people see it in the list of those they trust
    #[arg(long, default_value = "SARK inline proxy")]
    name: String,
    /// How long it is valid
    #[arg(long, value_name = "DAYS", default_value_t = 1825)]
    days: u16,
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    #[command(flatten)]
    made: MadeArgs,
    /// Replace one that is there: clients that trust it will trust nobody
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, clap::Args)]
struct ImportArgs {
    /// The issuing certificate and those above it
    #[arg(long, value_name = "FILE")]
    chain: PathBuf,
    /// Its key: PKCS #8, SEC 1 or PKCS #1, not encrypted
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The root, if the chain leaves it out
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
    /// Replace one that is there
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, clap::Args)]
struct EnvArgs {
    /// For whom
    #[arg(default_value = "sh", value_parser = PossibleValuesParser::new(["sh", "fish", "powershell", "json"]))]
    shell: String,
    /// A file with the system's roots; it is written beside `trusted.pem` together with ours
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt")]
    system: PathBuf,
}

/// `proxy ca`.
pub fn run(arguments: &CaArgs, context: &mut Context) -> Outcome {
    let directory = CaDirectory::at(arguments.directory.clone());
    let now = SystemClock.now();
    match &arguments.command {
        Command::Create(CreateArgs { made, replace }) => {
            make(&arguments.directory)?;
            directory.create(&made.plan(), overwrite(*replace), now).map_err(Failure::failed)?;
            talk(format_args!("clients have to trust {}", directory.trusted().display()));
        }
        Command::Import(ImportArgs { chain, key, roots, replace }) => {
            let (chain, key) = (read(chain)?, read(key)?);
            let key = Secret::new(String::from_utf8_lossy(&key).into_owned());
            let roots = roots.as_deref().map(read).transpose()?;
            make(&arguments.directory)?;
            let imported =
                directory.import(&chain, &key, roots.as_deref(), overwrite(*replace), now);
            imported.map_err(Failure::failed)?;
            talk(format_args!("clients have to trust {}", directory.trusted().display()));
        }
        Command::Rotate(made) => {
            directory.rotate(&made.plan(), Overwrite::Refuse, now).map_err(Failure::failed)?;
            let trusted = directory.trusted();
            talk(format_args!("give clients {}, then: proxy ca activate", trusted.display()));
        }
        Command::Activate => {
            directory.activate(now).map_err(Failure::failed)?;
            talk("it issues from the proxy's next start on");
        }
        Command::Retire { fingerprint } => {
            let which = fingerprint.parse().map_err(|error: sark_ca::FingerprintError| {
                Failure::usage(error).next("`sarkctl proxy ca show` prints them")
            })?;
            directory.retire(which).map_err(Failure::failed)?;
            talk(format_args!("{fingerprint} is trusted no more by who takes trusted.pem again"));
        }
        Command::Show => {
            let report = directory.report(SOON, now);
            context.out.data(&report, |out| show(out, &report))?;
        }
        Command::Env(arguments) => {
            let text = env(&directory, arguments)?;
            context.out.write_all(text.as_bytes())?;
        }
    }
    Ok(Exit::Done)
}

impl MadeArgs {
    fn plan(&self) -> Plan {
        Plan { root: Profile::named(&self.name).valid_for_days(self.days), intermediate: None }
    }
}

fn overwrite(replace: bool) -> Overwrite {
    if replace { Overwrite::Replace } else { Overwrite::Refuse }
}

fn env(directory: &CaDirectory, arguments: &EnvArgs) -> Result<String, Failure> {
    let shell: Shell = arguments
        .shell
        .parse()
        .map_err(|_| Failure::usage(format!("{:?} is no shell that is known", arguments.shell)))?;
    let (_, bundle) = directory.load(SystemClock.now()).map_err(Failure::failed)?;
    let trusted = directory.trusted();
    let both = trusted.with_file_name("combined.pem");
    let text = combined(&bundle, &read(&arguments.system)?).map_err(Failure::failed)?;
    std::fs::write(&both, text)
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", both.display())))?;
    let paths = Paths { trusted: &trusted, combined: Some(&both) };
    for_shell(shell, paths).map_err(Failure::failed)
}

/// The directory above is its owner's business, and the last one is made with its own rights.
fn make(directory: &Path) -> Result<(), Failure> {
    let Some(above) = directory.parent() else { return Ok(()) };
    std::fs::create_dir_all(above).map_err(|error| {
        Failure::failed(format!("cannot make {}: {error}", above.display()))
            .next("run it as who runs the proxy, or name another --directory")
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

fn show(out: &mut Out, report: &Report) -> io::Result<()> {
    let Report { issuing, standby, trusted, findings, .. } = report;
    let mut table = Table::new(["USE", "SUBJECT", "UNTIL", "DAYS", "FINGERPRINT"]);
    for (word, list) in [("issues", issuing), ("stands by", standby), ("trusted", trusted)] {
        for Described { subject, not_after, days_left, fingerprint, .. } in list {
            table.row([
                Cell::new(style::HEAD, word),
                subject.as_str().into(),
                render::time(*not_after).into(),
                days_left.to_string().into(),
                fingerprint.to_string().into(),
            ]);
        }
    }
    table.print(out)?;
    for finding in findings {
        let look = out.paint(style::CHANGE, "look");
        writeln!(out, "{look}  {}", printable(&finding.to_string()))?;
    }
    Ok(())
}
