//! The settings in force, checked as a whole before anything starts. This room never changes a
//! setting and never prints one that is secret. Start with [`Settings`], then `load`.

mod catalogue_file;
mod load;
mod mapping;

pub use load::{Effective, Faults, Loaded, Notice, Origin, database_url, example_file, load};

use domain::catalogue::Catalogue;
use domain::entitlement::Policy;
use domain::time::Span;
use secrecy::SecretString;
use std::net::SocketAddr;
use store::DatabaseUrl;
use stripe::signature::Secret;

/// Test or live: two worlds at Stripe that share nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// No real money.
    Test,
    /// Real money.
    Live,
}

impl Mode {
    /// The word in settings and the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
    /// What `livemode` says on objects of this mode.
    #[must_use]
    pub fn livemode(self) -> bool {
        self == Self::Live
    }
}

/// How to reach Stripe.
#[derive(Debug, Clone)]
pub struct StripeSettings {
    /// `STRIPE_MODE`.
    pub mode: Mode,
    /// `STRIPE_SECRET_KEY`.
    pub secret_key: SecretString,
    /// `STRIPE_PUBLISHABLE_KEY`.
    pub publishable_key: Option<String>,
    /// `STRIPE_WEBHOOK_SECRET`: each of them is accepted.
    pub webhook_secrets: Vec<Secret>,
    /// `STRIPE_API_BASE`.
    pub api_base: String,
}

impl StripeSettings {
    /// The client's own configuration.
    #[must_use]
    pub fn client_config(&self) -> stripe::client::ClientConfig {
        stripe::client::ClientConfig::new(self.secret_key.clone())
            .with_base_url(self.api_base.clone())
    }
}

/// Who may operate the installation, and how log-ins are signed.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// `JWT_SECRET`.
    pub jwt_secret: SecretString,
    /// `JWT_EXPIRY`.
    pub jwt_expiry: Span,
    /// `ADMIN_EMAILS`, in lower case.
    pub admin_emails: Vec<String>,
    /// `ADMIN_EMAIL_DOMAIN`, in lower case, without `@`.
    pub admin_email_domain: Option<String>,
    /// `DISABLE_AUTH`: development only.
    pub disable_auth: bool,
}

impl AccessSettings {
    /// Whether the settings make the owner of this address an operator, once it is verified.
    /// `email` is in lower case.
    #[must_use]
    pub fn names_operator(&self, email: &str) -> bool {
        let by_domain = email.rsplit_once('@').is_some_and(|(_, domain)| {
            self.admin_email_domain.as_deref().is_some_and(|allowed| allowed == domain)
        });
        by_domain || self.admin_emails.iter().any(|named| named == email)
    }
}

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to reach Stripe.
    pub stripe: StripeSettings,
    /// Who may do what.
    pub access: AccessSettings,
    /// `DATABASE_URL`.
    pub database: DatabaseUrl,
    /// Where to listen; `PORT` sets the port.
    pub listen: SocketAddr,
    /// `FRONTEND_URL`: where people see the dashboard, without a slash at the end.
    pub frontend_url: String,
    /// `ALLOWED_ORIGINS`: origins beside our own that browsers may call from.
    pub allowed_origins: Vec<String>,
    /// What entitlement depends on.
    pub policy: Policy,
    /// What is sold, with the Stripe prices of the mode in force.
    pub catalogue: Catalogue,
    /// `LOG_FORMAT=json`.
    pub json_logs: bool,
    /// `METRICS_TOKEN`: lets `/metrics` be read from other machines.
    pub metrics_token: Option<SecretString>,
}
