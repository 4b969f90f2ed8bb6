//! What applies to an organisation: its entitlement as stored, or as the rule says it now, and the
//! operator's overrides.

use super::{UsageCall, UsageFault, UsageRules, overrides};
use crate::entitlements::{load_entitlements, load_state};
use crate::error::StoreResult;
use crate::tx::Tx;
use domain::entitlement::{Entitlement, Facts, entitlement};
use domain::period::Period;
use domain::time::Timestamp;
use domain::usage::{Allowance, LimitOverride, allowance};
use std::collections::{BTreeSet, HashMap};

/// What applies to a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Applies {
    /// How much of the feature.
    pub(super) allowance: Allowance,
    /// The running period of monthly features, whatever kind of feature this is.
    pub(super) running: Period,
    /// Whether no stored entitlement told it.
    pub(super) outdated: bool,
}

#[derive(Default)]
struct Standing {
    stored: Option<Entitlement>,
    computed: Option<Entitlement>,
    /// What the rule needs; the inner one is none for an organisation that does not exist.
    facts: Option<Option<Facts>>,
    overrides: Vec<LimitOverride>,
}

/// The organisations of a batch.
pub(super) struct Standings(HashMap<String, Standing>);

fn tells(entitlement: &Entitlement, now: Timestamp) -> bool {
    now < entitlement.period.end && entitlement.valid_until.is_none_or(|until| now < until)
}

impl Standings {
    pub(super) async fn load(tx: &mut Tx, organizations: &BTreeSet<&str>) -> StoreResult<Self> {
        let names = || organizations.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let mut all: HashMap<String, Standing> =
            names().into_iter().map(|one| (one, Standing::default())).collect();
        for row in load_entitlements(tx, names()).await? {
            if let Some(standing) = all.get_mut(row.organization.as_str()) {
                standing.stored = Some(row.entitlement);
            }
        }
        for (organization, one) in overrides::load(tx, names()).await? {
            if let Some(standing) = all.get_mut(&organization) {
                standing.overrides.push(one);
            }
        }
        Ok(Self(all))
    }

    /// What applies to a call at its own moment: a batch may hold calls from before and after a
    /// period's end.
    pub(super) async fn applies(
        &mut self,
        tx: &mut Tx,
        call: &UsageCall,
        rules: &UsageRules,
    ) -> StoreResult<Result<Applies, UsageFault>> {
        let id = call.organization.as_str();
        let standing = self.0.entry(id.to_owned()).or_default();
        let outdated = !standing.stored.as_ref().is_some_and(|one| tells(one, call.now));
        if outdated && !standing.computed.as_ref().is_some_and(|one| tells(one, call.now)) {
            // Time alone has changed the answer, or nobody ever asked: the rule says it here, and
            // the row is written by whoever owns it.
            let facts = match standing.facts.take() {
                Some(facts) => facts,
                None => load_state(tx, id).await?.map(|state| state.facts()),
            };
            standing.computed = facts
                .as_ref()
                .map(|facts| entitlement(facts, &rules.catalogue, rules.policy, call.now));
            standing.facts = Some(facts);
        }
        let which = if outdated { &standing.computed } else { &standing.stored };
        let Some(now_is) = which else { return Ok(Err(UsageFault::UnknownOrganization)) };
        let overrides = &standing.overrides;
        let allowed = allowance(now_is, overrides, &rules.catalogue, &call.feature, call.now);
        let running = now_is.period;
        Ok(allowed
            .map(|allowance| Applies { allowance, running, outdated })
            .ok_or(UsageFault::UnknownFeature))
    }
}
