//! What is PostgreSQL's own: its options, its write lock, its limits, its codes.

use std::path::PathBuf;
use std::time::Duration;

use sark_core::secret::Secret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};

use crate::migrations::POSTGRES;
use crate::store::OpenError;

/// Begins a session that writes. Its statements each see what was committed before them.
pub(crate) const WRITING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// The write lock, given back when the session ends, after what it wrote is visible. The number is
/// "SARK" in ASCII.
pub(crate) const WRITE_LOCK: &str = "SELECT pg_advisory_xact_lock(1396789835)";

/// Begins a session that reads several things of one moment.
pub(crate) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Milliseconds since 1970; not of when the session began.
pub(crate) const NOW: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";

/// How long one statement, or closing, may take before the server is taken for dead.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long a call waits for a connection, and a connection for the server.
const CONNECT: Duration = Duration::from_secs(4);

/// How long the changes of the schema may take, waiting for another controller's included.
const MIGRATE: Duration = Duration::from_secs(300);

/// Set on each connection, so that the server itself gives up before [`PATIENCE`] ends: a
/// controller that is halted inside a session must not keep the write lock.
const LIMITS: &[(&str, &str)] = &[
    ("statement_timeout", "9s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "5s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
];

/// Where a PostgreSQL database is, and how to get in. Prints without its password.
#[derive(Clone)]
pub struct PostgresSettings {
    options: PgConnectOptions,
}

/// The parts of [`PostgresSettings`], each by itself.
#[derive(Debug, Clone)]
pub struct PostgresAccess {
    /// Name, address, or the directory of its Unix socket (beginning with `/`).
    pub host: String,
    /// TCP port; names the socket too.
    pub port: u16,
    /// Database, which exists.
    pub database: String,
    /// User.
    pub user: String,
    /// Password, if the server asks for one.
    pub password: Option<Secret>,
}

/// How the connection is protected. Not used on a Unix socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Off,
    /// TLS 1.2 or 1.3; the server proves its name with a certificate of the system's authorities.
    #[default]
    System,
    /// The same, but only the authorities in this PEM file count.
    Authority(PathBuf),
}

/// The text is no `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. It is not repeated.
#[derive(Debug, thiserror::Error)]
#[error("it is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
pub struct UrlError;

impl PostgresSettings {
    /// Of its parts.
    #[must_use]
    pub fn new(access: &PostgresAccess, tls: &Tls) -> Self {
        let mut options = PgConnectOptions::new_without_pgpass()
            .port(access.port)
            .database(&access.database)
            .username(&access.user);
        if let Some(password) = &access.password {
            options = options.password(password.reveal());
        }
        let is_socket = access.host.starts_with('/');
        options = if is_socket { options.socket(&access.host) } else { options.host(&access.host) };
        Self { options: protected(options, tls) }
    }

    /// Of a URL. What it says itself of TLS (`sslmode=`) counts, but it never falls back from TLS to
    /// none.
    pub fn of_url(url: &Secret, tls: &Tls) -> Result<Self, UrlError> {
        let is_url = ["postgres://", "postgresql://"].iter().any(|s| url.reveal().starts_with(s));
        let options: PgConnectOptions = url.reveal().parse().map_err(|_| UrlError)?;
        if !is_url || options.get_database().is_none() {
            return Err(UrlError);
        }
        Ok(Self {
            options: match options.get_ssl_mode() {
                PgSslMode::Prefer | PgSslMode::Allow => protected(options, tls),
                _ => options,
            },
        })
    }

    /// For messages: all but the password.
    #[must_use]
    pub fn place(&self) -> String {
        let options = &self.options;
        let host = match options.get_socket() {
            Some(directory) => directory.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let database = options.get_database().unwrap_or_default();
        format!("{database} on PostgreSQL at {host} (user {})", options.get_username())
    }

    pub(crate) fn options(&self) -> PgConnectOptions {
        // Statements are the same few texts: they are not worth a line each.
        self.options.clone().application_name("sarkd").disable_statement_logging()
    }
}

impl std::fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.place())
    }
}

fn protected(options: PgConnectOptions, tls: &Tls) -> PgConnectOptions {
    if options.get_socket().is_some() {
        return options.ssl_mode(PgSslMode::Disable);
    }
    match tls {
        Tls::Off => options.ssl_mode(PgSslMode::Disable),
        Tls::System => options.ssl_mode(PgSslMode::VerifyFull),
        Tls::Authority(file) => options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(file),
    }
}

/// Connects, with this version's schema.
pub(crate) async fn open(settings: &PostgresSettings) -> Result<PgPool, OpenError> {
    let place = settings.place();
    let failed = |source| OpenError::Open { place: settings.place(), source };
    let mut connection = within(CONNECT, PgConnection::connect_with(&settings.options()))
        .await
        .map_err(|e| failed(e.into()))?;
    let encoding = sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut connection);
    let encoding: String = within(PATIENCE, encoding).await.map_err(|e| failed(e.into()))?;
    if encoding != "UTF8" {
        let why = format!("its encoding is {encoding}; create it with ENCODING 'UTF8'");
        return Err(failed(why.into()));
    }
    let migrated = tokio::time::timeout(MIGRATE, POSTGRES.run(&mut connection)).await;
    migrated
        .map_err(|_| failed("changing its schema took too long, or another sarkd is at it".into()))?
        .map_err(|source| OpenError::migrating(place, &POSTGRES, source))?;
    let _ = within(PATIENCE, connection.close()).await;
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(CONNECT)
        // A connection whose server has stopped answering does not keep its place in the pool.
        .after_release(|connection, _| {
            Box::pin(async move { within(CONNECT, connection.ping()).await.map(|()| true) })
        });
    pool.connect_with(settings.options().options(LIMITS.iter().copied()))
        .await
        .map_err(|e| failed(e.into()))
}

/// As the future, but not longer than this.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let late = |_| {
        let why = format!("the server did not answer within {} s", limit.as_secs());
        sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, why))
    };
    tokio::time::timeout(limit, work).await.unwrap_or_else(|e| Err(late(e)))
}

/// Codes `data_corrupted` and `index_corrupted`.
pub(crate) fn is_damage(code: &str) -> bool {
    matches!(code, "XX001" | "XX002")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_and_its_password_is_not_told() {
        let of = |url: &str| PostgresSettings::of_url(&Secret::new(url.to_owned()), &Tls::System);
        for (url, place) in [
            (
                "postgres://ann:hunter2@db.example:6432/sark",
                "sark on PostgreSQL at db.example:6432 (user ann)",
            ),
            (
                "postgres://ann:hunter2@[2001:db8::1]/sark",
                "sark on PostgreSQL at [2001:db8::1]:5432 (user ann)",
            ),
            (
                "postgres:///sark?host=/run/postgresql&user=ann",
                "sark on PostgreSQL at /run/postgresql (user ann)",
            ),
        ] {
            let settings = of(url).unwrap();
            assert_eq!(settings.place(), place);
            assert_eq!(format!("{settings:?}"), place);
        }
        for wrong in ["", "hunter2", "mysql://a:hunter2@h/d", "postgres://ann:hunter2@h:x/d"] {
            let error = of(wrong).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{wrong}");
        }
    }

    #[test]
    fn tls_is_never_left_by_itself() {
        let mode = |url: &str, tls: &Tls| {
            let settings = PostgresSettings::of_url(&Secret::new(url.to_owned()), tls).unwrap();
            format!("{:?}", settings.options.get_ssl_mode())
        };
        for (url, tls, wanted) in [
            ("postgres://a@h/d", Tls::System, "VerifyFull"),
            ("postgres://a@h/d?sslmode=prefer", Tls::System, "VerifyFull"),
            ("postgres://a@h/d?sslmode=require", Tls::Off, "Require"),
            ("postgres://a@h/d?sslmode=disable", Tls::System, "Disable"),
            ("postgres://a@h/d", Tls::Off, "Disable"),
            ("postgres:///d?host=/run/postgresql", Tls::System, "Disable"),
        ] {
            assert_eq!(mode(url, &tls), wanted, "{url} {tls:?}");
        }
    }
}
