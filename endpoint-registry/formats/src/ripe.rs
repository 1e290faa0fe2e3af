//! `https://stat.ripe.net/data/announced-prefixes/data.json?resource=AS{n}` (RIPEstat data API).
//! No labels. Published: `latest_time`.

use serde::Deserialize;

use crate::{ParseError, collect::Collect, json, text};

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    prefixes: Vec<Announced>,
    latest_time: Option<String>,
}

#[derive(Deserialize)]
struct Announced {
    prefix: String,
}

pub(crate) fn parse(octets: &[u8], out: &mut Collect) -> Result<(), ParseError> {
    let answer: Answer = json::read(octets, out)?;
    if answer.status != "ok" {
        let found = text::few(&answer.status);
        return Err(json::unexpected(out, "status", "\"ok\"", &found));
    }
    out.published(answer.data.latest_time.unwrap_or_default());
    for (at, item) in answer.data.prefixes.iter().enumerate() {
        out.address(&item.prefix, &[], || format!("data.prefixes[{at}]"))?;
    }
    Ok(())
}
