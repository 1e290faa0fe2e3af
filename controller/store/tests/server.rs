//! What only a database at the other end of a connection can do wrong: go away, hang, be somebody
//! else.

use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sark_core::secret::Secret;
use sark_core::storage::contract::{record, revision};
use sark_core::storage::{AuditStore, RevisionStore, StorageError};
use sark_store::test_util::TestServer;
use sark_store::{OpenError, PostgresAccess, PostgresSettings, Store, Tls};

/// Longest wait for an end that has to come by itself.
const SOON: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_server_that_goes_away_is_told_and_found_again() {
    let server = TestServer::own(&["fsync=off"]);
    let database = server.database();
    let store = Store::connect(&database.settings()).await.unwrap();
    store.commit(&revision(1), &record("before")).await.unwrap();
    server.stop();
    for error in [
        store.newest().await.unwrap_err(),
        store.append(&record("lost")).await.unwrap_err(),
        store.commit(&revision(2), &record("lost")).await.unwrap_err(),
    ] {
        assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
    }
    let error = Store::connect(&database.settings()).await.unwrap_err();
    assert!(error.to_string().contains("PostgreSQL at"), "{error}");
    server.start();
    store.commit(&revision(2), &record("after")).await.unwrap();
    assert_eq!(store.records(9).await.unwrap(), [record("after"), record("before")]);
}

#[tokio::test]
async fn a_server_that_hangs_holds_nobody_up() {
    let server = TestServer::own(&["fsync=off"]);
    let database = server.database();
    let store = Store::connect(&database.settings()).await.unwrap();
    store.commit(&revision(1), &record("before")).await.unwrap();
    server.halt(true);
    // More calls than there are connections, of both kinds.
    let calls = (0..12).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            match n % 2 {
                0 => store.newest().await.map(drop),
                _ => store.append(&record("hangs")).await,
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        let ended = tokio::time::timeout(SOON, call).await.expect("it ends by itself").unwrap();
        let error = ended.unwrap_err();
        assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
    }
    let opened = tokio::time::timeout(SOON, Store::connect(&database.settings())).await;
    assert!(matches!(opened.expect("it ends by itself"), Err(OpenError::Open { .. })));
    server.halt(false);
    let again = async { while store.append(&record("after")).await.is_err() {} };
    tokio::time::timeout(SOON, again).await.expect("it answers again");
    assert_eq!(store.records(1).await.unwrap(), [record("after")]);
    tokio::time::timeout(SOON, store.close()).await.expect("it closes");
}

/// A controller that is halted inside a change must not keep the others from theirs.
#[tokio::test]
async fn a_writer_that_is_halted_loses_the_write_lock() {
    let server = TestServer::shared();
    let database = server.database();
    let store = Store::connect(&database.settings()).await.unwrap();
    store.write_and_halt().await;
    let other = Store::connect(&database.settings()).await.unwrap();
    let written = async { while other.commit(&revision(1), &record("other")).await.is_err() {} };
    tokio::time::timeout(SOON, written).await.expect("the lock comes free");
    assert_eq!(other.records(9).await.unwrap(), [record("other")]);
}

#[tokio::test]
async fn it_proves_its_name_and_asks_for_ours() {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (ours, other) = (authority("ours"), authority("other"));
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &ours).unwrap();
    let mut server = TestServer::own(&["fsync=off"]);
    server.reconfigure(
        &[
            ("server.crt", &certificate.pem()),
            ("server.key", &key.serialize_pem()),
            ("pg_hba.conf", "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"),
        ],
        &["ssl=on", "listen_addresses=127.0.0.1"],
    );
    let database = server.database();
    database
        .raw("CREATE ROLE sark LOGIN PASSWORD 'hunter2'; GRANT ALL ON SCHEMA public TO sark")
        .await
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let [ours, other] = [("ours.pem", ours), ("other.pem", other)].map(|(name, authority)| {
        let path = directory.path().join(name);
        std::fs::write(&path, authority.pem()).unwrap();
        Tls::Authority(path)
    });
    let connect = async |host: &str, password: &str, tls: &Tls| {
        let access = PostgresAccess {
            host: host.to_owned(),
            port: server.port(),
            database: database.name().to_owned(),
            user: "sark".into(),
            password: Some(Secret::new(password.to_owned())),
        };
        Store::connect(&PostgresSettings::new(&access, tls)).await
    };
    let store = connect("localhost", "hunter2", &ours).await.unwrap();
    store.commit(&revision(1), &record("over TLS")).await.unwrap();
    for (host, password, tls) in [
        ("localhost", "hunter3", &ours),
        ("localhost", "hunter2", &other),
        ("localhost", "hunter2", &Tls::System),
        // The server lets nobody in who speaks in the clear.
        ("localhost", "hunter2", &Tls::Off),
        // Not a name of its certificate.
        ("127.0.0.1", "hunter2", &ours),
    ] {
        let error = connect(host, password, tls).await.unwrap_err();
        let said = format!("{error:?} {error}");
        assert!(matches!(error, OpenError::Open { .. }), "{host} {tls:?}: {said}");
        assert!(!said.contains("hunter"), "{said}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_utf8_is_refused() {
    let server = TestServer::shared();
    let database = server.database();
    let name = format!("{}_ascii", database.name());
    let create = format!(
        "CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    );
    database.raw(&create).await.unwrap();
    let access = PostgresAccess {
        host: server.directory().join("socket").display().to_string(),
        port: server.port(),
        database: name.clone(),
        user: "postgres".into(),
        password: None,
    };
    let error = Store::connect(&PostgresSettings::new(&access, &Tls::Off)).await.unwrap_err();
    let said = format!("{error:?}");
    assert!(said.contains("SQL_ASCII") && said.contains("ENCODING 'UTF8'"), "{said}");
    database.raw(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}
