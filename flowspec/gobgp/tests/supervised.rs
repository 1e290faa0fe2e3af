//! A gobgpd of our own: started, adopted, restarted, and its sessions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sark_flowspec::speaker::contract::{every_kind, numbered};
use sark_flowspec::{Afi, PeerState, Route, Speaker, SpeakerError};
use sark_gobgp::daemon::{DaemonError, Ensured, OnStop, Password, Peer, Settings, Supervised};
use tempfile::TempDir;

use crate::process::{
    Leftover, Process, Release, directory, eventually, freeze, is_ours, moment, noted_pid,
};
use crate::router::{Heard, Router};

/// A place for one supervised daemon, which ends with it.
struct Place {
    // Dropped first: the daemon ends before its directory goes.
    _leftover: Leftover,
    directory: TempDir,
    program: PathBuf,
}

impl Place {
    fn new(release: Release) -> Self {
        let directory = directory();
        let _leftover = Leftover(directory.path().join("run/gobgpd.sock"));
        Self { _leftover, directory, program: release.program() }
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("run/gobgpd.sock")
    }

    fn settings(&self) -> Settings {
        Settings {
            program: self.program.clone(),
            socket: self.socket(),
            timeout_seconds: 5,
            asn: 64512,
            router_id: Ipv4Addr::new(192, 0, 2, 1),
            listen_port: None,
            listen_addresses: Vec::new(),
            peers: Vec::new(),
            on_stop: OnStop::Keep,
        }
    }

    /// With a router at `peer` that may connect to `local`.
    fn with_router(&self, local: SocketAddr, peer: IpAddr) -> Settings {
        Settings {
            listen_port: Some(local.port()),
            listen_addresses: vec![local.ip()],
            peers: vec![Peer { passive: true, ..Peer::new(peer, 64513) }],
            ..self.settings()
        }
    }

    fn pid(&self) -> Option<i32> {
        noted_pid(&self.socket())
    }
}

/// An address of this test alone, and a port nobody uses.
fn loopback(host: u8) -> SocketAddr {
    let address = Ipv4Addr::new(127, 77, u8::try_from(std::process::id() % 251).unwrap(), host);
    let listener = std::net::TcpListener::bind((address, 0)).unwrap();
    listener.local_addr().unwrap()
}

fn sorted(mut rules: Vec<(Afi, Vec<u8>)>) -> Vec<(Afi, Vec<u8>)> {
    rules.sort();
    rules
}

fn octets(routes: &[Route]) -> Vec<(Afi, Vec<u8>)> {
    sorted(routes.iter().map(|route| (route.nlri.afi(), route.nlri.encode())).collect())
}

async fn a_router_gets_the_whole_set_first(release: Release) {
    let place = Place::new(release);
    let (local, peer) = (loopback(1), loopback(2).ip());
    let mut daemon = Supervised::new(place.with_router(local, peer)).unwrap();
    assert_eq!(daemon.ensure().await.unwrap(), Ensured::Started);
    let mut routes = every_kind();
    routes.extend((0..1000).map(numbered));
    daemon.speaker().announce(&routes).await.unwrap();
    let changes = daemon.reconcile_peers().await.unwrap();
    assert_eq!(changes.added, [peer]);

    for _ in 0..2 {
        let mut router = Router::connect(peer, local, 64513).await;
        assert_eq!(sorted(router.initial().await), octets(&routes));
        // The second time the session is established again.
    }
}

async fn a_restart_of_ours_touches_nothing(release: Release) {
    let place = Place::new(release);
    let (local, peer) = (loopback(3), loopback(4).ip());
    let mut daemon = Supervised::new(place.with_router(local, peer)).unwrap();
    daemon.ensure().await.unwrap();
    daemon.speaker().announce(&every_kind()).await.unwrap();
    daemon.reconcile_peers().await.unwrap();
    assert_eq!(daemon.ensure().await.unwrap(), Ensured::Running);
    let mut router = Router::connect(peer, local, 64513).await;
    router.initial().await;

    let pid = daemon.pid();
    daemon.stop().await;
    let mut daemon = Supervised::new(place.with_router(local, peer)).unwrap();
    assert_eq!(daemon.ensure().await.unwrap(), Ensured::Adopted);
    assert_eq!(daemon.pid(), pid);
    assert_eq!(daemon.reconcile_peers().await.unwrap(), Default::default());
    assert_eq!(daemon.speaker().table().await.unwrap().len(), every_kind().len());
    let status = &daemon.speaker().peers().await.unwrap()[0];
    assert_eq!((status.state, status.flaps), (PeerState::Established, 0));
    assert_eq!(status.address, peer);
    assert_eq!(status.asn, 64513);
    let count = |afi| every_kind().iter().filter(|route| route.nlri.afi() == afi).count() as u64;
    assert_eq!(status.advertised, (count(Afi::Ipv4), count(Afi::Ipv6)));
    assert!(router.is_quiet().await);

    // Not even when we lost our note of it.
    drop(daemon);
    std::fs::remove_file(place.socket().with_extension("pid")).unwrap();
    let mut daemon = Supervised::new(place.with_router(local, peer)).unwrap();
    assert_eq!(daemon.ensure().await.unwrap(), Ensured::Adopted);
    assert_eq!(place.pid(), pid);
    assert!(router.is_quiet().await);
}

async fn a_crash_of_gobgpd_is_a_new_start(release: Release) {
    use futures::StreamExt;
    let place = Place::new(release);
    let mut daemon = Supervised::new(place.settings()).unwrap();
    daemon.ensure().await.unwrap();
    let speaker = daemon.speaker();
    speaker.announce(&every_kind()).await.unwrap();
    let mut notices = speaker.watch().await.unwrap();
    let old = daemon.pid().unwrap();
    kill(Pid::from_raw(old), Signal::SIGKILL).unwrap();
    while notices.next().await.is_some() {}
    let started = eventually("a new gobgpd", async || daemon.ensure().await.ok()).await;
    assert_eq!(started, Ensured::Started);
    assert_ne!(daemon.pid(), Some(old));
    assert_eq!(speaker.table().await.unwrap(), []);
}

async fn peers_follow_the_configuration(release: Release) {
    let place = Place::new(release);
    let [a, b, c] = [10, 11, 12].map(|host| IpAddr::from([127, 78, 0, host]));
    let mut daemon = Supervised::new(place.settings()).unwrap();
    daemon.ensure().await.unwrap();
    let first = Peer::new(a, 64513);
    let mut second = Peer {
        families: vec![Afi::Ipv6],
        multihop: Some(7),
        hold_time: Some(Duration::from_secs(9)),
        connect_retry: Some(Duration::from_secs(10)),
        local_address: Some(IpAddr::from([127, 78, 0, 1])),
        port: 1790,
        passive: true,
        password: Some(Password::new("hunter2".to_owned())),
        ..Peer::new(b, 64514)
    };
    // iBGP: the same AS.
    let third = Peer::new(c, 64512);
    daemon.set_peers(vec![first.clone(), second.clone(), third.clone()]);
    assert_eq!(daemon.reconcile_peers().await.unwrap().added, [a, b, c]);
    assert_eq!(daemon.reconcile_peers().await.unwrap(), Default::default());

    let unchanged = second.clone();
    let changes: [fn(&mut Peer); 9] = [
        |peer| peer.asn = 64515,
        |peer| peer.families = vec![Afi::Ipv4, Afi::Ipv6],
        |peer| peer.multihop = None,
        |peer| peer.hold_time = None,
        |peer| peer.graceful_restart = None,
        |peer| peer.local_address = None,
        |peer| peer.port = 179,
        |peer| peer.passive = false,
        |peer| peer.password = Some(Password::new("hunter3".to_owned())),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        change(&mut second);
        daemon.set_peers(vec![first.clone(), second.clone(), third.clone()]);
        assert_eq!(daemon.reconcile_peers().await.unwrap().replaced, [b], "change {index}");
        assert_eq!(daemon.reconcile_peers().await.unwrap(), Default::default(), "change {index}");
    }
    assert_ne!(second, unchanged);

    daemon.set_peers(vec![third]);
    assert_eq!(daemon.reconcile_peers().await.unwrap().removed, [a, b]);
    let left: Vec<_> = daemon.speaker().peers().await.unwrap();
    assert_eq!(left.iter().map(|peer| peer.address).collect::<Vec<_>>(), [c]);

    let log = std::fs::read_to_string(place.socket().with_extension("log")).unwrap();
    assert!(!log.contains("hunter"), "{log}");
}

async fn another_as_is_another_daemon(release: Release) {
    let place = Place::new(release);
    let mut daemon = Supervised::new(place.settings()).unwrap();
    daemon.ensure().await.unwrap();
    let old = daemon.pid();
    drop(daemon);
    let mut daemon = Supervised::new(Settings { asn: 64999, ..place.settings() }).unwrap();
    assert_eq!(daemon.ensure().await.unwrap(), Ensured::Started);
    assert_ne!(daemon.pid(), old);
    assert_eq!(daemon.speaker().info().await.unwrap().asn, 64999);
}

/// We were killed after starting it and before telling it anything.
async fn a_half_started_daemon_is_finished(release: Release) {
    let place = Place::new(release);
    std::fs::create_dir(place.socket().parent().unwrap()).unwrap();
    let mut command = Command::new(&place.program);
    command
        .arg("--api-hosts")
        .arg(format!("unix://{}", place.socket().display()))
        .args(["--pprof-disable", "--log-plain"]);
    let _process = Process::start(&mut command, &place.directory.path().join("log"));
    eventually("the socket", async || place.socket().exists().then_some(())).await;
    let mut daemon = Supervised::new(place.settings()).unwrap();
    assert_eq!(daemon.ensure().await.unwrap(), Ensured::Started);
    assert_eq!(daemon.ensure().await.unwrap(), Ensured::Running);
    assert_eq!(daemon.speaker().info().await.unwrap().asn, 64512);
}

/// There is never a second one with our router id.
async fn a_daemon_that_lost_its_socket_is_ended(release: Release) {
    let place = Place::new(release);
    let mut daemon = Supervised::new(place.settings()).unwrap();
    daemon.ensure().await.unwrap();
    let old = daemon.pid().unwrap();
    drop(daemon);
    std::fs::remove_file(place.socket()).unwrap();
    let mut daemon = Supervised::new(place.settings()).unwrap();
    assert_eq!(daemon.ensure().await.unwrap(), Ensured::Started);
    // Ours as a child until it is reaped: its command line is gone either way.
    assert!(!is_ours(old, &place.socket()));
}

async fn stopping_can_withdraw(release: Release) {
    let place = Place::new(release);
    let (local, peer) = (loopback(5), loopback(6).ip());
    let settings = Settings { on_stop: OnStop::Withdraw, ..place.with_router(local, peer) };
    let mut daemon = Supervised::new(settings).unwrap();
    daemon.ensure().await.unwrap();
    daemon.speaker().announce(&every_kind()).await.unwrap();
    daemon.reconcile_peers().await.unwrap();
    let mut router = Router::connect(peer, local, 64513).await;
    router.initial().await;
    let pid = daemon.pid().unwrap();
    daemon.stop().await;
    assert!(!is_ours(pid, &place.socket()));
    assert!(!place.socket().exists());
    let end = router.hear().await;
    assert!(matches!(end, Heard::Notification(6, _) | Heard::Closed), "{end:?}");
}

/// TCP MD5, against a gobgpd that is configured by a file.
async fn a_session_with_a_password(release: Release) {
    let place = Place::new(release);
    let (local, other) = (loopback(7), loopback(8));
    let settings = Settings {
        listen_port: Some(local.port()),
        listen_addresses: vec![local.ip()],
        peers: vec![Peer {
            password: Some(Password::new("hunter2".to_owned())),
            local_address: Some(local.ip()),
            passive: true,
            ..Peer::new(other.ip(), 64513)
        }],
        ..place.settings()
    };
    let mut daemon = Supervised::new(settings).unwrap();
    daemon.ensure().await.unwrap();
    daemon.speaker().announce(&every_kind()).await.unwrap();
    daemon.reconcile_peers().await.unwrap();
    let config = format!(
        "[global.config]\nas = 64513\nrouter-id = \"192.0.2.2\"\nport = -1\n\
         [[neighbors]]\n[neighbors.config]\nneighbor-address = \"{}\"\npeer-as = 64512\n\
         auth-password = \"hunter2\"\n[neighbors.timers.config]\nconnect-retry = 5\n\
         [neighbors.transport.config]\nlocal-address = \"{}\"\nremote-port = {}\n\
         [[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"ipv4-flowspec\"\n",
        local.ip(),
        other.ip(),
        local.port()
    );
    let router = crate::process::Gobgpd::with_config(release, &config).await;
    eventually("the rules at the other side", async || {
        let table = router.speaker.table().await.unwrap();
        let v4 = every_kind().iter().filter(|route| route.nlri.afi() == Afi::Ipv4).count();
        (table.len() == v4 && table.iter().all(|path| !path.local)).then_some(())
    })
    .await;
}

macro_rules! each {
    ($release:ident: $($case:ident,)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                super::$case(super::Release::$release).await;
            }
        )+
    };
}

macro_rules! all {
    ($($case:ident,)+) => {
        mod gobgpd_installed { each!(Installed: $($case,)+); }
        mod gobgpd_3_36 { each!(V3_36: $($case,)+); }
    };
}

all!(
    a_router_gets_the_whole_set_first,
    a_restart_of_ours_touches_nothing,
    a_crash_of_gobgpd_is_a_new_start,
    peers_follow_the_configuration,
    another_as_is_another_daemon,
    a_half_started_daemon_is_finished,
    a_daemon_that_lost_its_socket_is_ended,
    stopping_can_withdraw,
    a_session_with_a_password,
);

#[tokio::test]
async fn only_one_supervisor() {
    let place = Place::new(Release::Installed);
    let _first = Supervised::new(place.settings()).unwrap();
    let second = Supervised::new(place.settings());
    assert!(matches!(second, Err(DaemonError::Locked(_))));
}

#[tokio::test]
async fn a_directory_that_others_may_write_is_refused() {
    let place = Place::new(Release::Installed);
    let directory = place.directory.path().join("run");
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777)).unwrap();
    let daemon = Supervised::new(place.settings());
    assert!(matches!(daemon, Err(DaemonError::OpenDirectory(_))));
}

#[tokio::test]
async fn a_stranger_at_the_socket_is_left_alone() {
    let place = Place::new(Release::Installed);
    std::fs::create_dir(place.socket().parent().unwrap()).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(place.socket()).unwrap();
    let mut daemon = Supervised::new(place.settings()).unwrap();
    let error = daemon.ensure().await.unwrap_err();
    let own = i32::try_from(std::process::id()).unwrap();
    assert!(matches!(error, DaemonError::Foreign { pid, .. } if pid == own), "{error}");
    drop(listener);
}

#[tokio::test]
async fn files_and_socket_are_private() {
    let place = Place::new(Release::Installed);
    let mut daemon = Supervised::new(place.settings()).unwrap();
    daemon.ensure().await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.socket().parent().unwrap()), 0o700);
    assert_eq!(mode(&place.socket()), 0o600);
    assert_eq!(mode(&place.socket().with_extension("log")), 0o600);
}

#[tokio::test]
async fn a_daemon_that_ends_at_once_is_not_started_at_once() {
    let place = Place::new(Release::Installed);
    let settings = Settings { program: PathBuf::from("/bin/false"), ..place.settings() };
    let mut daemon = Supervised::new(settings).unwrap();
    let error = daemon.ensure().await.unwrap_err();
    assert!(matches!(error, DaemonError::Died { .. }), "{error}");
    let error = daemon.ensure().await.unwrap_err();
    assert!(matches!(error, DaemonError::Backoff { .. }), "{error}");
    let again = eventually("the next start", async || match daemon.ensure().await {
        Err(DaemonError::Backoff { .. }) => None,
        other => Some(other),
    })
    .await;
    assert!(matches!(again, Err(DaemonError::Died { .. })));
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let place = Place::new(Release::Installed);
    let settings = Settings { program: PathBuf::from("/nonexistent/gobgpd"), ..place.settings() };
    let error = Supervised::new(settings).unwrap().ensure().await.unwrap_err();
    assert!(error.to_string().contains("/nonexistent/gobgpd"), "{error}");
}

#[tokio::test]
async fn a_hanging_daemon_is_told_and_waited_for() {
    let place = Place::new(Release::Installed);
    let settings = Settings { timeout_seconds: 1, ..place.settings() };
    let mut daemon = Supervised::new(settings).unwrap();
    daemon.ensure().await.unwrap();
    let pid = Pid::from_raw(daemon.pid().unwrap());
    freeze(pid.as_raw()).await;
    let error = daemon.ensure().await.unwrap_err();
    assert!(
        matches!(error, DaemonError::Call { source: SpeakerError::Timeout { .. }, .. }),
        "{error}"
    );
    kill(pid, Signal::SIGCONT).unwrap();
    let found = eventually("gobgpd", async || daemon.ensure().await.ok()).await;
    assert_eq!(found, Ensured::Running);
    moment().await;
}
