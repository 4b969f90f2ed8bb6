//! `cargo xtask generate`: writes what is generated and committed, or checks that it is up to date.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::processes::{cargo, output_of, run as run_command};
use crate::tools::Node;
use crate::{web, workspace};

/// The OpenAPI document, made from the server's handlers.
const OPENAPI: &str = "crates/server/openapi.json";
/// The dashboard's types, made from that document.
const WEB_TYPES: &str = "web/src/api/schema.ts";

/// What one can say to `cargo xtask generate`.
#[derive(Args)]
pub(crate) struct Options {
    /// Change nothing; fail when a generated file differs from what would be written
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let drifted = if options.check { check()? } else { write()? };
    for file in &drifted {
        if options.check {
            eprintln!("out of date: {file}\nhint: cargo xtask generate");
        } else {
            eprintln!("written: {file}");
        }
    }
    Ok(if options.check && !drifted.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The generated files that differ from what would be written now. Nothing is left changed.
pub(crate) fn check() -> Result<Vec<String>> {
    let root = workspace::root();
    let before = [OPENAPI, WEB_TYPES].map(|file| (file, std::fs::read(root.join(file)).ok()));
    let outcome = write();
    // The web generator only knows how to write, so what was there is put back, also after a failure.
    for (file, content) in before {
        restore(&root.join(file), content.as_deref())?;
    }
    outcome
}

fn restore(file: &Path, content: Option<&[u8]>) -> Result<()> {
    match content {
        Some(content) if std::fs::read(file).ok().as_deref() != Some(content) => {
            std::fs::write(file, content).with_context(|| format!("restore {}", file.display()))
        }
        None if file.exists() => {
            std::fs::remove_file(file).with_context(|| format!("remove {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Writes every generated file and returns those that changed.
fn write() -> Result<Vec<String>> {
    let root = workspace::root();
    let mut changed = Vec::new();

    web::ensure_dist_folder()?;
    let mut document = output_of(&mut cargo([
        "run",
        "--quiet",
        "--package",
        "server",
        "--bin",
        "billhook",
        "--",
        "openapi",
    ]))?;
    // Parsed once, so that a stray line on stdout is never committed as a document.
    serde_json::from_str::<serde_json::Value>(&document)
        .context("`billhook openapi` did not print JSON")?;
    if !document.ends_with('\n') {
        document.push('\n');
    }
    let file = root.join(OPENAPI);
    if std::fs::read_to_string(&file).ok().as_deref() != Some(document.as_str()) {
        std::fs::write(&file, document).with_context(|| format!("write {}", file.display()))?;
        changed.push(OPENAPI.to_owned());
    }

    let node = Node::find()?;
    web::ensure_packages(&node)?;
    let types = root.join(WEB_TYPES);
    let before = std::fs::read(&types).ok();
    run_command(&mut node.command("npm", &["run", "--silent", "generate"], &root.join("web")))?;
    if std::fs::read(&types).ok() != before {
        changed.push(WEB_TYPES.to_owned());
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::restore;

    /// Shows that a check leaves the tree as it was: changed files come back, new ones go.
    #[test]
    fn a_check_leaves_nothing_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("openapi.json");
        std::fs::write(&file, "new").unwrap();
        restore(&file, Some(b"old")).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"old");
        restore(&file, None).unwrap();
        assert!(!file.exists());
        restore(&file, None).unwrap();
    }
}
