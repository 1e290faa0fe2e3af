//! Which actions go together.

use sark_core::document::{Spanned, listed};

use super::Checker;
use crate::network::document::{ActionFields, RateLimitFields, Redirect};
use crate::network::{Action, RateLimit, Verdict, WhenProxyDown};

pub(super) fn check(
    checker: &mut Checker<'_>,
    fields: ActionFields,
    at: &Spanned<()>,
    when_down: Option<Spanned<WhenProxyDown>>,
) -> Option<Action> {
    let verdicts = [
        ("drop", fields.drop.is_given()),
        ("accept", fields.accept.is_given()),
        ("rateLimit", fields.rate_limit.is_given()),
        ("redirect", fields.redirect.is_given()),
    ];
    let given: Vec<&str> =
        verdicts.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
    if given.len() > 1 {
        checker.wrong_at(
            at,
            format!("{} exclude each other", listed(given)),
            "one policy does one of them",
        );
        return None;
    }
    let extra = [("mark", fields.mark.is_given()), ("sample", fields.sample.is_given())];
    let extra: Vec<&str> = extra.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
    if given.is_empty() && extra.is_empty() {
        checker.wrong_at(at, "`action` is empty", "write `accept` to leave the packets alone");
        return None;
    }
    if fields.drop.is_given() && !extra.is_empty() {
        checker.wrong_at(
            at,
            format!("a dropped packet needs no {}", listed(extra)),
            "write `action: drop`",
        );
        return None;
    }
    let mark = match fields.mark.0 {
        None => None,
        Some(mark) => {
            let place = (mark.line, mark.column);
            let dscp =
                checker.needed(mark.value.dscp, "dscp", place, "such as `mark: { dscp: 46 }`")?;
            let range = dscp.value.0;
            if range.first != range.last {
                checker.wrong_at(
                    &dscp,
                    "one DSCP is set, not a range",
                    "write one value from 0 to 63",
                );
                return None;
            }
            u8::try_from(range.first).ok()
        }
    };
    let verdict = if let Some(limit) = fields.rate_limit.0 {
        Verdict::RateLimit(rate_limit(checker, limit)?)
    } else if let Some(redirect) = fields.redirect.0 {
        self::redirect(checker, redirect)?
    } else if fields.drop.is_given() {
        Verdict::Drop
    } else {
        Verdict::Accept
    };
    if let Some(when) = when_down
        && !matches!(verdict, Verdict::RedirectPool { .. })
    {
        checker.wrong_at(
            &when,
            "`whenProxyDown` needs a redirect to a pool",
            "leave `whenProxyDown` out",
        );
        return None;
    }
    Some(Action { verdict, mark, sample: fields.sample.is_given(), line: at.line })
}

fn rate_limit(checker: &mut Checker<'_>, limit: Spanned<RateLimitFields>) -> Option<RateLimit> {
    let at = limit.with(());
    match (limit.value.bytes_per_second.0, limit.value.packets_per_second.0) {
        (Some(bytes), None) => Some(RateLimit::BytesPerSecond(bytes.value.0)),
        (None, Some(packets)) => Some(RateLimit::PacketsPerSecond(packets.value.0)),
        (first, _) => {
            let message = match first {
                Some(_) => "`bytesPerSecond` and `packetsPerSecond` exclude each other",
                None => "a rate limit has `bytesPerSecond` or `packetsPerSecond`",
            };
            checker.wrong_at(&at, message, "such as `rateLimit: { bytesPerSecond: 1250000 }`");
            None
        }
    }
}

fn redirect(checker: &mut Checker<'_>, redirect: Spanned<Redirect>) -> Option<Verdict> {
    let at = redirect.with(());
    let copy = redirect.value.copy.0;
    match (redirect.value.to.0, redirect.value.vrf.0) {
        (Some(pool), None) => {
            let copy = copy.is_some_and(|copy| copy.value);
            Some(Verdict::RedirectPool { pool: pool.value.0, copy })
        }
        (None, Some(target)) => match copy {
            Some(copy) => {
                checker.wrong_at(
                    &copy,
                    "`copy` goes with a redirect to a pool",
                    "leave `copy` out",
                );
                None
            }
            None => Some(Verdict::RedirectVrf(target.value.0)),
        },
        (pool, _) => {
            let message = match pool {
                Some(_) => "`to` and `vrf` exclude each other",
                None => "a redirect has `to` or `vrf`",
            };
            checker.wrong_at(&at, message, "such as `redirect: { to: inspection }`");
            None
        }
    }
}
