//! Migrations come as pairs of up and down, numbered without gaps, with the same names in both
//! dialects.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::{Tree, Violation};

const FOLDER: &str = "crates/store/migrations/";
const DIALECTS: [&str; 2] = ["sqlite", "postgres"];

#[expect(clippy::unnecessary_wraps, reason = "every rule has the same signature")]
pub(super) fn violations(tree: &Tree) -> Result<Vec<Violation>> {
    let mut found = Vec::new();
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in tree.files().filter_map(|file| file.strip_prefix(FOLDER)) {
        let Some((dialect, migration)) = file.split_once('/') else { continue };
        let name =
            migration.strip_suffix(".up.sql").or_else(|| migration.strip_suffix(".down.sql"));
        match name {
            Some(name) if DIALECTS.contains(&dialect) && number(name).is_some() => {
                names.entry(name).or_default().insert(file);
            }
            _ => found.push(Violation::in_file(
                &format!("{FOLDER}{file}"),
                "is none of {sqlite,postgres}/NNNN_name.{up,down}.sql",
            )),
        }
    }
    for (name, files) in &names {
        for dialect in DIALECTS {
            for direction in ["up", "down"] {
                let wanted = format!("{dialect}/{name}.{direction}.sql");
                if !files.contains(wanted.as_str()) {
                    found.push(Violation::in_file(&format!("{FOLDER}{wanted}"), "is missing"));
                }
            }
        }
    }
    for (name, expected) in names.keys().zip(1_u32..) {
        if number(name) != Some(expected) {
            found.push(Violation::in_file(
                &format!("{FOLDER}*/{name}"),
                format!(
                    "should have the number {expected:04}: numbers are unique and without gaps"
                ),
            ));
            break;
        }
    }
    Ok(found)
}

/// The number of `NNNN_name`.
fn number(name: &str) -> Option<u32> {
    let (number, rest) = name.split_once('_')?;
    (number.len() == 4 && !rest.is_empty()).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::example::tree;
    use super::*;

    fn found(files: &[&str]) -> Vec<String> {
        let files: Vec<(String, &str)> =
            files.iter().map(|file| (format!("{FOLDER}{file}"), "")).collect();
        let files: Vec<(&str, &str)> =
            files.iter().map(|(file, text)| (file.as_str(), *text)).collect();
        let (_folder, tree) = tree(&files);
        violations(&tree)
            .unwrap()
            .into_iter()
            .map(|violation| violation.place.replace(FOLDER, ""))
            .collect()
    }

    /// Shows that a missing half, a missing dialect, a stray file and a gap are found.
    #[test]
    fn lopsided_migrations_are_found() {
        let whole = [
            "sqlite/0001_start.up.sql",
            "sqlite/0001_start.down.sql",
            "postgres/0001_start.up.sql",
            "postgres/0001_start.down.sql",
        ];
        assert!(found(&whole).is_empty());
        assert_eq!(found(&whole[1..]), ["sqlite/0001_start.up.sql"]);
        assert_eq!(found(&whole[..2]).len(), 2);
        assert_eq!(found(&["sqlite/start.sql"]), ["sqlite/start.sql"]);
        let later = whole.map(|file| file.replace("0001", "0003"));
        let all: Vec<&str> = whole.into_iter().chain(later.iter().map(String::as_str)).collect();
        assert_eq!(found(&all), ["*/0003_start"]);
    }
}
