//! From environment and file to [`Settings`]: the environment wins over `billhook.toml`, which
//! wins over the defaults. Every fault is collected, so that one start tells them all, and none
//! of them repeats a value that is secret.

use super::catalogue_file::CatalogueFile;
use super::mapping::{self, Prices};
use super::{AccessSettings, Mode, Settings, StripeSettings};
use crate::world::World;
use domain::catalogue::{Catalogue, Interval, PlanId, sample};
use domain::entitlement::Policy;
use domain::time::Span;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use store::DatabaseUrl;
use stripe::client::{KeyMode, STRIPE_API_BASE};
use stripe::signature::Secret;
use url::Url;

const DEFAULT_PORT: u16 = 8080;
const DEFAULT_DATABASE: &str = "sqlite:./billhook.db";
const DEFAULT_EXPIRY: Span = Span::days(7);
/// Characters that `JWT_SECRET` has at least where real money moves.
const LIVE_SECRET_MIN: usize = 64;
/// A shorter one can be guessed from one token; RFC 7518 asks for as many bytes as the hash has.
const TEST_SECRET_MIN: usize = 32;
/// Names of later issues: known, so that nobody wonders, and not used yet.
const NOT_USED_YET: [&str; 4] = ["REDIS_URL", "SMTP_URL", "EMAIL_FROM", "OIDC_ISSUER"];

/// Something the person who starts the program should know. Never secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice(pub String);

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything that is wrong with the settings. `Display` is the one message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<String>);

impl std::fmt::Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let many = if self.0.len() == 1 { "1 fault" } else { &format!("{} faults", self.0.len()) };
        write!(f, "the settings have {many}:")?;
        for fault in &self.0 {
            write!(f, "\n  - {fault}")?;
        }
        Ok(())
    }
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The environment.
    Environment,
    /// `billhook.toml`.
    File,
    /// Neither said anything.
    Default,
    /// Made up for this process, or derived from another setting.
    Derived,
}

impl Origin {
    /// A word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::File => "file",
            Self::Default => "default",
            Self::Derived => "derived",
        }
    }
}

/// One line of `billhook config print`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The setting's name.
    pub name: &'static str,
    /// Its value, or what may be shown of it.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Settings with what is worth telling about them.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings in force.
    pub settings: Settings,
    /// What the person who starts the program should know.
    pub notices: Vec<Notice>,
    /// Each setting with its origin, fit to be printed.
    pub effective: Vec<Effective>,
}

/// `billhook.toml`. Secrets have no place in it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    server: ServerSection,
    #[serde(default)]
    billing: BillingSection,
    #[serde(default)]
    access: AccessSection,
    catalogue: Option<CatalogueFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerSection {
    /// Address to listen on, without a port.
    address: Option<IpAddr>,
    port: Option<u16>,
    frontend_url: Option<String>,
    allowed_origins: Option<Vec<String>>,
    log_format: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct BillingSection {
    past_due_grace_days: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessSection {
    admin_emails: Option<Vec<String>>,
    admin_email_domain: Option<String>,
    jwt_expiry: Option<String>,
}

impl Settings {
    /// Reads the settings from the environment and, if given, the text of `billhook.toml`.
    ///
    /// # Errors
    /// All faults at once.
    pub fn load(
        env: &BTreeMap<String, String>,
        file: Option<&str>,
    ) -> Result<(Self, Vec<Notice>), Faults> {
        load(env, file).map(|loaded| (loaded.settings, loaded.notices))
    }
}

/// As [`Settings::load`], with the origin of each value.
///
/// # Errors
/// All faults at once.
pub fn load(env: &BTreeMap<String, String>, file: Option<&str>) -> Result<Loaded, Faults> {
    let mut reading =
        Reading { env, faults: Vec::new(), notices: Vec::new(), effective: Vec::new() };
    let file = reading.file(file);
    let settings = reading.settings(file);
    for name in NOT_USED_YET {
        if reading.text(name).is_some() {
            reading.note(format!("{name} is set, but this version does not use it yet"));
        }
    }
    let Reading { faults, notices, effective, .. } = reading;
    match settings {
        Some(settings) if faults.is_empty() => Ok(Loaded { settings, notices, effective }),
        _ => Err(Faults(faults)),
    }
}

/// `DATABASE_URL` alone: for `billhook migrate`, which needs nothing else.
///
/// # Errors
/// When it is no address of a database.
pub fn database_url(env: &BTreeMap<String, String>) -> Result<DatabaseUrl, Faults> {
    let text = env.get("DATABASE_URL").map(|text| text.trim()).filter(|text| !text.is_empty());
    DatabaseUrl::parse(text.unwrap_or(DEFAULT_DATABASE)).map_err(|fault| Faults(vec![fault]))
}

/// A `billhook.toml` with every key, and the sample catalogue: something to start from.
#[must_use]
pub fn example_file() -> String {
    let head = "# Everything here has a default but the catalogue. The environment wins over this\n\
                # file, and secrets belong in the environment only.\n\
                \n\
                [server]\n\
                # Address to listen on; 0.0.0.0 for all of this machine's\n\
                address = \"127.0.0.1\"\n\
                # PORT\n\
                port = 8080\n\
                # FRONTEND_URL: where people see the pages; https in live mode\n\
                frontend_url = \"http://127.0.0.1:8080\"\n\
                # ALLOWED_ORIGINS: further origins that browsers may call from\n\
                allowed_origins = []\n\
                # LOG_FORMAT: text or json\n\
                log_format = \"text\"\n\
                \n\
                [billing]\n\
                # Days for which a subscription whose renewal failed still grants its plan\n\
                past_due_grace_days = 0\n\
                \n\
                [access]\n\
                # ADMIN_EMAILS: who operates this installation, once the address is verified\n\
                admin_emails = []\n\
                # JWT_EXPIRY: how long a log-in lasts\n\
                jwt_expiry = \"7d\"\n\
                \n\
                # What is sold. Amounts are minor units (cents, yen); a limit is a number,\n\
                # \"unlimited\" or \"disabled\". Stripe's prices are mapped by\n\
                # STRIPE_PLAN_PRICE_MAPPING_TEST and STRIPE_PLAN_PRICE_MAPPING_LIVE.\n\n";
    let catalogue = sample::test_automation().ok();
    let catalogue = catalogue.and_then(|catalogue| CatalogueFile::from(&catalogue).to_toml());
    format!("{head}{}", catalogue.unwrap_or_default())
}

struct Reading<'a> {
    env: &'a BTreeMap<String, String>,
    faults: Vec<String>,
    notices: Vec<Notice>,
    effective: Vec<Effective>,
}

impl<'a> Reading<'a> {
    /// A setting's text; an empty one counts as not set.
    fn text(&self, name: &str) -> Option<&'a str> {
        self.env.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn fault(&mut self, text: impl Into<String>) {
        self.faults.push(text.into());
    }

    fn note(&mut self, text: impl Into<String>) {
        self.notices.push(Notice(text.into()));
    }

    fn show(&mut self, name: &'static str, value: impl Into<String>, origin: Origin) {
        self.effective.push(Effective { name, value: value.into(), origin });
    }

    /// The value of the environment, else of the file, with its origin shown.
    fn pick(&mut self, name: &'static str, file: Option<String>, default: &str) -> Option<String> {
        let (value, origin) = match (self.text(name), file) {
            (Some(text), _) => (Some(text.to_owned()), Origin::Environment),
            (None, Some(text)) => (Some(text), Origin::File),
            (None, None) => (None, Origin::Default),
        };
        self.show(name, value.clone().unwrap_or_else(|| default.to_owned()), origin);
        value
    }

    fn file(&mut self, text: Option<&str>) -> File {
        let Some(text) = text else { return File::default() };
        match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                let line = error.span().map(|span| {
                    text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
                });
                let place = line.map(|line| format!(" line {line}")).unwrap_or_default();
                let what = without_quoted_values(error.message());
                self.fault(format!("billhook.toml{place}: {what}"));
                File::default()
            }
        }
    }

    fn settings(&mut self, file: File) -> Option<Settings> {
        let has_catalogue_file = file.catalogue.is_some();
        let (stripe, mode) = self.stripe();
        let access = self.access(file.access, mode);
        let catalogue = self.catalogue(file.catalogue);
        let catalogue = catalogue.and_then(|catalogue| self.with_prices(catalogue, mode));
        if mode == Mode::Live && !has_catalogue_file {
            self.fault("live mode needs a billhook.toml with a [catalogue] of its own");
        }
        let database = self.database();
        let server = self.server(file.server, mode);
        let grace = file.billing.past_due_grace_days;
        self.show(
            "billing.past_due_grace_days",
            grace.unwrap_or_default().to_string(),
            if grace.is_some() { Origin::File } else { Origin::Default },
        );
        let metrics_token = self.text("METRICS_TOKEN").map(ToOwned::to_owned);
        let origin = if metrics_token.is_some() { Origin::Environment } else { Origin::Default };
        self.show("METRICS_TOKEN", presence(metrics_token.is_some()), origin);
        Some(Settings {
            stripe: stripe?,
            access: access?,
            database: database?,
            listen: server.listen,
            frontend_url: server.frontend_url,
            allowed_origins: server.allowed_origins,
            policy: Policy { past_due_grace_days: grace.unwrap_or_default() },
            catalogue: catalogue?,
            json_logs: server.json_logs,
            metrics_token: metrics_token.map(SecretString::from),
        })
    }

    /// How to reach Stripe, and the mode all other rules depend on.
    fn stripe(&mut self) -> (Option<StripeSettings>, Mode) {
        let key = self.text("STRIPE_SECRET_KEY");
        let key_mode = key.map_or(KeyMode::Unknown, KeyMode::of);
        let (mode, mode_origin) = match self.text("STRIPE_MODE") {
            Some("test") => (Mode::Test, Origin::Environment),
            Some("live") => (Mode::Live, Origin::Environment),
            Some(_) => {
                self.fault("STRIPE_MODE is neither test nor live");
                (mode_of(key_mode), Origin::Environment)
            }
            None => (mode_of(key_mode), Origin::Derived),
        };
        self.show("STRIPE_MODE", mode.name(), mode_origin);
        self.show("STRIPE_SECRET_KEY", shown_key(key), origin_of(key));
        match key {
            None => self.fault("STRIPE_SECRET_KEY is not set"),
            Some(key) if key.starts_with("pk_") => {
                self.fault("STRIPE_SECRET_KEY holds a publishable key (pk_…)");
            }
            Some(key) if !(key.starts_with("sk_") || key.starts_with("rk_")) => {
                self.fault("STRIPE_SECRET_KEY is no Stripe key (sk_… or rk_…)");
            }
            Some(_) => self.check_key_mode("STRIPE_SECRET_KEY", key_mode, mode),
        }
        let publishable = self.text("STRIPE_PUBLISHABLE_KEY");
        self.show("STRIPE_PUBLISHABLE_KEY", shown_key(publishable), origin_of(publishable));
        match publishable {
            Some(key) if !key.starts_with("pk_") => {
                self.fault("STRIPE_PUBLISHABLE_KEY is no publishable key (pk_…)");
            }
            Some(key) => self.check_key_mode("STRIPE_PUBLISHABLE_KEY", KeyMode::of(key), mode),
            None => {}
        }
        let webhook_secrets = self.webhook_secrets(mode);
        let api_base = self.api_base(mode);
        let stripe = key.map(|key| StripeSettings {
            mode,
            secret_key: SecretString::from(key.to_owned()),
            publishable_key: publishable.map(ToOwned::to_owned),
            webhook_secrets,
            api_base,
        });
        (stripe, mode)
    }

    fn check_key_mode(&mut self, name: &str, key: KeyMode, mode: Mode) {
        match (key, mode) {
            (KeyMode::Test, Mode::Live) => {
                self.fault(format!("{name} is a test key, but STRIPE_MODE is live"));
            }
            (KeyMode::Live, Mode::Test) => {
                self.fault(format!("{name} is a live key, but STRIPE_MODE is test"));
            }
            (KeyMode::Unknown, _) => {
                self.fault(format!("{name} says neither test nor live after its first underscore"));
            }
            _ => {}
        }
    }

    fn webhook_secrets(&mut self, mode: Mode) -> Vec<Secret> {
        let text = self.text("STRIPE_WEBHOOK_SECRET");
        self.show("STRIPE_WEBHOOK_SECRET", presence(text.is_some()), origin_of(text));
        let Some(text) = text else {
            let what = "STRIPE_WEBHOOK_SECRET is not set: every webhook is refused";
            if mode == Mode::Live {
                self.fault(what);
            } else {
                self.note(what);
            }
            return Vec::new();
        };
        for (index, secret) in text.split(',').map(str::trim).enumerate() {
            let which = index + 1;
            if !secret.starts_with("whsec_") {
                self.fault(format!(
                    "STRIPE_WEBHOOK_SECRET: no. {which} does not start with whsec_"
                ));
            } else if mode == Mode::Live && (secret.starts_with("whsec_test") || secret.len() < 24)
            {
                self.fault(format!("STRIPE_WEBHOOK_SECRET: no. {which} is a test secret"));
            }
        }
        Secret::list(text)
    }

    fn api_base(&mut self, mode: Mode) -> String {
        let text = self.text("STRIPE_API_BASE");
        let base = text.unwrap_or(STRIPE_API_BASE).trim_end_matches('/');
        let url = Url::parse(base)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
        let shown =
            url.as_ref().map_or("invalid".to_owned(), |url| url.origin().ascii_serialization());
        self.show("STRIPE_API_BASE", shown, origin_of(text));
        if url.is_none() {
            self.fault("STRIPE_API_BASE is no http or https address");
        } else if mode == Mode::Live && base != STRIPE_API_BASE {
            self.fault(format!(
                "live mode only speaks to {STRIPE_API_BASE}; unset STRIPE_API_BASE"
            ));
        }
        base.to_owned()
    }

    fn access(&mut self, file: AccessSection, mode: Mode) -> Option<AccessSettings> {
        let disable_auth = match self.text("DISABLE_AUTH").map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0" | "no" | "off") => false,
            Some("true" | "1" | "yes" | "on") => true,
            Some(_) => {
                self.fault("DISABLE_AUTH is neither true nor false");
                false
            }
        };
        self.show("DISABLE_AUTH", disable_auth.to_string(), origin_of(self.text("DISABLE_AUTH")));
        if disable_auth && mode == Mode::Live {
            self.fault("DISABLE_AUTH is for development and excludes live mode and live keys");
        } else if disable_auth {
            self.note("DISABLE_AUTH is on: everybody who reaches this server is its operator");
        }

        let secret = self.jwt_secret(mode);
        let expiry = self.pick("JWT_EXPIRY", file.jwt_expiry, "7d");
        let jwt_expiry = match expiry.as_deref().map(duration) {
            None => Some(DEFAULT_EXPIRY),
            Some(Some(span)) => Some(span),
            Some(None) => {
                self.fault("JWT_EXPIRY is no length of time such as 12h, 7d or 3600 (seconds)");
                None
            }
        };
        let emails = self.pick("ADMIN_EMAILS", file.admin_emails.map(|all| all.join(",")), "");
        let admin_emails = list(emails.as_deref());
        for (index, email) in admin_emails.iter().enumerate() {
            if email.split_once('@').is_none_or(|(name, host)| name.is_empty() || host.is_empty()) {
                self.fault(format!("ADMIN_EMAILS: no. {} is no e-mail address", index + 1));
            }
        }
        let domain = self.pick("ADMIN_EMAIL_DOMAIN", file.admin_email_domain, "");
        let admin_email_domain = domain
            .map(|text| text.trim().trim_start_matches('@').to_lowercase())
            .filter(|text| !text.is_empty());
        if let Some(domain) = &admin_email_domain
            && (!domain.contains('.') || domain.contains(['@', ' ', ',', '*']))
        {
            self.fault("ADMIN_EMAIL_DOMAIN is no domain such as example.com");
        }
        Some(AccessSettings {
            jwt_secret: secret?,
            jwt_expiry: jwt_expiry?,
            admin_emails,
            admin_email_domain,
            disable_auth,
        })
    }

    fn jwt_secret(&mut self, mode: Mode) -> Option<SecretString> {
        match (self.text("JWT_SECRET"), mode) {
            (Some(text), Mode::Live) if text.chars().count() < LIVE_SECRET_MIN => {
                self.fault(format!("JWT_SECRET needs at least {LIVE_SECRET_MIN} characters"));
                None
            }
            (Some(text), _) => {
                self.show("JWT_SECRET", presence(true), Origin::Environment);
                if text.chars().count() < TEST_SECRET_MIN {
                    self.note(format!(
                        "JWT_SECRET has fewer than {TEST_SECRET_MIN} characters and can be guessed"
                    ));
                }
                Some(SecretString::from(text.to_owned()))
            }
            (None, Mode::Live) => {
                self.fault(format!(
                    "JWT_SECRET is not set; it needs at least {LIVE_SECRET_MIN} characters"
                ));
                None
            }
            (None, Mode::Test) => {
                self.show("JWT_SECRET", "made for this process", Origin::Derived);
                self.note("JWT_SECRET is not set: log-ins end when this process does");
                let mut bytes = [0_u8; 48];
                World::real().entropy.fill(&mut bytes);
                Some(SecretString::from(hex::encode(bytes)))
            }
        }
    }

    fn catalogue(&mut self, file: Option<CatalogueFile>) -> Option<Catalogue> {
        let (made, origin) = match file {
            Some(file) => (file.into_catalogue(), Origin::File),
            None => (sample::test_automation(), Origin::Default),
        };
        match made {
            Ok(catalogue) => {
                let plans: Vec<_> = catalogue.plans().iter().map(|plan| plan.id.as_str()).collect();
                let plans = plans.join(", ");
                if origin == Origin::Default {
                    self.note(format!("no catalogue file: selling the sample plans {plans}"));
                }
                self.show("catalogue", plans, origin);
                Some(catalogue)
            }
            Err(faults) => {
                self.faults.extend(faults.into_iter().map(|fault| format!("catalogue: {fault}")));
                None
            }
        }
    }

    fn mapping(&mut self, name: &'static str, catalogue: &Catalogue) -> Option<Prices> {
        let text = self.text(name)?;
        match mapping::parse(text, catalogue) {
            Ok(prices) => {
                let duplicates = mapping::duplicates(&prices);
                self.faults.extend(duplicates.into_iter().map(|fault| format!("{name} {fault}")));
                Some(prices)
            }
            Err(faults) => {
                self.faults.extend(faults.into_iter().map(|fault| format!("{name} {fault}")));
                None
            }
        }
    }

    fn with_prices(&mut self, catalogue: Catalogue, mode: Mode) -> Option<Catalogue> {
        let faults_before = self.faults.len();
        let test = self.mapping(mapping::setting_of(Mode::Test), &catalogue);
        let live = self.mapping(mapping::setting_of(Mode::Live), &catalogue);
        let plain = self.mapping("STRIPE_PLAN_PRICE_MAPPING", &catalogue);
        let own = match mode {
            Mode::Test => test.clone(),
            Mode::Live => live,
        };
        let (name, mut prices) = match (own, plain) {
            (Some(prices), _) => (mapping::setting_of(mode), prices),
            (None, Some(prices)) => ("STRIPE_PLAN_PRICE_MAPPING", prices),
            (None, None) => (mapping::setting_of(mode), Prices::new()),
        };
        for (setting, plan) in
            [("STRIPE_TEAM_PRICE_ID", "team"), ("STRIPE_ENTERPRISE_PRICE_ID", "enterprise")]
        {
            self.add_shorthand(setting, plan, &catalogue, &mut prices);
        }
        if self.faults.len() == faults_before {
            let again = mapping::duplicates(&prices);
            self.faults.extend(again.into_iter().map(|fault| format!("{name} {fault}")));
        }
        if mode == Mode::Live {
            let not_live = mapping::not_live(&prices, &test.unwrap_or_default());
            self.faults.extend(not_live.into_iter().map(|fault| format!("{name} {fault}")));
        }
        let missing = mapping::missing(&prices, &catalogue);
        if !missing.is_empty() && self.faults.len() == faults_before {
            let missing = missing.join(", ");
            match mode {
                Mode::Live => self.fault(format!("{name} has no Stripe price for {missing}")),
                Mode::Test => {
                    self.note(format!("no Stripe price for {missing}: they cannot be sold"));
                }
            }
        }
        let mapped = prices
            .iter()
            .map(|((plan, interval), price)| format!("{plan} {}: {price}", interval.name()))
            .collect::<Vec<_>>()
            .join(", ");
        let origin = if prices.is_empty() { Origin::Default } else { Origin::Environment };
        self.show(name, mapped, origin);
        match catalogue.with_stripe_prices(&prices) {
            Ok(catalogue) => Some(catalogue),
            Err(faults) => {
                // A price used twice was told already, with both of its places.
                if self.faults.len() == faults_before {
                    self.faults.extend(faults);
                }
                None
            }
        }
    }

    fn add_shorthand(
        &mut self,
        setting: &'static str,
        plan: &str,
        catalogue: &Catalogue,
        prices: &mut Prices,
    ) {
        let Some(price) = self.text(setting) else { return };
        let key = (PlanId::from(plan), Interval::Monthly);
        if catalogue.plan(&key.0).and_then(|plan| plan.price(key.1)).is_none() {
            self.fault(format!("{setting} is set, but the catalogue sells no monthly `{plan}`"));
        } else if !mapping::is_price_id(price) {
            self.fault(format!("{setting} is no Stripe price id (price_…)"));
        } else if prices.get(&key).is_some_and(|other| other != price) {
            self.fault(format!("{setting} and the price mapping differ for `{plan}` monthly"));
        } else {
            prices.insert(key, price.to_owned());
        }
    }

    fn database(&mut self) -> Option<DatabaseUrl> {
        let text = self.text("DATABASE_URL");
        if text.is_none() {
            self.note(format!("DATABASE_URL is not set: using {DEFAULT_DATABASE}"));
        }
        match DatabaseUrl::parse(text.unwrap_or(DEFAULT_DATABASE)) {
            Ok(url) => {
                self.show("DATABASE_URL", url.redacted(), origin_of(text));
                Some(url)
            }
            Err(fault) => {
                self.fault(fault);
                None
            }
        }
    }

    fn server(&mut self, file: ServerSection, mode: Mode) -> ServerPart {
        let port = self.pick("PORT", file.port.map(|port| port.to_string()), "8080");
        let port = match port.as_deref().map(str::parse::<u16>) {
            None => DEFAULT_PORT,
            Some(Ok(port)) => port,
            Some(Err(_)) => {
                self.fault("PORT is no number from 0 to 65535");
                DEFAULT_PORT
            }
        };
        let address = file.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let address_origin = if file.address.is_some() { Origin::File } else { Origin::Default };
        self.show("server.address", address.to_string(), address_origin);
        let listen = SocketAddr::new(address, port);

        let own = format!("http://{listen}");
        let frontend = self.pick("FRONTEND_URL", file.frontend_url, &own);
        if mode == Mode::Live && frontend.is_none() {
            self.fault("FRONTEND_URL is not set; live mode needs the https address people use");
        }
        let frontend_url = frontend.unwrap_or(own).trim_end_matches('/').to_owned();
        match Url::parse(&frontend_url) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") || url.query().is_some() => {
                self.fault("FRONTEND_URL is no http or https address without a query");
            }
            Ok(url) if mode == Mode::Live && url.scheme() != "https" => {
                self.fault("FRONTEND_URL has to be an https address in live mode");
            }
            Ok(_) => {}
            Err(_) => self.fault("FRONTEND_URL is no http or https address"),
        }

        let origins = file.allowed_origins.map(|all| all.join(","));
        let origins = self.pick("ALLOWED_ORIGINS", origins, "");
        let allowed_origins = list(origins.as_deref());
        for (index, origin) in allowed_origins.iter().enumerate() {
            let is_origin = Url::parse(origin).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.origin().ascii_serialization() == *origin
            });
            if !is_origin {
                self.fault(format!(
                    "ALLOWED_ORIGINS: no. {} is no origin such as https://app.example.com",
                    index + 1
                ));
            }
        }
        let format = self.pick("LOG_FORMAT", file.log_format, "text");
        let json_logs = match format.as_deref() {
            None | Some("text") => false,
            Some("json") => true,
            Some(_) => {
                self.fault("LOG_FORMAT is neither text nor json");
                false
            }
        };
        ServerPart { listen, frontend_url, allowed_origins, json_logs }
    }
}

struct ServerPart {
    listen: SocketAddr,
    frontend_url: String,
    allowed_origins: Vec<String>,
    json_logs: bool,
}

fn mode_of(key: KeyMode) -> Mode {
    if key == KeyMode::Live { Mode::Live } else { Mode::Test }
}

fn origin_of(text: Option<&str>) -> Origin {
    if text.is_some() { Origin::Environment } else { Origin::Default }
}

fn presence(is_set: bool) -> &'static str {
    if is_set { "set" } else { "not set" }
}

/// The kind of a key and nothing of its body.
fn shown_key(key: Option<&str>) -> String {
    let Some(key) = key else { return presence(false).to_owned() };
    let mut parts = key.splitn(3, '_');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(kind @ ("sk" | "rk" | "pk")), Some(mode @ ("test" | "live")), Some(_)) => {
            format!("{kind}_{mode}_…")
        }
        _ => presence(true).to_owned(),
    }
}

/// A comma-separated list, in lower case.
fn list(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default()
        .split(',')
        .map(|part| part.trim().to_lowercase())
        .filter(|part| !part.is_empty())
        .collect()
}

/// `90s`, `30m`, `12h`, `7d`, or plain seconds; nothing that never ends or ends at once.
fn duration(text: &str) -> Option<Span> {
    let text = text.trim();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u32 = digits.parse().ok().filter(|number| *number > 0)?;
    match &text[digits.len()..] {
        "" | "s" => Some(Span::seconds(number)),
        "m" => Some(Span::minutes(number)),
        "h" => Some(Span::hours(number)),
        "d" if number <= 3_650 => Some(Span::days(number)),
        _ => None,
    }
}

/// The parser's words without what stood in the file: somebody may have put a secret there.
fn without_quoted_values(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for (index, part) in message.split('"').enumerate() {
        if index > 0 {
            out.push('"');
        }
        out.push_str(if index % 2 == 1 { "…" } else { part });
    }
    out.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
