//! `https://airvpn.org/api/status/`. A server has several addresses to connect to, `ip_v4_in1` to
//! `ip_v6_in4`. Labels `country`, `health` (`ok`, `warning`, `error`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{ParseError, collect::Collect, json, text};

#[derive(Deserialize)]
struct Status {
    result: Option<String>,
    servers: Vec<BTreeMap<String, Value>>,
}

pub(crate) fn parse(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let status: Status = json::read(octets, out)?;
    if let Some(result) = status.result.filter(|result| result != "ok") {
        return Err(json::unexpected(out, "result", "\"ok\"", &text::few(&result)));
    }
    for (at, server) in status.servers.iter().enumerate() {
        let word = |key: &str| server.get(key).and_then(Value::as_str).unwrap_or_default();
        let labels = out.labels(&[("country", word("country_code")), ("health", word("health"))]);
        let mut none = true;
        for (key, value) in server {
            let place = || format!("servers[{at}].{}", text::brief(key));
            if !key.starts_with("ip_v4_in") && !key.starts_with("ip_v6_in") {
                continue;
            }
            match value {
                Value::String(address) if !address.is_empty() => {
                    none = false;
                    out.address(address, &labels, place)?;
                }
                Value::Null | Value::String(_) => {}
                _ => out.skip(place, "not a text"),
            }
        }
        if none {
            out.skip(|| format!("servers[{at}]"), "no address");
        }
    }
    Ok(())
}
