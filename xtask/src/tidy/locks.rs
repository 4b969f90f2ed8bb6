//! Lock files name packages and checksums, not the host one machine happened to fetch them from.

use anyhow::Result;

use super::{Tree, Violation};

/// Cargo's own name for crates.io, which it writes whatever mirror was used.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn addresses(tree: &Tree) -> Result<Vec<Violation>> {
    let mut found = Vec::new();
    for file in tree.files() {
        let judge: fn(&str) -> Option<&'static str> = match file.rsplit('/').next() {
            Some("package-lock.json" | "npm-shrinkwrap.json") => npm,
            Some("Cargo.lock") => cargo,
            Some(".npmrc") => npm_settings,
            Some("config.toml") if file.ends_with(".cargo/config.toml") => cargo_settings,
            Some("requirements.txt" | "uv.lock" | "poetry.lock") => python,
            _ => continue,
        };
        for (index, line) in tree.text(file)?.lines().enumerate() {
            if let Some(what) = judge(line.trim()) {
                found.push(Violation::at_line(file, index, what));
            }
        }
    }
    Ok(found)
}

fn npm(line: &str) -> Option<&'static str> {
    let address = ["\"resolved\": \"http", "\"resolved\": \"git", "\"resolved\": \"file"];
    address.iter().any(|start| line.starts_with(start)).then_some(
        "a download address; delete node_modules and the lock file, then npm install with omit-lockfile-registry-resolved=true",
    )
}

fn cargo(line: &str) -> Option<&'static str> {
    let source = line.strip_prefix("source = \"")?.trim_end_matches('"');
    (source != CRATES_IO).then_some("a source other than crates.io")
}

fn npm_settings(line: &str) -> Option<&'static str> {
    let key = line.split('=').next()?.trim();
    (key == "registry" || key.ends_with(":registry") || key.ends_with(":_authToken"))
        .then_some("a registry belongs into the user's own settings")
}

fn cargo_settings(line: &str) -> Option<&'static str> {
    (line.starts_with("[source") || line.starts_with("[registries"))
        .then_some("a registry belongs into the user's own settings")
}

fn python(line: &str) -> Option<&'static str> {
    let names_host =
        ["--index-url", "-i ", "--extra-index-url"].iter().any(|start| line.starts_with(start))
            || (line.contains("https://")
                && !line.contains("https://pypi.org/simple")
                && !line.starts_with('#'));
    names_host.then_some("a download address; package and hash are enough")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::example::tree;
    use super::*;

    /// Shows that addresses of hosts are found in each kind of lock file and settings, and that
    /// lock files without them pass.
    #[test]
    fn addresses_are_found() {
        let (_folder, tree) = tree(&[
            ("web/package-lock.json", "{\n  \"resolved\": \"https://mirror.example/a.tgz\",\n"),
            (
                "sdks/package-lock.json",
                "{\n  \"integrity\": \"sha512-x\",\n \"url\": \"https://opencollective.com/x\"\n",
            ),
            (
                "Cargo.lock",
                "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nsource = \"git+https://example.com/x\"\n",
            ),
            ("web/.npmrc", "fund=false\nregistry=http://mirror.example/\n"),
            (".cargo/config.toml", "[alias]\n[source.crates-io]\n"),
            (
                "tests/requirements.txt",
                "stripe==1 --hash=sha256:0\n--index-url https://mirror.example\n",
            ),
        ]);
        let found: Vec<String> =
            addresses(&tree).unwrap().into_iter().map(|violation| violation.place).collect();
        assert_eq!(
            found,
            [
                "web/package-lock.json:2",
                "Cargo.lock:2",
                "web/.npmrc:2",
                ".cargo/config.toml:2",
                "tests/requirements.txt:2",
            ]
        );
    }
}
