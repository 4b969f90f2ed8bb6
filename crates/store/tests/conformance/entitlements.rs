//! Entitlements, overrides and the lists made from them.

use crate::make::{self, NOW, after, audit, commit, organization};
use crate::{Case, for_each_database};
use domain::catalogue::{Interval, PlanId};
use domain::entitlement::{BillingStatus, PlanOverride};
use domain::ids::OrganizationId;
use store::{EntitlementRow, Store};

for_each_database![
    an_entitlement_comes_back_as_it_went_in,
    what_expires_and_what_is_surplus_is_found,
    counts_are_by_plan_interval_and_state,
    an_override_is_audited_and_can_be_taken_back,
];

async fn put(store: &Store, row: EntitlementRow) {
    let mut one = commit(&row.organization);
    one.entitlement = Some(row);
    store.commit_apply(one).await.unwrap();
}

async fn organization_with(
    store: &Store,
    change: impl FnOnce(&mut EntitlementRow),
) -> OrganizationId {
    let organization = organization(store).await;
    let mut row = make::entitlement(&organization, "team", 0);
    change(&mut row);
    put(store, row).await;
    organization
}

/// Shows that no field is lost, with everything set and with nothing set.
async fn an_entitlement_comes_back_as_it_went_in(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    assert!(store.entitlement(&organization).await.unwrap().is_none());
    let mut row = make::entitlement(&organization, "team", 0);
    row.entitlement.surplus = vec!["sub_2".to_owned(), "sub_3".to_owned()];
    row.entitlement.valid_until = Some(after(5));
    put(store, row.clone()).await;
    let held = store.entitlement(&organization).await.unwrap().unwrap();
    assert_eq!(held.entitlement, row.entitlement);
    assert_eq!((held.changed_at, held.version), (NOW, 1));
    assert_eq!(held.organization, organization);

    row.entitlement.interval = None;
    row.entitlement.subscription = None;
    row.entitlement.surplus.clear();
    row.entitlement.valid_until = None;
    row.entitlement.status = BillingStatus::Free;
    row.entitlement.is_active = false;
    row.entitlement.because.fact = "no_subscription";
    row.version = 1;
    put(store, row.clone()).await;
    let held = store.entitlement(&organization).await.unwrap().unwrap();
    assert_eq!((held.entitlement, held.version), (row.entitlement, 2));
}

/// Shows that entitlements that change by themselves are found when their time has come, soonest
/// first, and organisations that pay twice are found at once.
async fn what_expires_and_what_is_surplus_is_found(Case { store, .. }: &Case) {
    let later = organization_with(store, |row| row.entitlement.valid_until = Some(after(20))).await;
    let soon = organization_with(store, |row| row.entitlement.valid_until = Some(after(10))).await;
    let never = organization_with(store, |row| {
        row.entitlement.surplus = vec!["sub_9".to_owned()];
    })
    .await;
    let expired =
        async |seconds, limit| store.entitlements_expired(after(seconds), limit).await.unwrap();
    assert!(expired(9, 10).await.is_empty());
    assert_eq!(expired(10, 10).await, std::slice::from_ref(&soon));
    assert_eq!(expired(20, 10).await, [soon.clone(), later]);
    assert_eq!(expired(20, 1).await, [soon]);
    let surplus = store.organizations_with_surplus().await.unwrap();
    let found: Vec<&OrganizationId> = surplus.iter().map(|row| &row.organization).collect();
    assert_eq!(found, [&never]);
}

/// Shows the figures that the operators' overview is made of.
async fn counts_are_by_plan_interval_and_state(Case { store, .. }: &Case) {
    for _ in 0..3 {
        organization_with(store, |_| {}).await;
    }
    organization_with(store, |row| row.entitlement.interval = Some(Interval::Yearly)).await;
    organization_with(store, |row| row.entitlement.status = BillingStatus::PastDue).await;
    organization_with(store, |row| {
        row.entitlement.interval = None;
        row.entitlement.plan = PlanId("free".to_owned());
        row.entitlement.status = BillingStatus::Free;
    })
    .await;
    let mut counts: Vec<String> = store
        .entitlement_counts()
        .await
        .unwrap()
        .into_iter()
        .map(|(plan, interval, status, count)| {
            let interval = interval.map_or("none", Interval::name);
            format!("{} {interval} {} {count}", plan.as_str(), status.name())
        })
        .collect();
    counts.sort();
    assert_eq!(
        counts,
        [
            "free none FREE 1",
            "team monthly ACTIVE 3",
            "team monthly PAST_DUE 1",
            "team yearly ACTIVE 1",
        ]
    );
}

/// Shows that an override and its audit line are one commit, that a second one replaces it, and
/// that taking back what is not there writes no line.
async fn an_override_is_audited_and_can_be_taken_back(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    let mut given = PlanOverride {
        plan: PlanId("team".to_owned()),
        reason: "pilot".to_owned(),
        expires_at: after(100),
    };
    for reason in ["pilot", "longer pilot"] {
        reason.clone_into(&mut given.reason);
        let line = audit("organization.override");
        store
            .set_plan_override(&organization, given.clone(), "usr_operator", NOW, line)
            .await
            .unwrap();
    }
    let state = store.organization_state(&organization).await.unwrap().unwrap();
    assert_eq!(state.plan_override, Some(given));
    assert_eq!(store.audit_log(10).await.unwrap().len(), 2);
    let line = || audit("organization.override_removed");
    assert!(store.remove_plan_override(&organization, line()).await.unwrap());
    assert!(!store.remove_plan_override(&organization, line()).await.unwrap());
    assert_eq!(store.audit_log(10).await.unwrap().len(), 3);
    let state = store.organization_state(&organization).await.unwrap().unwrap();
    assert_eq!(state.plan_override, None);

    // Its audit line has nothing to hold on to, so neither is written.
    let nobody = OrganizationId::trusted("org_nobody".to_owned());
    let given = PlanOverride {
        plan: PlanId("team".to_owned()),
        reason: "pilot".to_owned(),
        expires_at: after(100),
    };
    let refused = store.set_plan_override(&nobody, given, "usr_operator", NOW, line()).await;
    assert!(refused.is_err());
    assert_eq!(store.audit_log(10).await.unwrap().len(), 3);
}
