//! Scenario 13: the real program, killed at random moments under ten thousand deliveries.
//!
//! The simulator makes a history. Its events are delivered signed, repeated and out of order, to
//! a server that is ended by SIGKILL again and again and started anew on the same database. A
//! sender repeats whatever was not answered with 2xx, as Stripe does. When all is delivered, the
//! mirror has to be what the simulator knows, nothing may be stuck, and each message may be in
//! the outbox once.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::print_stderr, reason = "a seed has to be seen to repeat a failure")]

use domain::ids::OrganizationId;
use domain::mirror::{Invoice, Subscription};
use domain::time::Timestamp;
use server::world::World;
use simulator::{RunningSimulator, SimClock, Simulator, SimulatorConfig};
use std::collections::HashSet;
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::{DatabaseUrl, OrganizationRow, Store};
use stripe::client::{Client, ClientConfig, IdempotencyKey};
use stripe::form::Params;
use stripe::signature::{Secret, sign};
use testkit::Database;
use tokio::process::{Child, Command};

const SECRET: &str = "whsec_kill_test";
const CUSTOMERS: usize = 60;
const DELIVERIES: usize = 10_000;
const SENDERS: usize = 24;
const KILLS: usize = 10;

/// A small generator of repeatable pseudo-random numbers (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.roll(last + 1));
        }
    }
}

/// A seed that can be given to repeat a run.
fn seed() -> u64 {
    let given = std::env::var("KILL_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).unwrap();
        u64::from_le_bytes(bytes) | 1
    })
}

struct History {
    simulator: RunningSimulator,
    stripe: Client,
    prices: Vec<String>,
    keys: AtomicU64,
}

impl History {
    async fn start(seed: u64) -> Self {
        let config = SimulatorConfig {
            clock: SimClock::system(),
            seed: Some(seed),
            background: false,
            ..SimulatorConfig::default()
        };
        let simulator = Simulator::start(config).await.unwrap();
        let config =
            ClientConfig::new("sk_test_kill".to_owned().into()).with_base_url(simulator.base_url());
        let stripe = Client::new(config).unwrap();
        let mut history = Self { simulator, stripe, prices: Vec::new(), keys: AtomicU64::new(1) };
        for (name, amount) in [("Team", 9_900), ("Enterprise", 49_900)] {
            let product = Params::new().set("name", name);
            let product = history.stripe.products().create(&product, &history.key()).await.unwrap();
            let price = Params::new()
                .set("product", product.object.id)
                .set("currency", "usd")
                .set("unit_amount", amount)
                .set("recurring[interval]", "month");
            let price = history.stripe.prices().create(&price, &history.key()).await.unwrap();
            history.prices.push(price.object.id);
        }
        history
    }

    fn key(&self) -> IdempotencyKey {
        let n = self.keys.fetch_add(1, Ordering::Relaxed);
        IdempotencyKey::new(format!("kill-{n}")).unwrap()
    }

    fn mapping(&self) -> String {
        format!(
            r#"{{"team":{{"monthly":"{}"}},"enterprise":{{"monthly":"{}"}}}}"#,
            self.prices[0], self.prices[1]
        )
    }

    /// A customer who subscribes and then changes plan, means to leave, stays, and perhaps leaves.
    async fn live(&self, organization: &OrganizationId, dice: &mut Dice) -> String {
        let subscriptions = self.stripe.subscriptions();
        let customer = Params::new()
            .set("email", format!("{organization}@example.com"))
            .set("payment_method", "pm_card_visa")
            .set("invoice_settings[default_payment_method]", "pm_card_visa")
            .metadata("organization_id", organization.as_str());
        let customer = self.stripe.customers().create(&customer, &self.key()).await.unwrap();
        let subscribe = Params::new()
            .set("customer", customer.object.id.clone())
            .set("items[0][price]", self.prices[dice.roll(2)].clone());
        let made = subscriptions.create(&subscribe, &self.key()).await.unwrap().object;
        let (id, item) = (made.id, made.items.data[0].id.clone());
        for _ in 0..2 + dice.roll(3) {
            let change = Params::new()
                .set("items[0][id]", item.clone())
                .set("items[0][price]", self.prices[dice.roll(2)].clone())
                .set("proration_behavior", "always_invoice");
            subscriptions.update(&id, &change, &self.key()).await.unwrap();
            subscriptions.set_cancel_at_period_end(&id, true, &self.key()).await.unwrap();
            subscriptions.set_cancel_at_period_end(&id, false, &self.key()).await.unwrap();
        }
        if dice.roll(3) == 0 {
            subscriptions.cancel(&id, &Params::new()).await.unwrap();
        }
        customer.object.id
    }
}

struct Program {
    url: String,
    environment: Vec<(String, String)>,
    child: Child,
}

impl Program {
    fn environment(history: &History, database: &DatabaseUrl, port: u16) -> Vec<(String, String)> {
        let database = match database {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        [
            ("DATABASE_URL", database),
            ("PORT", port.to_string()),
            ("STRIPE_SECRET_KEY", "sk_test_kill".to_owned()),
            ("STRIPE_WEBHOOK_SECRET", SECRET.to_owned()),
            ("STRIPE_API_BASE", history.simulator.base_url().to_owned()),
            ("STRIPE_PLAN_PRICE_MAPPING_TEST", history.mapping()),
            ("JWT_SECRET", "kill-test-".repeat(8)),
            ("RUST_LOG", "warn".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    fn spawn(environment: &[(String, String)]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_billhook"))
            .arg("serve")
            .env_clear()
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    async fn start(environment: Vec<(String, String)>, port: u16) -> Self {
        let child = Self::spawn(&environment);
        let program = Self { url: format!("http://127.0.0.1:{port}"), environment, child };
        program.wait_until_ready().await;
        program
    }

    async fn wait_until_ready(&self) {
        let http = reqwest::Client::builder().build().unwrap();
        let ready = format!("{}/readyz", self.url);
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        while !http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(tokio::time::Instant::now() < until, "the server is not ready after a minute");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGKILL, at whatever it is doing.
    async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    fn restart(&mut self) {
        self.child = Self::spawn(&self.environment);
    }
}

/// Delivers until it is answered with 2xx, as Stripe does, only with less patience.
async fn deliver(http: &reqwest::Client, url: &str, body: &str) {
    let secret = Secret::new(SECRET).unwrap();
    loop {
        let now = World::real().now().as_seconds();
        let sent = http
            .post(format!("{url}/api/webhooks/stripe"))
            .header("stripe-signature", sign(body.as_bytes(), &secret, now))
            .body(body.to_owned())
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => assert!(answer.status().is_server_error(), "{}", answer.status()),
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn killed_at_random_moments(database: Database) {
    let seed = seed();
    eprintln!("KILL_SEED={seed}");
    let mut dice = Dice(seed);
    let Some(scratch) = database.create().await else { return };
    let history = History::start(seed).await;
    let store = Store::open(&scratch.url).await.unwrap();
    let world = World::real();
    store.migrate_up(world.now()).await.unwrap();
    let organizations: Vec<OrganizationId> =
        (0..CUSTOMERS).map(|_| OrganizationId::new(world.now(), &*world.entropy)).collect();
    let rows = organizations.iter().map(|id| OrganizationRow {
        id: id.clone(),
        name: id.to_string(),
        external_id: None,
        stripe_customer_id: None,
        created_at: Timestamp::from_seconds(1),
    });
    store.insert_organizations(rows.collect()).await.unwrap();
    store.close().await;
    drop(store);

    for organization in &organizations {
        history.live(organization, &mut dice).await;
    }
    let engine = history.simulator.engine();
    let events = engine.events_after(0, usize::MAX);
    let bodies: Vec<(String, String)> = events
        .iter()
        .filter_map(|event| Some((event.id.clone(), engine.render_event(&event.id, None)?)))
        .map(|(id, event)| (id, serde_json::to_string_pretty(&event).unwrap()))
        .collect();
    let mut order: Vec<usize> = (0..DELIVERIES).map(|n| n % bodies.len()).collect();
    assert!(bodies.len() < DELIVERIES, "each event is to come more than once");
    dice.shuffle(&mut order);

    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let environment = Program::environment(&history, &scratch.url, port);
    let mut program = Program::start(environment, port).await;
    let url = program.url.clone();
    let next = Arc::new(AtomicUsize::new(0));
    let acknowledged: Arc<Mutex<HashSet<String>>> = Arc::default();
    let (bodies, order) = (Arc::new(bodies), Arc::new(order));
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (next, bodies, order) = (next.clone(), bodies.clone(), order.clone());
            let acknowledged = acknowledged.clone();
            let url = url.clone();
            tokio::spawn(async move {
                let http =
                    reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let Some(index) = order.get(turn) else { return };
                    let (id, body) = &bodies[*index];
                    deliver(&http, &url, body).await;
                    acknowledged.lock().unwrap().insert(id.clone());
                }
            })
        })
        .collect();

    // Each kill comes at a random point between two tenths of the deliveries.
    for kill in 0..KILLS {
        let step = DELIVERIES / KILLS;
        let at = kill * step + dice.roll(step);
        while next.load(Ordering::Relaxed) < at {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        program.kill().await;
        check_acknowledged(&scratch.url, &acknowledged).await;
        program.restart();
    }
    for sender in senders {
        sender.await.unwrap();
    }
    program.wait_until_ready().await;

    let store = settled(&scratch.url, events.len()).await;
    program.child.kill().await.unwrap();
    check_mirror(&store, &history).await;
    check_once(&store, &history).await;
    store.close().await;
    history.simulator.shutdown().await;
}

/// Waits until nothing is pending or claimed; leases of killed workers have to run out for that.
async fn settled(database: &DatabaseUrl, events: usize) -> Store {
    let store = Store::open(database).await.unwrap();
    let until = tokio::time::Instant::now() + Duration::from_secs(300);
    loop {
        let counts = store.delivery_counts().await.unwrap();
        if counts.pending == 0 && counts.claimed == 0 {
            assert_eq!(counts.parked, 0, "{:?}", counts);
            assert_eq!((counts.applied + counts.ignored) as usize, events, "one row for an event");
            return store;
        }
        assert!(tokio::time::Instant::now() < until, "stuck: {counts:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Each subscription and invoice of the simulator is in the mirror, in the same state.
async fn check_mirror(store: &Store, history: &History) {
    let all = Params::new().set("limit", 100).set("status", "all");
    let subscriptions = history.stripe.subscriptions().pages(all).collect(10_000).await.unwrap();
    assert_eq!(subscriptions.len(), CUSTOMERS);
    for kept in subscriptions {
        let theirs = kept.object;
        let ours = store.mirrored::<Subscription>(&theirs.id).await.unwrap().unwrap().object;
        assert_eq!(ours.status.as_str(), theirs.status.as_str(), "{}", theirs.id);
        assert_eq!(ours.price.as_deref(), theirs.price_ids().next(), "{}", theirs.id);
        assert_eq!(ours.cancel_at_period_end, theirs.cancel_at_period_end, "{}", theirs.id);
        let latest = theirs.latest_invoice_id().map(ToOwned::to_owned);
        assert_eq!(ours.latest_invoice, latest, "{}", theirs.id);
    }
    let all = Params::new().set("limit", 100);
    for kept in history.stripe.invoices().pages(all).collect(10_000).await.unwrap() {
        let theirs = kept.object;
        let ours = store.mirrored::<Invoice>(&theirs.id).await.unwrap().unwrap().object;
        assert_eq!(ours.status.as_str(), theirs.status.unwrap().as_str(), "{}", theirs.id);
        assert_eq!(ours.amount_paid, theirs.amount_paid, "{}", theirs.id);
    }
}

/// Each invoice that was paid is told once, and nothing else is.
async fn check_once(store: &Store, history: &History) {
    let all = Params::new().set("limit", 100).set("status", "paid");
    let paid = history.stripe.invoices().pages(all).collect(10_000).await.unwrap();
    let mut paid: Vec<String> = paid
        .into_iter()
        .filter(|invoice| invoice.amount_paid > 0)
        .map(|invoice| format!("email.payment_succeeded:{}", invoice.id))
        .collect();
    let messages = store.messages("email.payment_succeeded", 10_000).await.unwrap();
    let mut told: Vec<String> = messages.into_iter().map(|message| message.dedupe_key).collect();
    paid.sort();
    told.sort();
    assert!(!paid.is_empty());
    assert_eq!(told, paid);
}

/// Every event that was answered with 2xx is there, at the moment of the kill.
async fn check_acknowledged(database: &DatabaseUrl, acknowledged: &Mutex<HashSet<String>>) {
    let store = Store::open(database).await.unwrap();
    let ids: Vec<String> = acknowledged.lock().unwrap().iter().cloned().collect();
    for id in ids {
        assert!(store.delivery(&id).await.unwrap().is_some(), "{id} was acknowledged and is lost");
    }
    store.close().await;
}

/// Shows that on SQLite nothing is lost, doubled or stuck.
#[tokio::test(flavor = "multi_thread")]
async fn scenario_13_killed_at_random_moments_on_sqlite() {
    killed_at_random_moments(Database::Sqlite).await;
}

/// Shows that on PostgreSQL nothing is lost, doubled or stuck.
#[tokio::test(flavor = "multi_thread")]
async fn scenario_13_killed_at_random_moments_on_postgres() {
    killed_at_random_moments(Database::Postgres).await;
}
