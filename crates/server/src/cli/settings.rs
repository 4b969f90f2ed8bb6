//! Settings from the environment and the file, for all commands; and `billhook config`.

use super::{Failure, show, tell};
use crate::app::App;
use crate::config::{self, Faults, Loaded};
use crate::world::World;
use clap::{Args, Subcommand};
use std::collections::BTreeMap;
use std::path::PathBuf;
use store::Store;

/// Where `billhook.toml` is looked for when nobody says where.
const DEFAULT_FILE: &str = "billhook.toml";

/// The file that most commands take.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ConfigFile {
    /// Catalogue and policy; ./billhook.toml is taken when it exists
    #[arg(long, value_name = "FILE", env = "BILLHOOK_CONFIG")]
    config: Option<PathBuf>,
}

/// `billhook config`
#[derive(Debug, Args)]
pub struct ConfigOptions {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say whether the program could start with these settings
    #[command(after_help = "Example:\n  billhook config check")]
    Check,
    /// Print every setting and where it came from, without secrets
    #[command(after_help = "Example:\n  billhook config print")]
    Print,
    /// Print a billhook.toml with every key and the sample catalogue, to start from
    #[command(after_help = "Example:\n  billhook config example > billhook.toml")]
    Example,
}

/// The environment. Values that are no Unicode are no settings of ours.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

impl ConfigFile {
    fn text(&self) -> Result<Option<String>, Faults> {
        let (path, is_wanted) = match &self.config {
            Some(path) => (path.clone(), true),
            None => (PathBuf::from(DEFAULT_FILE), false),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if !is_wanted && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Faults(vec![format!("{}: {error}", path.display())])),
        }
    }

    /// The settings in force.
    pub(super) fn load(&self) -> Result<Loaded, Faults> {
        config::load(&environment(), self.text()?.as_deref())
    }

    /// The rooms, on a database that has to be there and up to date: for commands that do one
    /// thing and end.
    pub(super) async fn app(&self) -> Result<App, Failure> {
        let loaded = self.load()?;
        let store = Store::open(&loaded.settings.database).await?;
        let status = store.migration_status().await?;
        if !status.is_current() {
            return Err(anyhow::anyhow!(
                "the database's schema is not this program's\nhint: billhook migrate status"
            )
            .into());
        }
        Ok(App::new(loaded.settings, store, World::real())?)
    }
}

pub(super) fn run(options: &ConfigOptions) -> Result<(), Failure> {
    if matches!(options.what, What::Example) {
        show(config::example_file().trim_end());
        return Ok(());
    }
    let loaded = options.file.load()?;
    match options.what {
        What::Example => {}
        What::Check => tell("The settings are sound"),
        What::Print => {
            let width = loaded.effective.iter().map(|one| one.name.len()).max().unwrap_or(0);
            for one in &loaded.effective {
                show(&format!("{:width$}  {:11}  {}", one.name, one.origin.name(), one.value));
            }
        }
    }
    for notice in &loaded.notices {
        tell(&format!("note: {notice}"));
    }
    Ok(())
}
