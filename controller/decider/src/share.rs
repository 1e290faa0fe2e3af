//! Which sources a canary decides on.

use sark_core::ContentHash;
use sark_policy::decision::Input;

/// Whether the source of this input is within the canary's share: always the same for one set.
pub(crate) fn has(set: &ContentHash, percent: u8, input: &Input) -> bool {
    let key = format!("{set} {}", source(input));
    let [a, b, c, d, ..] = ContentHash::of(key.as_bytes()).digest();
    u32::from_be_bytes([a, b, c, d]) % 100 < u32::from(percent)
}

/// Who would notice: the user, else the host, else the address; of a report its sensor.
fn source(input: &Input) -> String {
    let (user, host, address) = match input {
        Input::Request(request) => (request.user.as_ref(), request.host.as_ref(), request.source),
        Input::Activity(activity) => (None, Some(&activity.host.id), None),
        Input::Tunnel(tunnel) => (tunnel.user.as_ref(), tunnel.host.as_ref(), tunnel.source),
        Input::Report(report) => (None, Some(&report.sensor), None),
    };
    let name = user.or(host).cloned().or_else(|| address.map(|address| address.to_string()));
    name.unwrap_or_else(|| input.id().to_owned())
}

#[cfg(test)]
mod tests {
    use sark_policy::decision::Line;

    use super::*;

    fn request(user: &str) -> Input {
        let json = format!(r#"{{"id": "1", "operation": "chat", "user": "{user}"}}"#);
        Input::from_json(Line::Llm, &json).unwrap()
    }

    #[test]
    fn a_share_is_of_sources_and_stays_the_same() {
        let set = ContentHash::of(b"set");
        let share =
            |percent| (0..2000).filter(|n| has(&set, percent, &request(&format!("u{n}")))).count();
        assert!((100..=300).contains(&share(10)), "{}", share(10));
        assert_eq!((share(100), share(0)), (2000, 0));
        // Who is in a small share is in the greater one.
        for n in 0..200 {
            let input = request(&format!("u{n}"));
            assert!(!has(&set, 10, &input) || has(&set, 30, &input));
        }
        let other = ContentHash::of(b"other");
        let differ = (0..200).filter(|n| {
            let input = request(&format!("u{n}"));
            has(&set, 50, &input) != has(&other, 50, &input)
        });
        assert!(differ.count() > 50, "another set has other sources");
    }
}
