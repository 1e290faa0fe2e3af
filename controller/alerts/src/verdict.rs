//! What an answer means for a delivery.

use std::time::Duration;

use jiff::Timestamp;

/// No server makes us wait longer.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// An HTTP answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// How its body begins.
    pub body: &'a [u8],
    /// When it came.
    pub now: Timestamp,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Delivered {
        /// What it said.
        said: String,
    },
    /// Later, perhaps.
    Retry {
        /// Not sooner, if the receiver said so.
        after: Option<Duration>,
        /// For people.
        why: String,
    },
    /// Never like this: a person has to mend something.
    Dead {
        /// For people.
        why: String,
    },
}

impl Answer<'_> {
    /// `answered 400: invalid_payload`.
    #[must_use]
    pub fn told(&self) -> String {
        let body = String::from_utf8_lossy(self.body);
        let body = crate::message::line(body.trim(), 200);
        match body.is_empty() {
            true => format!("answered {}", self.status),
            false => format!("answered {}: {body}", self.status),
        }
    }

    /// As HTTP is usually meant: 2xx has it, 408, 425, 429 and 5xx later, all else never. A
    /// redirect is not followed: the message is signed, or its address is a secret.
    #[must_use]
    pub fn usual(&self) -> Verdict {
        match self.status {
            200..=299 => Verdict::Delivered { said: self.told() },
            408 | 425 | 429 | 500..=599 => self.later(),
            300..=399 => Verdict::Dead {
                why: format!("answered {}: it redirects, which is not followed", self.status),
            },
            _ => self.never(),
        }
    }

    /// [`Verdict::Retry`], when the receiver says.
    #[must_use]
    pub fn later(&self) -> Verdict {
        let after = self.retry_after.and_then(|text| wait(text.trim(), self.now));
        Verdict::Retry { after, why: self.told() }
    }

    /// [`Verdict::Dead`].
    #[must_use]
    pub fn never(&self) -> Verdict {
        Verdict::Dead { why: self.told() }
    }
}

/// Seconds or a date (RFC 9110 section 10.2.3).
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(at.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_say_when() {
        let now = "1994-11-06T08:49:00Z".parse().unwrap();
        let seconds = |text| wait(text, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(37));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:48:37 GMT"), Some(0));
        assert_eq!(seconds("99999999999"), Some(3600));
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("-1"), None);
    }

    #[test]
    fn statuses() {
        let now = Timestamp::UNIX_EPOCH;
        let of =
            |status| Answer { status, retry_after: Some("7"), body: b" no\nway ", now }.usual();
        let after = Some(Duration::from_secs(7));
        let why = |status| format!("answered {status}: no way");
        for status in [200, 202, 204] {
            assert_eq!(of(status), Verdict::Delivered { said: why(status) });
        }
        for status in [408, 425, 429, 500, 503] {
            assert_eq!(of(status), Verdict::Retry { after, why: why(status) });
        }
        for status in [400, 401, 403, 404, 410, 413, 422] {
            assert_eq!(of(status), Verdict::Dead { why: why(status) });
        }
        assert!(matches!(of(302), Verdict::Dead { why } if why.contains("redirects")));
    }
}
