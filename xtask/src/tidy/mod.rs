//! The rules of the house that no compiler knows. It owns the list of rules and the view of the
//! tree they look at. It never changes a file. Start reading at `RULES`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::processes::{command, output_of};
use crate::workspace;

mod documents;
mod edges;
mod locks;
mod migrations;
mod names;
mod rooms;
mod sources;

/// One rule: its name, and what finds the places that break it.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    find: fn(&Tree) -> Result<Vec<Violation>>,
}

/// Every rule, in the order in which they are reported.
pub(crate) const RULES: [Rule; 10] = [
    Rule { name: "crates import only what the design allows", find: edges::violations },
    Rule { name: "documents name only paths that exist", find: documents::violations },
    Rule { name: "folders and modules are named for what they do", find: names::violations },
    Rule { name: "every room introduces itself", find: rooms::violations },
    Rule { name: "migrations come in pairs, alike in both dialects", find: migrations::violations },
    Rule { name: "no Rust file is longer than 900 lines", find: sources::too_long },
    Rule { name: "no stub and no switched-off test", find: sources::stubs },
    Rule { name: "lock files hold no download addresses", find: locks::addresses },
    Rule { name: "no path of one machine is written down", find: sources::machine_paths },
    Rule { name: "nothing looks like a real key", find: sources::keys },
];

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Path below the root, with the line where there is one.
    pub(crate) place: String,
    /// What is wrong there, and what to do where that is not plain.
    pub(crate) what: String,
}

impl Violation {
    pub(crate) fn in_file(file: &str, what: impl Into<String>) -> Self {
        Self { place: file.to_owned(), what: what.into() }
    }

    pub(crate) fn at_line(file: &str, index: usize, what: impl Into<String>) -> Self {
        Self { place: format!("{file}:{}", index.saturating_add(1)), what: what.into() }
    }
}

/// The files of the repository: those that git tracks or would track.
pub(crate) struct Tree {
    root: PathBuf,
    files: Vec<String>,
}

impl Tree {
    /// The tree we are in.
    pub(crate) fn of_repository() -> Result<Self> {
        let root = workspace::root();
        let listed = output_of(&mut command(
            "git",
            ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        ))?;
        let mut files: Vec<String> = listed
            .split('\0')
            .filter(|file| !file.is_empty() && root.join(file).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(Self { root, files })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Every file, as a path below the root with forward slashes.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Those whose name ends with `ending`.
    pub(crate) fn ending(&self, ending: &'static str) -> impl Iterator<Item = &str> {
        self.files().filter(move |file| file.ends_with(ending))
    }

    /// A file's text. Bytes that are no text are replaced, since rules look for ASCII words.
    pub(crate) fn text(&self, file: &str) -> Result<String> {
        let bytes = std::fs::read(self.root.join(file)).with_context(|| format!("read {file}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether a file or folder of this path is in the tree.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.files().any(|file| {
            file.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// `cargo xtask tidy`.
pub(crate) fn run() -> Result<ExitCode> {
    let mut broken = 0_usize;
    for (rule, found) in check()? {
        if found.is_empty() {
            println!("ok      {}", rule.name);
            continue;
        }
        broken = broken.saturating_add(1);
        println!("broken  {}", rule.name);
        for Violation { place, what } in found {
            println!("        {place}: {what}");
        }
    }
    Ok(if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Looks at the tree with every rule.
pub(crate) fn check() -> Result<Vec<(&'static Rule, Vec<Violation>)>> {
    let tree = Tree::of_repository()?;
    RULES
        .iter()
        .map(|rule| {
            let found = (rule.find)(&tree).with_context(|| format!("the rule “{}”", rule.name))?;
            Ok((rule, found))
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod example {
    //! Small trees for the rules' own tests.
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::Tree;

    /// A tree of these files; the folder lives as long as the first half of the pair.
    pub(crate) fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let root = folder.path().to_path_buf();
        let files = files.iter().map(|(file, _)| (*file).to_owned()).collect();
        (folder, Tree { root, files })
    }
}
