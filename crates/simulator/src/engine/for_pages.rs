//! Small things that only the pages and the program ask of the engine.

use serde_json::Value;

use super::Engine;
use crate::state::State;

impl Engine {
    /// The business name of the account, as pages and invoices show it.
    pub fn merchant_name(&self) -> String {
        let state = self.lock();
        let account = state.account.get(&false);
        let name = account
            .and_then(|account| account.get("business_profile"))
            .and_then(|profile| profile.get("name"))
            .and_then(Value::as_str);
        name.filter(|name| !name.is_empty()).unwrap_or("Example Company").to_owned()
    }

    /// Forgets every object, event and piece of due work; ids begin anew under the same seed and
    /// the clock stays where it is.
    pub fn reset(&self) {
        let mut state = self.lock();
        *state = State::new(self.0.seed, state.policy.clone(), state.base_url.clone());
        self.0.newest.send_replace(0);
    }
}
