//! A folder or module is named for what it does: a word that fits everything says nothing.

use anyhow::Result;

use super::{Tree, Violation};

const EMPTY_WORDS: [&str; 10] = [
    "utils", "util", "common", "helpers", "helper", "services", "service", "managers", "manager",
    "misc",
];

#[expect(clippy::unnecessary_wraps, reason = "every rule has the same signature")]
pub(super) fn violations(tree: &Tree) -> Result<Vec<Violation>> {
    Ok(tree
        .files()
        .filter_map(|file| Some((file, empty_word(file)?)))
        .map(|(file, word)| {
            Violation::in_file(file, format!("`{word}` says nothing; name it for what it does"))
        })
        .collect())
}

fn empty_word(file: &str) -> Option<&str> {
    let (folders, name) = file.rsplit_once('/').unwrap_or(("", file));
    let code = [".rs", ".ts", ".tsx", ".mjs", ".py"];
    let module = code.iter().find_map(|ending| name.strip_suffix(ending));
    folders.split('/').chain(module).find(|part| EMPTY_WORDS.contains(part))
}

#[cfg(test)]
mod tests {
    use super::empty_word;

    /// Shows that a folder and a module with an empty name are found, and that the same letters
    /// elsewhere in a name are not.
    #[test]
    fn empty_names_are_found() {
        assert_eq!(empty_word("crates/server/src/utils/time.rs"), Some("utils"));
        assert_eq!(empty_word("crates/server/src/helpers.rs"), Some("helpers"));
        assert_eq!(empty_word("web/src/lib/utils.ts"), Some("utils"));
        assert_eq!(empty_word("crates/server/src/billing/service_period.rs"), None);
        assert_eq!(empty_word("docs/common.md"), None);
    }
}
