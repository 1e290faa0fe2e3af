//! JSON lists of cloud providers and of those who crawl from them.

use serde::Deserialize;
use serde_json::Value;

use crate::{ParseError, collect::Collect, json};

/// `https://www.gstatic.com/ipranges/goog.json`, `cloud.json`, and the same without service and
/// scope: OpenAI, Perplexity. Labels `service`, `scope`. Published: `syncToken` or `creationTime`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Google {
    #[serde(default)]
    sync_token: String,
    #[serde(default)]
    creation_time: String,
    prefixes: Vec<GooglePrefix>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GooglePrefix {
    ipv4_prefix: Option<String>,
    ipv6_prefix: Option<String>,
    #[serde(default)]
    service: String,
    #[serde(default)]
    scope: String,
}

pub(crate) fn google(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let file: Google = json::read(octets, out)?;
    let token = if file.sync_token.is_empty() { file.creation_time } else { file.sync_token };
    out.published(token);
    for (at, item) in file.prefixes.iter().enumerate() {
        let place = || format!("prefixes[{at}]");
        let labels = out.labels(&[("service", &item.service), ("scope", &item.scope)]);
        let prefixes = [&item.ipv4_prefix, &item.ipv6_prefix];
        for prefix in prefixes.into_iter().flatten() {
            out.address(prefix, &labels, place)?;
        }
        if prefixes.iter().all(|prefix| prefix.is_none()) {
            out.skip(place, "neither ipv4Prefix nor ipv6Prefix");
        }
    }
    Ok(())
}

/// `https://ip-ranges.amazonaws.com/ip-ranges.json`, form in "AWS IP address ranges" of the VPC
/// guide. Labels `service`, `region`. A prefix is there once for `AMAZON` and once for each service.
/// Published: `syncToken`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Aws {
    #[serde(default)]
    sync_token: String,
    prefixes: Vec<AwsPrefix>,
    #[serde(rename = "ipv6_prefixes")]
    ipv6: Vec<AwsPrefix>,
}

#[derive(Deserialize)]
struct AwsPrefix {
    ip_prefix: Option<String>,
    ipv6_prefix: Option<String>,
    #[serde(default)]
    service: String,
    #[serde(default)]
    region: String,
}

pub(crate) fn aws(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let file: Aws = json::read(octets, out)?;
    out.published(file.sync_token);
    for (key, items) in [("prefixes", &file.prefixes), ("ipv6_prefixes", &file.ipv6)] {
        for (at, item) in items.iter().enumerate() {
            let place = || format!("{key}[{at}]");
            let labels = out.labels(&[("service", &item.service), ("region", &item.region)]);
            match item.ip_prefix.as_ref().or(item.ipv6_prefix.as_ref()) {
                Some(prefix) => out.address(prefix, &labels, place)?,
                None => out.skip(place, "neither ip_prefix nor ipv6_prefix"),
            }
        }
    }
    Ok(())
}

/// The weekly service tag file, and the answer of the Service Tag Discovery API. Labels `tag`
/// (`Storage.WestEurope`), `service` (`systemService`, else the tag before its region), `region`.
/// Published: `changeNumber`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Azure {
    change_number: Option<Value>,
    values: Vec<AzureTag>,
}

#[derive(Deserialize)]
struct AzureTag {
    #[serde(default)]
    name: String,
    properties: AzureProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AzureProperties {
    region: Option<String>,
    system_service: Option<String>,
    address_prefixes: Vec<String>,
}

pub(crate) fn azure(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let file: Azure = json::read(octets, out)?;
    // The file has a number, the API a text.
    match file.change_number {
        Some(Value::String(text)) => out.published(text),
        Some(Value::Number(number)) => out.published(number.to_string()),
        _ => {}
    }
    for (at, tag) in file.values.iter().enumerate() {
        let properties = &tag.properties;
        let region = properties.region.as_deref().unwrap_or_default();
        let service = properties.system_service.as_deref().filter(|service| !service.is_empty());
        // A service of its own within a service has a dot too; only a region is left out.
        let service = service.unwrap_or_else(|| match tag.name.rsplit_once('.') {
            Some((service, _)) if !region.is_empty() => service,
            _ => &tag.name,
        });
        let labels = out.labels(&[("tag", &tag.name), ("service", service), ("region", region)]);
        for (number, prefix) in properties.address_prefixes.iter().enumerate() {
            let place = || format!("values[{at}].properties.addressPrefixes[{number}]");
            out.address(prefix, &labels, place)?;
        }
    }
    Ok(())
}

/// `https://api.fastly.com/public-ip-list`. No labels.
#[derive(Deserialize)]
struct Fastly {
    addresses: Vec<String>,
    ipv6_addresses: Vec<String>,
}

pub(crate) fn fastly(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let file: Fastly = json::read(octets, out)?;
    for (key, items) in [("addresses", &file.addresses), ("ipv6_addresses", &file.ipv6_addresses)] {
        for (at, item) in items.iter().enumerate() {
            out.address(item, &[], || format!("{key}[{at}]"))?;
        }
    }
    Ok(())
}
