//! The words of a message, as an operator wants them.

use serde::{Deserialize, Serialize};

use crate::message::{Kind, Message, cut};

/// Longest text that a template makes, in characters.
const LONGEST: usize = 3000;
const TITLE: &str = "[{severity}] {title}";
const TEXT: &str = "{event} at {source}, {at}, {count} so far";

/// What a template is made of. `{name}` is replaced; `{{` is a brace. There are `title`, `severity`,
/// `state` (`opened`, `again`, `worse`, `resolved`, `test`), `event`, `actor`, `key`, `count`, `at`,
/// `since`, `source`, `runbook`, and `fact.NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(String);

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{` without `}`.
    #[error("a brace is not closed")]
    Open,
    /// There is no such word.
    #[error("there is no {{{0}}}")]
    Unknown(String),
}

/// The words of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub title: String,
    /// Below it.
    pub text: String,
}

impl Words {
    /// By these templates, or the usual ones.
    #[must_use]
    pub fn of(message: &Message, title: Option<&Template>, text: Option<&Template>) -> Self {
        let usual = |template: &str| Template(template.to_owned());
        let of = |template: Option<&Template>, otherwise| match template {
            Some(template) => template.render(message),
            None => usual(otherwise).render(message),
        };
        let resolved = if message.kind == Kind::Resolved { "Resolved: " } else { "" };
        Self { title: format!("{resolved}{}", of(title, TITLE)), text: of(text, TEXT) }
    }
}

impl Template {
    /// Of its text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether it can be used.
    pub fn check(&self) -> Result<(), TemplateError> {
        let mut rest = self.0.as_str();
        while let Some((_, part, after)) = next(rest)? {
            rest = after;
            let Part::Name(name) = part else { continue };
            let fact = name.strip_prefix("fact.").is_some_and(|name| !name.is_empty());
            if !fact
                && word(name, &Message::test(jiff::Timestamp::UNIX_EPOCH, "", "", "")).is_none()
            {
                return Err(TemplateError::Unknown(name.to_owned()));
            }
        }
        Ok(())
    }

    /// With this message's words; what is unknown is left out.
    #[must_use]
    pub fn render(&self, message: &Message) -> String {
        let (mut out, mut rest) = (String::new(), self.0.as_str());
        while let Ok(Some((before, part, after))) = next(rest) {
            out.push_str(before);
            match part {
                Part::Brace => out.push('{'),
                Part::Name(name) => match name.strip_prefix("fact.") {
                    Some(fact) => out.extend(message.facts.get(fact).map(String::as_str)),
                    None => out.extend(word(name, message)),
                },
            }
            rest = after;
        }
        out.push_str(rest);
        cut(&out, LONGEST)
    }
}

enum Part<'a> {
    Brace,
    Name(&'a str),
}

fn next(text: &str) -> Result<Option<(&str, Part<'_>, &str)>, TemplateError> {
    let Some((before, rest)) = text.split_once('{') else { return Ok(None) };
    if let Some(rest) = rest.strip_prefix('{') {
        return Ok(Some((before, Part::Brace, rest)));
    }
    let (name, rest) = rest.split_once('}').ok_or(TemplateError::Open)?;
    Ok(Some((before, Part::Name(name), rest)))
}

fn word(name: &str, message: &Message) -> Option<String> {
    Some(match name {
        "title" => message.title.clone(),
        "severity" => message.severity.to_string(),
        "state" => message.kind.as_str().to_owned(),
        "event" => message.event.clone(),
        "actor" => message.actor.clone(),
        "key" => message.key.clone(),
        "count" => message.count.to_string(),
        "at" => message.at.to_string(),
        "since" => message.first_at.to_string(),
        "source" => message.source.clone(),
        "runbook" => message.runbook.clone().unwrap_or_default(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let mut message = Message::test(jiff::Timestamp::UNIX_EPOCH, "sarkd", "edge-1", "soc");
        message.facts.insert("feed".into(), "{title}".into());
        let render = |text| Template::new(text).render(&message);
        assert_eq!(render("{source}: {fact.feed} {fact.none}{{x}"), "edge-1: {title} {x}");
        assert_eq!(render("open { brace"), "open { brace");
        let check = |text| Template::new(text).check();
        assert_eq!(check("{source} {fact.x} {{"), Ok(()));
        assert_eq!(check("{sorce}"), Err(TemplateError::Unknown("sorce".into())));
        assert_eq!(check("{fact.}"), Err(TemplateError::Unknown("fact.".into())));
        assert_eq!(check("{source"), Err(TemplateError::Open));
    }
}
