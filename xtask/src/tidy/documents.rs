//! Documents name only paths that exist: what is written in backticks in a `*.md` file and looks
//! like a path of this repository is one.

use anyhow::Result;

use super::{Tree, Violation};

pub(super) fn violations(tree: &Tree) -> Result<Vec<Violation>> {
    // A path is recognised by its first folder, so that `application/json` or `POST …/cancel` is
    // left alone, and a renamed file in a folder that exists is found.
    let mut folders: Vec<&str> =
        tree.files().filter_map(|file| file.split_once('/')).map(|(folder, _)| folder).collect();
    folders.sort_unstable();
    folders.dedup();

    let mut found = Vec::new();
    for document in tree.ending(".md") {
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = tree.text(document)?;
        let mut fenced = false;
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
                continue;
            }
            if fenced {
                continue;
            }
            for path in spans(line) {
                if looks_like_path(path, &folders) && !names_something(tree, path) {
                    found.push(Violation::at_line(
                        document,
                        index,
                        format!("`{path}` does not exist"),
                    ));
                }
            }
            for link in links(line) {
                if !link_leads_somewhere(tree, folder, link) {
                    found.push(Violation::at_line(
                        document,
                        index,
                        format!("the link to {link} leads nowhere"),
                    ));
                }
            }
        }
    }
    Ok(found)
}

/// The texts between single backticks.
fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The targets of `[text](target)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

fn looks_like_path(span: &str, folders: &[&str]) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/{},".contains(letter);
    // `web/dist` and its like are made by a build and are never tracked.
    const MADE: [&str; 4] = ["target/", "web/dist", "web/node_modules", ".git/"];
    span.split_once('/').is_some_and(|(first, _)| folders.contains(&first))
        && span.chars().all(plain)
        && !MADE.iter().any(|made| span.starts_with(made))
}

/// Whether the path exists; `{a,b}` stands for each of its alternatives, and `NNNN` for any number.
fn names_something(tree: &Tree, path: &str) -> bool {
    if let Some((before, rest)) = path.split_once('{')
        && let Some((choices, after)) = rest.split_once('}')
    {
        return choices
            .split(',')
            .all(|choice| names_something(tree, &format!("{before}{choice}{after}")));
    }
    if let Some((before, _)) = path.split_once("NNNN") {
        return tree.files().any(|file| file.starts_with(before));
    }
    tree.has(path)
}

fn link_leads_somewhere(tree: &Tree, folder: &str, link: &str) -> bool {
    let target = link.split('#').next().unwrap_or_default();
    if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return false;
                }
            }
            name => parts.push(name),
        }
    }
    parts.is_empty() || tree.has(&parts.join("/"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::example::tree;
    use super::*;

    fn found(document: &str) -> Vec<String> {
        let (_folder, tree) = tree(&[
            ("docs/README.md", document),
            ("docs/GLOSSARY.md", ""),
            ("crates/store/migrations/sqlite/0001_x.up.sql", ""),
            ("crates/store/migrations/postgres/0001_x.up.sql", ""),
            (".ci/run", ""),
        ]);
        violations(&tree).unwrap().into_iter().map(|violation| violation.what).collect()
    }

    /// Shows that a path that is gone is found, in backticks and as a link.
    #[test]
    fn a_missing_path_is_found() {
        assert_eq!(
            found("see `crates/store/src/lib.rs`"),
            ["`crates/store/src/lib.rs` does not exist"]
        );
        assert_eq!(found("and `.ci/walk`").len(), 1);
        assert_eq!(found("[words](WORDS.md)").len(), 1);
        assert_eq!(found("[out](../../elsewhere.md)").len(), 1);
        assert_eq!(found("`crates/store/migrations/{sqlite,mysql}`").len(), 1);
    }

    /// Shows that what exists passes, as do things that only look a little like a path.
    #[test]
    fn paths_that_exist_and_other_words_pass() {
        assert!(
            found(
                "`crates/store`, `.ci/run`, `docs/`, `crates/store/migrations/{sqlite,postgres}`"
            )
            .is_empty()
        );
        assert!(found("`crates/store/migrations/sqlite/NNNN_name.up.sql`").is_empty());
        assert!(
            found("`application/json` `/api/v1/plans` `cargo xtask test` `web/dist`").is_empty()
        );
        assert!(
            found("[words](GLOSSARY.md#plan) [top](../docs/) [x](https://example.com/a)")
                .is_empty()
        );
        assert!(found("```\n`crates/gone`\n```").is_empty());
    }
}
