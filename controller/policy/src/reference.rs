//! The policy reference, from the same types and comments as the schema.

use std::fmt::Write;

use serde::de::{self, Deserialize, Visitor};
use serde_json::Value;

use crate::network::Protocol;
use crate::network::document::{
    ActionFields, FlowSpecPolicy, Mark, Metadata, RateLimitFields, Redirect, ScheduleFields, Spec,
    To, WindowFields,
};
use crate::network::forms::{DSCP_NAMES, PROTOCOL_NAMES};

const HEAD: &str = "\
# Network policies

Generated from the types that read them; `UPDATE_GOLDEN=1 cargo test -p sark-policy` writes it anew.

A network policy says what routers do with some packets. It is a YAML document; a file may hold
several, and a set is one or more files or folders. The set is atomic: with one mistake, or one policy
refused, nothing of it is applied.

```yaml
";

const AFTER_EXAMPLE: &str = "\
```

The first line lets an editor complete and check the file. Unknown keys are mistakes, and so is a key
without a value. Text that YAML 1.1 would take for something else (`no`, `on`, `08:00`) is text here;
numbers have no leading zeros. A file has at most 1 MiB.

";

const TAIL: &str = "\
## How policies meet

- **One policy acts on a packet**: the one of highest priority that matches. Two that overlap with equal
  priority and different actions are refused. A packet that none matches is left alone.
- **Direction** is the policy's own: packets that `from` sends to `to`. Answers are another policy.
- **Families**: rules exist for each family, IPv4 or IPv6, that is on both sides; a side that is left
  out takes the other's. A family that a policy leaves out is a warning.
- **Fragments** after the first carry no ports: rules with ports do not match them.
- **Shared addresses** limit the action. Accept, mark and sample work towards any address. Redirect
  needs addresses that are the service's own or, for those of a content network, a pool that reads
  server names. Drop and rate limit need the service's own; `whenProxyDown: drop` too, while the pool is up
  already. What is refused says so, with the way out.
- **Schedules** go by the clock on the wall of their zone. In the hour that autumn repeats, a window
  holds twice; the hour that spring leaves out does not exist.
- **`expires: 30d`** counts from when the policy was first applied in its present wording. A change of
  owner, ticket, description, comments or order does not begin it anew; a change of meaning does.
";

/// The page `docs/policy-reference.md`.
#[must_use]
pub fn reference() -> String {
    let schema = crate::json_schema();
    let mut page = String::from(HEAD);
    page.push_str(include_str!("../../../policies/inspect-llm.yaml"));
    page.push_str(AFTER_EXAMPLE);
    section::<FlowSpecPolicy>(&mut page, &schema, "the document", "");
    section::<Metadata>(&mut page, &schema, "metadata", "/$defs/Metadata");
    section::<Spec>(&mut page, &schema, "spec", "/$defs/Spec");
    section::<To>(&mut page, &schema, "to", "/$defs/To");
    section::<ActionFields>(&mut page, &schema, "action", "/$defs/Action");
    section::<RateLimitFields>(&mut page, &schema, "rateLimit", "/$defs/RateLimit");
    section::<Redirect>(&mut page, &schema, "redirect", "/$defs/Redirect");
    section::<Mark>(&mut page, &schema, "mark", "/$defs/Mark");
    section::<ScheduleFields>(&mut page, &schema, "schedule", "/$defs/Schedule");
    section::<WindowFields>(&mut page, &schema, "windows", "/$defs/Window");
    values(&mut page);
    page.push_str(TAIL);
    page
}

/// A table of the keys of `T`, in the order of the type.
fn section<T: for<'de> Deserialize<'de>>(page: &mut String, schema: &Value, title: &str, at: &str) {
    let none = Value::Null;
    let of = schema.pointer(at).unwrap_or(&none);
    let about = text(of, "description");
    let _ = writeln!(page, "## {title}\n\n{about}\n\n| Key | Value | Meaning |\n|---|---|---|");
    let required: Vec<&str> =
        of["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for key in keys_of::<T>() {
        let property = &of["properties"][*key];
        let needed = if required.contains(key) { " (needed)" } else { "" };
        let default = match &property["default"] {
            Value::Null => String::new(),
            default => format!("; `{default}` if left out"),
        };
        let form = form(property).replace('|', "\\|");
        let meaning = text(property, "description").replace('|', "\\|");
        let _ = writeln!(page, "| `{key}`{needed} | {form}{default} | {meaning} |");
    }
    page.push('\n');
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// How a value is written, in words.
fn form(schema: &Value) -> String {
    let words = |list: &Value| -> String {
        let words = list.as_array().into_iter().flatten().filter_map(Value::as_str);
        words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
    };
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        let anchor = match name {
            "RateLimit" => "ratelimit".to_owned(),
            "Window" => "windows".to_owned(),
            other => other.to_ascii_lowercase(),
        };
        return format!("[mapping](#{anchor})");
    }
    if let Some(title) = schema["title"].as_str() {
        return title.to_owned();
    }
    if !schema["const"].is_null() {
        return format!("`{}`", text(schema, "const"));
    }
    if schema["enum"].is_array() {
        return words(&schema["enum"]);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return choices.iter().map(form).collect::<Vec<_>>().join(" or ");
    }
    if !schema["maxProperties"].is_null() {
        return "`{}`".to_owned();
    }
    match text(schema, "type") {
        "array" => format!("list: {}", form(&schema["items"])),
        "boolean" => "`true` or `false`".to_owned(),
        "integer" => format!("{} to {}", schema["minimum"], schema["maximum"]),
        _ => "text".to_owned(),
    }
}

fn values(page: &mut String) {
    let protocols: Vec<String> = PROTOCOL_NAMES
        .iter()
        .map(|(name, protocol)| match protocol {
            Protocol::Icmp => format!("`{name}` 1 (IPv4) or 58 (IPv6)"),
            Protocol::Number(number) => format!("`{name}` {number}"),
        })
        .collect();
    let dscp: Vec<String> =
        DSCP_NAMES.iter().map(|(name, value)| format!("`{name}` {value}")).collect();
    let _ = write!(
        page,
        "## Values\n\n\
         | Value | How it is written |\n|---|---|\n\
         | prefix | `10.20.0.0/16`, `2001:db8::/32`; the bits after the length are zero |\n\
         | port, length | `443`, or a range `8000-8100` |\n\
         | protocol | a number, or {} |\n\
         | DSCP | a number up to 63, a range, or {} |\n\
         | TCP flag | `fin`, `syn`, `rst`, `psh`, `ack`, `urg`, `ece`, `cwr`; `!syn` for clear |\n\
         | rate | a whole number, or one with `k`, `M`, `G`: `1250000`, `10M` |\n\
         | slug | a provider or service of the registry: `openai` |\n\
         | service | provider and service: `openai/api` |\n\
         | host name | `api.openai.com`; names that look like other names are refused |\n\
         | day | `mon` to `sun`, or `mon-fri` |\n\
         | HH:MM | `08:00`; `24:00` ends a day |\n\
         | duration or time | `30d`, `12h`, `1d12h`, `2w`; or `2027-01-31T00:00:00Z` |\n\n",
        protocols.join(", "),
        dscp.join(", "),
    );
}

/// The keys of a struct, as serde knows them.
fn keys_of<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    let mut keys: &'static [&'static str] = &[];
    // The probe answers every request with an error: only the keys are of interest.
    let _ = T::deserialize(Probe { keys: &mut keys });
    keys
}

struct Probe<'k> {
    keys: &'k mut &'static [&'static str],
}

impl<'de> de::Deserializer<'de> for Probe<'_> {
    type Error = de::value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        keys: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.keys = keys;
        Err(de::Error::custom("probed"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("not a struct"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
