//! Organisations and the Stripe customers that pay for them.

use crate::make::{NOW, audit, organization, organization_row};
use crate::{Case, for_each_database};
use store::StoreError;

for_each_database![
    an_organization_has_one_customer,
    a_customer_pays_for_one_organization,
    several_are_made_together_or_not_at_all,
    those_with_a_customer_are_walked_in_order,
    a_new_name_is_audited,
];

/// Shows that of many that link a customer at once, one wins, and all learn which.
async fn an_organization_has_one_customer(Case { store, .. }: &Case) {
    let id = organization(store).await;
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (store, id) = (store.clone(), id.clone());
            tokio::spawn(
                async move { store.link_customer(&id, &format!("cus_{n}")).await.unwrap() },
            )
        })
        .collect();
    let mut linked = Vec::new();
    for task in tasks {
        linked.push(task.await.unwrap().unwrap());
    }
    linked.dedup();
    assert_eq!(linked.len(), 1, "{linked:?}");
    let row = store.organization_of_customer(&linked[0]).await.unwrap().unwrap();
    assert_eq!(row.id, id);
    let nobody = domain::ids::OrganizationId::trusted("org_nobody".to_owned());
    assert_eq!(store.link_customer(&nobody, "cus_x").await.unwrap(), None);
}

/// Shows that one customer cannot be linked to two organisations.
async fn a_customer_pays_for_one_organization(Case { store, .. }: &Case) {
    let (one, two) = (organization(store).await, organization(store).await);
    store.link_customer(&one, "cus_1").await.unwrap();
    let second = store.link_customer(&two, "cus_1").await;
    assert!(matches!(second, Err(StoreError::Taken)), "{second:?}");
    assert_eq!(store.organization_of_customer("cus_1").await.unwrap().unwrap().id, one);
    assert!(store.organization_of_customer("cus_2").await.unwrap().is_none());
}

/// Shows that one row that is taken takes the others of its batch with it.
async fn several_are_made_together_or_not_at_all(Case { store, .. }: &Case) {
    let rows: Vec<_> = (0..3).map(|n| organization_row(&format!("Nr. {n}"))).collect();
    store.insert_organizations(rows.clone()).await.unwrap();
    assert_eq!(store.organization_count().await.unwrap(), 3);
    let new = organization_row("New");
    let mixed = store.insert_organizations(vec![new.clone(), rows[1].clone()]).await;
    assert!(matches!(mixed, Err(StoreError::Taken)), "{mixed:?}");
    assert!(store.organization(&new.id).await.unwrap().is_none());
    assert_eq!(store.organization(&rows[2].id).await.unwrap().as_ref(), Some(&rows[2]));
}

/// Shows that the sweep meets each organisation with a customer once.
async fn those_with_a_customer_are_walked_in_order(Case { store, .. }: &Case) {
    let mut rows: Vec<_> = (0..5).map(|n| organization_row(&format!("Nr. {n}"))).collect();
    for (n, row) in rows.iter_mut().enumerate().filter(|(n, _)| *n != 2) {
        row.stripe_customer_id = Some(format!("cus_{n}"));
    }
    store.insert_organizations(rows).await.unwrap();
    let (mut names, mut last) = (Vec::new(), None);
    loop {
        let page = store.organizations_with_customer(last.take(), 3).await.unwrap();
        let Some(end) = page.last() else { break };
        last = Some(end.id.clone());
        names.extend(page.into_iter().map(|row| row.name));
    }
    assert_eq!(names, ["Nr. 0", "Nr. 1", "Nr. 3", "Nr. 4"]);
}

/// Shows that a rename is there with its audit line.
async fn a_new_name_is_audited(Case { store, .. }: &Case) {
    let id = organization(store).await;
    let line = audit("organization.rename");
    let row = store.rename_organization(&id, "Better", line.clone()).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.created_at), ("Better", NOW));
    assert_eq!(store.audit_log(10).await.unwrap(), [line]);
}
