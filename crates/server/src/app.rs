//! What a request or a worker has in its hands: the rooms and what they share.
//!
//! [`App`] is made once in `cli` (or by the test harness) from [`Settings`] and [`World`], and
//! cloned into every handler. It holds no rule and no state of its own.

use crate::apply::Apply;
use crate::billing::Billing;
use crate::config::Settings;
use crate::entitlements::Entitlements;
use crate::identity::Identity;
use crate::identity::keys::Keys;
use crate::inbox::Inbox;
use crate::usage::Usage;
use crate::world::World;
use domain::catalogue::Catalogue;
use std::sync::Arc;
use store::Store;

/// The rooms and what they share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// The settings in force.
    pub settings: Settings,
    /// The database.
    pub store: Store,
    /// Stripe.
    pub stripe: stripe::Client,
    /// What is sold.
    pub catalogue: Arc<Catalogue>,
    /// Time and randomness.
    pub world: World,
    /// Events from Stripe.
    pub inbox: Inbox,
    /// From events to the mirror.
    pub apply: Apply,
    /// What an organisation may do.
    pub entitlements: Entitlements,
    /// How much has been used, and whether more may be.
    pub usage: Usage,
    /// Buying, changing, leaving.
    pub billing: Billing,
    /// Who is calling.
    pub identity: Identity,
    /// Keys for programs.
    pub keys: Keys,
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Wires the rooms together. The store has to be migrated already.
    ///
    /// # Errors
    /// When the Stripe client cannot be made from the settings.
    pub fn new(
        settings: Settings,
        store: Store,
        world: World,
    ) -> Result<Self, stripe::client::InvalidConfig> {
        let stripe = stripe::Client::new(settings.stripe.client_config())?;
        let catalogue = Arc::new(settings.catalogue.clone());
        let entitlements = Entitlements::new(
            store.clone(),
            Arc::clone(&catalogue),
            settings.policy,
            world.clone(),
        );
        let usage = Usage::new(
            store.clone(),
            entitlements.clone(),
            Arc::clone(&catalogue),
            &settings,
            world.clone(),
        );
        let keys = Keys::new(store.clone(), settings.stripe.mode, world.clone());
        let apply = Apply::new(
            store.clone(),
            stripe.clone(),
            Arc::clone(&catalogue),
            settings.policy,
            world.clone(),
        );
        let inbox = Inbox::new(store.clone(), apply.clone(), &settings, world.clone());
        let billing = Billing::new(
            store.clone(),
            stripe.clone(),
            Arc::clone(&catalogue),
            apply.clone(),
            &settings,
            world.clone(),
        );
        let identity = Identity::new(store.clone(), &settings, world.clone());
        Ok(Self(Arc::new(Parts {
            settings,
            store,
            stripe,
            catalogue,
            world,
            inbox,
            apply,
            entitlements,
            usage,
            billing,
            identity,
            keys,
        })))
    }
}
