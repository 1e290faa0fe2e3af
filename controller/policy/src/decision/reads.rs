//! What of its input a policy reads: if that is the same twice, so is its answer.

use std::collections::BTreeSet;

use super::outline::Outline;

/// Where in the input the policy of a package looks, each path as far as it is constant and none below
/// another. `None` if it may look anywhere: it hands on the whole input, puts another in its place, or
/// refers to packages that are found while it runs.
pub(super) fn reads(outlines: &[Outline], package: &[String]) -> Option<Vec<Vec<String>>> {
    if outlines.iter().any(has_own_object) {
        return None;
    }
    let (mut paths, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut next: Vec<&[String]> = vec![package];
    while let Some(path) = next.pop() {
        if path.is_empty() {
            return None;
        }
        for (place, outline) in outlines.iter().enumerate() {
            let is_meant = path.starts_with(&outline.package) || outline.package.starts_with(path);
            if !is_meant || !seen.insert(place) {
                continue;
            }
            // A name may go on below the package it is in.
            next.push(&outline.package);
            next.extend(outline.imports.iter().map(|(_, path)| path.as_slice()));
            paths.extend(outline.inputs.iter().map(Vec::as_slice));
            for reference in outline.rules.iter().flat_map(|rule| &rule.references) {
                match reference.path.split_first() {
                    Some((first, rest)) if first == "input" => {
                        paths.insert(rest);
                    }
                    Some((first, rest)) if first == "data" => next.push(rest),
                    _ => {}
                }
            }
        }
    }
    let mut least: Vec<Vec<String>> = Vec::new();
    for path in paths {
        // In their order, what is below a path comes right after it.
        if path.is_empty() {
            return None;
        }
        if !least.last().is_some_and(|before| path.starts_with(before)) {
            least.push(path.to_vec());
        }
    }
    Some(least)
}

/// Whether `object.get` may be something else than the built-in function.
fn has_own_object(outline: &Outline) -> bool {
    let is = |name: &String| name == "object";
    outline.package.iter().any(is)
        || outline.imports.iter().any(|(name, _)| is(name))
        || outline.rules.iter().any(|rule| is(&rule.name))
}

#[cfg(test)]
mod tests {
    use super::super::files::Module;
    use super::super::rego;
    use super::*;

    /// What `package p` reads, with the packages that it uses.
    fn of(texts: &[&str]) -> Option<Vec<String>> {
        let outlines: Vec<Outline> =
            texts.iter().map(|text| rego::read(Module { path: "p.rego", text }).unwrap()).collect();
        let paths = reads(&outlines, &["p".to_owned()])?;
        Some(paths.into_iter().map(|path| path.join(".")).collect())
    }

    #[test]
    fn constant_beginnings_once() {
        let text = "package p\nx if { input.user == \"a\"; input.spend[input.period] > 1 }\n\
                    y if { input.spend.day > 1; some g in input.groups; input[\"host\"].tags[_] == g }";
        assert_eq!(of(&[text]).unwrap(), ["groups", "host.tags", "period", "spend", "user"]);
        assert_eq!(of(&["package p\nx := data.other"]).unwrap(), [""; 0]);
    }

    #[test]
    fn also_what_others_read_for_it() {
        let user = "package p\nimport data.lib.a as b\nx if b.f(input.host)";
        let lib = "package lib.a\nf(x) if { x == input.agent; data.lib.c.y }";
        let far = "package lib.c\ny if [z | some z in input.findings; z.kind == input.kind]";
        let stranger = "package lib.d\ny if input.stranger";
        let texts = [user, lib, far, stranger];
        assert_eq!(of(&texts).unwrap(), ["agent", "findings", "host", "kind"]);
        // Named by the package that it is below.
        let (above, below) =
            ("package lib.e\nf if g.h(1)", "package lib.e.g\nh(x) if x == input.below");
        let texts = ["package p\nimport data.lib.e.f\nx if f", above, below, stranger];
        assert_eq!(of(&texts).unwrap(), ["below"]);
        // A package in two files, and all below a name.
        let more = "package p\nimport data.lib\nz if lib.c.y";
        assert_eq!(of(&[more, far, stranger]).unwrap(), ["findings", "kind", "stranger"]);
        let two = ["package p\nx if y", "package p\ny if input.other"];
        assert_eq!(of(&two).unwrap(), ["other"]);
    }

    #[test]
    fn whoever_may_look_anywhere_reads_everything() {
        for text in [
            "package p\nx if f(input)\nf(y) := y.a",
            "package p\nx if input[data.key] == 1",
            "package p\nx if { some k; input[k] == 1 }",
            "package p\nx if [v | v := input]",
            "package p\nx if { z := input; z.a == 1 }",
            "package p\ny if input.a\nx if y with input as {\"a\": data.b}",
            "package p\nx if data[input.where].y",
            "package p\nimport input\nx if input.a",
            "package p\nx if { every k, v in input { k != v } }",
        ] {
            assert_eq!(of(&[text]), None, "{text}");
        }
    }

    #[test]
    fn members_by_name() {
        let text = "package p\nx := object.get(input, \"user\", input.host)\n\
                    y := object.get(input.spend, \"day\", object.get(input.a, data.b, 0))";
        assert_eq!(of(&[text]).unwrap(), ["a", "host", "spend", "user"]);
        for text in ["object.get(input, data.key, 0)", "object.get(input, [\"a\", \"b\"], 0)"] {
            assert_eq!(of(&[&format!("package p\nx := {text}")]), None, "{text}");
        }
        // The function may be somebody's own.
        let own = "package lib.object\nget(x, y, z) := x.other";
        assert_eq!(of(&["package p\nx := object.get(input, \"user\", 0)", own]), None);
    }

    #[test]
    fn imported_parts_of_the_input() {
        let text = "package p\nimport input.spend as money\nx if money.day > input.most";
        assert_eq!(of(&[text]).unwrap(), ["most", "spend"]);
    }
}
