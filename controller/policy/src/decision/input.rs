//! What decisions are made on, and what policies see of it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sark_core::activity::{Activity, TunnelSighting};
use sark_core::request::Request;
use sark_core::sensor::SensorReport;
use sark_registry::{Endpoint, Snapshot};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// Which policies are asked: those of packages directly beneath `sark.LINE`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// A [`Request`] to a model.
    Llm,
    /// A [`Request`] to an MCP server: it has a `call`.
    Mcp,
    /// An [`Activity`].
    Edr,
    /// A [`TunnelSighting`].
    Tunnel,
    /// A [`SensorReport`].
    Sensor,
}

impl Line {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Llm, Self::Mcp, Self::Edr, Self::Tunnel, Self::Sensor];

    /// As packages are named.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Llm => "llm",
            Self::Mcp => "mcp",
            Self::Edr => "edr",
            Self::Tunnel => "tunnel",
            Self::Sensor => "sensor",
        }
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing to decide on.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the types say it")]
pub enum Input {
    Request(Request),
    Activity(Activity),
    Tunnel(TunnelSighting),
    Report(SensorReport),
}

impl Input {
    /// Reads the JSON of a line's type.
    pub fn from_json(line: Line, json: &str) -> Result<Self, serde_json::Error> {
        match line {
            Line::Llm | Line::Mcp => serde_json::from_str(json).map(Self::Request),
            Line::Edr => serde_json::from_str(json).map(Self::Activity),
            Line::Tunnel => serde_json::from_str(json).map(Self::Tunnel),
            Line::Sensor => serde_json::from_str(json).map(Self::Report),
        }
    }

    /// Whose policies are asked.
    #[must_use]
    pub const fn line(&self) -> Line {
        match self {
            Self::Request(request) if request.call.is_some() => Line::Mcp,
            Self::Request(_) => Line::Llm,
            Self::Activity(_) => Line::Edr,
            Self::Tunnel(_) => Line::Tunnel,
            Self::Report(_) => Line::Sensor,
        }
    }

    /// Ours, or the sensor's, for the record.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Request(request) => &request.id,
            Self::Activity(activity) => &activity.id,
            Self::Tunnel(sighting) => &sighting.id,
            Self::Report(report) => &report.id,
        }
    }

    /// Whose traffic or process it is.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Request(request) => request.user.as_deref(),
            Self::Activity(activity) => activity.user.as_deref(),
            Self::Tunnel(sighting) => sighting.user.as_deref(),
            Self::Report(_) => None,
        }
    }

    fn groups(&self) -> &[String] {
        match self {
            Self::Request(request) => &request.groups,
            Self::Tunnel(sighting) => &sighting.groups,
            Self::Activity(_) | Self::Report(_) => &[],
        }
    }

    fn endpoint(&self) -> Option<&str> {
        match self {
            Self::Request(request) => request.endpoint.as_deref(),
            Self::Activity(activity) => activity.endpoint.as_deref(),
            Self::Tunnel(_) | Self::Report(_) => None,
        }
    }

    /// The fields of its type, as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Provider, kind, role and sharedness of its endpoint, if the registry knows it.
    #[must_use]
    pub fn facts(&self, registry: &Snapshot) -> Option<Value> {
        self.endpoint().and_then(|id| registry.by_id(id)).map(facts)
    }

    /// As policies see it: the fields of the type, and
    ///
    /// - `groups`: those it names and those that `of_user` gives, sorted;
    /// - `time`: `unix` in seconds, `date`, `weekday` from 1 for Monday, `minute` of the day, in `zone`;
    /// - `registry`: the [`facts`](Self::facts), if there are any.
    #[must_use]
    pub fn prepared<'a>(
        &'a self,
        of_user: impl Fn(&str) -> &'a [String],
        facts: Option<Value>,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Value {
        let mut fields = match self.to_json() {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let groups: BTreeSet<&String> =
            self.groups().iter().chain(self.user().map(of_user).unwrap_or_default()).collect();
        fields.insert("groups".to_owned(), json!(groups));
        fields.insert("time".to_owned(), time(zone, now));
        if let Some(facts) = facts {
            fields.insert("registry".to_owned(), facts);
        }
        Value::Object(fields)
    }
}

/// As the fields of its type.
impl Serialize for Input {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Request(request) => request.serialize(serializer),
            Self::Activity(activity) => activity.serialize(serializer),
            Self::Tunnel(sighting) => sighting.serialize(serializer),
            Self::Report(report) => report.serialize(serializer),
        }
    }
}

fn time(zone: &TimeZone, now: Timestamp) -> Value {
    let local = zone.to_datetime(now);
    json!({
        "unix": now.as_second(),
        "date": local.date().to_string(),
        "weekday": local.weekday().to_monday_one_offset(),
        "minute": i32::from(local.hour()) * 60 + i32::from(local.minute()),
    })
}

fn facts(endpoint: &Endpoint) -> Value {
    json!({
        "provider": endpoint.provider,
        "kind": endpoint.kind,
        "role": endpoint.role,
        "sharedness": endpoint.sharedness,
    })
}

/// JSON Schema (draft 2020-12) of what the policies of a line see.
#[must_use]
pub fn prepared_schema(line: Line) -> Value {
    let schema = match line {
        Line::Llm | Line::Mcp => schemars::schema_for!(Request),
        Line::Edr => schemars::schema_for!(Activity),
        Line::Tunnel => schemars::schema_for!(TunnelSighting),
        Line::Sensor => schemars::schema_for!(SensorReport),
    };
    let mut schema = Value::from(schema);
    let text = |description: &str| json!({ "type": "string", "description": description });
    let more = json!({
        "groups": {
            "description": "Groups of the user: those of the identity source and of `data.groups`.",
            "type": "array", "items": { "type": "string" }, "uniqueItems": true,
        },
        "time": {
            "description": "Now, in the set's zone.",
            "type": "object", "additionalProperties": false,
            "required": ["unix", "date", "weekday", "minute"],
            "properties": {
                "unix": { "type": "integer", "description": "Seconds since 1970." },
                "date": { "type": "string", "format": "date" },
                "weekday": { "type": "integer", "minimum": 1, "maximum": 7,
                    "description": "1 is Monday." },
                "minute": { "type": "integer", "minimum": 0, "maximum": 1439,
                    "description": "Of the day." },
            },
        },
        "registry": {
            "description": "What the registry says of `endpoint`; absent if it does not know it.",
            "type": "object", "additionalProperties": false,
            "required": ["provider", "kind", "role", "sharedness"],
            "properties": {
                "provider": text("Slug of the provider or service."),
                "kind": text("What kind of endpoint it is."),
                "role": text("Its role."),
                "sharedness": text("Who else lives at its addresses."),
            },
        },
    });
    if let (Some(Value::Object(properties)), Value::Object(more)) =
        (schema.pointer_mut("/properties"), more)
    {
        properties.extend(more);
    }
    if let Some(Value::Array(required)) = schema.pointer_mut("/required") {
        required.extend([json!("groups"), json!("time")]);
    }
    schema
}
