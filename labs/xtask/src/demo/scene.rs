//! A lab that is up, and the programs in it.

use std::cell::RefCell;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::{DemoError, PATIENCE};
use crate::lab::process::{Process, wait_until};
use crate::lab::state::State;
use crate::place::Place;
use crate::run::{capture, run};

/// A lab that is up, and the product in it.
pub struct Scene<'a> {
    /// Where programs are.
    pub place: &'a Place,
    /// Its nodes.
    pub state: &'a State,
    lab: &'a str,
    running: RefCell<Vec<Running>>,
}

/// A program that should run.
struct Running {
    node: String,
    program: String,
    log: PathBuf,
    process: Process,
}

impl<'a> Scene<'a> {
    /// With nothing started, and no log of an earlier one.
    pub fn new(place: &'a Place, state: &'a State, lab: &'a str) -> Self {
        let scene = Self { place, state, lab, running: RefCell::default() };
        let here = fs::read_dir(scene.file("")).into_iter().flatten().flatten();
        let logs = here.map(|file| file.path());
        for log in logs.filter(|path| path.extension().is_some_and(|ending| ending == "log")) {
            let _ = fs::remove_file(log);
        }
        scene
    }

    /// A file beside the lab's state, which all nodes see at its path.
    pub fn file(&self, name: &str) -> PathBuf {
        self.place.target.join("lab").join(self.lab).join(name)
    }

    /// Starts a program on a node. What it says goes to a log of the two names.
    pub fn start(&self, node: &str, program: &str, words: &[&str]) -> Result<(), DemoError> {
        let name = program.rsplit('/').next().unwrap_or(program);
        let log = self.file(&format!("{node}-{name}.log"));
        let failed = |source| DemoError::File { path: log.display().to_string(), source };
        let out = fs::File::options().create(true).append(true).open(&log).map_err(failed)?;
        let errors = out.try_clone().map_err(failed)?;
        let built = self.place.built(program).display().to_string();
        let program_path = if self.place.built(program).is_file() { &built } else { program };
        let mut command = self.inside(node, &[&[program_path], words].concat())?;
        // It outlives us if the lab stays up, and is not what a Ctrl-C is for.
        command.process_group(0).stdin(Stdio::null()).stdout(out).stderr(errors);
        let child = command.spawn().map_err(failed)?;
        let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
        let process =
            Process::of(pid).ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        let (node, program) = (node.to_owned(), name.to_owned());
        self.running.borrow_mut().push(Running { node, program, log, process });
        Ok(())
    }

    /// kill -9. A node has processes of its own only, so the name is enough.
    pub fn kill(&self, node: &str, program: &str) -> Result<(), DemoError> {
        let is_it = |running: &Running| running.node == node && running.program == program;
        self.running.borrow_mut().retain(|running| !is_it(running));
        Ok(run(&mut self.inside(node, &["sh", "-c", &format!("kill -9 $(pidof {program})")])?)?)
    }

    /// A command in a node.
    pub fn inside(&self, node: &str, words: &[&str]) -> Result<Command, DemoError> {
        Ok(self.state.inside(self.lab, node, None, words)?)
    }

    /// What a command in a node prints.
    pub fn ask(&self, node: &str, words: &[&str]) -> Result<String, DemoError> {
        Ok(capture(&mut self.inside(node, words)?)?)
    }

    /// Writes a file in a node's own `/run`, mode 0600.
    pub fn put(&self, node: &str, path: &str, text: &str) -> Result<(), DemoError> {
        let failed = |source| DemoError::File { path: path.to_owned(), source };
        let script = format!("umask 077; mkdir -p $(dirname {path}); cat > {path}");
        let mut command = self.inside(node, &["sh", "-c", &script])?;
        let mut child = command.stdin(Stdio::piped()).spawn().map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(text.as_bytes()).map_err(failed)?;
        }
        match child.wait().map_err(failed)?.success() {
            true => Ok(()),
            false => Err(failed(std::io::ErrorKind::Other.into())),
        }
    }

    /// `sarkctl` where `sarkd` is, from the checkout.
    pub fn sarkctl_command(&self, words: &[&str]) -> Result<Command, DemoError> {
        let sarkctl = self.place.built("sarkctl");
        let mut all = vec![sarkctl.as_os_str()];
        all.extend(words.iter().map(std::ffi::OsStr::new));
        Ok(self.state.inside(self.lab, "speaker", Some(&self.place.root), &all)?)
    }

    /// What it prints.
    pub fn sarkctl(&self, words: &[&str]) -> Result<String, DemoError> {
        Ok(capture(&mut self.sarkctl_command(words)?)?)
    }

    /// Until it is so; not longer than patience lasts, nor than all lives that was started.
    pub fn wait(&self, what: &str, is_so: &mut dyn FnMut() -> bool) -> Result<(), DemoError> {
        let mut came = false;
        let began = Instant::now();
        wait_until(PATIENCE, || {
            came = is_so();
            came || self.running.borrow().iter().any(|running| !running.process.is_alive())
        });
        if came {
            return Ok(());
        }
        let said = self.running.borrow().iter().map(Running::last_words).collect();
        Err(DemoError::Late { what: what.to_owned(), seconds: began.elapsed().as_secs(), said })
    }
}

impl Running {
    fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let last = lines.iter().skip(lines.len().saturating_sub(12));
        let ended = if self.process.is_alive() { "" } else { ", which ended" };
        let head = format!("\n  {} on {}{ended}:", self.program, self.node);
        std::iter::once(head).chain(last.map(|line| format!("\n    {line}"))).collect()
    }
}
