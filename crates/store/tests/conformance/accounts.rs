//! Accounts: sign-up in one commit, log-ins that end, addresses that are proven once.

use crate::make::{self, NOW, after, audit, message, organization_row};
use crate::{Case, for_each_database};
use domain::access::Role;
use domain::ids::{SessionId, UserId};
use domain::time::Timestamp;
use store::{NewAccount, NewVerification, SessionRow, Store, StoreError, UserRow};

for_each_database![
    a_sign_up_is_one_commit,
    of_sign_ups_with_one_address_one_succeeds,
    a_log_in_ends_when_it_is_over_or_revoked,
    a_verification_counts_once_and_in_time,
];

fn account(name: &str) -> NewAccount {
    let organization = organization_row(name);
    let user = UserRow {
        id: UserId::trusted(organization.id.as_str().replace("org_", "usr_")),
        email: format!("{name}@example.com"),
        name: name.to_owned(),
        password_hash: Some("$argon2id$…".to_owned()),
        email_verified_at: None,
        created_at: NOW,
    };
    NewAccount {
        role: Role::Admin,
        entitlement: make::entitlement(&organization.id, "free", 0),
        session: Some(SessionRow {
            id: session_of(&user),
            user: user.id.clone(),
            organization: organization.id.clone(),
            created_at: NOW,
            expires_at: after(3_600),
        }),
        verification: Some(NewVerification {
            token_hash: format!("hash of {name}"),
            expires_at: after(600),
        }),
        messages: vec![message(&format!("welcome:{}", user.id))],
        audit: Some(audit("user.create")),
        user,
        organization,
    }
}

fn session_of(user: &UserRow) -> SessionId {
    SessionId::trusted(user.id.as_str().replace("usr_", "ses_"))
}

async fn who(store: &Store, session: &SessionId, now: Timestamp) -> Option<String> {
    Some(store.signed_in(session, now).await.unwrap()?.user.email)
}

/// Shows that everything a sign-up writes is there together.
async fn a_sign_up_is_one_commit(Case { store, .. }: &Case) {
    let new = account("ann");
    store.create_account(new.clone()).await.unwrap();
    let signed_in = store.signed_in(&session_of(&new.user), NOW).await.unwrap().unwrap();
    assert_eq!(signed_in.user, new.user);
    assert_eq!((&signed_in.organization, signed_in.role), (&new.organization, Role::Admin));
    assert_eq!(store.user_by_email("ann@example.com").await.unwrap(), Some(new.user.clone()));
    assert_eq!(store.user_by_email("bob@example.com").await.unwrap(), None);
    let first = store.first_organization_of(&new.user.id).await.unwrap();
    assert_eq!(first.as_ref(), Some(&new.organization.id));
    let address = store.billing_address_of(&new.organization.id).await.unwrap();
    assert_eq!(address.as_deref(), Some("ann@example.com"));
    assert_eq!(store.entitlement(&new.organization.id).await.unwrap().unwrap().version, 1);
    assert_eq!(store.messages("", 10).await.unwrap().len(), 1);
    assert_eq!(store.audit_log(10).await.unwrap().len(), 1);
}

/// Shows that of many who sign up with one address at once one gets the account, and that the
/// others leave neither an organisation nor a message behind.
async fn of_sign_ups_with_one_address_one_succeeds(Case { store, .. }: &Case) {
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let store = store.clone();
            let mut new = account(&format!("racer{n}"));
            new.user.email = "ann@example.com".to_owned();
            tokio::spawn(async move { store.create_account(new).await })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => made += 1,
            Err(StoreError::Taken) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(made, 1);
    assert_eq!(store.organization_count().await.unwrap(), 1);
    assert_eq!(store.messages("", 10).await.unwrap().len(), 1);
    assert_eq!(store.audit_log(10).await.unwrap().len(), 1);
}

/// Shows that a log-in counts until its time is over or it is revoked, and no longer.
async fn a_log_in_ends_when_it_is_over_or_revoked(Case { store, .. }: &Case) {
    let (ann, bob) = (account("ann"), account("bob"));
    for one in [&ann, &bob] {
        store.create_account(one.clone()).await.unwrap();
    }
    let (anns, bobs) = (session_of(&ann.user), session_of(&bob.user));
    assert_eq!(who(store, &anns, after(3_599)).await.as_deref(), Some("ann@example.com"));
    assert_eq!(who(store, &anns, after(3_600)).await, None);
    store.revoke_session(&bobs, after(1)).await.unwrap();
    store.revoke_session(&bobs, after(2)).await.unwrap();
    assert_eq!(who(store, &bobs, after(3)).await, None);
    assert_eq!(who(store, &anns, after(3)).await.as_deref(), Some("ann@example.com"));
    let again = SessionId::trusted("ses_again".to_owned());
    let row = SessionRow {
        id: again.clone(),
        user: bob.user.id.clone(),
        organization: bob.organization.id.clone(),
        created_at: after(4),
        expires_at: after(100),
    };
    store.open_session(row).await.unwrap();
    assert_eq!(who(store, &again, after(5)).await.as_deref(), Some("bob@example.com"));
    let nobody = SessionId::trusted("ses_nobody".to_owned());
    assert_eq!(who(store, &nobody, NOW).await, None);
}

/// Shows that a token proves its address once, in time, and that the moment of the first proof
/// stays.
async fn a_verification_counts_once_and_in_time(Case { store, .. }: &Case) {
    let (ann, bob) = (account("ann"), account("bob"));
    for one in [&ann, &bob] {
        store.create_account(one.clone()).await.unwrap();
    }
    assert_eq!(store.verify_email("hash of nobody", NOW).await.unwrap(), None);
    assert_eq!(store.verify_email("hash of bob", after(600)).await.unwrap(), None);
    let proven = store.verify_email("hash of ann", after(599)).await.unwrap();
    assert_eq!(proven.as_ref(), Some(&ann.user.id));
    assert_eq!(store.verify_email("hash of ann", after(599)).await.unwrap(), None);
    let verified = store.verified_users(None, 10).await.unwrap();
    let found: Vec<_> = verified.iter().map(|one| (&one.id, one.email_verified_at)).collect();
    assert_eq!(found, [(&ann.user.id, Some(after(599)))]);
    let later = store.verified_users(Some(ann.user.id), 10).await.unwrap();
    assert!(later.is_empty());
}
