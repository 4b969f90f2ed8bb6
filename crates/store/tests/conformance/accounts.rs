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
    an_account_is_taken_over,
    what_is_over_is_deleted,
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

/// Shows that a token proves its address once, in time and for its own user, and that the moment
/// of the first proof stays.
async fn a_verification_counts_once_and_in_time(Case { store, .. }: &Case) {
    let (ann, bob) = (account("ann"), account("bob"));
    for one in [&ann, &bob] {
        store.create_account(one.clone()).await.unwrap();
    }
    let verify = async |user: &UserRow, hash: &str, at: Timestamp| {
        store.verify_email(&user.id, hash, at).await.unwrap()
    };
    assert!(!verify(&ann.user, "hash of nobody", NOW).await);
    assert!(!verify(&bob.user, "hash of bob", after(600)).await);
    assert!(!verify(&bob.user, "hash of ann", after(599)).await);
    assert!(verify(&ann.user, "hash of ann", after(599)).await);
    assert!(!verify(&ann.user, "hash of ann", after(599)).await);
    let verified = store.verified_users(None, 10).await.unwrap();
    let found: Vec<_> = verified.iter().map(|one| (&one.id, one.email_verified_at)).collect();
    assert_eq!(found, [(&ann.user.id, Some(after(599)))]);
    let later = store.verified_users(Some(ann.user.id), 10).await.unwrap();
    assert!(later.is_empty());
}

/// Shows that a take-over changes password, name and proof, ends each log-in and link of before,
/// is in the audit log, and leaves others alone.
async fn an_account_is_taken_over(Case { store, .. }: &Case) {
    let (ann, bob) = (account("ann"), account("bob"));
    for one in [&ann, &bob] {
        store.create_account(one.clone()).await.unwrap();
    }
    let take = async |user: &UserId, number: u32| {
        let entry = store::AuditEntry {
            id: domain::ids::AuditId::trusted(format!("aud_{number}")),
            ..audit("user.take_over")
        };
        let (name, hash) = ("Ann".to_owned(), "new".to_owned());
        store.take_over_account(user, name, hash, after(5), entry).await.unwrap()
    };
    assert!(!take(&UserId::trusted("usr_nobody".to_owned()), 1).await);
    assert!(take(&ann.user.id, 2).await);
    let taken = store.user_by_email("ann@example.com").await.unwrap().unwrap();
    assert_eq!((taken.name.as_str(), taken.password_hash.as_deref()), ("Ann", Some("new")));
    assert_eq!(taken.email_verified_at, Some(after(5)));
    assert_eq!(who(store, &session_of(&ann.user), after(6)).await, None);
    assert!(!store.verify_email(&ann.user.id, "hash of ann", after(6)).await.unwrap());
    assert!(who(store, &session_of(&bob.user), after(6)).await.is_some());
    let log = store.audit_log(10).await.unwrap();
    assert_eq!(log.iter().filter(|line| line.action == "user.take_over").count(), 1);
}

/// Shows that log-ins that are over and links that are used or over are deleted, a few at a time,
/// and no others.
async fn what_is_over_is_deleted(Case { store, .. }: &Case) {
    let (ann, bob) = (account("ann"), account("bob"));
    for one in [&ann, &bob] {
        store.create_account(one.clone()).await.unwrap();
    }
    assert!(store.verify_email(&ann.user.id, "hash of ann", NOW).await.unwrap());
    assert_eq!(store.prune_verifications(after(599), 10).await.unwrap(), 1);
    assert_eq!(store.prune_verifications(after(599), 10).await.unwrap(), 0);
    assert_eq!(store.prune_verifications(after(600), 10).await.unwrap(), 1);
    assert_eq!(store.prune_sessions(after(3_599), 10).await.unwrap(), 0);
    for left in [1, 1, 0] {
        assert_eq!(store.prune_sessions(after(3_600), 1).await.unwrap(), left);
    }
}
