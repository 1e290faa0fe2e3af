//! The resolver: asks for A, AAAA and HTTPS at once and follows where they lead.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverOpts};
use hickory_resolver::net::xfer::{DnsHandle as _, RetryDnsHandle};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, Query};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig, system_conf};
use sark_registry::ageing::Answered;
use sark_registry::resolve::{Answer, Resolve, ResolveError, Server, Settings};

use crate::asked::{Asked, hint, text};
use crate::connect::Connect;
use crate::{SettingsError, tls};

/// Names that one name may lead to by alias records; CNAME records have the same limit between.
const MOST: usize = 8;

struct Site {
    id: Arc<str>,
    clients: bool,
    validates: bool,
    seconds: u64,
    connect: Connect,
    servers: RetryDnsHandle<NameServerPool<Connect>>,
}

/// Reads what the settings name (`/etc/resolv.conf`, authorities) and opens no connection yet.
pub fn resolver(settings: &Settings) -> Result<Arc<dyn Resolve>, SettingsError> {
    let name = settings.name.clone();
    settings.check().map_err(|mistake| SettingsError::Mistake { name: name.clone(), mistake })?;
    let seconds = settings.timeout_seconds;
    let mut options = ResolverOpts::default();
    options.timeout = Duration::from_secs(seconds);
    let context = PoolContext::new(options, TlsConfig { config: tls::config(settings)? });
    let connect = Connect::default();
    let pool = NameServerPool::from_config(servers(settings)?, Arc::new(context), connect.clone());
    Ok(Arc::new(Site {
        id: name.into(),
        clients: settings.clients,
        validates: settings.validates,
        seconds,
        connect,
        // Once more for a connection that the server has closed since.
        servers: RetryDnsHandle::new(pool, 1),
    }))
}

fn servers(settings: &Settings) -> Result<Vec<NameServerConfig>, SettingsError> {
    let one = |at: &SocketAddr, protocols: Vec<ProtocolConfig>| {
        let connections = protocols.into_iter().map(|protocol| {
            let mut connection = ConnectionConfig::new(protocol);
            connection.port = at.port();
            connection
        });
        vec![NameServerConfig::new(at.ip(), true, connections.collect())]
    };
    Ok(match &settings.server {
        Server::System => {
            let (config, _) = system_conf::read_system_conf().map_err(|error| {
                SettingsError::System { name: settings.name.clone(), why: error.to_string() }
            })?;
            config.name_servers
        }
        Server::Udp(at) => one(at, vec![ProtocolConfig::Udp, ProtocolConfig::Tcp]),
        Server::Tcp(at) => one(at, vec![ProtocolConfig::Tcp]),
        Server::Tls { at, name } => {
            one(at, vec![ProtocolConfig::Tls { server_name: name.as_str().into() }])
        }
        Server::Https { at, name, path } => {
            let (server_name, path) = (name.as_str().into(), path.as_str().into());
            one(at, vec![ProtocolConfig::Https { server_name, path }])
        }
    })
}

#[async_trait]
impl Resolve for Site {
    fn id(&self) -> &Arc<str> {
        &self.id
    }

    fn serves_clients(&self) -> bool {
        self.clients
    }

    async fn resolve(&self, name: &str) -> Result<Answer, ResolveError> {
        let limit = Duration::from_secs(self.seconds);
        let answer = tokio::time::timeout(limit, self.follow(name)).await;
        answer.unwrap_or_else(|_| Err(self.timeout(name)))
    }
}

impl Site {
    /// From alias to alias (RFC 9460 section 2.4.2).
    async fn follow(&self, name: &str) -> Result<Answer, ResolveError> {
        let mut found = Found::default();
        let mut next = Some((wire(name)?, u32::MAX));
        let mut aliases = 0;
        while let Some((owner, least)) = next.take() {
            let [a, aaaa, https] = self.ask(name, &owner).await?;
            for asked in [&a, &aaaa, &https] {
                found.take(asked, least);
            }
            for (ttl, record) in &https.records {
                let RData::HTTPS(record) = record else { continue };
                // A target `.` in alias form says that there is no service.
                if record.svc_priority == 0 && !record.target_name.is_root() && next.is_none() {
                    found.lead(text(&record.target_name));
                    next = Some((record.target_name.clone(), least.min(*ttl)));
                }
            }
            aliases += usize::from(next.is_some());
            if aliases > MOST {
                return Err(ResolveError::Chain { name: name.to_owned(), most: MOST });
            }
        }
        Ok(found.answer(&self.id, self.validates))
    }

    /// A and AAAA have to be answered; HTTPS, which some old middleboxes refuse, need not be.
    async fn ask(&self, name: &str, owner: &Name) -> Result<[Asked; 3], ResolveError> {
        let (a, aaaa, https) = futures::join!(
            self.one(name, owner, RecordType::A),
            self.one(name, owner, RecordType::AAAA),
            self.one(name, owner, RecordType::HTTPS),
        );
        Ok([a?, aaaa?, https.unwrap_or_else(|_| Asked::nothing(owner))])
    }

    async fn one(&self, name: &str, owner: &Name, kind: RecordType) -> Result<Asked, ResolveError> {
        let query = Query::query(owner.clone(), kind);
        let mut request = DnsRequest::from_query(query, DnsRequestOptions::default());
        // Asks to be told whether it is secure (RFC 6840 section 5.7).
        request.metadata.authentic_data = true;
        match self.servers.send(request).next().await {
            Some(Ok(response)) => Asked::of(&response, owner, MOST)
                .ok_or_else(|| ResolveError::Chain { name: name.to_owned(), most: MOST }),
            Some(Err(NetError::Dns(DnsError::NoRecordsFound(_)))) => Ok(Asked::nothing(owner)),
            Some(Err(error)) => Err(self.error(name, &error)),
            None => Err(self.timeout(name)),
        }
    }

    fn error(&self, name: &str, error: &NetError) -> ResolveError {
        let (resolver, name) = (Arc::clone(&self.id), name.to_owned());
        match error {
            NetError::Timeout => self.timeout(&name),
            NetError::Dns(DnsError::ResponseCode(code)) => {
                ResolveError::Answered { resolver, name, code: code.to_str().to_owned() }
            }
            other => {
                let connection = match other {
                    NetError::NoConnections => self.connect.why(),
                    _ => None,
                };
                let why = connection.unwrap_or_else(|| other.to_string());
                ResolveError::Connection { resolver, name, why }
            }
        }
    }

    fn timeout(&self, name: &str) -> ResolveError {
        let (resolver, name) = (Arc::clone(&self.id), name.to_owned());
        ResolveError::Timeout { resolver, name, seconds: self.seconds }
    }
}

/// What the questions gave so far.
#[derive(Default)]
struct Found {
    answer: BTreeMap<IpAddr, u32>,
    chain: Vec<String>,
    hints: Vec<sark_registry::resolve::Hint>,
    secure: Option<bool>,
}

impl Found {
    fn lead(&mut self, name: String) {
        if !self.chain.contains(&name) {
            self.chain.push(name);
        }
    }

    fn take(&mut self, asked: &Asked, least: u32) {
        for name in &asked.chain {
            self.lead(name.clone());
        }
        if let Some(secure) = asked.secure {
            self.secure = Some(self.secure.unwrap_or(true) && secure);
        }
        for (ttl, record) in &asked.records {
            let ttl = least.min(*ttl);
            match record {
                RData::A(a) => self.address(a.0.into(), ttl),
                RData::AAAA(a) => self.address(a.0.into(), ttl),
                RData::HTTPS(record) if record.svc_priority > 0 => {
                    let hint = hint(record, &asked.owner);
                    hint.addresses.iter().for_each(|&address| self.address(address, ttl));
                    self.hints.push(hint);
                }
                _ => {}
            }
        }
    }

    fn address(&mut self, address: IpAddr, ttl: u32) {
        let least = self.answer.entry(address).or_insert(ttl);
        *least = ttl.min(*least);
    }

    fn answer(mut self, resolver: &Arc<str>, validates: bool) -> Answer {
        self.hints.sort_by_key(|hint| hint.priority);
        let addresses = self.answer.into_iter();
        Answer {
            resolver: Arc::clone(resolver),
            addresses: addresses.map(|(address, ttl)| Answered { address, ttl }).collect(),
            chain: self.chain,
            hints: self.hints,
            dnssec: if validates { self.secure } else { None },
        }
    }
}

/// As it is asked for: whole, so that nothing is appended.
fn wire(name: &str) -> Result<Name, ResolveError> {
    let error = || ResolveError::Name { name: name.to_owned() };
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
        return Err(error());
    }
    let mut wire = Name::from_ascii(name).map_err(|_| error())?;
    wire.set_fqdn(true);
    Ok(wire)
}
