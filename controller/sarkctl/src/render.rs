//! Values as a person reads them.

mod action;
mod plan;

pub use plan::{collateral, plan, planned, policy, refusals, warnings};

/// A value in a query or a path, percent-encoded.
pub fn percent(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for octet in value.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            text.push(char::from(octet));
        } else {
            text.push_str(&format!("%{octet:02X}"));
        }
    }
    text
}

/// `1 rule`, `2 rules`.
pub fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// `1 policy`, `2 policies`.
pub fn policies(number: usize) -> String {
    if number == 1 { "1 policy".to_owned() } else { format!("{number} policies") }
}

/// The first twelve digits of a content hash, or the text itself.
pub fn short(hash: &str) -> &str {
    let digits = hash.strip_prefix("sha256:").unwrap_or(hash);
    digits.get(..12).unwrap_or(digits)
}

/// How long ago, in the largest unit.
pub fn ago(then: jiff::Timestamp, now: jiff::Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    match seconds {
        ..0 => "in the future".to_owned(),
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86400),
    }
}

/// How long until then, in the largest unit.
pub fn ahead(then: jiff::Timestamp, now: jiff::Timestamp) -> String {
    match then.duration_since(now).as_secs() {
        ..1 => "now".to_owned(),
        seconds @ 1..60 => format!("in {seconds} s"),
        seconds @ 60..3600 => format!("in {} min", seconds / 60),
        seconds @ 3600..86400 => format!("in {} h", seconds / 3600),
        seconds => format!("in {} d", seconds / 86400),
    }
}

/// Millionths of a US dollar, as dollars.
pub fn microdollars(amount: u64) -> String {
    format!("${}.{:06}", amount / 1_000_000, amount % 1_000_000)
}

/// To the second.
pub fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::{ago, ahead, count, microdollars, percent, short};

    #[test]
    fn words() {
        assert_eq!(percent("2001:db8::/32 é"), "2001%3Adb8%3A%3A%2F32%20%C3%A9");
        assert_eq!(count(1, "rule"), "1 rule");
        assert_eq!(count(0, "rule"), "0 rules");
        assert_eq!(short("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!(microdollars(12_000_070), "$12.000070");
        assert_eq!(short("none"), "none");
        let now: jiff::Timestamp = "2026-11-21T07:00:00Z".parse().unwrap();
        let ago = |text: &str| ago(text.parse().unwrap(), now);
        assert_eq!(ago("2026-11-21T06:59:30Z"), "30 s ago");
        assert_eq!(ago("2026-11-19T06:59:30Z"), "2 d ago");
        assert_eq!(ago("2026-11-22T06:59:30Z"), "in the future");
        let ahead = |text: &str| ahead(text.parse().unwrap(), now);
        assert_eq!(ahead("2026-11-21T06:00:00Z"), "now");
        assert_eq!(ahead("2026-11-21T07:09:30Z"), "in 9 min");
        assert_eq!(ahead("2026-11-24T07:00:00Z"), "in 3 d");
    }
}
