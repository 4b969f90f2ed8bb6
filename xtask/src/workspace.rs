//! Where things are: the root of the repository, what lies next to it, and its files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the repository. `cargo xtask` sets `CARGO_MANIFEST_DIR` when it runs us, so a moved
/// checkout is found even if the binary is an old one.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The folder `../shared` next to the repository (Stripe's published files, the benchmark's peers),
/// which is no part of it and may be absent.
pub(crate) fn shared() -> Option<PathBuf> {
    let shared = root().parent()?.join("shared");
    shared.is_dir().then_some(shared)
}

/// Cargo's target folder, created if it is not there yet.
pub(crate) fn target() -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |folder| root().join(folder));
    std::fs::create_dir_all(&target).with_context(|| format!("create {}", target.display()))?;
    Ok(target)
}

/// The first file called `name` on the PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}
