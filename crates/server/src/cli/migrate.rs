//! `billhook migrate`.

use super::settings::environment;
use super::{Failure, show, tell};
use crate::config;
use crate::world::World;
use clap::{Args, Subcommand};
use store::Store;

/// What one can say to `billhook migrate`.
#[derive(Debug, Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say which migrations the database has, lacks, or has from a newer version
    #[command(after_help = "Example:\n  billhook migrate status")]
    Status,
    /// Run what is lacking
    #[command(after_help = "Example:\n  billhook migrate up")]
    Up,
    /// Take the newest migrations back; data that the older version does not know is lost
    #[command(after_help = "Example:\n  billhook migrate down --steps 1")]
    Down {
        /// How many
        #[arg(long, default_value_t = 1)]
        steps: usize,
    },
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let url = config::database_url(&environment())?;
    let store = Store::open(&url).await.map_err(|error| {
        anyhow::Error::from(error).context(format!("cannot open {}", url.redacted()))
    })?;
    match options.what {
        What::Status => {
            let status = store.migration_status().await?;
            for one in &status.applied {
                let unknown =
                    if status.unknown.contains(&one.name) { "  (of a newer version)" } else { "" };
                show(&format!("{}  applied {}{unknown}", one.name, one.at));
            }
            for name in &status.pending {
                show(&format!("{name}  pending"));
            }
        }
        What::Up => {
            let done = store.migrate_up(World::real().now()).await?;
            done.iter().for_each(|name| show(name));
            tell(if done.is_empty() { "The schema was up to date" } else { "Migrated" });
        }
        What::Down { steps } => {
            let undone = store.migrate_down(steps).await?;
            undone.iter().for_each(|name| show(name));
            tell(if undone.is_empty() { "There was nothing to take back" } else { "Taken back" });
        }
    }
    store.close().await;
    Ok(())
}
