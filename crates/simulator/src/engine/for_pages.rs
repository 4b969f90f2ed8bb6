//! Small things that only the pages and the program ask of the engine.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{Endpoint, Engine};
use crate::api::routes::Call;
use crate::api::webhook_endpoints;
use crate::flows::payments::hide;
use crate::protocol::ApiError;
use crate::state::{Ids, Kind, Object, State, Tx};

impl Engine {
    /// The business name of the account, as pages and invoices show it.
    pub fn merchant_name(&self) -> String {
        crate::flows::merchant(&self.lock())
    }

    /// Names the account's business, in both modes.
    pub fn set_merchant_name(&self, name: &str) {
        for livemode in [false, true] {
            self.with(livemode, |tx| {
                let mut account = crate::flows::account(tx);
                account["business_profile"]["name"] = json!(name);
                account["settings"]["dashboard"]["display_name"] = json!(name);
                if let Value::Object(account) = account {
                    tx.state.account.insert(livemode, Arc::new(account));
                }
            });
        }
    }

    /// Registers a webhook endpoint for every event of test mode and returns its signing secret:
    /// `secret` where one is given, else a new one.
    ///
    /// # Errors
    /// 400 for an address that is none.
    pub fn add_endpoint(&self, url: &str, secret: Option<&str>) -> Result<String, ApiError> {
        self.with(false, |tx| {
            let mut args = Object::new();
            args.insert("url".to_owned(), json!(url));
            args.insert("enabled_events".to_owned(), json!(["*"]));
            let call = Call { ids: &[], args: &args };
            let made = webhook_endpoints::create(tx, &call)?;
            let made_secret = made["secret"].as_str().unwrap_or_default().to_owned();
            let (Some(secret), Some(id)) = (secret, made["id"].as_str()) else {
                return Ok(made_secret);
            };
            hide(tx, id, "secret", json!(secret));
            Ok(secret.to_owned())
        })
    }

    /// Forgets every object, event and piece of due work. What was set up stays: the account, the
    /// webhook endpoints and the clock; ids go on, so no receiver takes a new event for an old one.
    pub fn reset(&self) {
        let mut state = self.lock();
        let ids = std::mem::replace(&mut state.ids, Ids::new(0));
        let account = std::mem::take(&mut state.account);
        let endpoints = webhook_endpoints::endpoints(&state);
        let kept: Vec<(Endpoint, Value)> = endpoints
            .into_iter()
            .filter_map(|endpoint| {
                let entry = state.objects.get(&endpoint.id)?;
                Some((endpoint, Value::Object((*entry.json).clone())))
            })
            .collect();
        *state = State::new(0, state.policy.clone(), state.base_url.clone());
        (state.ids, state.account) = (ids, account);
        let now = self.0.clock.now();
        for (endpoint, json) in kept {
            let mut tx = Tx::new(&mut state, now, endpoint.livemode);
            tx.insert(Kind::WebhookEndpoint, json);
            hide(&mut tx, &endpoint.id, "secret", json!(endpoint.secret));
        }
        self.0.newest.send_replace(0);
        self.0.life.fetch_add(1, Ordering::AcqRel);
    }

    /// How often the account was reset: what was kept for an earlier life is void.
    pub(crate) fn life(&self) -> u64 {
        self.0.life.load(Ordering::Acquire)
    }
}
