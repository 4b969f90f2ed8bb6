//! The mirror and the commit of everything that follows from a delivery.

use crate::make::{self, NOW, after, commit, event, invoice, message, organization, subscription};
use crate::{Case, for_each_database};
use domain::delivery::Delivery;
use domain::ids::OrganizationId;
use domain::mirror::{
    AsOf, Charge, Customer, Dispute, FraudWarning, Invoice, Refund, Subscription,
    SubscriptionStatus,
};
use domain::money::{Currency, Money};
use domain::time::Span;
use store::{
    ApplyCommit, CheckoutEnd, CheckoutState, Finish, MirrorObject, MirrorWrite, Store, StoreError,
};

for_each_database![
    each_kind_of_object_comes_back_as_it_went_in,
    a_commit_writes_all_of_it,
    a_stale_mirror_version_writes_nothing,
    a_stale_entitlement_version_writes_nothing,
    a_lost_claim_writes_nothing,
    of_plans_from_the_same_version_one_is_committed,
    commits_for_one_organization_never_deadlock,
    invoices_are_paged_newest_first,
];

fn write<T: MirrorObject>(object: &T, organization: &OrganizationId, expected: i64) -> MirrorWrite {
    MirrorWrite::new(object, organization, AsOf { from: 5, to: 7 }, expected, b"{\"raw\":1}")
}

async fn round_trip<T: MirrorObject + PartialEq + std::fmt::Debug>(
    store: &Store,
    organization: &OrganizationId,
    object: T,
) {
    let mut first = commit(organization);
    first.mirror = vec![write(&object, organization, 0)];
    store.commit_apply(first).await.unwrap();
    let row = store.mirrored::<T>(object.id()).await.unwrap().unwrap();
    assert_eq!(row.object, object);
    assert_eq!(
        (&row.organization, row.as_of, row.version),
        (organization, AsOf { from: 5, to: 7 }, 1)
    );
    let raw = store.mirrored_raw::<T>(object.id()).await.unwrap().unwrap();
    assert_eq!(raw, b"{\"raw\":1}");
    assert_eq!(store.owner_of::<T>(object.id()).await.unwrap().as_ref(), Some(organization));
    assert_eq!(store.mirrored_of::<T>(organization).await.unwrap(), [row]);
    assert!(store.mirrored::<T>("nobody").await.unwrap().is_none());
    assert!(store.mirrored_raw::<T>("nobody").await.unwrap().is_none());
}

/// Shows that none of the seven kinds loses a field on its way, in currencies of all sizes.
async fn each_kind_of_object_comes_back_as_it_went_in(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    let jpy = |minor| Money::new(minor, Currency::parse("jpy").unwrap());
    round_trip(
        store,
        &organization,
        Customer {
            id: "cus_1".to_owned(),
            email: Some("a@example.com".to_owned()),
            name: None,
            deleted: true,
            organization: Some(organization.clone()),
            default_payment_method: Some("pm_1".to_owned()),
        },
    )
    .await;
    let odd = SubscriptionStatus::Other("hibernating".to_owned());
    round_trip(store, &organization, subscription("sub_1", odd)).await;
    round_trip(store, &organization, invoice("in_1", NOW)).await;
    let charge = Charge {
        id: "ch_1".to_owned(),
        customer: None,
        payment_intent: Some("pi_1".to_owned()),
        status: "failed".to_owned(),
        amount: jpy(1_200),
        amount_refunded: 200,
        disputed: true,
        failure_code: Some("card_declined".to_owned()),
        card_brand: Some("visa".to_owned()),
        card_last4: Some("4242".to_owned()),
        card_fingerprint: None,
        created: NOW,
    };
    round_trip(store, &organization, charge).await;
    let refund = Refund {
        id: "re_1".to_owned(),
        charge: Some("ch_1".to_owned()),
        status: "succeeded".to_owned(),
        reason: None,
        amount: Money::new(i64::MAX, Currency::parse("kwd").unwrap()),
        created: NOW,
    };
    round_trip(store, &organization, refund).await;
    let dispute = Dispute {
        id: "du_1".to_owned(),
        charge: "ch_1".to_owned(),
        status: "needs_response".to_owned(),
        reason: "fraudulent".to_owned(),
        amount: jpy(1_200),
        due_by: Some(after(9)),
        submission_count: 2,
        created: NOW,
    };
    round_trip(store, &organization, dispute).await;
    let warning = FraudWarning {
        id: "issfr_1".to_owned(),
        charge: "ch_1".to_owned(),
        fraud_type: "misc".to_owned(),
        actionable: true,
        created: NOW,
    };
    round_trip(store, &organization, warning).await;
}

/// A commit that touches everything a commit can, planned from an empty mirror and this claim.
async fn full(store: &Store, organization: &OrganizationId) -> ApplyCommit {
    store.accept_deliveries(vec![event("evt_1")], NOW).await.unwrap();
    let claimed = store.claim_due_deliveries(NOW, Span::seconds(60), 1).await.unwrap().remove(0);
    let wanted = make::intent(organization, "create_checkout", "org");
    let intent = store.open_intent(wanted, NOW).await.unwrap();
    let session = make::checkout("cs_1", organization, &intent.id);
    store.record_checkout(session, NOW).await.unwrap();
    ApplyCommit {
        organization: organization.clone(),
        mirror: vec![
            write(&subscription("sub_1", SubscriptionStatus::Active), organization, 0),
            write(&invoice("in_1", NOW), organization, 0),
        ],
        entitlement: Some(make::entitlement(organization, "team", 0)),
        entitlement_stays: None,
        messages: vec![message("welcome:1"), message("welcome:1")],
        checkout: Some(CheckoutEnd {
            id: "cs_1".to_owned(),
            state: CheckoutState::Complete,
            subscription: Some("sub_1".to_owned()),
        }),
        customer: Some("cus_1".to_owned()),
        delivery: Some(Finish {
            id: claimed.id,
            attempt: claimed.attempt,
            state: Delivery::Applied { at: after(1) },
            organization: Some(organization.as_str().to_owned()),
        }),
    }
}

/// Asserts that nothing of [`full`] is in the database.
async fn nothing_of_it(store: &Store, organization: &OrganizationId) {
    assert!(store.mirrored::<Invoice>("in_1").await.unwrap().is_none());
    assert!(store.messages("", 10).await.unwrap().is_empty());
    assert_eq!(store.checkout("cs_1").await.unwrap().unwrap().state, CheckoutState::Open);
    let row = store.organization(organization).await.unwrap().unwrap();
    assert_eq!(row.stripe_customer_id, None);
    let delivery = store.delivery("evt_1").await.unwrap().unwrap();
    assert!(!matches!(delivery.state, Delivery::Applied { .. }), "{delivery:?}");
}

/// Shows that mirror, entitlement, outbox, checkout, customer and delivery are one commit.
async fn a_commit_writes_all_of_it(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    store.commit_apply(full(store, &organization).await).await.unwrap();
    let state = store.organization_state(&organization).await.unwrap().unwrap();
    assert_eq!(state.subscriptions.len(), 1);
    assert_eq!(state.open_invoices.len(), 1);
    assert_eq!(state.version(), 1);
    assert_eq!(state.organization.stripe_customer_id.as_deref(), Some("cus_1"));
    assert_eq!(state.entitlement.unwrap().entitlement.plan.as_str(), "team");
    assert_eq!(store.messages("", 10).await.unwrap().len(), 1);
    let session = store.checkout("cs_1").await.unwrap().unwrap();
    assert_eq!(session.state, CheckoutState::Complete);
    assert_eq!((session.url, session.subscription.as_deref()), (None, Some("sub_1")));
    let delivery = store.delivery("evt_1").await.unwrap().unwrap();
    assert_eq!(delivery.state, Delivery::Applied { at: after(1) });
    let owner = store.organization_of_customer("cus_1").await.unwrap().unwrap();
    assert_eq!(owner.id, organization);
}

/// Shows that a plan made from a version of an object that is no longer there is dropped whole.
async fn a_stale_mirror_version_writes_nothing(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    let mut planned = full(store, &organization).await;
    let mut other = commit(&organization);
    let sub = subscription("sub_1", SubscriptionStatus::PastDue);
    other.mirror = vec![write(&sub, &organization, 0)];
    store.commit_apply(other.clone()).await.unwrap();

    let late = store.commit_apply(planned.clone()).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    nothing_of_it(store, &organization).await;
    assert!(store.entitlement(&organization).await.unwrap().is_none());
    let held = store.mirrored::<Subscription>("sub_1").await.unwrap().unwrap();
    assert_eq!((held.object.status, held.version), (SubscriptionStatus::PastDue, 1));

    planned.mirror[0] = write(&subscription("sub_1", SubscriptionStatus::Active), &organization, 1);
    store.commit_apply(planned).await.unwrap();
    let held = store.mirrored::<Subscription>("sub_1").await.unwrap().unwrap();
    assert_eq!((held.object.status, held.version), (SubscriptionStatus::Active, 2));
}

/// Shows the same for the entitlement.
async fn a_stale_entitlement_version_writes_nothing(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    let planned = full(store, &organization).await;
    let mut other = commit(&organization);
    other.entitlement = Some(make::entitlement(&organization, "free", 0));
    store.commit_apply(other).await.unwrap();
    let late = store.commit_apply(planned).await;
    assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
    nothing_of_it(store, &organization).await;
    assert!(store.mirrored::<Subscription>("sub_1").await.unwrap().is_none());
    let held = store.entitlement(&organization).await.unwrap().unwrap();
    assert_eq!((held.entitlement.plan.as_str(), held.version), ("free", 1));
}

/// Shows the same for a worker whose lease is over.
async fn a_lost_claim_writes_nothing(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    let planned = full(store, &organization).await;
    store.rescue_expired_leases(after(60)).await.unwrap();
    for claimed_again in [false, true] {
        if claimed_again {
            store.claim_due_deliveries(after(60), Span::seconds(60), 1).await.unwrap();
        }
        let late = store.commit_apply(planned.clone()).await;
        assert!(matches!(late, Err(StoreError::Stale)), "{late:?}");
        nothing_of_it(store, &organization).await;
        assert!(store.entitlement(&organization).await.unwrap().is_none());
    }
}

/// Shows that of many plans made from one version, one is committed and the others are stale,
/// so that no change is lost without notice.
async fn of_plans_from_the_same_version_one_is_committed(Case { store, .. }: &Case) {
    let organization = organization(store).await;
    for round in 0..5 {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (store, organization) = (store.clone(), organization.clone());
                tokio::spawn(async move {
                    let mut plan = commit(&organization);
                    let sub = subscription("sub_1", SubscriptionStatus::Active);
                    plan.mirror = vec![write(&sub, &organization, round)];
                    plan.entitlement = Some(make::entitlement(&organization, "team", round));
                    store.commit_apply(plan).await
                })
            })
            .collect();
        let mut committed = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => committed += 1,
                Err(StoreError::Stale) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(committed, 1);
        assert_eq!(store.entitlement(&organization).await.unwrap().unwrap().version, round + 1);
    }
}

/// Shows that workers that write the same objects in different orders get through when each
/// plans again after a stale answer, and that no write is lost.
async fn commits_for_one_organization_never_deadlock(Case { store, .. }: &Case) {
    const WORKERS: i64 = 6;
    const EACH: i64 = 10;
    let organization = organization(store).await;
    let tasks: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (store, organization) = (store.clone(), organization.clone());
            tokio::spawn(async move {
                for _ in 0..EACH {
                    loop {
                        let state = store.organization_state(&organization).await.unwrap().unwrap();
                        let version = |id: &str| {
                            let held = state.subscriptions.iter().find(|row| row.object.id == id);
                            held.map_or(0, |row| row.version)
                        };
                        let mut ids = ["sub_1", "sub_2", "sub_3"];
                        ids.rotate_left(usize::try_from(worker % 3).unwrap());
                        let mut plan = commit(&organization);
                        plan.entitlement =
                            Some(make::entitlement(&organization, "team", state.version()));
                        plan.mirror = ids
                            .iter()
                            .map(|id| {
                                let sub = subscription(id, SubscriptionStatus::Active);
                                write(&sub, &organization, version(id))
                            })
                            .collect();
                        match store.commit_apply(plan).await {
                            Ok(()) => break,
                            Err(StoreError::Stale) => {}
                            Err(other) => panic!("{other:?}"),
                        }
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let state = store.organization_state(&organization).await.unwrap().unwrap();
    assert_eq!(state.version(), WORKERS * EACH);
    let versions: Vec<i64> = state.subscriptions.iter().map(|row| row.version).collect();
    assert_eq!(versions, [WORKERS * EACH; 3]);
}

/// Shows that an organisation's invoices are walked through once each, newest first, and that
/// another organisation's are not among them.
async fn invoices_are_paged_newest_first(Case { store, .. }: &Case) {
    let (ours, theirs) = (organization(store).await, organization(store).await);
    let mut all = commit(&ours);
    for n in 0..7 {
        let one = invoice(&format!("in_{n}"), after(n / 2));
        all.mirror.push(write(&one, &ours, 0));
    }
    store.commit_apply(all).await.unwrap();
    let mut other = commit(&theirs);
    other.mirror = vec![write(&invoice("in_9", after(9)), &theirs, 0)];
    store.commit_apply(other).await.unwrap();

    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.invoices_page(&ours, cursor, 3).await.unwrap();
        ids.extend(page.rows.into_iter().map(|row| row.object.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(ids, ["in_6", "in_5", "in_4", "in_3", "in_2", "in_1", "in_0"]);
}
