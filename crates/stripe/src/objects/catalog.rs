//! Products and prices.

use serde::Deserialize;

use super::{
    Expandable, Metadata,
    envelope::{identified, lenient},
};
use crate::{StripeId, UnixSeconds};

open_enum! {
    /// Whether a price comes once or again and again.
    PriceType {
        /// Once.
        OneTime = "one_time",
        /// Each period.
        Recurring = "recurring",
    }
}

open_enum! {
    /// The unit of a billing period.
    Interval {
        /// A day.
        Day = "day",
        /// Seven days.
        Week = "week",
        /// A calendar month.
        Month = "month",
        /// A calendar year.
        Year = "year",
    }
}

/// A price. Its amount never changes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Price {
    /// `price_…`, or the id of an old plan.
    pub id: StripeId,
    /// Whether it can be used for new purchases.
    #[serde(default)]
    pub active: bool,
    /// Lower-case ISO code.
    pub currency: String,
    /// Per unit; none for tiered prices and for fractions of the smallest unit.
    #[serde(default)]
    pub unit_amount: Option<i64>,
    /// The same as a decimal text, up to twelve places.
    #[serde(default)]
    pub unit_amount_decimal: Option<String>,
    /// What is sold.
    pub product: Expandable<Product>,
    /// How it recurs.
    #[serde(default)]
    pub recurring: Option<Recurring>,
    /// Whether it recurs.
    #[serde(default, rename = "type")]
    pub price_type: Option<PriceType>,
    /// A name of our own, unique among active prices.
    #[serde(default)]
    pub lookup_key: Option<String>,
    /// A note of the operator.
    #[serde(default)]
    pub nickname: Option<String>,
    /// `per_unit` or `tiered`.
    #[serde(default)]
    pub billing_scheme: Option<String>,
    /// `inclusive`, `exclusive` or `unspecified`.
    #[serde(default)]
    pub tax_behavior: Option<String>,
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

/// How a price recurs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Recurring {
    /// The unit of the period.
    pub interval: Interval,
    /// How many units make a period.
    #[serde(default = "one")]
    pub interval_count: i64,
    /// `licensed` or `metered`.
    #[serde(default)]
    pub usage_type: Option<String>,
    /// The meter that counts, if one does.
    #[serde(default)]
    pub meter: Option<StripeId>,
}

fn one() -> i64 {
    1
}

/// A product.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Product {
    /// `prod_…`, or an id of the operator's choice.
    pub id: StripeId,
    /// Whether it can be sold.
    #[serde(default)]
    pub active: bool,
    /// What customers read.
    #[serde(default)]
    pub name: String,
    /// What customers read below it.
    #[serde(default)]
    pub description: Option<String>,
    /// The price that is used when none is named.
    #[serde(default)]
    pub default_price: Option<Expandable<Price>>,
    /// When it was made.
    #[serde(default)]
    pub created: UnixSeconds,
    /// When it was last changed.
    #[serde(default)]
    pub updated: UnixSeconds,
    /// Whether it is about real money.
    #[serde(default)]
    pub livemode: bool,
    /// Keys and values.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Metadata,
}

identified!(Price, Product);

impl Price {
    /// The id of what is sold.
    #[must_use]
    pub fn product_id(&self) -> &str {
        self.product.id()
    }
}
