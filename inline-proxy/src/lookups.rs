//! Names on their way to addresses: so many at a time, and of one client a share of them, so that names
//! whose resolvers say nothing hold up nobody else's.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clients::OneClient;
use crate::dial::DialError;

/// Names that are looked up at the same time: each takes a thread until the resolver answers.
const MOST: usize = 128;
/// Of one client.
const MOST_EACH: usize = 16;

/// See the module.
#[derive(Debug)]
pub(crate) struct Lookups {
    who: OneClient,
    all: Arc<Semaphore>,
    /// Of clients whose names are looked up now.
    each: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

impl Lookups {
    pub(crate) fn new(who: OneClient) -> Self {
        Self { who, all: Arc::new(Semaphore::new(MOST)), each: Mutex::default() }
    }

    /// The addresses of a name that this client wants; how long that takes is bounded.
    pub(crate) async fn look_up(
        &self,
        client: SocketAddr,
        name: &str,
        port: u16,
        within: Duration,
    ) -> Result<Vec<SocketAddr>, DialError> {
        let (share, all) = (self.share(client), Arc::clone(&self.all));
        let wanted = (name.to_owned(), port);
        let looking = async {
            let places = (share.acquire_owned().await, all.acquire_owned().await);
            // On a task of its own: who waits no longer does not free the thread that still does.
            tokio::spawn(async move {
                let _places = places;
                tokio::net::lookup_host(wanted).await.map(Iterator::collect)
            })
            .await
        };
        let failed = |error| DialError::Name(name.to_owned(), error);
        match tokio::time::timeout(within, looking).await {
            Ok(Ok(found)) => found.map_err(failed),
            Ok(Err(error)) => Err(failed(error.into())),
            Err(_) => Err(DialError::NameLate { name: name.to_owned(), within }),
        }
    }

    fn share(&self, client: SocketAddr) -> Arc<Semaphore> {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        // Who looks up, or waits for it, holds it.
        each.retain(|_, share| Arc::strong_count(share) > 1);
        let share = each.entry(self.who.of(client));
        Arc::clone(share.or_insert_with(|| Arc::new(Semaphore::new(MOST_EACH))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(20);

    fn clients() -> (SocketAddr, SocketAddr) {
        ("192.0.2.1:40000".parse().unwrap(), "192.0.2.2:40000".parse().unwrap())
    }

    #[tokio::test]
    async fn a_resolver_has_so_long() {
        let (lookups, (one, _)) = (Lookups::new(OneClient::default()), clients());
        // As if all threads waited for resolvers that say nothing.
        let _all = lookups.all.acquire_many(u32::try_from(MOST).unwrap()).await.unwrap();
        let late = lookups.look_up(one, "localhost", 80, SHORT).await;
        assert!(matches!(late, Err(DialError::NameLate { .. })), "{late:?}");
    }

    #[tokio::test]
    async fn one_client_has_a_share() {
        let (lookups, (one, other)) = (Lookups::new(OneClient::default()), clients());
        let share = lookups.share(one);
        let _its = share.acquire_many(u32::try_from(MOST_EACH).unwrap()).await.unwrap();
        let late = lookups.look_up(one, "localhost", 80, SHORT).await;
        assert!(matches!(late, Err(DialError::NameLate { .. })), "{late:?}");
        assert!(!lookups.look_up(other, "localhost", 80, LONG).await.unwrap().is_empty());
        // Nobody waits for the other's any more: its share is forgotten with the next look.
        lookups.share(one);
        assert_eq!(lookups.each.lock().unwrap().len(), 1);
    }
}
