//! Whether a cron expression is one: seconds, minutes, hours, day of month, month, day of week,
//! year. Said here so that a wrong one is shown in its file; when it is due, the scheduler knows.

use crate::schedule::Schedule;

const MONTHS: &str = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
const DAYS: &str = "SUNMONTUEWEDTHUFRISAT";

/// Name, least, most, names of three letters that stand for `least` and on.
const FIELDS: [(&str, u16, u16, &str); 7] = [
    ("seconds", 0, 59, ""),
    ("minutes", 0, 59, ""),
    ("hours", 0, 23, ""),
    ("day of month", 1, 31, ""),
    ("month", 1, 12, MONTHS),
    ("day of week", 1, 7, DAYS),
    ("year", 1970, 2100, ""),
];

/// The expression with all seven fields; a missing year is any.
pub(super) fn check(text: &str) -> Result<String, String> {
    let mut fields: Vec<&str> = text.split_ascii_whitespace().collect();
    match fields.len() {
        6 => fields.push("*"),
        7 => {}
        5 => {
            return Err(format!(
                "{text:?} has five fields: seconds come first, so write \"0 {text}\" (days of the \
                 week are 1, Sunday, to 7)"
            ));
        }
        count => {
            return Err(format!(
                "a schedule has six or seven fields, not {count}: seconds, minutes, hours, day of \
                 month, month, day of week, year; such as \"0 17 */6 * * *\""
            ));
        }
    }
    for (field, (name, least, most, words)) in fields.iter().zip(FIELDS) {
        for item in field.split(',') {
            if !is_item(item, least, most, words) {
                return Err(format!("{item:?} is not a {name}: {least} to {most}, or *"));
            }
        }
    }
    let text = fields.join(" ");
    // What each field allows may still be no day, or more than the scheduler takes.
    text.parse::<Schedule>().map_err(|error| error.to_string())?;
    Ok(text)
}

/// `*`, `7`, `1-5`, each perhaps with `/2`.
fn is_item(item: &str, least: u16, most: u16, words: &str) -> bool {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let plain = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    if step.is_some_and(|step| plain(step).is_none_or(|step| step == 0 || step > most)) {
        return false;
    }
    if matches!(range, "*" | "?") {
        return true;
    }
    let value = |text: &str| {
        let word = (text.len() == 3).then(|| words.find(&text.to_ascii_uppercase())).flatten();
        let word = word.filter(|at| at % 3 == 0).and_then(|at| u16::try_from(at / 3).ok());
        let number = word.map(|word| word + least).or_else(|| plain(text))?;
        (least..=most).contains(&number).then_some(number)
    };
    match range.split_once('-') {
        Some((first, last)) => {
            matches!((value(first), value(last)), (Some(first), Some(last)) if first <= last)
        }
        None => value(range).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_cron_takes_is_taken() {
        for text in [
            "0 17 * * * * *",
            "30 5,35 */6 * * * *",
            "0 0 4 1-7 JAN,jul Mon-Fri 2026-2030",
            "0 0/15 0 ? * 7 *",
        ] {
            assert_eq!(check(text).as_deref(), Ok(text));
        }
        assert_eq!(check(" 0  17 4 * * * ").as_deref(), Ok("0 17 4 * * * *"));
    }

    #[test]
    fn what_it_does_not_take_is_explained() {
        for (text, part) in [
            ("", "not 0"),
            ("* * * * * * * *", "not 8"),
            ("17 4 * * *", "write \"0 17 4 * * *\""),
            ("60 * * * * *", "\"60\" is not a seconds"),
            ("0 * 24 * * *", "\"24\" is not a hours"),
            ("0 0 0 0 * *", "\"0\" is not a day of month"),
            ("0 0 0 * * 0", "\"0\" is not a day of week: 1 to 7"),
            ("0 0 0 * ANF *", "\"ANF\" is not a month"),
            ("0 5-1 0 * * *", "\"5-1\""),
            ("0 */0 0 * * *", "\"*/0\""),
            ("0 1, 0 * * *", "\"\""),
            ("0 +1 0 * * *", "\"+1\""),
            ("0 99999999 0 * * *", "99999999"),
            ("@hourly", "not 1"),
            ("0 0 0 30 2 *", "no such day ever comes"),
        ] {
            let message = check(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
