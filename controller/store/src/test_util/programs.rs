//! PostgreSQL's programs, and as whom they run.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use nix::unistd::{User, geteuid};

#[derive(Debug)]
pub(super) struct Programs {
    directory: PathBuf,
    /// Ids of the unprivileged user, when root runs the test.
    pub(super) user: Option<(u32, u32)>,
}

impl Programs {
    /// Those of the newest version that is installed.
    pub(super) fn find() -> Self {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let number = |path: &PathBuf| -> Option<u32> { path.file_name()?.to_str()?.parse().ok() };
        let newest = versions.map(|entry| entry.path()).max_by_key(number);
        let directory = newest.map(|path| path.join("bin")).filter(|d| d.join("initdb").is_file());
        let directory = directory.unwrap_or_else(|| {
            panic!("PostgreSQL's server is not installed: run `cargo xtask setup --only packages`")
        });
        let ids = || {
            let user = ["postgres", "nobody"].iter().find_map(|n| User::from_name(n).ok()?);
            let user = user.expect("a user `postgres` or `nobody`: the server refuses to be root");
            (user.uid.as_raw(), user.gid.as_raw())
        };
        Self { directory, user: geteuid().is_root().then(ids) }
    }

    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.directory.join(program));
        command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin").current_dir("/");
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

/// Runs it; what it says is shown if it fails.
pub(super) fn run(command: &mut Command) {
    // A server started by it would keep a pipe open.
    let file = tempfile::tempfile().expect("a temporary file");
    let copy = || file.try_clone().expect("a second handle");
    let status = command.stdin(std::process::Stdio::null()).stdout(copy()).stderr(copy()).status();
    if !status.as_ref().is_ok_and(std::process::ExitStatus::success) {
        use std::io::{Read as _, Seek as _};
        let mut said = String::new();
        let mut file = file;
        let _ = file.rewind().and_then(|()| file.read_to_string(&mut said));
        panic!("{command:?}: {status:?}\n{said}");
    }
}

/// Processes it has started.
pub(super) fn children(process: i32) -> Vec<i32> {
    let listed = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = listed.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let parent = |number: &i32| -> Option<i32> {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    numbers.filter(|number| parent(number) == Some(process)).collect()
}
