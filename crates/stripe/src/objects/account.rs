//! The account itself, its webhook endpoints, and test clocks.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::{
    Metadata,
    envelope::{identified, lenient},
};
use crate::{StripeId, UnixSeconds};

/// A Stripe account.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Account {
    /// `acct_…`.
    pub id: StripeId,
    /// Two-letter code.
    #[serde(default)]
    pub country: Option<String>,
    /// Lower-case ISO code.
    #[serde(default)]
    pub default_currency: Option<String>,
    /// The account's e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether it can take payments.
    #[serde(default)]
    pub charges_enabled: Option<bool>,
    /// Whether money can be paid out.
    #[serde(default)]
    pub payouts_enabled: Option<bool>,
    /// Whether its owner answered everything asked at the start.
    #[serde(default)]
    pub details_submitted: Option<bool>,
    /// What Stripe wants to know before it goes on.
    #[serde(default)]
    pub requirements: Option<AccountRequirements>,
    /// What it may do: `active`, `inactive` or `pending` by name.
    #[serde(default, deserialize_with = "lenient")]
    pub capabilities: BTreeMap<String, String>,
    /// What customers see of the business.
    #[serde(default)]
    pub business_profile: Option<BusinessProfile>,
}

/// What Stripe wants to know of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct AccountRequirements {
    /// Needed by `current_deadline`.
    #[serde(default, deserialize_with = "lenient")]
    pub currently_due: Vec<String>,
    /// Needed some day.
    #[serde(default, deserialize_with = "lenient")]
    pub eventually_due: Vec<String>,
    /// Overdue.
    #[serde(default, deserialize_with = "lenient")]
    pub past_due: Vec<String>,
    /// Being looked at.
    #[serde(default, deserialize_with = "lenient")]
    pub pending_verification: Vec<String>,
    /// When capabilities are taken away.
    #[serde(default)]
    pub current_deadline: Option<UnixSeconds>,
    /// Why capabilities were taken away.
    #[serde(default)]
    pub disabled_reason: Option<String>,
    /// What was wrong with answers given.
    #[serde(default, deserialize_with = "lenient")]
    pub errors: Vec<RequirementError>,
}

/// What was wrong with an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct RequirementError {
    /// A stable name of the fault.
    #[serde(default)]
    pub code: String,
    /// Stripe's words.
    #[serde(default)]
    pub reason: String,
    /// The answer it speaks of.
    #[serde(default)]
    pub requirement: String,
}

/// What customers see of a business.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct BusinessProfile {
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Where customers write to.
    #[serde(default)]
    pub support_email: Option<String>,
    /// Where customers find help.
    #[serde(default)]
    pub support_url: Option<String>,
    /// Its pages.
    #[serde(default)]
    pub url: Option<String>,
}

/// A place Stripe sends events to.
#[derive(Debug, Clone, Deserialize)]
pub struct WebhookEndpoint {
    /// `we_…`.
    pub id: StripeId,
    /// Where events go.
    pub url: String,
    /// Which events; `*` is all.
    #[serde(default)]
    pub enabled_events: Vec<String>,
    /// `enabled` or `disabled`.
    pub status: String,
    /// In which version objects are written; none means the account's own.
    #[serde(default)]
    pub api_version: Option<String>,
    /// A note of the operator.
    #[serde(default)]
    pub description: Option<String>,
    /// The signing secret; Stripe tells it once, in the answer to the creation.
    #[serde(default, deserialize_with = "secret")]
    pub secret: Option<SecretString>,
    /// When it was made.
    #[serde(default)]
    pub created: UnixSeconds,
    /// Whether it is about real money.
    #[serde(default)]
    pub livemode: bool,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

impl WebhookEndpoint {
    /// Whether it wants events of this type.
    #[must_use]
    pub fn wants(&self, event_type: &str) -> bool {
        self.enabled_events.iter().any(|wanted| wanted == "*" || wanted == event_type)
    }
}

open_enum! {
    /// What a test clock is doing.
    TestClockStatus {
        /// It stands still.
        Ready = "ready",
        /// It is catching up with its target.
        Advancing = "advancing",
        /// It broke.
        InternalFailure = "internal_failure",
    }
}

/// A clock for tests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TestClock {
    /// `clock_…`.
    pub id: StripeId,
    /// What time it shows.
    pub frozen_time: UnixSeconds,
    /// What it is doing.
    pub status: TestClockStatus,
    /// A note.
    #[serde(default)]
    pub name: Option<String>,
    /// When it and its customers are deleted.
    #[serde(default)]
    pub deletes_after: Option<UnixSeconds>,
    /// When it was made, by the real clock.
    #[serde(default)]
    pub created: UnixSeconds,
}

identified!(Account, WebhookEndpoint, TestClock);
