//! A resolver that answers what it is told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::{Answer, Resolve, ResolveError};
use crate::ageing::Answered;

/// Holds records; a name without any does not exist. Cheap to share.
#[derive(Debug)]
pub struct Fake {
    id: Arc<str>,
    serves_clients: bool,
    names: Mutex<BTreeMap<String, Result<Answer, ResolveError>>>,
    asked: Mutex<Vec<String>>,
    is_down: AtomicBool,
}

impl Fake {
    /// Knows no name.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            serves_clients: false,
            names: Mutex::default(),
            asked: Mutex::default(),
            is_down: AtomicBool::new(false),
        }
    }

    /// Its answers count as clients'.
    #[must_use]
    pub fn for_clients(self) -> Self {
        Self { serves_clients: true, ..self }
    }

    /// From now on the name has these addresses, each with this TTL.
    pub fn set(&self, name: &str, ttl: u32, addresses: &[std::net::IpAddr]) {
        let answered = addresses.iter().map(|&address| Answered { address, ttl });
        let mut answer = self.nothing();
        answer.addresses = answered.collect();
        answer.addresses.sort_unstable();
        self.put(name, Ok(answer));
    }

    /// From now on the name is answered so.
    pub fn put(&self, name: &str, answer: Result<Answer, ResolveError>) {
        lock(&self.names).insert(name.to_owned(), answer);
    }

    /// From now on the name is not answered.
    pub fn fail(&self, name: &str) {
        let (resolver, name) = (Arc::clone(&self.id), name.to_owned());
        self.put(&name.clone(), Err(ResolveError::Timeout { resolver, name, seconds: 5 }));
    }

    /// From now on it answers nothing, or again.
    pub fn down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// Names asked for since the last call, in order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.asked))
    }

    fn nothing(&self) -> Answer {
        let resolver = Arc::clone(&self.id);
        Answer { resolver, addresses: vec![], chain: vec![], hints: vec![], dnssec: None }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Resolve for Fake {
    fn id(&self) -> &Arc<str> {
        &self.id
    }

    fn serves_clients(&self) -> bool {
        self.serves_clients
    }

    async fn resolve(&self, name: &str) -> Result<Answer, ResolveError> {
        lock(&self.asked).push(name.to_owned());
        if self.is_down.load(Ordering::SeqCst) {
            let (resolver, name) = (Arc::clone(&self.id), name.to_owned());
            return Err(ResolveError::Timeout { resolver, name, seconds: 5 });
        }
        lock(&self.names).get(name).cloned().unwrap_or_else(|| Ok(self.nothing()))
    }
}
