//! Who is calling: accounts, log-ins, tokens and operators. This room never decides what a plan
//! allows, and it never lets a password or a token reach a log or an error text. Start with
//! [`Identity`], then `token` for what a bearer carries and `password` for how one is checked.
//!
//! Still to come here, in an issue of their own: password change and reset, invitations,
//! organisation and product keys ([`Via`] has their place), and log-in by OIDC.

mod attempts;
pub mod keys;
mod password;
mod token;

use crate::config::{AccessSettings, Settings};
use crate::world::World;
use attempts::Attempts;
use domain::access::Role;
use domain::catalogue::Catalogue;
use domain::entitlement::{Facts, Policy, entitlement};
use domain::ids::{AuditId, OrganizationId, OutboxId, SessionId, UserId};
use domain::time::{Span, Timestamp};
use password::{HashingError, Passwords};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use store::{
    AuditEntry, EntitlementRow, NewAccount, NewMessage, NewVerification, OrganizationRow,
    SessionRow, SignedIn, Store, StoreError, UserRow,
};
use token::{Claims, MailTokens, Tokens};
use tokio::sync::OnceCell;

/// How long a verification link counts.
const VERIFICATION_LASTS: Span = Span::days(3);
/// The account that `DISABLE_AUTH` acts as.
const DEVELOPER_EMAIL: &str = "developer@localhost";
/// Characters a password has at least.
pub const PASSWORD_MIN: usize = 10;
/// Characters it has at most: hashing a megabyte is no service to anybody.
const PASSWORD_MAX: usize = 256;
const NAME_MAX: usize = 120;
const EMAIL_MAX: usize = 254;

/// Accounts and log-ins. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    world: World,
    access: AccessSettings,
    catalogue: Catalogue,
    policy: Policy,
    frontend_url: String,
    tokens: Tokens,
    mail_tokens: MailTokens,
    passwords: Passwords,
    log_ins: Attempts,
    sign_ups: Attempts,
    developer: OnceCell<SignedIn>,
}

/// How a caller proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// A session's token, sent by the caller itself.
    Bearer(SessionId),
    /// A session's token, sent along by a browser; unsafe methods need an allowed origin too.
    Cookie(SessionId),
    /// Nothing: `DISABLE_AUTH` is on.
    Development,
    // Organisation keys and product keys join here with their issue.
}

/// A caller who is somebody.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The person.
    pub user: UserRow,
    /// The organisation they act in.
    pub organization: OrganizationRow,
    /// Their role in it.
    pub role: Role,
    /// Whether they run this installation.
    pub is_operator: bool,
    /// How they proved it.
    pub via: Via,
}

/// What a sign-up needs.
#[derive(Clone)]
pub struct SignUp {
    /// Where to reach them.
    pub email: String,
    /// In clear; it goes no further than the hash.
    pub password: String,
    /// What to call them.
    pub name: String,
    /// Who is billed.
    pub organization_name: String,
}

/// A log-in that just began.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The bearer token; also the cookie's value.
    pub token: String,
    /// Until when it counts.
    pub expires_at: Timestamp,
    /// Who it stands for.
    pub signed_in: SignedIn,
}

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Fields that need another look, with a sentence each.
    #[error("some fields are not valid")]
    Invalid(BTreeMap<&'static str, String>),
    /// Unknown address or wrong password; which of the two is not told.
    #[error("e-mail or password is wrong")]
    WrongCredentials,
    /// Too many log-ins for this address, or sign-ups, from this place.
    #[error("too many attempts; wait {retry_after_s} s")]
    TooManyAttempts {
        /// Seconds until the next one is heard.
        retry_after_s: u64,
    },
    /// More passwords are waiting to be hashed than can be done soon.
    #[error("too many log-ins and sign-ups at once")]
    Overloaded,
    /// A verification token that is unknown, used, over, or another user's.
    #[error("the verification link is no longer valid")]
    VerificationOver,
    /// The database did not do it.
    #[error("the account data could not be read or written")]
    Store(#[source] StoreError),
    /// Hashing or signing failed: a bug.
    #[error("{what} failed")]
    Broken {
        /// Which step.
        what: &'static str,
    },
}

impl Identity {
    /// Makes the room. Nothing is read or hashed yet.
    #[must_use]
    pub fn new(store: Store, settings: &Settings, world: World) -> Self {
        Self(Arc::new(Inner {
            store,
            access: settings.access.clone(),
            catalogue: settings.catalogue.clone(),
            policy: settings.policy,
            frontend_url: settings.frontend_url.clone(),
            tokens: Tokens::new(&settings.access.jwt_secret),
            mail_tokens: MailTokens::new(&settings.access.jwt_secret),
            passwords: Passwords::new(),
            log_ins: Attempts::to_log_in(),
            sign_ups: Attempts::to_sign_up(),
            developer: OnceCell::new(),
            world,
        }))
    }

    /// Makes an account: user, organisation, admin membership, free entitlement, first session,
    /// and the mails to send, in one commit.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] names the fields at fault; an address that has an account is one.
    /// [`IdentityError::TooManyAttempts`], [`IdentityError::Overloaded`].
    pub async fn sign_up(
        &self,
        request: SignUp,
        from: Option<IpAddr>,
    ) -> Result<Opened, IdentityError> {
        let checked = CheckedSignUp::check(request)?;
        let now = self.0.world.now();
        let admitted = self.0.sign_ups.admit("", from, now);
        admitted.map_err(|retry_after_s| IdentityError::TooManyAttempts { retry_after_s })?;
        let hash = self.hash(checked.password.clone()).await?;
        let now = self.0.world.now();
        let mut account = self.new_account(&checked, Some(hash), now);
        let session = self.new_session(&account.user.id, &account.organization.id, now);
        let verification = hex::encode(self.random_bytes::<16>());
        account.session = Some(session.clone());
        account.verification = Some(NewVerification {
            token_hash: token::fingerprint(&self.0.mail_tokens.of(&verification)),
            expires_at: now.plus(VERIFICATION_LASTS),
        });
        account.messages = self.welcome_messages(&account, &verification, now);
        let signed_in = SignedIn {
            user: account.user.clone(),
            organization: account.organization.clone(),
            role: account.role,
        };
        self.0.store.create_account(account).await.map_err(taken_is_the_address)?;
        tracing::info!(user.id = %signed_in.user.id, "Account created");
        self.opened(&session, signed_in)
    }

    /// Opens a session for the right password. An unknown address costs the same work and gets
    /// the same answer as a wrong password.
    ///
    /// # Errors
    /// [`IdentityError::WrongCredentials`], [`IdentityError::TooManyAttempts`],
    /// [`IdentityError::Overloaded`].
    pub async fn log_in(
        &self,
        email: &str,
        password: String,
        from: Option<IpAddr>,
    ) -> Result<Opened, IdentityError> {
        let email = normalised(email);
        let now = self.0.world.now();
        self.0
            .log_ins
            .admit(&email, from, now)
            .map_err(|retry_after_s| IdentityError::TooManyAttempts { retry_after_s })?;
        let user = self.0.store.user_by_email(&email).await.map_err(IdentityError::Store)?;
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        let right = self
            .0
            .passwords
            .verify(password, hash)
            .await
            .map_err(|error| hashing(&error, "checking the password"))?;
        let Some(user) = user.filter(|_| right) else {
            return Err(IdentityError::WrongCredentials);
        };
        self.0.log_ins.forget(&email, from);
        self.open_session_for(&user).await
    }

    /// Opens a session without a password: for the demo, right after it made the account.
    ///
    /// # Errors
    /// When the user belongs to no organisation any more, or the database is not available.
    async fn open_session_for(&self, user: &UserRow) -> Result<Opened, IdentityError> {
        let store = &self.0.store;
        let now = self.0.world.now();
        let organization = store.first_organization_of(&user.id).await;
        let organization = organization.map_err(IdentityError::Store)?;
        let organization = organization.ok_or(IdentityError::WrongCredentials)?;
        let session = self.new_session(&user.id, &organization, now);
        store.open_session(session.clone()).await.map_err(IdentityError::Store)?;
        let signed_in = store.signed_in(&session.id, now).await.map_err(IdentityError::Store)?;
        let signed_in = signed_in.ok_or(IdentityError::WrongCredentials)?;
        self.opened(&session, signed_in)
    }

    /// Ends a session now, on every node.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn log_out(&self, session: &SessionId) -> Result<(), IdentityError> {
        let now = self.0.world.now();
        self.0.store.revoke_session(session, now).await.map_err(IdentityError::Store)
    }

    /// Who a token stands for now; none when it is not ours, over, or revoked. Each call reads the
    /// session, so that a log-out, a lost membership or a lower role counts at once.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn session(
        &self,
        token: &str,
    ) -> Result<Option<(SessionId, SignedIn)>, IdentityError> {
        let now = self.0.world.now();
        let Some(claims) = self.0.tokens.read(token, now) else { return Ok(None) };
        let Ok(session) = SessionId::parse(&claims.jti) else { return Ok(None) };
        let found = self.0.store.signed_in(&session, now).await.map_err(IdentityError::Store)?;
        Ok(found.filter(|one| one.user.id.as_str() == claims.sub).map(|one| (session, one)))
    }

    /// The caller behind a session.
    #[must_use]
    pub fn principal(&self, signed_in: SignedIn, via: Via) -> Principal {
        let SignedIn { user, organization, role } = signed_in;
        let is_operator = via == Via::Development || self.is_operator(&user);
        Principal { user, organization, role, is_operator, via }
    }

    /// Whether `DISABLE_AUTH` is on.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.0.access.disable_auth
    }

    /// The development operator that requests without a log-in act as; none unless
    /// `DISABLE_AUTH` is on.
    ///
    /// # Errors
    /// When the database is not available.
    pub async fn developer(&self) -> Result<Option<Principal>, IdentityError> {
        if !self.0.access.disable_auth {
            return Ok(None);
        }
        let signed_in = self.0.developer.get_or_try_init(|| self.make_developer()).await?;
        Ok(Some(self.principal(signed_in.clone(), Via::Development)))
    }

    /// Whether a user runs this installation: by a verified address that the settings name.
    #[must_use]
    pub fn is_operator(&self, user: &UserRow) -> bool {
        user.email_verified_at.is_some() && self.0.access.names_operator(&user.email)
    }

    /// Takes the token of a verification mail from the user it was made for, who is signed in.
    /// From anybody else it changes nothing: who made the account and who reads its address's mail
    /// have to be one person, or an account made in somebody's name would be proven by them.
    ///
    /// # Errors
    /// [`IdentityError::VerificationOver`] for one that is unknown, used, over or another user's.
    pub async fn verify_email(&self, user: &UserId, token: &str) -> Result<(), IdentityError> {
        let hash = token::fingerprint(token);
        let is_proven = self.0.store.verify_email(user, &hash, self.0.world.now()).await;
        if is_proven.map_err(IdentityError::Store)? {
            tracing::info!(user.id = %user, "E-mail address verified");
            Ok(())
        } else {
            Err(IdentityError::VerificationOver)
        }
    }

    /// The link for an `email.verify` message, from the `verification` of its body. The link is
    /// made when the mail is sent, and is nowhere in the database.
    #[must_use]
    pub fn verification_link(&self, verification: &str) -> String {
        let token = self.0.mail_tokens.of(verification);
        format!("{}/api/v1/auth/verify?token={token}", self.0.frontend_url)
    }

    /// Gives an account that exists to whoever it is meant for: new name and password, verified
    /// address, no log-in of before. For `billhook admin create --take-over`.
    ///
    /// # Errors
    /// As [`Identity::create_verified`].
    pub async fn take_over(
        &self,
        user: &UserRow,
        request: SignUp,
        by: &str,
    ) -> Result<(), IdentityError> {
        let checked = CheckedSignUp::check(request)?;
        let hash = self.hash(checked.password).await?;
        let now = self.0.world.now();
        let was = serde_json::json!({
            "name": user.name,
            "email_verified": user.email_verified_at.is_some(),
        });
        let audit = AuditEntry {
            id: AuditId::new(now, &*self.0.world.entropy),
            at: now,
            actor: by.to_owned(),
            action: "user.take_over".to_owned(),
            target: user.id.to_string(),
            organization: None,
            before: Some(was.to_string()),
            after: Some(serde_json::json!({"name": checked.name}).to_string()),
            reason: None,
        };
        let store = &self.0.store;
        let taken = store.take_over_account(&user.id, checked.name, hash, now, audit).await;
        if taken.map_err(IdentityError::Store)? {
            Ok(())
        } else {
            Err(IdentityError::WrongCredentials)
        }
    }

    /// Deletes log-ins that are over and verifications that are used or over, and says how many.
    ///
    /// # Errors
    /// When the database is not available; what was deleted until then stays deleted.
    pub async fn prune(&self) -> Result<u64, IdentityError> {
        const AT_ONCE: u32 = 1_000;
        let (store, now) = (&self.0.store, self.0.world.now());
        let mut all = 0;
        loop {
            let sessions = store.prune_sessions(now, AT_ONCE).await;
            let verifications = store.prune_verifications(now, AT_ONCE).await;
            match sessions.map_err(IdentityError::Store)?
                + verifications.map_err(IdentityError::Store)?
            {
                0 => return Ok(all),
                some => all += some,
            }
        }
    }

    /// Makes a user whose address counts as verified, with an organisation of their own: for
    /// `billhook admin create` and the demo. No mail is sent.
    ///
    /// # Errors
    /// As [`Identity::sign_up`].
    pub async fn create_verified(
        &self,
        request: SignUp,
        by: &str,
    ) -> Result<SignedIn, IdentityError> {
        let checked = CheckedSignUp::check(request)?;
        let hash = self.hash(checked.password.clone()).await?;
        let now = self.0.world.now();
        let mut account = self.new_account(&checked, Some(hash), now);
        account.user.email_verified_at = Some(now);
        account.audit = Some(AuditEntry {
            id: AuditId::new(now, &*self.0.world.entropy),
            at: now,
            actor: by.to_owned(),
            action: "user.create".to_owned(),
            target: account.user.id.to_string(),
            organization: Some(account.organization.id.to_string()),
            before: None,
            after: None,
            reason: None,
        });
        let signed_in = SignedIn {
            user: account.user.clone(),
            organization: account.organization.clone(),
            role: account.role,
        };
        self.0.store.create_account(account).await.map_err(taken_is_the_address)?;
        Ok(signed_in)
    }

    async fn make_developer(&self) -> Result<SignedIn, IdentityError> {
        let store = &self.0.store;
        for _ in 0..2 {
            let found = store.user_by_email(DEVELOPER_EMAIL).await.map_err(IdentityError::Store)?;
            if let Some(user) = found {
                return self.open_session_for(&user).await.map(|opened| opened.signed_in);
            }
            let checked = CheckedSignUp {
                email: DEVELOPER_EMAIL.to_owned(),
                password: String::new(),
                name: "Developer".to_owned(),
                organization_name: "Development".to_owned(),
            };
            let now = self.0.world.now();
            let mut account = self.new_account(&checked, None, now);
            account.user.email_verified_at = Some(now);
            match store.create_account(account).await {
                // Another node was first; its account is found in the next round.
                Ok(()) | Err(StoreError::Taken) => {}
                Err(error) => return Err(IdentityError::Store(error)),
            }
        }
        Err(IdentityError::Broken { what: "making the development account" })
    }

    async fn hash(&self, password: String) -> Result<String, IdentityError> {
        let salt = self.random_bytes();
        let hash = self.0.passwords.hash(password, salt).await;
        hash.map_err(|error| hashing(&error, "hashing the password"))
    }

    fn new_account(
        &self,
        checked: &CheckedSignUp,
        password_hash: Option<String>,
        now: Timestamp,
    ) -> NewAccount {
        let entropy = &*self.0.world.entropy;
        let user = UserRow {
            id: UserId::new(now, entropy),
            email: checked.email.clone(),
            name: checked.name.clone(),
            password_hash,
            email_verified_at: None,
            created_at: now,
        };
        let organization = OrganizationRow {
            id: OrganizationId::new(now, entropy),
            name: checked.organization_name.clone(),
            external_id: None,
            stripe_customer_id: None,
            created_at: now,
        };
        let facts =
            Facts { organization_created: now, subscriptions: Vec::new(), plan_override: None };
        let free = entitlement(&facts, &self.0.catalogue, self.0.policy, now);
        let entitlement = EntitlementRow {
            organization: organization.id.clone(),
            entitlement: free,
            changed_at: now,
            version: 0,
        };
        NewAccount {
            user,
            organization,
            role: Role::Admin,
            entitlement,
            session: None,
            verification: None,
            messages: Vec::new(),
            audit: None,
        }
    }

    fn new_session(
        &self,
        user: &UserId,
        organization: &OrganizationId,
        now: Timestamp,
    ) -> SessionRow {
        SessionRow {
            id: SessionId::new(now, &*self.0.world.entropy),
            user: user.clone(),
            organization: organization.clone(),
            created_at: now,
            expires_at: now.plus(self.0.access.jwt_expiry),
        }
    }

    fn welcome_messages(
        &self,
        account: &NewAccount,
        verification: &str,
        now: Timestamp,
    ) -> Vec<NewMessage> {
        let entropy = &*self.0.world.entropy;
        let user = &account.user;
        let to = |kind: &'static str, body: serde_json::Value| NewMessage {
            id: OutboxId::new(now, entropy),
            organization: Some(account.organization.id.to_string()),
            kind,
            dedupe_key: format!("{kind}:{}", user.id),
            body: body.to_string(),
            due_at: now,
        };
        vec![
            to(
                "email.welcome",
                serde_json::json!({
                    "to": user.email,
                    "name": user.name,
                    "organization": account.organization.name,
                    "plan": account.entitlement.entitlement.plan.as_str(),
                }),
            ),
            to(
                "email.verify",
                serde_json::json!({
                    "to": user.email,
                    "name": user.name,
                    // Not the link itself: see `verification_link`.
                    "verification": verification,
                }),
            ),
        ]
    }

    fn opened(&self, session: &SessionRow, signed_in: SignedIn) -> Result<Opened, IdentityError> {
        let claims = Claims::of(session);
        let token = self.0.tokens.sign(&claims);
        let token = token.ok_or(IdentityError::Broken { what: "signing the token" })?;
        Ok(Opened { token, expires_at: session.expires_at, signed_in })
    }

    fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0_u8; N];
        self.0.world.entropy.fill(&mut bytes);
        bytes
    }
}

/// A sign-up whose fields make sense.
struct CheckedSignUp {
    email: String,
    password: String,
    name: String,
    organization_name: String,
}

impl CheckedSignUp {
    fn check(request: SignUp) -> Result<Self, IdentityError> {
        let mut fields = BTreeMap::new();
        let email = normalised(&request.email);
        if !is_address(&email) {
            fields.insert("email", "This is no e-mail address.".to_owned());
        }
        let length = request.password.chars().count();
        if length < PASSWORD_MIN {
            let hint = format!("The password needs at least {PASSWORD_MIN} characters.");
            fields.insert("password", hint);
        } else if length > PASSWORD_MAX {
            let hint = format!("The password may have at most {PASSWORD_MAX} characters.");
            fields.insert("password", hint);
        }
        let mut named = |field: &'static str, text: &str| {
            let text = text.trim().to_owned();
            if text.is_empty() || text.chars().count() > NAME_MAX || text.contains(char::is_control)
            {
                let hint = format!("This needs 1 to {NAME_MAX} characters on one line.");
                fields.insert(field, hint);
            }
            text
        };
        let name = named("name", &request.name);
        let organization_name = named("organization_name", &request.organization_name);
        if fields.is_empty() {
            Ok(Self { email, password: request.password, name, organization_name })
        } else {
            Err(IdentityError::Invalid(fields))
        }
    }
}

fn hashing(error: &HashingError, what: &'static str) -> IdentityError {
    match error {
        HashingError::Overloaded => IdentityError::Overloaded,
        HashingError::Failed => IdentityError::Broken { what },
    }
}

fn taken_is_the_address(error: StoreError) -> IdentityError {
    match error {
        StoreError::Taken => IdentityError::Invalid(BTreeMap::from([(
            "email",
            "There is already an account with this address.".to_owned(),
        )])),
        other => IdentityError::Store(other),
    }
}

/// Without white space around it and in lower case, so that one mailbox has one account.
fn normalised(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Whether a text can be an address. Only the mail that arrives proves it.
fn is_address(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    email.len() <= EMAIL_MAX
        && !local.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && domain.contains('.')
        && !local.contains('@')
        && !email.contains(|letter: char| letter.is_whitespace() || letter.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows which texts pass for an e-mail address, and that case and blanks do not count.
    #[test]
    fn addresses_are_told_from_other_texts() {
        for good in ["ada@example.com", "a.b+c@mail.example.co.uk", "ü@exämple.de"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "ada", "@example.com", "ada@", "ada@example", "a b@example.com", "a@b@c.d"]
        {
            assert!(!is_address(bad), "{bad}");
        }
        assert_eq!(normalised("  Ada@Example.COM "), "ada@example.com");
    }

    /// Shows that all fields at fault are told at once.
    #[test]
    fn a_sign_up_tells_every_fault() {
        let request = SignUp {
            email: "nobody".to_owned(),
            password: "short".to_owned(),
            name: " ".to_owned(),
            organization_name: "Two\nlines".to_owned(),
        };
        let Err(IdentityError::Invalid(fields)) = CheckedSignUp::check(request) else {
            panic!("was accepted");
        };
        let named: Vec<_> = fields.keys().copied().collect();
        assert_eq!(named, ["email", "name", "organization_name", "password"]);
    }
}
