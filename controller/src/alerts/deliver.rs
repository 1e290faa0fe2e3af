//! How messages leave: over HTTP, over a connection, into a file.

mod connection;
mod file;
mod http;
mod sentinel;
mod splunk;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sark_alerts::config::{Address, SinkConfig, SyslogConfig};
use sark_alerts::sink::{
    Cef, Elastic, ElasticLogin, HttpSink, PagerDuty, Sentinel, SigningKey, Slack, Splunk, Syslog,
    Teams, Webhook,
};
use sark_alerts::{Message, Verdict, Words};
use sark_core::secret::{Secret, SecretRef};
use sark_outbound::header::HeaderMap;
use sark_outbound::{Client, Reach, Redirects, Settings, Stream, Target};

use connection::{Form, OverConnection};
use file::IntoFile;
use http::OverHttp;
use sentinel::ToSentinel;
use splunk::ToSplunk;

/// Reads a secret where its reference says; the error says why not, without the secret.
pub type Secrets = Arc<dyn Fn(&SecretRef) -> Result<Secret, String> + Send + Sync>;

/// Carries one message to one receiver.
#[async_trait]
pub trait Deliver: Send + Sync {
    /// One attempt. `id` is the idempotency key.
    async fn deliver(&self, message: &Message, words: &Words, id: &str, now: Timestamp) -> Verdict;
}

/// Of a sink's configuration, which is checked. Reads its secrets; the error says why it cannot be
/// used.
pub fn build(config: &SinkConfig, secrets: &Secrets) -> Result<Arc<dyn Deliver>, String> {
    let secret =
        |reference: &SecretRef| secrets(reference).map_err(|e| format!("{reference}: {e}"));
    let url = |address: &Address| match address {
        Address::Plain(url) => Ok(Secret::new(url.clone())),
        Address::Secret(reference) => secret(reference),
    };
    let over_http = |sink: Box<dyn HttpSink>| -> Result<Arc<dyn Deliver>, String> {
        Ok(Arc::new(OverHttp { client: client(config)?, sink }))
    };
    if let Some(webhook) = &config.webhook {
        let key = |reference| {
            SigningKey::parse(&secret(reference)?).map_err(|e| format!("{reference}: {e}"))
        };
        let header = |(name, reference): (&String, &SecretRef)| {
            Ok::<_, String>((name.clone(), secret(reference)?))
        };
        return over_http(Box::new(Webhook {
            url: url(&webhook.url)?,
            keys: webhook.keys.iter().map(key).collect::<Result<_, _>>()?,
            headers: webhook.headers.iter().map(header).collect::<Result<_, _>>()?,
        }));
    }
    if let Some(slack) = &config.slack {
        return over_http(Box::new(Slack { url: url(&slack.url)? }));
    }
    if let Some(teams) = &config.teams {
        return over_http(Box::new(Teams { url: url(&teams.url)? }));
    }
    if let Some(pagerduty) = &config.pagerduty {
        let routing_key = secret(&pagerduty.routing_key)?;
        return over_http(Box::new(PagerDuty { url: url(&pagerduty.url)?, routing_key }));
    }
    if let Some(elastic) = &config.elastic {
        let login = match (&elastic.api_key, &elastic.user, &elastic.password) {
            (Some(key), ..) => ElasticLogin::ApiKey(secret(key)?),
            (None, Some(user), Some(password)) => {
                ElasticLogin::Basic(user.clone(), secret(password)?)
            }
            _ => ElasticLogin::None,
        };
        let index = elastic.index.clone();
        return over_http(Box::new(Elastic { url: url(&elastic.url)?, index, login }));
    }
    if let Some(splunk) = &config.splunk {
        let sink = Splunk {
            url: url(&splunk.url)?,
            token: secret(&splunk.token)?,
            index: splunk.index.clone(),
            channel: splunk.channel.clone(),
        };
        return Ok(Arc::new(ToSplunk { client: client(config)?, sink }));
    }
    if let Some(sentinel) = &config.sentinel {
        let sink = Sentinel {
            endpoint: url(&sentinel.endpoint)?,
            rule: sentinel.rule.clone(),
            stream: sentinel.stream.clone(),
            authority: url(&sentinel.authority)?.reveal().to_owned(),
            tenant: sentinel.tenant.clone(),
            client_id: sentinel.client_id.clone(),
            client_secret: secret(&sentinel.client_secret)?,
        };
        return Ok(Arc::new(ToSentinel::new(client(config)?, sink)));
    }
    if let Some(syslog) = &config.syslog {
        let form = Form::Syslog(Syslog { facility: syslog.facility });
        return Ok(Arc::new(OverConnection { stream: stream(config, syslog)?, form }));
    }
    if let Some(cef) = &config.cef {
        let syslog = Syslog { facility: cef.facility };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let form = Form::Cef(Cef { syslog, version });
        return Ok(Arc::new(OverConnection { stream: stream(config, cef)?, form }));
    }
    if let Some(file) = &config.file {
        return Ok(Arc::new(IntoFile { path: file.path.clone() }));
    }
    Err("it has no kind".to_owned())
}

fn client(config: &SinkConfig) -> Result<Client, String> {
    let reach = match config.private_addresses.as_slice() {
        [] => Reach::Public,
        more => Reach::PublicAnd(more.to_vec()),
    };
    let settings = Settings {
        reach,
        proxy: config.proxy.clone(),
        ca_file: config.ca_file.clone(),
        headers: HeaderMap::new(),
        redirects: Redirects::Never,
    };
    Client::new(settings).map_err(|error| error.why)
}

fn stream(config: &SinkConfig, syslog: &SyslogConfig) -> Result<Stream, String> {
    let target = Target {
        host: syslog.host.clone(),
        port: syslog.port.unwrap_or(if syslog.tls { 6514 } else { 601 }),
        // Collectors of logs are inside as a rule, and nothing that is asked comes back.
        reach: Reach::Any,
        tls: syslog.tls,
        ca_file: config.ca_file.clone(),
    };
    Stream::new(target).map_err(|error| error.why)
}
