//! The server: made, started, watched, stopped.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::programs::{self, Programs};
use crate::{PostgresAccess, PostgresSettings, Tls};

/// A server, up as long as somebody has it.
#[derive(Debug)]
pub struct TestServer {
    directory: PathBuf,
    port: u16,
    settings: Vec<String>,
    programs: Programs,
    /// Tells the script that somebody uses it.
    _user: Flock<File>,
    /// Removed with it, if it is this test's own.
    own: Option<tempfile::TempDir>,
}

/// A database, dropped with it.
#[derive(Debug)]
pub struct TestDatabase<'s> {
    server: &'s TestServer,
    name: String,
}

/// Names the socket only: it does not listen on TCP unless told to.
const PORT: u16 = 5432;

impl TestServer {
    /// The one of all tests.
    pub fn shared() -> &'static Self {
        static SERVER: OnceLock<TestServer> = OnceLock::new();
        SERVER.get_or_init(|| {
            let checkout = sark_core::ContentHash::of(env!("CARGO_MANIFEST_DIR").as_bytes());
            let name: String = checkout.to_string().chars().skip(7).take(12).collect();
            let directory = std::env::temp_dir().join(format!("sark-postgres-{name}"));
            fs::create_dir_all(&directory).unwrap();
            Self::in_directory(directory, None, PORT, &["fsync=off", "full_page_writes=off"])
        })
    }

    /// One for this test alone, with these settings (`name=value`).
    #[must_use]
    pub fn own(settings: &[&str]) -> Self {
        let directory = tempfile::Builder::new().prefix("sark-postgres-").tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        Self::in_directory(directory.path().to_owned(), Some(directory), port, settings)
    }

    fn in_directory(
        directory: PathBuf,
        own: Option<tempfile::TempDir>,
        port: u16,
        settings: &[&str],
    ) -> Self {
        let user = lock(&directory.join("users"), FlockArg::LockShared);
        let server = Self {
            programs: Programs::find(),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            directory,
            port,
            _user: user,
            own,
        };
        let _one_at_a_time = lock(&server.directory.join("starting"), FlockArg::LockExclusive);
        if !server.is_up() {
            server.make();
            server.start();
            server.watch();
        }
        server
    }

    /// A new database.
    pub fn database(&self) -> TestDatabase<'_> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        // A process of this number may have been killed before.
        self.administer("dropdb", &["--if-exists", "--force", &name]);
        self.administer("createdb", &[&name]);
        TestDatabase { server: self, name }
    }

    /// Where its socket is, and its data.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The port of its socket, and of TCP where it listens on it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again with these files in its data directory and these settings more.
    pub fn reconfigure(&mut self, files: &[(&str, &str)], settings: &[&str]) {
        self.stop();
        for (name, text) in files {
            let path = self.directory.join("data").join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            if let Some((user, group)) = self.programs.user {
                chown(&path, Some(user), Some(group)).unwrap();
            }
        }
        self.settings.extend(settings.iter().map(|&setting| setting.to_owned()));
        self.start();
    }

    /// Stops it at once, as a crash would.
    pub fn stop(&self) {
        self.control(&["stop", "-m", "immediate"]);
    }

    /// Starts it again.
    pub fn start(&self) {
        let mut words = format!("-k {} -c port={}", self.socket().display(), self.port);
        for setting in ["listen_addresses=''", "max_connections=200"] {
            words += &format!(" -c {setting}");
        }
        for setting in &self.settings {
            words += &format!(" -c {setting}");
        }
        let log = self.directory.join("data/log");
        self.control(&["-l", &log.display().to_string(), "-o", &words, "start"]);
    }

    /// Halts all its processes (or lets them go on): connections stay, and nothing answers.
    pub fn halt(&self, is_halted: bool) {
        let signal = if is_halted { Signal::SIGSTOP } else { Signal::SIGCONT };
        let main = self.main_process().expect("the server is up");
        for process in programs::children(main).into_iter().chain([main]) {
            // One that has just ended is halted enough.
            let _ = kill(Pid::from_raw(process), signal);
        }
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    fn main_process(&self) -> Option<i32> {
        let file = fs::read_to_string(self.directory.join("data/postmaster.pid")).ok()?;
        file.lines().next()?.parse().ok()
    }

    fn is_up(&self) -> bool {
        self.main_process().is_some_and(|process| kill(Pid::from_raw(process), None).is_ok())
            && std::os::unix::net::UnixStream::connect(
                self.socket().join(format!(".s.PGSQL.{}", self.port)),
            )
            .is_ok()
    }

    /// New data.
    fn make(&self) {
        for (name, mode) in [("data", 0o700), ("socket", 0o755)] {
            let path = self.directory.join(name);
            let _ = fs::remove_dir_all(&path);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            if let Some((user, group)) = self.programs.user {
                chown(&path, Some(user), Some(group)).unwrap();
            }
        }
        let data = self.directory.join("data").display().to_string();
        let words = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"];
        let mut initdb = self.programs.command("initdb");
        initdb.args(["--no-sync", "--no-instructions", "--pgdata", &data]).args(words);
        programs::run(&mut initdb);
    }

    /// Stops it when nobody has it any more.
    fn watch(&self) {
        let script = include_str!("watch.sh");
        let whose = if self.own.is_some() { "own" } else { "shared" };
        // In the background, and of no process group that is ended with the test.
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"sh -c "$0" watch "$@" &"#, script]).arg(&self.directory).arg(whose);
        shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        assert!(shell.status().unwrap().success());
    }

    fn control(&self, words: &[&str]) {
        let mut pg_ctl = self.programs.command("pg_ctl");
        pg_ctl.arg("-D").arg(self.directory.join("data")).arg("--wait").args(words);
        programs::run(&mut pg_ctl);
    }

    fn administer(&self, program: &str, words: &[&str]) {
        let mut command = self.programs.command(program);
        command.arg("-h").arg(self.socket()).args(["-p", &self.port.to_string(), "-U", "postgres"]);
        programs::run(command.args(words));
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if self.own.is_some() && self.is_up() {
            self.stop();
        }
    }
}

impl TestDatabase<'_> {
    /// How to get in.
    #[must_use]
    pub fn settings(&self) -> PostgresSettings {
        let access = PostgresAccess {
            host: self.server.socket().display().to_string(),
            port: self.server.port,
            database: self.name.clone(),
            user: "postgres".into(),
            password: None,
        };
        PostgresSettings::new(&access, &Tls::Off)
    }

    /// Statements as an administrator would type them, past the store.
    pub async fn raw(&self, statements: &str) -> Result<(), sqlx::Error> {
        let mut connection = self.connection().await?;
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await?;
        connection.close().await
    }

    pub(super) async fn connection(&self) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect_with(&self.settings().options()).await
    }

    /// Its name on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase<'_> {
    fn drop(&mut self) {
        let mut command = self.server.programs.command("dropdb");
        command.arg("-h").arg(self.server.socket()).args(["-U", "postgres", "--force", &self.name]);
        command.args(["-p", &self.server.port.to_string()]);
        // The test may have stopped the server.
        let _ = command.output();
    }
}

fn lock(path: &Path, how: FlockArg) -> Flock<File> {
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).open(path);
    let file = file.unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
    Flock::lock(file, how).map_err(|(_, error)| error).unwrap()
}
