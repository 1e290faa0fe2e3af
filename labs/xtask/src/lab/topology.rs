//! A lab as this runner sees it: containerlab's file with defaults merged and mistakes found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sark_core::document::{self, Diagnostic, Spanned, nearest};

use super::schema;

/// A checked lab.
#[derive(Debug)]
pub struct Topology {
    /// `name` of the file.
    pub name: String,
    /// In the order of their names.
    pub nodes: Vec<Node>,
    /// In the order of the file.
    pub links: Vec<Link>,
    /// Keys that are containerlab's but are not realised here, one line each.
    pub warnings: Vec<String>,
}

/// One node.
#[derive(Debug)]
pub struct Node {
    /// Its name, also its host name.
    pub name: String,
    /// Whether FRR is started on it.
    pub is_router: bool,
    /// Files and directories shown inside.
    pub binds: Vec<Bind>,
    /// Commands run once the links are up, as words.
    pub exec: Vec<Vec<String>>,
    /// Environment of everything in it.
    pub env: BTreeMap<String, String>,
}

/// A file or directory of the machine, shown in a node.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Bind {
    /// On the machine.
    pub from: PathBuf,
    /// In the node.
    pub to: PathBuf,
    /// `:ro`.
    pub read_only: bool,
}

/// A cable.
#[derive(Debug)]
pub struct Link {
    /// Its ends.
    pub ends: [End; 2],
    /// If not the kernel's default.
    pub mtu: Option<u32>,
}

/// An interface of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// Node.
    pub node: String,
    /// Interface.
    pub interface: String,
}

/// The file where a router's bind shows which daemons to start.
pub const FRR_DAEMONS: &str = "/etc/frr/daemons";

/// Longest interface name of Linux.
const MAX_INTERFACE: usize = 15;

/// Reads and checks a topology. `dir` is where binds are relative to. All I/O is asking whether
/// the files to bind exist.
pub fn read(file: &str, text: &str, dir: &Path) -> Result<Topology, Diagnostic> {
    let mut documents = document::parse::<schema::File>(file, text)?;
    let Some(document) = documents.pop().filter(|_| documents.is_empty()) else {
        return Err(Diagnostic::at(file, text, 1, 1, "one topology per file"));
    };
    Reader { file, text, dir }.read(&document.value)
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    dir: &'a Path,
}

impl Reader<'_> {
    fn wrong<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.file, self.text, at.line, at.column, message)
    }

    fn read(&self, lab: &schema::File) -> Result<Topology, Diagnostic> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if lab.name.is_empty() || !lab.name.chars().all(plain) {
            let message = format!("{:?} cannot be a lab's name", lab.name.value);
            let help = "letters, digits, - and _";
            return Err(self.wrong(&lab.name, message).with_help(help));
        }
        let mut warnings: BTreeSet<String> = BTreeSet::new();
        let mut warn = |of: &str, keys: Vec<&str>| {
            for key in keys {
                warnings.insert(format!("{}: `{of}{key}` is not realised here", self.file));
            }
        };
        warn("", lab.unrealised());
        warn("topology.", lab.topology.unrealised());
        warn("defaults.", lab.topology.defaults.unrealised());
        for (kind, config) in &lab.topology.kinds {
            warn(&format!("kinds.{kind}."), config.unrealised());
        }
        for (group, config) in &lab.topology.groups {
            warn(&format!("groups.{group}."), config.unrealised());
        }
        let mut nodes = Vec::new();
        for (name, config) in &lab.topology.nodes {
            if let Some(config) = config {
                warn(&format!("{name}."), config.unrealised());
            }
            nodes.push(self.node(lab, name, config.as_ref())?);
        }
        let mut links = Vec::new();
        let mut taken = BTreeSet::new();
        for link in &lab.topology.links {
            warn("links.", link.unrealised());
            links.push(self.link(link, &lab.topology.nodes, &mut taken)?);
        }
        let warnings = warnings.into_iter().collect();
        Ok(Topology { name: lab.name.value.clone(), nodes, links, warnings })
    }

    fn node(
        &self,
        lab: &schema::File,
        name: &str,
        own: Option<&Spanned<schema::NodeConfig>>,
    ) -> Result<Node, Diagnostic> {
        let topology = &lab.topology;
        let empty = Spanned { value: schema::NodeConfig::default(), line: 1, column: 1 };
        let own = own.unwrap_or(&empty);
        let label = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || name.len() > 63 || !name.chars().all(label) {
            let message = format!("{name:?} cannot be a node's name");
            return Err(self.wrong(own, message).with_help("letters, digits and -"));
        }
        // The more special wins: node, group, kind, defaults.
        let group = own.group.as_ref().and_then(|group| topology.groups.get(group));
        let kind = own.kind.as_ref().or_else(|| group?.kind.as_ref());
        let kind = kind.or(topology.defaults.kind.as_ref());
        match kind {
            None => {
                let message = format!("node {name} has no kind");
                return Err(self.wrong(own, message).with_help("kind: linux"));
            }
            Some(kind) if kind.value != "linux" => {
                let message = format!("kind {:?} needs containerlab itself", kind.value);
                return Err(self.wrong(kind, message).with_help("this runner realises `linux`"));
            }
            Some(_) => {}
        }
        let of_kind = topology.kinds.get("linux");
        let layers = [Some(&topology.defaults), of_kind, group, Some(&own.value)];
        let layers: Vec<_> = layers.into_iter().flatten().collect();
        let mut node = Node {
            name: name.to_owned(),
            is_router: false,
            binds: Vec::new(),
            exec: Vec::new(),
            env: BTreeMap::new(),
        };
        for layer in &layers {
            for bind in &layer.binds {
                let bind = self.bind(bind)?;
                node.binds.retain(|other| other.to != bind.to);
                node.binds.push(bind);
            }
            for command in &layer.exec {
                let words = words(command)
                    .ok_or_else(|| self.wrong(command, "a quote is not closed, or no command"))?;
                node.exec.push(words);
            }
            node.env.extend(layer.env.clone());
        }
        let image = layers.iter().rev().find_map(|layer| layer.image.as_deref()).unwrap_or("");
        let image_name = image.rsplit('/').next().unwrap_or(image);
        node.is_router = image_name.starts_with("frr");
        if node.is_router && !node.binds.iter().any(|bind| bind.to == Path::new(FRR_DAEMONS)) {
            let message = format!("router {name} does not say which daemons it runs");
            let help = format!("bind a file to {FRR_DAEMONS}");
            return Err(self.wrong(own, message).with_help(help));
        }
        Ok(node)
    }

    fn bind(&self, bind: &Spanned<String>) -> Result<Bind, Diagnostic> {
        let form = "FILE:PLACE or FILE:PLACE:ro";
        let mut parts = bind.split(':');
        let (Some(from), Some(to)) = (parts.next(), parts.next()) else {
            return Err(self.wrong(bind, "not a bind").with_help(form));
        };
        let options: Vec<_> = parts.flat_map(|options| options.split(',')).collect();
        // z and Z are SELinux labels for containers.
        if let Some(other) = options.iter().find(|option| !["ro", "rw", "z", "Z"].contains(option))
        {
            let message = format!("{other:?} is not an option of a bind");
            return Err(self.wrong(bind, message).with_help(form));
        }
        let to = PathBuf::from(to);
        let plain = |part| matches!(part, std::path::Component::Normal(_));
        if !to.is_absolute() || !to.components().skip(1).all(plain) || to.parent().is_none() {
            return Err(self.wrong(bind, "the place in the node is not a full path"));
        }
        let from = self.dir.join(from);
        let from = from.canonicalize().map_err(|error| {
            self.wrong(bind, format!("cannot bind {}: {error}", from.display()))
        })?;
        Ok(Bind { from, to, read_only: options.contains(&"ro") })
    }

    fn link(
        &self,
        link: &Spanned<schema::Link>,
        nodes: &BTreeMap<String, Option<Spanned<schema::NodeConfig>>>,
        taken: &mut BTreeSet<End>,
    ) -> Result<Link, Diagnostic> {
        let [a, b] = link.endpoints.as_slice() else {
            let message = format!("a link has two endpoints, this one {}", link.endpoints.len());
            return Err(self.wrong(link, message).with_help(r#"endpoints: ["a:eth1", "b:eth1"]"#));
        };
        let mut end = |end: &Spanned<String>| {
            let Some((node, interface)) = end.split_once(':') else {
                return Err(self.wrong(end, "not an endpoint").with_help("NODE:INTERFACE"));
            };
            if !nodes.contains_key(node) {
                let wrong = self.wrong(end, format!("there is no node {node:?}"));
                return Err(match nearest(node, nodes.keys().map(String::as_str)) {
                    Some(near) => wrong.with_help(format!("did you mean `{near}`?")),
                    None => wrong,
                });
            }
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            let named = !interface.is_empty() && interface.len() <= MAX_INTERFACE;
            if !named || !interface.chars().all(plain) || interface == "lo" {
                let message = format!("{interface:?} cannot be an interface's name");
                return Err(self.wrong(end, message));
            }
            let (node, interface) = (node.to_owned(), interface.to_owned());
            let found = End { node, interface };
            if !taken.insert(found.clone()) {
                return Err(self.wrong(end, "this interface has a link already"));
            }
            Ok(found)
        };
        Ok(Link { ends: [end(a)?, end(b)?], mtu: link.mtu })
    }
}

/// A command's words, as a shell would split them, without expansions; none if a quote stays open
/// or there is no word.
fn words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(letters.next()?),
            (None, space) if space.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    (quote.is_none() && !words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests;
