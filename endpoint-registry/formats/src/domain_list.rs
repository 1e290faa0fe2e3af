//! Domain lists of the v2fly community (`domain-list-community`, "Structure of data" of its README).
//!
//! A line is `TYPE:VALUE @attribute... # comment`; without a type it is `domain`. `domain:x` is two
//! entries, `x` and everything below it; `full:x` is one. `keyword:` and `regexp:` match inside
//! names, which an index cannot do: skipped. `include:LIST @a @-b` takes those rules of another file
//! that have `a` and do not have `b`; a file that is not there is skipped with that reason. `&LIST`
//! after a rule, which adds it to that list as well, is not followed.
//! Labels: `list` (the file of the rule), `attr` (each attribute).

use std::collections::{BTreeSet, HashMap};

use sark_registry::feed::Subject;

use crate::{ParseError, Part, collect::Collect, text};

/// A chain of includes is no longer.
const DEEPEST: usize = 32;

/// File, and the number of the rule in it.
type Id = (usize, usize);

struct File {
    rules: Vec<Rule>,
    includes: Vec<Include>,
}

struct Rule {
    line: usize,
    kind: Kind,
    value: String,
    attributes: BTreeSet<String>,
}

#[derive(Clone, Copy)]
enum Kind {
    Domain,
    Full,
    Unusable(&'static str),
}

struct Include {
    line: usize,
    list: String,
    with: Vec<String>,
    without: Vec<String>,
}

pub(crate) fn parse(list: &str, parts: &[Part<'_>], out: &mut Collect) -> Result<(), ParseError> {
    let names = parts.iter().enumerate().map(|(at, part)| (last_segment(part.name), at));
    let names: HashMap<&str, usize> = names.collect();
    let Some(&start) = names.get(list) else {
        return Err(ParseError::NoList { name: text::brief(list) });
    };
    let mut walk = Walk { parts, names, files: HashMap::new(), done: HashMap::new(), work: 0 };
    // The list itself must be one; an included file that is none is skipped.
    out.begin(parts[start].name);
    walk.files.insert(start, read(text::open(&parts[start])?, out));
    let rules = walk.rules_of(start, &mut Vec::new(), out)?;
    for (part, number) in rules {
        let rule = &walk.files[&part].rules[number];
        out.begin(parts[part].name);
        let mut labels = out.labels(&[("list", last_segment(parts[part].name))]);
        labels.extend(rule.attributes.iter().map(|attribute| out.label("attr", attribute)));
        let place = || format!("line {}", rule.line);
        match rule.kind {
            Kind::Unusable(reason) => out.skip(place, reason),
            Kind::Full => out.found(name(&rule.value), &labels, Vec::new(), place)?,
            Kind::Domain => match both(&rule.value) {
                Ok([whole, below]) => {
                    out.entry(whole, labels.clone(), Vec::new())?;
                    out.entry(below, labels, Vec::new())?;
                }
                Err(reason) => out.skip(place, reason),
            },
        }
    }
    Ok(())
}

struct Walk<'a> {
    parts: &'a [Part<'a>],
    names: HashMap<&'a str, usize>,
    files: HashMap<usize, File>,
    /// Rules of a file with all that it includes.
    done: HashMap<usize, BTreeSet<Id>>,
    /// Rules that were passed from file to file: many files that all include one another would
    /// otherwise cost more than their size.
    work: usize,
}

impl Walk<'_> {
    /// `open` are the files that include this one, outermost first.
    fn rules_of(
        &mut self,
        file: usize,
        open: &mut Vec<usize>,
        out: &mut Collect,
    ) -> Result<BTreeSet<Id>, ParseError> {
        if let Some(rules) = self.done.get(&file) {
            return Ok(rules.clone());
        }
        if !self.files.contains_key(&file) {
            out.begin(self.parts[file].name);
            let read = match text::open(&self.parts[file]) {
                Ok(octets) => read(octets, out),
                Err(error) => {
                    out.skip(|| "the file".to_owned(), error.to_string());
                    File { rules: Vec::new(), includes: Vec::new() }
                }
            };
            self.files.insert(file, read);
        }
        let includes = std::mem::take(&mut self.files.get_mut(&file).expect("just read").includes);
        let mut rules: BTreeSet<Id> =
            (0..self.files[&file].rules.len()).map(|number| (file, number)).collect();
        open.push(file);
        for include in &includes {
            let next = self.names.get(&*include.list).copied();
            let reason = match next {
                None => Some("is not among the files"),
                Some(next) if open.contains(&next) => Some("includes this list in turn"),
                Some(_) if open.len() >= DEEPEST => Some("is included by a chain of 32 others"),
                Some(_) => None,
            };
            if let Some(reason) = reason {
                out.begin(self.parts[file].name);
                let reason = format!("the list {} {reason}", text::few(&include.list));
                out.skip(|| format!("line {}", include.line), reason);
                continue;
            }
            let Some(next) = next else { continue };
            let included = self.rules_of(next, open, out)?;
            self.work += included.len();
            if self.work > out.most().saturating_mul(16) {
                return Err(out.too_many());
            }
            let taken = included.into_iter().filter(|(part, number)| {
                let has = |attribute| {
                    self.files[part].rules[*number].attributes.contains::<String>(attribute)
                };
                include.with.iter().all(has) && !include.without.iter().any(has)
            });
            rules.extend(taken);
        }
        open.pop();
        // In a cycle it lacks what the outer file adds itself.
        self.done.insert(file, rules.clone());
        Ok(rules)
    }
}

fn read(octets: &[u8], out: &mut Collect) -> File {
    let mut file = File { rules: Vec::new(), includes: Vec::new() };
    for (line, text) in text::lines(octets) {
        let text = text.split('#').next().unwrap_or_default();
        let mut words = text.split_whitespace();
        let Some(first) = words.next() else { continue };
        let (kind, value) = first.split_once(':').unwrap_or(("domain", first));
        let (mut attributes, mut without, mut wrong) = (BTreeSet::new(), Vec::new(), None);
        for word in words {
            match (word.strip_prefix('@'), kind == "include") {
                (Some(attribute), true) if attribute.starts_with('-') => {
                    without.push(attribute[1..].to_owned());
                }
                (Some(attribute), _) if !attribute.is_empty() => {
                    attributes.insert(attribute.to_owned());
                }
                _ if word.starts_with('&') => {}
                _ => wrong = Some(format!("{} is not an @attribute", text::few(word))),
            }
        }
        if let Some(wrong) = wrong {
            out.skip(|| format!("line {line}"), wrong);
            continue;
        }
        let kind = match kind {
            "domain" => Kind::Domain,
            "full" => Kind::Full,
            "keyword" => Kind::Unusable("a keyword cannot be indexed"),
            "regexp" | "regex" => Kind::Unusable("a regular expression cannot be indexed"),
            "include" => {
                let with = attributes.into_iter().collect();
                file.includes.push(Include { line, list: value.to_owned(), with, without });
                continue;
            }
            _ => Kind::Unusable("domain, full, keyword, regexp or include is expected"),
        };
        file.rules.push(Rule { line, kind, value: value.to_owned(), attributes });
    }
    file
}

fn name(text: &str) -> Result<Subject, String> {
    if text.contains('*') {
        return Err(format!("{} has a *", text::few(text)));
    }
    text.parse().map(Subject::Name).map_err(|error| text::brief(&format!("{error}")))
}

/// A name and all below it.
fn both(text: &str) -> Result<[Subject; 2], String> {
    let whole = name(text)?;
    let below = format!("*.{whole}").parse().map_err(|error| text::brief(&format!("{error}")))?;
    Ok([whole, Subject::Name(below)])
}

fn last_segment(name: &str) -> &str {
    let path = name.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}
