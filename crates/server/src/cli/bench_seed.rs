//! `billhook bench-seed`: the organisations that the benchmark's events are about.

use super::Failure;
use super::settings::environment;
use crate::config::{self, Mode};
use crate::identity::keys::Keys;
use crate::world::World;
use anyhow::Context;
use clap::Args;
use domain::ids::OrganizationId;
use std::path::PathBuf;
use store::{KeyKind, OrganizationRow, Store};

const AT_ONCE: usize = 1_000;

/// What one can say to `billhook bench-seed`.
#[derive(Debug, Args)]
pub struct Options {
    /// How many, from `cus_bench00000` on
    #[arg(long)]
    customers: u32,
    /// Where to write a product key that may count usage
    #[arg(long)]
    key_file: Option<PathBuf>,
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let store = Store::open(&config::database_url(&environment())?).await?;
    let world = World::real();
    let now = world.now();
    let rows: Vec<_> = (0..options.customers)
        .map(|number| OrganizationRow {
            id: OrganizationId::new(now, &*world.entropy),
            name: format!("Bench {number}"),
            external_id: Some(format!("bench-{number:05}")),
            stripe_customer_id: Some(format!("cus_bench{number:05}")),
            created_at: now,
        })
        .collect();
    for part in rows.chunks(AT_ONCE) {
        store.insert_organizations(part.to_vec()).await?;
    }
    if let Some(file) = options.key_file {
        let scopes = vec!["usage".to_owned(), "entitlements".to_owned()];
        let keys = Keys::new(store.clone(), Mode::Test, world.clone());
        let key = keys.make(KeyKind::Product, "bench", scopes, None, "bench-seed").await?;
        std::fs::write(&file, key.text)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    store.close().await;
    Ok(())
}
