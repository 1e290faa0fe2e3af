//! For tests of what is stored: on each engine, the same.
//!
//! PostgreSQL is a real one: Debian's, run as an unprivileged user on a Unix socket. One server
//! serves all test processes of this checkout, started by the first that asks, with a database for
//! each test. Each process holds a shared lock; a script beside the server (`watch.sh`) stops it
//! when nobody has held the lock for some seconds, however the processes ended. A test that wants
//! to stop or halt its server has [one of its own](TestServer::own).

#![expect(clippy::unwrap_used, clippy::panic, reason = "what does not work here fails the test")]

mod place;
mod programs;
mod server;

pub use place::TestPlace;
pub use server::{TestDatabase, TestServer};

/// Tests named as functions `async fn(TestPlace)`, each run on each engine.
#[macro_export]
macro_rules! on_both_engines {
    ($($test:ident)*) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::test_util::TestPlace::sqlite()).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($crate::test_util::TestPlace::postgres()).await;
                }
            )*
        }
    };
}
