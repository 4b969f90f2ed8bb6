//! Every room of the server opens with three sentences: what it owns, what it never does, where to
//! start reading.

use anyhow::Result;

use super::{Tree, Violation};

const ROOMS: &str = "crates/server/src/";
const SENTENCES: usize = 3;

pub(super) fn violations(tree: &Tree) -> Result<Vec<Violation>> {
    let mut rooms: Vec<&str> = tree
        .files()
        .filter_map(|file| file.strip_prefix(ROOMS)?.split_once('/'))
        .map(|(room, _)| room)
        // src/bin is cargo's name for further programs, not a room.
        .filter(|room| *room != "bin")
        .collect();
    rooms.dedup();
    let mut found = Vec::new();
    for room in rooms {
        let file = format!("{ROOMS}{room}/mod.rs");
        // Assets such as templates lie in folders without Rust; they are no rooms.
        let has_rust = tree
            .files()
            .any(|file| file.starts_with(&format!("{ROOMS}{room}/")) && file.ends_with(".rs"));
        if !has_rust {
            continue;
        }
        if !tree.has(&file) {
            found.push(Violation::in_file(&file, "the room has no mod.rs that introduces it"));
            continue;
        }
        let count = sentences(&opening(&tree.text(&file)?));
        if count < SENTENCES {
            found.push(Violation::in_file(
                &file,
                format!("opens with {count} of {SENTENCES} sentences: what it owns, what it never does, where to start"),
            ));
        }
    }
    Ok(found)
}

/// The `//!` lines at the head of a file, as one text.
fn opening(text: &str) -> String {
    let lines: Vec<&str> =
        text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    lines.join(" ")
}

fn sentences(text: &str) -> usize {
    // "e.g. this" is no end of a sentence: the next one starts with a capital letter, a backtick
    // or a bracket.
    let letters: Vec<char> = text.trim().chars().collect();
    letters
        .iter()
        .enumerate()
        .filter(|(index, letter)| {
            if !matches!(letter, '.' | '!' | '?') {
                return false;
            }
            let mut rest = letters.iter().skip(index.saturating_add(1));
            match (rest.next(), rest.next()) {
                (None, _) => true,
                (Some(' '), Some(next)) => next.is_uppercase() || "`[*“".contains(*next),
                _ => false,
            }
        })
        .count()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::example::tree;
    use super::*;

    /// Shows that a room without a mod.rs, without an opening, and with too short a one are found.
    #[test]
    fn silent_rooms_are_found() {
        let (_folder, tree) = tree(&[
            ("crates/server/src/lib.rs", ""),
            (
                "crates/server/src/inbox/mod.rs",
                "//! Owns the inbox. Never applies.\n//! Start at\n//! [`receive`].\n",
            ),
            (
                "crates/server/src/apply/mod.rs",
                "//! Owns e.g. the mirror. Never more.\npub mod sync;",
            ),
            ("crates/server/src/billing/checkout.rs", ""),
            ("crates/server/src/http/mod.rs", "mod routes;"),
            ("crates/server/src/pages/index.html", ""),
        ]);
        let found: Vec<String> =
            violations(&tree).unwrap().into_iter().map(|violation| violation.place).collect();
        assert_eq!(
            found,
            [
                "crates/server/src/apply/mod.rs",
                "crates/server/src/billing/mod.rs",
                "crates/server/src/http/mod.rs",
            ]
        );
    }
}
