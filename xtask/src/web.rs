//! The dashboard in `web/`: its packages, and its pages built when their sources changed.

use std::path::Path;

use anyhow::{Context, Result};

use crate::processes::run;
use crate::tools::Node;
use crate::workspace;

/// What the built pages are made from. Folders are taken whole.
const SOURCES: [&str; 7] = [
    "src",
    "public",
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
];

/// Installs the packages that `web/package-lock.json` names, unless exactly these are there already.
pub(crate) fn ensure_packages(node: &Node) -> Result<()> {
    let web = workspace::root().join("web");
    let wanted = digest(&web, &["package.json", "package-lock.json"])?;
    let stamp = web.join("node_modules/.stamp");
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    eprintln!("Installing the dashboard's packages (npm ci)");
    run(&mut node.command("npm", &["ci", "--no-audit", "--no-fund"], &web))?;
    std::fs::write(&stamp, wanted).with_context(|| format!("write {}", stamp.display()))
}

/// Whether `web/dist` holds the pages of the present sources.
pub(crate) fn is_built() -> Result<bool> {
    let web = workspace::root().join("web");
    let wanted = digest(&web, &SOURCES)?;
    Ok(std::fs::read_to_string(web.join("dist/.stamp")).is_ok_and(|found| found == wanted))
}

/// Builds the pages and notes what they were built from.
pub(crate) fn build(node: &Node) -> Result<()> {
    let web = workspace::root().join("web");
    ensure_packages(node)?;
    run(&mut node.command("npm", &["run", "--silent", "build"], &web))?;
    let stamp = web.join("dist/.stamp");
    std::fs::write(&stamp, digest(&web, &SOURCES)?)
        .with_context(|| format!("write {}", stamp.display()))
}

/// The server embeds `web/dist` and does not compile without that folder. An empty one is enough
/// to check and test it.
pub(crate) fn ensure_dist_folder() -> Result<()> {
    let dist = workspace::root().join("web/dist");
    std::fs::create_dir_all(&dist).with_context(|| format!("create {}", dist.display()))
}

/// A fingerprint of files (paths and contents) below `base`, the same on every machine.
fn digest(base: &Path, entries: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    for entry in entries {
        collect(&base.join(entry), &mut files)?;
    }
    files.sort();
    let mut fingerprint = Fnv::new();
    for file in files {
        let name = file.strip_prefix(base).unwrap_or(&file).to_string_lossy();
        let content = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        fingerprint.add(name.as_bytes());
        fingerprint.add(&content.len().to_le_bytes());
        fingerprint.add(&content);
    }
    Ok(fingerprint.text())
}

fn collect(path: &Path, files: &mut Vec<std::path::PathBuf>) -> Result<()> {
    if path.is_dir() {
        let entries =
            std::fs::read_dir(path).with_context(|| format!("list {}", path.display()))?;
        for entry in entries {
            collect(&entry?.path(), files)?;
        }
    } else if path.is_file() {
        files.push(path.to_path_buf());
    }
    Ok(())
}

/// FNV-1a with 128 bits: enough to notice a change, and no dependency. It guards against nobody.
struct Fnv(u128);

impl Fnv {
    const fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u128::from(*byte);
            self.0 = self.0.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }

    fn text(&self) -> String {
        format!("{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Shows that the fingerprint changes with a file's content, its name, and a new file, and is
    /// otherwise the same each time.
    #[test]
    fn the_fingerprint_follows_the_sources() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        std::fs::create_dir_all(base.join("src/deep")).unwrap();
        std::fs::write(base.join("src/deep/a.ts"), "one").unwrap();
        let first = digest(base, &["src", "absent.json"]).unwrap();
        assert_eq!(first, digest(base, &["src", "absent.json"]).unwrap());

        std::fs::write(base.join("src/deep/a.ts"), "two").unwrap();
        let changed = digest(base, &["src"]).unwrap();
        assert_ne!(first, changed);

        std::fs::rename(base.join("src/deep/a.ts"), base.join("src/deep/b.ts")).unwrap();
        let renamed = digest(base, &["src"]).unwrap();
        assert_ne!(changed, renamed);

        std::fs::write(base.join("src/c.ts"), "").unwrap();
        assert_ne!(renamed, digest(base, &["src"]).unwrap());
    }
}
