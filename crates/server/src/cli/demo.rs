//! `billhook demo`: everything on one machine, with a simulated Stripe that sends real signed
//! webhooks, and one clock for both, which the simulator's control page moves.

use super::demo_stripe::{self, Shop};
use super::{Failure, running, serve, show, tell};
use crate::app::App;
use crate::config::{AccessSettings, Mode, Settings, StripeSettings};
use crate::identity::SignUp;
use crate::world::World;
use crate::{http, observe, schedule};
use anyhow::{Context, Result};
use clap::Args;
use domain::catalogue::sample;
use domain::entitlement::Policy;
use domain::time::{Clock, Span, Timestamp};
use secrecy::SecretString;
use simulator::{SimClock, Simulator, SimulatorConfig};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{DatabaseUrl, Store};
use stripe::signature::Secret;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4242);
const SIMULATOR_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 12_111);
const KEY: &str = "sk_test_billhookDemo0000000000";
const OPERATOR: &str = "operator@example.com";
/// Who sells in the demo, as Stripe's pages name it.
const MERCHANT: &str = "Acme Test Automation";
const CUSTOMER: &str = "ada@example.com";
/// Known to all who can read: the demo listens on this machine and holds nothing real.
const PASSWORD: &str = "billhook-demo";
/// Moving the clock by years must not sign anybody out.
const EXPIRY: Span = Span::days(7_300);

/// What one can say to `billhook demo`.
#[derive(Debug, Args)]
pub struct Options {
    /// Address of the pages and the API; a free port is taken when 4242 is not free
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Port on 127.0.0.1, instead of --listen
    #[arg(long, conflicts_with = "listen")]
    port: Option<u16>,
    /// Address of the simulated Stripe; a free port is taken when 12111 is not free
    #[arg(long, value_name = "ADDRESS:PORT")]
    simulator_listen: Option<SocketAddr>,
    /// Port on 127.0.0.1, instead of --simulator-listen
    #[arg(long, conflicts_with = "simulator_listen")]
    simulator_port: Option<u16>,
    /// Folder for the database; a temporary one, removed at the end, when left out
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

/// The simulator's clock as ours, so that both live in one time.
#[derive(Debug)]
struct SharedClock(SimClock);

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now_ms())
    }
}

/// A folder that is removed with this value, unless somebody asked for it by name.
struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

impl Folder {
    fn new(wanted: Option<PathBuf>, world: &World) -> Result<Self> {
        let (path, is_temporary) = match wanted {
            Some(path) => (path, false),
            None => {
                let mut bytes = [0_u8; 8];
                world.entropy.fill(&mut bytes);
                let name = format!("billhook-demo-{}", hex::encode(bytes));
                (std::env::temp_dir().join(name), true)
            }
        };
        std::fs::create_dir_all(&path).with_context(|| format!("create {}", path.display()))?;
        let folder = Self { path, is_temporary };
        if folder.database().exists() {
            anyhow::bail!(
                "{} exists, but the simulated Stripe starts empty each time\n\
                 hint: remove it, or name another folder",
                folder.database().display()
            );
        }
        Ok(folder)
    }

    fn database(&self) -> PathBuf {
        self.path.join("billhook.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary {
            // What cannot be removed lies in the system's temporary folder; nothing is lost.
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    observe::start_log(false);
    let clock = SimClock::shared();
    let entropy = World::real().entropy;
    let world = World { clock: Arc::new(SharedClock(clock.clone())), entropy };
    let folder = Folder::new(options.data, &world)?;
    let here = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = bind(options.listen.or(options.port.map(here)), LISTEN).await?;
    let address = listener.local_addr()?;

    let simulator_listen = options.simulator_listen.or(options.simulator_port.map(here));
    let simulator = SimulatorConfig {
        listen: free(simulator_listen, SIMULATOR_LISTEN).await,
        clock,
        ..SimulatorConfig::default()
    };
    let simulator = Simulator::start(simulator).await.context("cannot start the simulator")?;
    simulator.engine().set_merchant_name(MERCHANT);
    let app = make_app(&folder.database(), address, simulator.base_url(), &world).await?;
    seed(&app).await?;

    let tasks = TaskTracker::new();
    let stop = running::stop_on_signal(&tasks)?;
    tasks.spawn(schedule::run(app.clone(), stop.clone()));
    let serving = http::serve(listener, http::router(app.clone()), stop.clone());
    introduce(address, simulator.base_url());
    let outcome = serve::until_done(serving, &stop).await;
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    simulator.shutdown().await;
    app.store.close().await;
    Ok(outcome?)
}

/// The wanted address, or the usual one, or a free port.
async fn bind(wanted: Option<SocketAddr>, usual: SocketAddr) -> Result<TcpListener> {
    let address = free(wanted, usual).await;
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

async fn free(wanted: Option<SocketAddr>, usual: SocketAddr) -> SocketAddr {
    if let Some(wanted) = wanted {
        return wanted;
    }
    match TcpListener::bind(usual).await {
        Ok(_) => usual,
        Err(_) => {
            tell(&format!("{usual} is taken; using a free port"));
            SocketAddr::new(usual.ip(), 0)
        }
    }
}

async fn make_app(
    database: &Path,
    address: SocketAddr,
    stripe_url: &str,
    world: &World,
) -> Result<App> {
    let sample = sample::test_automation();
    let sample = sample.map_err(|faults| anyhow::anyhow!("{}", faults.join(", ")))?;
    let mut secret = [0_u8; 48];
    world.entropy.fill(&mut secret);
    let mut settings = Settings {
        stripe: StripeSettings {
            mode: Mode::Test,
            secret_key: SecretString::from(KEY.to_owned()),
            publishable_key: None,
            webhook_secrets: Vec::new(),
            api_base: stripe_url.to_owned(),
        },
        access: AccessSettings {
            jwt_secret: SecretString::from(hex::encode(secret)),
            jwt_expiry: EXPIRY,
            admin_emails: vec![OPERATOR.to_owned()],
            admin_email_domain: None,
            disable_auth: false,
        },
        database: DatabaseUrl::Sqlite(database.to_owned()),
        listen: address,
        frontend_url: format!("http://{address}"),
        allowed_origins: Vec::new(),
        policy: Policy::default(),
        catalogue: sample,
        json_logs: false,
        metrics_token: None,
    };
    let stripe = stripe::Client::new(settings.stripe.client_config())?;
    let webhooks = format!("http://{address}/api/webhooks/stripe");
    let shop = demo_stripe::open(&stripe, &settings.catalogue, &webhooks).await;
    let Shop { catalogue, webhook_secret } = shop.context("cannot set up the simulated Stripe")?;
    settings.catalogue = catalogue;
    settings.stripe.webhook_secrets = Secret::list(&webhook_secret);

    let store = Store::open(&settings.database).await?;
    store.migrate_up(world.now()).await?;
    store.sync_catalogue(&settings.catalogue).await?;
    Ok(App::new(settings, store, world.clone())?)
}

async fn seed(app: &App) -> Result<()> {
    for (email, name, organization) in
        [(OPERATOR, "Olga Operator", "Operators"), (CUSTOMER, "Ada Lovelace", "Analytical Engines")]
    {
        let request = SignUp {
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            name: name.to_owned(),
            organization_name: organization.to_owned(),
        };
        app.identity.create_verified(request, "billhook demo").await?;
    }
    Ok(())
}

fn introduce(address: SocketAddr, simulator: &str) {
    show(&format!(
        "Billhook demo\n\
         \n\
         Pricing    http://{address}/pricing\n\
         Billing    http://{address}/settings?tab=billing\n\
         Operators  http://{address}/admin/deliveries\n\
         Stripe     {simulator}/  (simulated: customers, events, deliveries, clock)\n\
         \n\
         Log in     {CUSTOMER} with password {PASSWORD}\n\
         Operator   {OPERATOR} with password {PASSWORD}\n\
         Cards      4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined,\n           \
         4000 0025 0000 3155 asks for 3-D Secure\n"
    ));
    tell("Ctrl-C ends the demo");
}
