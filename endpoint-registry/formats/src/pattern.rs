//! The part of the STIX patterning language (STIX 2.1 section 9) that lists addresses and names.
//!
//! Observations `[...]` and comparisons in them, joined by `OR` only; `=`, `IN (...)`, `ISSUBSET`, and
//! `LIKE '%.example.com'`, which is all names below one.
//! Because all is `OR`, parentheses mean nothing and each comparison stands by itself: those of
//! other objects are left out one by one. `AND`, `FOLLOWEDBY`, `NOT`, other operators on our objects
//! and qualifiers such as `WITHIN` would match less than their parts do: the whole pattern is
//! refused.

use crate::text::few;

/// What a pattern lists.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub values: Vec<Value>,
    /// Comparisons of other things, each with the reason.
    pub left: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// `ipv4`, `ipv6`, `domain`, `url`.
    pub kind: &'static str,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// `[ ] ( ) ,`
    Mark(char),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`.
    Sign(String),
    /// Word, object path or number.
    Word(String),
    Text(String),
}

/// All that the pattern lists, or why it cannot be used.
pub(crate) fn read(pattern: &str) -> Result<Found, String> {
    let tokens = tokens(pattern)?;
    let mut at = tokens.iter().peekable();
    let mut found = Found::default();
    // Open marks; whether an observation is among them; whether a comparison or observation was complete just now.
    let (mut open, mut inside, mut complete) = (Vec::new(), false, false);
    while let Some(token) = at.next() {
        match token {
            Token::Mark(mark @ ('(' | '[')) if !complete => {
                if *mark == '[' && inside {
                    return Err("an observation in an observation".to_owned());
                }
                inside |= *mark == '[';
                open.push(*mark);
            }
            Token::Mark(mark @ (')' | ']')) if complete => {
                let opens = if *mark == ')' { '(' } else { '[' };
                if open.pop() != Some(opens) {
                    return Err(format!("{mark:?} closes nothing"));
                }
                inside &= *mark != ']';
            }
            Token::Word(word) if complete && word == "OR" => complete = false,
            Token::Word(word) if complete => {
                return Err(format!("{} is not understood", few(word)));
            }
            Token::Word(path) if inside => {
                comparison(path, &mut at, &mut found)?;
                complete = true;
            }
            Token::Mark(mark) => return Err(format!("{mark:?} is not expected")),
            Token::Sign(text) | Token::Word(text) | Token::Text(text) => {
                return Err(format!("{} is not expected", few(text)));
            }
        }
    }
    if !complete || !open.is_empty() {
        return Err("the pattern is cut off".to_owned());
    }
    Ok(found)
}

type Tokens<'a> = std::iter::Peekable<std::slice::Iter<'a, Token>>;

fn comparison(path: &str, at: &mut Tokens<'_>, found: &mut Found) -> Result<(), String> {
    let kind = match path {
        "ipv4-addr:value" => Some("ipv4"),
        "ipv6-addr:value" => Some("ipv6"),
        "domain-name:value" => Some("domain"),
        "url:value" => Some("url"),
        // `NOT` and `EXISTS` stand where a path does.
        "NOT" | "EXISTS" => return Err(format!("{path} is not understood")),
        _ => None,
    };
    let operator = match at.next() {
        Some(Token::Sign(text) | Token::Word(text)) => &**text,
        _ => return Err("a comparison without an operator".to_owned()),
    };
    let mut values = Vec::new();
    if operator == "IN" {
        if at.next() != Some(&Token::Mark('(')) {
            return Err("IN without a set".to_owned());
        }
        loop {
            values.push(literal(at)?);
            match at.next() {
                Some(Token::Mark(',')) => {}
                Some(Token::Mark(')')) => break,
                _ => return Err("a set is cut off".to_owned()),
            }
        }
    } else if operator == "NOT" {
        return Err("NOT is not understood".to_owned());
    } else {
        values.push(literal(at)?);
    }
    let Some(kind) = kind else {
        found.left.push(format!("{} is neither an address nor a name", few(path)));
        return Ok(());
    };
    let subset = operator == "ISSUBSET" && kind.starts_with("ip");
    if operator == "LIKE" && kind == "domain" {
        for value in &mut values {
            *value =
                below(value).ok_or_else(|| format!("LIKE {} is not understood", few(value)))?;
        }
        found.values.extend(values.into_iter().map(|text| Value { kind, text }));
        return Ok(());
    }
    if !matches!(operator, "=" | "IN") && !subset {
        return Err(format!("{} on {path} is not understood", few(operator)));
    }
    found.values.extend(values.into_iter().map(|text| Value { kind, text }));
    Ok(())
}

/// `%.example.com` as a wildcard. `%` stands for any characters and `_` for one, so more of them
/// would be more names than a wildcard says.
fn below(like: &str) -> Option<String> {
    let name = like.strip_prefix("%.")?;
    (!name.contains(['%', '_'])).then(|| format!("*.{name}"))
}

/// A constant: text, or a word (number, `true`, `h'…'`, `t'…'`).
fn literal(at: &mut Tokens<'_>) -> Result<String, String> {
    match at.next() {
        Some(Token::Text(text)) => Ok(text.clone()),
        Some(Token::Word(prefix)) if matches!(&**prefix, "h" | "t" | "b") => match at.peek() {
            Some(Token::Text(text)) => {
                at.next();
                Ok(text.clone())
            }
            _ => Ok(prefix.clone()),
        },
        Some(Token::Word(word)) => Ok(word.clone()),
        _ => Err("a comparison without a value".to_owned()),
    }
}

fn tokens(pattern: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = pattern.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let (token, next) = match first {
            '[' | ']' | '(' | ')' | ',' => (Token::Mark(first), after),
            '=' => (Token::Sign("=".to_owned()), after.strip_prefix('=').unwrap_or(after)),
            '!' | '<' | '>' => {
                let next = after.strip_prefix('=').unwrap_or(after);
                (Token::Sign(rest[..rest.len() - next.len()].to_owned()), next)
            }
            '\'' => quoted(after)?,
            _ => path(rest)?,
        };
        tokens.push(token);
        rest = next.trim_start();
    }
    Ok(tokens)
}

/// Up to the closing quote; `\'` and `\\` stand for the character.
fn quoted(text: &str) -> Result<(Token, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Ok((Token::Text(value), &text[at + 1..])),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            _ => value.push(c),
        }
    }
    Err("a text is not closed".to_owned())
}

/// Word, number or object path, whose steps may be `'quoted'` or `[number]` after a colon.
fn path(text: &str) -> Result<(Token, &str), String> {
    let (mut end, mut colon) = (text.len(), false);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ':' => colon = true,
            '\'' | '[' if colon => {
                let close = if c == '[' { ']' } else { c };
                if !chars.by_ref().any(|(_, c)| c == close) {
                    return Err("a step of a path is not closed".to_owned());
                }
            }
            _ if c.is_whitespace() || "[]()=!<>,'".contains(c) => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let (word, rest) = text.split_at(end);
    Ok((Token::Word(word.to_owned()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pattern: &str) -> Vec<String> {
        let found = read(pattern).unwrap();
        found.values.into_iter().map(|value| format!("{} {}", value.kind, value.text)).collect()
    }

    #[test]
    fn what_is_or_is_listed() {
        for (pattern, expected) in [
            ("[ipv4-addr:value = '192.0.2.1']", vec!["ipv4 192.0.2.1"]),
            ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", vec!["ipv4 192.0.2.0/24"]),
            ("[domain-name:value LIKE '%.a.example']", vec!["domain *.a.example"]),
            (
                "[domain-name:value IN ('a.example','b.example')]",
                vec!["domain a.example", "domain b.example"],
            ),
            (
                "([url:value='https://c.example/\\'x'] OR ([ipv6-addr:value = '2001:db8::1']))",
                vec!["url https://c.example/'x", "ipv6 2001:db8::1"],
            ),
            (
                "[(domain-name:value = 'a.example' OR file:hashes.'SHA-256' = 'ab')]",
                vec!["domain a.example"],
            ),
        ] {
            assert_eq!(values(pattern), expected, "{pattern}");
        }
        let found = read("[url:value = 'x' OR a:b[*].c = 1]").unwrap();
        assert_eq!((found.values.len(), found.left.len()), (1, 1));
    }

    #[test]
    fn what_matches_less_is_refused() {
        for (pattern, part) in [
            ("[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = 443]", "AND"),
            ("[url:value = 'a'] FOLLOWEDBY [url:value = 'b']", "FOLLOWEDBY"),
            ("[url:value = 'a'] WITHIN 5 SECONDS", "WITHIN"),
            ("[NOT url:value = 'a']", "NOT"),
            ("[url:value NOT = 'a']", "NOT"),
            ("[url:value != 'a']", "!="),
            ("[domain-name:value LIKE '%example.com']", "LIKE"),
            ("[domain-name:value LIKE '%.%.example.com']", "LIKE"),
            ("[domain-name:value LIKE '%.a_b.example.com']", "LIKE"),
            ("[url:value LIKE '%.example.com']", "LIKE"),
            ("[domain-name:value MATCHES '^a$']", "MATCHES"),
            ("[domain-name:value ISSUBSET 'x']", "ISSUBSET"),
            ("url:value = 'a'", "not expected"),
            ("[url:value = 'a'", "cut off"),
            ("[url:value = 'a", "not closed"),
            ("[url:value = 'a')", "closes nothing"),
            ("[url:value 'a']", "operator"),
            ("[[url:value = 'a']]", "in an observation"),
            ("[url:value = 'a'] OR", "cut off"),
            ("", "cut off"),
            ("[]", "not expected"),
            ("[url:value IN ('a'", "cut off"),
        ] {
            let reason = read(pattern).unwrap_err();
            assert!(reason.contains(part), "{pattern}: {reason}");
        }
    }
}
