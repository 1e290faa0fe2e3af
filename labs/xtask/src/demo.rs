//! `cargo xtask demo`: the whole address line on this machine, from a policy file to the tables of
//! two routers, and back after a crash; then some decisions, and what the trail has of them.

mod dns;
mod routers;
mod show;

use std::fs;
use std::io::{IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use self::dns::Dns;
use self::routers::{Expected, Routers};
use self::show::Show;
use crate::interrupt::undo_on_interrupt;
use crate::lab::process::{Process, wait_until};
use crate::lab::state::State;
use crate::lab::{Lab, LabError};
use crate::place::Place;
use crate::run::{RunError, capture, run};
use crate::setup::{self, SetupError};

/// How to show it.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// FRR's major version, 8 or 10; the machine's own if not given.
    #[arg(long, value_name = "VERSION")]
    frr: Option<u8>,
    /// Policies to apply: a file or a directory.
    #[arg(long, value_name = "PATH", default_value = "policies")]
    policies: String,
    /// Leave the lab up at the end without asking.
    #[arg(long)]
    stay: bool,
    /// Use what is built and installed already.
    #[arg(long)]
    no_build: bool,
    /// The lab's name, apart from a lab `edge` that may be up.
    #[arg(long, default_value = "demo")]
    name: String,
}

/// Why there was nothing to see.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// `--no-build` on a machine where nothing is built.
    #[error("{0} is not built: cargo build --profile ci -p sark-controller -p sarkctl")]
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
    /// Something did not happen in time, or `sarkd` ended before it could.
    #[error("waited {seconds} s in vain for {what}; sarkd's last words:{said}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// The last lines of its log.
        said: String,
    },
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
    let lab = std::sync::Arc::new(Lab::find(place, "edge", Some(&options.name))?);
    let (undo, undo_place) = (lab.clone(), place.clone());
    undo_on_interrupt(move || undo.abandon(&undo_place));
    if !options.no_build {
        build(place, &mut show)?;
    }
    for program in ["sarkd", "sarkctl"].map(|program| place.built(program)) {
        if !program.is_file() {
            return Err(DemoError::NotBuilt(program.display().to_string()));
        }
    }
    let began = Instant::now();
    let shown = scenes(place, options, &lab, &mut show);
    if shown.is_ok() {
        show.say(&format!("\nAll of it in {:.1} s.", began.elapsed().as_secs_f64()));
        if options.stay || wants_to_stay() {
            stay(&mut show, place, &lab);
            return Ok(ExitCode::SUCCESS);
        }
    }
    let down = lab.down(place);
    shown?;
    down?;
    show.say("The lab is down; nothing is left of it.");
    Ok(ExitCode::SUCCESS)
}

fn build(place: &Place, show: &mut Show) -> Result<(), DemoError> {
    show.heading("Build");
    setup::ensure(place, &[setup::Part::Lab])?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--profile", "ci", "--locked", "-p", "sark-controller", "-p", "sarkctl"]);
    run(cargo.current_dir(&place.root).env("CARGO_TARGET_DIR", &place.target))?;
    show.done("built sarkd and sarkctl");
    Ok(())
}

fn scenes(place: &Place, options: &Options, lab: &Lab, show: &mut Show) -> Result<(), DemoError> {
    show.heading("Two edge routers, a client, a server and a speaker");
    // What an earlier demo left in the tables would not be this one's doing.
    if lab.down(place)? {
        show.say("took down the lab that an earlier demo left");
    }
    let state = lab.up(place, options.frr)?;
    show.say("  client ── r1 ───── r2 ── server");
    show.say("             \\      /");
    show.say("              speaker ── dns");
    show.done(&format!("{} nodes are up, FRR {}", state.nodes.len(), state.frr));

    let scene = Scene { place, state: &state, lab: &lab.name };
    let routers = Routers::new(&scene)?;
    show.heading("sarkd starts in `speaker`, with a gobgpd of its own");
    let sarkd = scene.start_sarkd()?;
    let wait = |what, is_so: &mut dyn FnMut() -> bool| scene.wait(what, sarkd, is_so);
    wait("sarkd to answer", &mut || scene.sarkctl(&["flowspec", "list"]).is_ok())?;
    show.done("sarkd answers");
    wait("the BGP sessions", &mut || routers.are_established())?;
    show.done("both routers have their session, IPv4 and IPv6 FlowSpec");

    let dns = Dns::start(&scene)?;
    wait("a name to lead to its address", &mut || scene.knows("203.0.113.50"))?;
    show.done("api.openai.com leads to 203.0.113.50, says the lab's DNS");

    show.heading(&format!("sarkctl flowspec plan -f {}", options.policies));
    let files = ["-f", options.policies.as_str()];
    run(&mut scene.sarkctl_command(&[&["flowspec", "plan"], &files[..]].concat())?)?;
    let plan = scene.sarkctl(&[&["flowspec", "plan", "-o", "json"], &files[..]].concat())?;
    let expected = Expected::of_plan(&plan)?;
    show.done(&format!("{} rules for IPv4, {} for IPv6", expected.ipv4, expected.ipv6));

    show.heading(&format!("sarkctl flowspec apply --yes -f {}", options.policies));
    let said = scene.sarkctl(&[&["flowspec", "apply", "--yes"], &files[..]].concat())?;
    // It prints the plan again before it says what it did.
    show.say(said.trim_end().rsplit("\n\n").next().unwrap_or(&said));
    wait("the routers to hold the rules", &mut || routers.hold(expected))?;
    show.done("both routers hold exactly these rules");
    for (router, question) in [
        ("r1", "show bgp ipv4 flowspec"),
        ("r1", "show bgp ipv4 flowspec detail"),
        ("r1", "show bgp ipv6 flowspec"),
        ("r2", "show bgp ipv4 flowspec"),
        ("r2", "show bgp ipv6 flowspec"),
    ] {
        show.say(&format!("\n{router}# {question}"));
        show.excerpt(&routers.ask(router, question)?);
    }

    show.heading("gobgpd is killed");
    let before = routers.drops()?;
    let killed = Instant::now();
    scene.kill_gobgpd()?;
    show.say("kill -9, as if it had crashed: its table is gone, and the routers lose every rule");
    wait("the routers to notice", &mut || routers.drops().is_ok_and(|now| now > before))?;
    show.done("the sessions are down");
    wait("the rules to come back", &mut || routers.hold(expected))?;
    let seconds = killed.elapsed().as_secs_f64();
    show.done(&format!("all rules are back on both routers, {seconds:.1} s after the kill"));

    show.heading("A name moves: api.openai.com is 203.0.113.51 now");
    let question = "show bgp ipv4 flowspec";
    let holds = |address: &str| routers.all_say(question, &format!("{address}/32"));
    let moved = Instant::now();
    dns.lead("api.openai.com", "203.0.113.51")?;
    wait("the routers to hold a rule for the new address", &mut || holds("203.0.113.51"))?;
    let seconds = moved.elapsed().as_secs_f64();
    show.done(&format!("both routers redirect it too, {seconds:.1} s after the DNS said so"));
    show.say("Nobody did anything. What made it so, in the registry's history:");
    run(&mut scene.sarkctl_command(&["registry", "history", "203.0.113.51"])?)?;
    show.say("203.0.113.50 stays for its grace time: clients outlive TTLs.");
    decisions(&scene, show)
}

/// What the proxy and the connectors will ask, asked by hand.
fn decisions(scene: &Scene<'_>, show: &mut Show) -> Result<(), DemoError> {
    let set = "policies/decision";
    show.heading(&format!("sarkctl policy activate {set}"));
    run(&mut scene.sarkctl_command(&["policy", "activate", set, "--yes"])?)?;
    let path = scene.place.target.join("lab").join(scene.lab).join("questions.json");
    let failed = |source| DemoError::File { path: path.display().to_string(), source };
    fs::write(&path, QUESTIONS).map_err(failed)?;
    let path = path.display().to_string();
    show.heading("sarkctl policy ask: a call, one with a key in its prompt, and a tunnel");
    run(&mut scene.sarkctl_command(&["policy", "ask", "--durable", "-i", &path])?)?;
    show.heading("What the trail has of it, and that nobody changed it");
    run(&mut scene.sarkctl_command(&["audit", "tail", "-n", "4"])?)?;
    run(&mut scene.sarkctl_command(&["audit", "verify"])?)?;
    Ok(())
}

/// As sensors of traffic would describe them.
const QUESTIONS: &str = r#"
{"id": "call-1", "operation": "chat", "user": "ada", "groups": ["staff"], "provider": "openai",
 "endpoint": "openai/api", "model": "gpt-5-mini", "inspected": true}
{"id": "call-2", "operation": "chat", "user": "ada", "groups": ["staff"], "provider": "openai",
 "endpoint": "openai/api", "model": "gpt-5-mini", "inspected": true,
 "findings": [{"class": "secret", "kind": "aws_access_key", "count": 1, "confidence": 0.9}]}
{"id": "seen-1", "kind": "tunnel", "service": "ngrok", "confidence": 0.9, "user": "eve", "host": "lap-3"}
"#;

/// A lab that is up, and the product in it.
pub struct Scene<'a> {
    place: &'a Place,
    state: &'a State,
    lab: &'a str,
}

impl Scene<'_> {
    fn log(&self) -> std::path::PathBuf {
        self.place.target.join("lab").join(self.lab).join("sarkd.log")
    }

    fn start_sarkd(&self) -> Result<Process, DemoError> {
        let path = self.log();
        let failed = |source| DemoError::File { path: path.display().to_string(), source };
        let log = fs::File::create(&path).map_err(failed)?;
        let errors = log.try_clone().map_err(failed)?;
        let sarkd = self.place.built("sarkd");
        let words = [sarkd.as_os_str(), "--config".as_ref(), "/etc/sark/sark.yaml".as_ref()];
        let mut command = self.state.inside(self.lab, "speaker", None, &words)?;
        // It outlives us if the lab stays up, and is not what a Ctrl-C is for.
        command.process_group(0).stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = command.spawn().map_err(failed)?;
        let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
        Process::of(pid).ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))
    }

    fn inside(&self, node: &str, words: &[&str]) -> Result<Command, DemoError> {
        Ok(self.state.inside(self.lab, node, None, words)?)
    }

    fn sarkctl_command(&self, words: &[&str]) -> Result<Command, DemoError> {
        let sarkctl = self.place.built("sarkctl");
        let mut all = vec![sarkctl.as_os_str()];
        all.extend(words.iter().map(std::ffi::OsStr::new));
        Ok(self.state.inside(self.lab, "speaker", Some(&self.place.root), &all)?)
    }

    fn sarkctl(&self, words: &[&str]) -> Result<String, DemoError> {
        Ok(capture(&mut self.sarkctl_command(words)?)?)
    }

    /// The registry in use knows this address by itself.
    fn knows(&self, address: &str) -> bool {
        let answer = self.sarkctl(&["registry", "lookup", "-o", "json", address]);
        answer.is_ok_and(|answer| answer.contains("\"learned\""))
    }

    /// The only gobgpd the node's process table has is its own.
    fn kill_gobgpd(&self) -> Result<(), DemoError> {
        let words = ["sh", "-c", "kill -9 $(pidof gobgpd)"];
        Ok(run(&mut self.state.inside(self.lab, "speaker", None, &words)?)?)
    }

    /// Until it is so; not longer than patience lasts, nor than `sarkd` lives.
    fn wait(
        &self,
        what: &str,
        sarkd: Process,
        is_so: &mut dyn FnMut() -> bool,
    ) -> Result<(), DemoError> {
        let mut came = false;
        let began = Instant::now();
        wait_until(PATIENCE, || {
            came = is_so();
            came || !sarkd.is_alive()
        });
        if came {
            return Ok(());
        }
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let last = lines.iter().skip(lines.len().saturating_sub(15));
        let said = last.map(|line| format!("\n    {line}")).collect();
        Err(DemoError::Late { what: what.to_owned(), seconds: began.elapsed().as_secs(), said })
    }
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

fn stay(show: &mut Show, place: &Place, lab: &Lab) {
    let name = format!("edge --name {}", lab.name);
    let sarkctl = place.built("sarkctl");
    let sarkctl = sarkctl.strip_prefix(&place.root).unwrap_or(&sarkctl).display();
    show.say("\nThe lab stays up. Look around:");
    for command in [
        format!("exec {name} r1 -- vtysh -c 'show bgp ipv4 flowspec detail'"),
        format!("exec {name} speaker -- {sarkctl} flowspec list"),
        format!("exec {name} client -- ping 203.0.113.10"),
        format!("down {name}"),
    ] {
        show.say(&format!("  cargo xtask lab {command}"));
    }
}
