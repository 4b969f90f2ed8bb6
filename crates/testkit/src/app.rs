//! A running server with everything around it.

use crate::database::{Database, Scratch};
use crate::gate::{Gate, client};
use crate::session::{Response, Session};
use crate::world::{START, SeededEntropy, SharedClock};
use crate::{cards, shop};
use domain::catalogue::{Catalogue, Interval, PlanId};
use domain::entitlement::Policy;
use domain::time::{Span, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use server::app::App;
use server::config::{AccessSettings, Mode, Settings, StripeSettings};
use server::world::World;
use simulator::webhooks::Faults;
use simulator::{
    CardInput, ConfirmOutcome, Engine, RunningSimulator, SimClock, Simulator, SimulatorConfig,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use store::Store;
use stripe::client::{ClientConfig, IdempotencyKey};
use stripe::form::Params;
use stripe::signature::{Secret, sign};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const KEY: &str = "sk_test_billhookTestKey0001";
/// The operator's address in every test.
const OPERATOR: &str = "operator@billhook.test";
const PASSWORD: &str = "correct horse battery staple";
/// More rounds than any test needs: whoever needs them all goes round in circles.
const ROUNDS: u32 = 500;

/// What a [`TestApp`] is to be.
#[derive(Debug, Clone)]
pub struct Builder {
    database: Database,
    nodes: usize,
    mode: Mode,
    policy: Policy,
    simulator: simulator::Policy,
    api_version: Option<String>,
    secrets_before: Vec<String>,
}

/// One node: the rooms, and the address they answer at.
#[derive(Debug)]
pub struct Node {
    /// The rooms.
    pub app: App,
    /// `http://127.0.0.1:port`
    pub base_url: String,
    task: JoinHandle<()>,
}

/// A server, the simulator as its Stripe, a clock and a database. [`TestApp::finish`] has to be
/// called at the end; the [`crate::scenario!`] macro does.
#[derive(Debug)]
pub struct TestApp {
    /// The nodes; the webhook endpoint is the first one's.
    pub nodes: Vec<Node>,
    /// The road to Stripe.
    pub gate: Gate,
    /// The secret of the webhook endpoint at Stripe.
    pub secret: String,
    simulator: RunningSimulator,
    stripe: stripe::Client,
    http: reqwest::Client,
    scratch: Option<Scratch>,
    parked_expected: AtomicI64,
    keys: AtomicU32,
    finished: bool,
}

impl Builder {
    /// So many nodes on one database.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// An installation of this mode. Stripe stays in test mode.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Days for which a past-due subscription still grants its plan.
    #[must_use]
    pub fn grace_days(mut self, days: u32) -> Self {
        self.policy.past_due_grace_days = days;
        self
    }

    /// How the Stripe account is set up.
    #[must_use]
    pub fn stripe_policy(mut self, change: impl FnOnce(&mut simulator::Policy)) -> Self {
        change(&mut self.simulator);
        self
    }

    /// The API version in which the endpoint's events are written.
    #[must_use]
    pub fn events_in(mut self, version: &str) -> Self {
        self.api_version = Some(version.to_owned());
        self
    }

    /// A further webhook secret that the server accepts, as while rotating.
    #[must_use]
    pub fn also_accepts(mut self, secret: &str) -> Self {
        self.secrets_before.push(secret.to_owned());
        self
    }

    /// Starts it all; none when there is no such database here, which is said loudly.
    ///
    /// # Panics
    /// When a part does not start.
    pub async fn start(self) -> Option<TestApp> {
        // A second test in the same process finds it set.
        drop(
            tracing_subscriber::fmt()
                .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
                .with_test_writer()
                .try_init(),
        );
        let scratch = self.database.create().await?;
        let simulator = Simulator::start(SimulatorConfig {
            clock: SimClock::fixed(START),
            seed: Some(7),
            background: false,
            policy: self.simulator.clone(),
            ..SimulatorConfig::default()
        })
        .await
        .expect("the simulator starts");
        let stripe_key = SecretString::from(KEY.to_owned());
        let config = ClientConfig::new(stripe_key).with_base_url(simulator.base_url());
        let stripe = stripe::Client::new(config).expect("a client of the simulator");
        let catalogue = shop::open(&stripe).await;
        let gate = Gate::open(simulator.base_url()).await;

        let mut listeners = Vec::new();
        for _ in 0..self.nodes {
            listeners.push(TcpListener::bind("127.0.0.1:0").await.expect("a free port"));
        }
        let first = listeners[0].local_addr().expect("a bound socket has an address");
        let mut endpoint = Params::new()
            .set("url", format!("http://{first}/api/webhooks/stripe"))
            .values("enabled_events", ["*"]);
        if let Some(version) = &self.api_version {
            endpoint = endpoint.set("api_version", version.as_str());
        }
        let key = IdempotencyKey::new("endpoint").expect("a key");
        let endpoint = stripe.webhook_endpoints().create(&endpoint, &key).await;
        let secret = endpoint.expect("an endpoint").object.secret.expect("a new one has a secret");
        let secret = secret.expose_secret().to_owned();

        let mut nodes = Vec::new();
        for (number, listener) in listeners.into_iter().enumerate() {
            let address = listener.local_addr().expect("a bound socket has an address");
            let mut settings =
                self.settings(&scratch, &catalogue, gate.base_url(), address, &secret);
            // People see one installation, whichever node answers.
            settings.frontend_url = format!("http://{first}");
            nodes.push(node(settings, listener, simulator.clock(), 1 + number as u64).await);
        }
        let app = TestApp {
            nodes,
            gate,
            secret,
            simulator,
            stripe,
            http: client(),
            scratch: Some(scratch),
            parked_expected: AtomicI64::new(0),
            keys: AtomicU32::new(0),
            finished: false,
        };
        app.settle().await;
        Some(app)
    }

    fn settings(
        &self,
        scratch: &Scratch,
        catalogue: &Catalogue,
        stripe: &str,
        address: SocketAddr,
        secret: &str,
    ) -> Settings {
        let secrets = std::iter::once(secret).chain(self.secrets_before.iter().map(String::as_str));
        Settings {
            stripe: StripeSettings {
                mode: self.mode,
                secret_key: SecretString::from(KEY.to_owned()),
                publishable_key: None,
                webhook_secrets: secrets.map(secret_of).collect(),
                api_base: stripe.to_owned(),
            },
            access: AccessSettings {
                jwt_secret: SecretString::from("0123456789abcdef0123456789abcdef".to_owned()),
                // Longer than any test moves the clock.
                jwt_expiry: Span::days(4_000),
                admin_emails: vec![OPERATOR.to_owned()],
                admin_email_domain: None,
                disable_auth: false,
            },
            database: scratch.url.clone(),
            listen: address,
            frontend_url: format!("http://{address}"),
            allowed_origins: Vec::new(),
            policy: self.policy,
            catalogue: catalogue.clone(),
            json_logs: false,
            metrics_token: None,
        }
    }
}

/// Starts one node; its database is migrated if it is not yet.
async fn node(settings: Settings, listener: TcpListener, clock: &SimClock, seed: u64) -> Node {
    let address = listener.local_addr().expect("a bound socket has an address");
    let store = Store::open(&settings.database).await.expect("the database opens");
    let now = Timestamp::from_seconds(START);
    store.migrate_up(now).await.expect("the database can be migrated");
    let world = World {
        clock: Arc::new(SharedClock(clock.clone())),
        entropy: Arc::new(SeededEntropy::new(seed)),
    };
    let app = App::new(settings, store, world).expect("the settings are sound");
    let router = server::http::router(app.clone());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let task = tokio::spawn(async move {
        drop(axum::serve(listener, service).await);
    });
    Node { app, base_url: format!("http://{address}"), task }
}

fn secret_of(text: &str) -> Secret {
    Secret::new(text).expect("a webhook secret")
}

/// The `id` of a Stripe object.
fn id_of(object: &Value) -> String {
    object["id"].as_str().expect("an object has an id").to_owned()
}

impl Node {
    /// Lets it work on what it has received, until nothing is due.
    ///
    /// # Panics
    /// When its database does not answer.
    pub async fn work(&self) -> usize {
        let mut done = 0;
        loop {
            match self.app.inbox.work_once().await.expect("the database is there") {
                0 => return done,
                more => done += more,
            }
        }
    }

    /// Closes it and its connections.
    pub async fn close(self) {
        self.task.abort();
        self.app.store.close().await;
    }
}

impl TestApp {
    /// Begins to build one on this database.
    #[must_use]
    pub fn on(database: Database) -> Builder {
        Builder {
            database,
            nodes: 1,
            mode: Mode::Test,
            policy: Policy::default(),
            simulator: simulator::Policy::default(),
            api_version: None,
            secrets_before: Vec::new(),
        }
    }

    /// One node on this database; none when there is no such database here.
    pub async fn start(database: Database) -> Option<Self> {
        Self::on(database).start().await
    }

    /// Two nodes on one PostgreSQL; none when there is no PostgreSQL here.
    pub async fn pair() -> Option<Self> {
        Self::on(Database::Postgres).nodes(2).start().await
    }

    /// The rooms of the first node.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.nodes[0].app
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.app().store
    }

    /// A client of the simulator, as a person at Stripe's dashboard or another program.
    #[must_use]
    pub fn stripe(&self) -> &stripe::Client {
        &self.stripe
    }

    /// The simulator itself: its pages and what is behind the API.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.simulator.engine()
    }

    /// The simulator with its delivery of webhooks.
    #[must_use]
    pub fn simulator(&self) -> &RunningSimulator {
        &self.simulator
    }

    /// A key that no other call of this test has.
    pub fn key(&self) -> IdempotencyKey {
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        IdempotencyKey::new(format!("test-{number}")).expect("a key")
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.simulator.clock().now_ms())
    }

    /// Starts one more node with other settings: as after a restart with a new configuration, or
    /// on another database. It works and answers only where the test asks it to, and is closed
    /// by [`Node::close`].
    ///
    /// # Panics
    /// When it does not start.
    pub async fn another_node(&self, change: impl FnOnce(&mut Settings)) -> Node {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let mut settings = self.app().settings.clone();
        change(&mut settings);
        let seed = u64::from(self.keys.fetch_add(1, Ordering::Relaxed));
        node(settings, listener, self.simulator.clock(), 1_000 + seed).await
    }

    // --- Stripe, from the outside -----------------------------------------------------------

    /// Writes to Stripe as a person at its dashboard would, and gives the object.
    ///
    /// # Panics
    /// When Stripe refuses.
    pub async fn stripe_post(&self, path: &str, params: &[(&str, &str)]) -> Value {
        let params = params.iter().fold(Params::new(), |all, (name, value)| all.set(*name, *value));
        let answer = self.stripe.post::<Value>(path, &params, &self.key()).await;
        answer.unwrap_or_else(|error| panic!("POST {path}: {error:?}")).object
    }

    /// Reads from Stripe; what follows a `?` is the query.
    ///
    /// # Panics
    /// When Stripe refuses.
    pub async fn stripe_get(&self, path: &str) -> Value {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let params = pairs.fold(Params::new(), |all, (name, value)| all.set(name, value));
        let answer = self.stripe.get::<Value>(path, &params).await;
        answer.unwrap_or_else(|error| panic!("GET {path}: {error:?}")).object
    }

    /// Deletes at Stripe; a subscription is ended at once.
    ///
    /// # Panics
    /// When Stripe refuses.
    pub async fn stripe_delete(&self, path: &str) -> Value {
        let answer = self.stripe.delete::<Value>(path, &Params::new()).await;
        answer.unwrap_or_else(|error| panic!("DELETE {path}: {error:?}")).object
    }

    /// Makes a customer at Stripe that pays for an organisation, with a default payment method
    /// such as `pm_card_visa`, or none.
    ///
    /// # Panics
    /// When Stripe refuses.
    pub async fn stripe_customer(&self, organization: &str, card: Option<&str>) -> String {
        let mut params =
            vec![("email", "billing@example.com"), ("metadata[organization_id]", organization)];
        if let Some(card) = card {
            params.push(("payment_method", card));
            params.push(("invoice_settings[default_payment_method]", card));
        }
        id_of(&self.stripe_post("/v1/customers", &params).await)
    }

    /// The Stripe price of a plan.
    ///
    /// # Panics
    /// When the plan has none.
    #[must_use]
    pub fn price(&self, plan: &str, interval: Interval) -> String {
        let plan = self.app().catalogue.plan(&PlanId::from(plan)).expect("a plan of the catalogue");
        let price = plan.prices.iter().find(|price| price.interval == interval);
        price.and_then(|price| price.stripe_price.clone()).expect("a price at Stripe")
    }

    // --- people -----------------------------------------------------------------------------

    /// Signs a new organisation up, and its first user, who is its admin.
    ///
    /// # Panics
    /// When the API refuses.
    pub async fn sign_up(&self, name: &str) -> Session {
        let email = format!("{name}@example.com");
        let body = json!({
            "email": email, "password": PASSWORD, "name": name, "organization_name": name,
        });
        let opened = self.nobody().post("/api/v1/auth/signup", body).await.expect(201);
        self.session(&opened, email)
    }

    /// Somebody who is not logged in.
    #[must_use]
    pub fn nobody(&self) -> Session {
        Session {
            http: self.http.clone(),
            base_url: self.nodes[0].base_url.clone(),
            token: String::new(),
            organization: String::new(),
            user: String::new(),
            email: String::new(),
            acts_for: String::new(),
        }
    }

    /// An operator, whose address is verified; the same one each time.
    ///
    /// # Panics
    /// When the API refuses.
    pub async fn operator(&self) -> Session {
        let sign_up = server::identity::SignUp {
            email: OPERATOR.to_owned(),
            password: PASSWORD.to_owned(),
            name: "Operator".to_owned(),
            organization_name: "Operators".to_owned(),
        };
        // The second time the address has its account.
        drop(self.app().identity.create_verified(sign_up, "test").await);
        let body = json!({"email": OPERATOR, "password": PASSWORD});
        let opened = self.nobody().post("/api/v1/auth/login", body).await.expect(200);
        self.session(&opened, OPERATOR.to_owned())
    }

    fn session(&self, opened: &Value, email: String) -> Session {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Session {
            token: text(&opened["token"]),
            organization: text(&opened["organization"]["id"]),
            user: text(&opened["user"]["id"]),
            email,
            ..self.nobody()
        }
    }

    // --- buying -----------------------------------------------------------------------------

    /// Opens a checkout and gives the session's id.
    ///
    /// # Panics
    /// When the API refuses.
    pub async fn start_checkout(&self, session: &Session, plan: &str, interval: &str) -> String {
        let body = json!({"plan": plan, "interval": interval});
        let opened = session.post("/api/v1/billing/checkout", body).await.expect(201);
        opened["id"].as_str().expect("a checkout has an id").to_owned()
    }

    /// Fills in the checkout page and presses the button; says how that ended.
    ///
    /// # Panics
    /// When the page does not take the form.
    pub fn pay(&self, checkout: &str, card: CardInput) -> ConfirmOutcome {
        self.engine().checkout_confirm(checkout, card, None).expect("the page takes the form")
    }

    /// Buys a plan with a card (such as [`cards::GOOD`]) and gives the subscription as the API
    /// tells it once all webhooks are through.
    ///
    /// # Panics
    /// When the card does not pay at once.
    pub async fn buy(&self, session: &Session, plan: &str, interval: &str, card: &str) -> Value {
        let checkout = self.start_checkout(session, plan, interval).await;
        let outcome = self.pay(&checkout, cards::card(card));
        assert!(matches!(outcome, ConfirmOutcome::Completed { .. }), "{outcome:?}");
        self.settle().await;
        session.subscription().await
    }

    // --- time and webhooks ------------------------------------------------------------------

    /// Lets everything that is due now happen: webhooks, and the work that follows from them.
    ///
    /// # Panics
    /// When there is no end to it.
    pub async fn settle(&self) {
        for _ in 0..ROUNDS {
            let delivered = self.simulator.deliver_due().await;
            let worked = self.work().await;
            if delivered == 0 && worked == 0 {
                return;
            }
        }
        panic!("work goes on without end");
    }

    /// Lets the nodes work on what they have received, without new webhooks.
    ///
    /// # Panics
    /// When there is no end to it.
    pub async fn work(&self) -> usize {
        let mut done = 0;
        for _ in 0..ROUNDS {
            let mut round = 0;
            for node in &self.nodes {
                round += node.app.inbox.work_once().await.expect("the database is there");
            }
            if round == 0 {
                return done;
            }
            done += round;
        }
        panic!("work goes on without end");
    }

    /// Moves the clock that all share, lets happen at Stripe what falls due on the way, then what
    /// the server does by itself, and settles.
    ///
    /// # Panics
    /// When the simulator refuses.
    pub async fn advance(&self, span: Span) {
        let to = self.now().plus(span);
        self.engine().advance_clock(to.as_seconds()).expect("the clock moves forward");
        self.simulator.clock().set_ms(to.as_millis());
        for node in &self.nodes {
            node.app.inbox.rescue().await.expect("the database is there");
        }
        self.settle().await;
        for node in &self.nodes {
            node.app.entitlements.expire_due().await.expect("the database is there");
        }
    }

    /// From now on no webhook is delivered by itself: a test sends them, with
    /// [`TestApp::post_event`], or loses them.
    pub async fn hold_webhooks(&self) {
        self.settle().await;
        self.set_faults(Faults { drop: 1.0, ..Faults::default() });
    }

    /// Webhooks are delivered again; those that were held stay lost.
    pub fn release_webhooks(&self) {
        self.set_faults(Faults::default());
    }

    /// How unreliable the delivery of webhooks is from now on.
    ///
    /// # Panics
    /// When a rate is no share.
    pub fn set_faults(&self, faults: Faults) {
        self.simulator.deliverer().set_faults(faults).expect("rates are shares");
    }

    /// The events that happened after position `after`, oldest first, as Stripe sends them to
    /// the endpoint, each with its position.
    ///
    /// # Panics
    /// When an event cannot be rendered.
    #[must_use]
    pub fn events_after(&self, after: u64, version: Option<&str>) -> Vec<(u64, Value)> {
        let engine = self.engine();
        let render = |id: &str| engine.render_event(id, version).expect("a stored event renders");
        engine
            .events_after(after, usize::MAX)
            .into_iter()
            .filter(|event| !event.livemode)
            .map(|event| (event.seq, render(&event.id)))
            .collect()
    }

    /// The position of the newest event.
    #[must_use]
    pub fn newest_event(&self) -> u64 {
        self.engine().recent_events(1).first().map_or(0, |event| event.seq)
    }

    /// Posts an event as Stripe would, signed with the endpoint's secret, and gives the answer.
    pub async fn post_event(&self, event: &Value) -> Response {
        self.send_event(event, &self.secret).await
    }

    /// Posts an event signed with this secret.
    pub async fn send_event(&self, event: &Value, secret: &str) -> Response {
        let body = serde_json::to_vec_pretty(event).expect("JSON can be written");
        self.send_raw(0, body, Some(secret)).await
    }

    /// Posts an event to another node, signed with this secret.
    pub async fn send_event_to(&self, node: &Node, event: &Value, secret: &str) -> Response {
        let body = serde_json::to_vec_pretty(event).expect("JSON can be written");
        let signature = sign(&body, &secret_of(secret), self.now().as_seconds());
        self.post_webhook(&node.base_url, body, Some(&signature)).await
    }

    /// Posts a body to a node's webhook address, signed with this secret or not at all.
    pub async fn send_raw(&self, node: usize, body: Vec<u8>, secret: Option<&str>) -> Response {
        let now = self.now().as_seconds();
        let signature = secret.map(|secret| sign(&body, &secret_of(secret), now));
        self.post_webhook(&self.nodes[node].base_url, body, signature.as_deref()).await
    }

    /// Posts a body with this `Stripe-Signature`, right or wrong.
    pub async fn send_signed(&self, body: Vec<u8>, signature: Option<&str>) -> Response {
        self.post_webhook(&self.nodes[0].base_url, body, signature).await
    }

    async fn post_webhook(
        &self,
        base_url: &str,
        body: Vec<u8>,
        signature: Option<&str>,
    ) -> Response {
        let url = format!("{base_url}/api/webhooks/stripe");
        let mut request = self.http.post(url).header("content-type", "application/json");
        if let Some(signature) = signature {
            request = request.header("stripe-signature", signature);
        }
        Response::read(request.body(body).send().await).await
    }

    /// How often a kind of message is in the outbox (all kinds for an empty one).
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn messages(&self, kind: &str) -> Vec<store::OutboxRow> {
        self.store().messages(kind, 1_000).await.expect("the database is there")
    }

    // --- the end ----------------------------------------------------------------------------

    /// Says that so many more parked deliveries are right at the end of this test.
    pub fn expect_parked(&self, more: i64) {
        self.parked_expected.fetch_add(more, Ordering::Relaxed);
    }

    /// Asserts that no work is left, and puts everything away.
    ///
    /// # Panics
    /// When a delivery is pending or claimed, or another number is parked than was expected.
    pub async fn finish(mut self) {
        let counts = self.store().delivery_counts().await.expect("the database is there");
        let expected = self.parked_expected.load(Ordering::Relaxed);
        let parked = store::DeliveryFilter { state: Some("parked".to_owned()), kind: None };
        let parked = self.store().deliveries(parked, None, 20).await.expect("it is there").rows;
        self.put_away().await;
        assert_eq!((counts.pending, counts.claimed), (0, 0), "work is left");
        assert_eq!(counts.parked, expected, "parked deliveries: {parked:#?}");
    }

    /// Puts everything away without looking.
    pub async fn abandon(mut self) {
        self.put_away().await;
    }

    async fn put_away(&mut self) {
        self.finished = true;
        for node in &self.nodes {
            node.task.abort();
            node.app.store.close().await;
        }
        if let Some(scratch) = self.scratch.take() {
            scratch.remove().await;
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        assert!(
            self.finished || std::thread::panicking(),
            "call TestApp::finish at the end of the test"
        );
    }
}
