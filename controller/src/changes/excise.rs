//! Takes documents out of YAML files and leaves the others where they are.

use std::collections::BTreeSet;

use sark_core::storage::PolicyFile;
use sark_policy::Place;

/// The files without the documents at these places. Lines of the others keep their numbers, so
/// that a rule still names the line its author wrote: what goes becomes comment lines. A file with
/// nothing left is dropped.
pub(super) fn documents(files: &[PolicyFile], going: &[Place]) -> Vec<PolicyFile> {
    files
        .iter()
        .filter_map(|file| {
            let lines: BTreeSet<u32> =
                going.iter().filter(|p| p.file == file.name).map(|p| p.line).collect();
            if lines.is_empty() {
                return Some(file.clone());
            }
            let text = without(&file.text, &lines);
            let empty = text.lines().all(|line| line.trim().is_empty() || line.starts_with('#'));
            (!empty).then(|| PolicyFile { name: file.name.clone(), text })
        })
        .collect()
}

fn without(text: &str, going: &BTreeSet<u32>) -> String {
    let lines: Vec<&str> = text.lines().collect();
    // A document begins at the top and at each marker; `---` at column 1 can be nothing else.
    let mut starts: Vec<usize> =
        (0..lines.len()).filter(|&n| n == 0 || is_marker(lines[n])).collect();
    starts.push(lines.len());
    let mut out = Vec::with_capacity(lines.len());
    for range in starts.windows(2) {
        let mut numbers = (range[0]..range[1]).filter_map(|n| u32::try_from(n + 1).ok());
        let goes = numbers.any(|n| going.contains(&n));
        out.extend(lines[range[0]..range[1]].iter().map(|line| if goes { "#" } else { line }));
    }
    out.iter().flat_map(|line| [*line, "\n"]).collect()
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, lines: &[u32]) -> Vec<String> {
        let files = [PolicyFile { name: "a".into(), text: text.into() }];
        let going: Vec<Place> =
            lines.iter().map(|&line| Place { file: "a".into(), line }).collect();
        documents(&files, &going).into_iter().map(|f| f.text).collect()
    }

    #[test]
    fn lines_keep_their_numbers() {
        let text = "# head\na: 1\n---\nb: |\n  --- not a marker\n--- # third\nc: 3\n";
        assert_eq!(cut(text, &[4]), ["# head\na: 1\n#\n#\n#\n--- # third\nc: 3\n"]);
        assert_eq!(cut(text, &[2]), ["#\n#\n---\nb: |\n  --- not a marker\n--- # third\nc: 3\n"]);
        assert_eq!(cut(text, &[3]), cut(text, &[4]), "the marker or the line after it");
        assert!(cut(text, &[2, 4, 7]).is_empty());
        assert_eq!(cut(text, &[]), [text]);
    }
}
