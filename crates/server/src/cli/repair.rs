//! `billhook resync` and `billhook replay`.

use super::settings::ConfigFile;
use super::{Failure, show, tell};
use crate::apply::SweepReport;
use clap::Args;
use domain::ids::OrganizationId;
use store::{DeliveryFilter, StoreError};

const PAGE: u32 = 200;

/// What one can say to `billhook resync`.
#[derive(Debug, Args)]
pub struct ResyncOptions {
    /// Only this organisation, `org_…`
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
}

/// What one can say to `billhook replay`.
#[derive(Debug, Args)]
pub struct ReplayOptions {
    /// The delivery, `evt_…`
    #[arg(required_unless_present = "parked", conflicts_with = "parked")]
    event: Option<String>,
    /// All that are parked
    #[arg(long)]
    parked: bool,
    #[command(flatten)]
    file: ConfigFile,
}

pub(super) async fn resync(options: ResyncOptions) -> Result<(), Failure> {
    let app = options.file.app().await?;
    let report: SweepReport = match options.organization {
        Some(id) => {
            let id = OrganizationId::parse(&id).map_err(anyhow::Error::from)?;
            if app.store.organization(&id).await?.is_none() {
                return Err(anyhow::anyhow!("there is no organisation {id}").into());
            }
            app.apply.sync_organization(&id).await?
        }
        None => app.apply.sweep().await?,
    };
    report.healed.iter().for_each(|id| show(id));
    for (id, reason) in &report.refused {
        tell(&format!("not applied: {id}: {reason}"));
    }
    tell(&format!("{} compared, {} healed", report.compared, report.healed.len()));
    app.store.close().await;
    Ok(())
}

pub(super) async fn replay(options: ReplayOptions) -> Result<(), Failure> {
    const ACTOR: &str = "billhook replay";
    let app = options.file.app().await?;
    let mut ids = Vec::new();
    if let Some(event) = options.event {
        ids.push(event);
    } else {
        let mut cursor = None;
        loop {
            let filter = DeliveryFilter { state: Some("parked".to_owned()), kind: None };
            let page = app.store.deliveries(filter, cursor, PAGE).await?;
            ids.extend(page.rows.into_iter().map(|row| row.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    for id in &ids {
        match app.inbox.replay(id, ACTOR).await {
            Ok(Some(_)) => show(id),
            Ok(None) => return Err(anyhow::anyhow!("there is no delivery {id}").into()),
            Err(StoreError::Stale) => tell(&format!("{id} is waiting or in work already")),
            Err(error) => return Err(error.into()),
        }
    }
    tell(&format!("{} put back into the queue; a running worker takes them", ids.len()));
    app.store.close().await;
    Ok(())
}
