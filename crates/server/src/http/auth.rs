//! Who may call, as types: a handler that names one cannot forget to ask.
//!
//! [`Caller`] is any member; [`Admin`] is an admin of the organisation; [`Operator`] runs the
//! installation. A browser's cookie is only believed for changes that come from a page of ours.

use super::problem::{Code, Problem};
use crate::app::App;
use crate::identity::keys::{KeyRefusal, looks_like_a_key};
use crate::identity::{IdentityError, Principal, Via};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use domain::access::Role;
use domain::ids::{OrganizationId, SessionId};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use store::KeyKind;

/// The session cookie's name.
pub(super) const COOKIE: &str = "billhook_session";

/// Any member of an organisation, whatever their role.
#[derive(Debug)]
pub(super) struct Caller(pub(super) Principal);

/// An admin of the organisation.
#[derive(Debug)]
pub(super) struct Admin(pub(super) Principal);

/// Somebody who runs this installation.
#[derive(Debug)]
pub(super) struct Operator(pub(super) Principal);

impl FromRequestParts<App> for App {
    type Rejection = Infallible;
    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(app.clone())
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        authenticate(parts, app).await.map(Self)
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let principal = authenticate(parts, app).await?;
        if principal.role < Role::Admin {
            return Err(Problem::new(Code::Forbidden, "This is for admins of the organisation."));
        }
        Ok(Self(principal))
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let principal = authenticate(parts, app).await?;
        if !principal.is_operator {
            return Err(Problem::new(
                Code::Forbidden,
                "This is for operators of the installation.",
            ));
        }
        Ok(Self(principal))
    }
}

/// The organisation whose usage and entitlement are asked for: any member, or a key with the
/// scope `entitlements` or `usage`.
#[derive(Debug)]
pub(super) struct Reads(pub(super) OrganizationId);

/// The organisation whose usage is counted: a member who is more than a viewer, or a key with the
/// scope `usage`.
#[derive(Debug)]
pub(super) struct Uses(pub(super) OrganizationId);

impl FromRequestParts<App> for Reads {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Some(key) = key_of(&parts.headers) {
            return by_key(parts, app, key, &["entitlements", "usage"]).await.map(Self);
        }
        Ok(Self(authenticate(parts, app).await?.organization.id))
    }
}

impl FromRequestParts<App> for Uses {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Some(key) = key_of(&parts.headers) {
            return by_key(parts, app, key, &["usage"]).await.map(Self);
        }
        let principal = authenticate(parts, app).await?;
        if principal.role < Role::Member {
            return Err(Problem::new(Code::Forbidden, "Viewers may look, but not use."));
        }
        Ok(Self(principal.organization.id))
    }
}

/// The header by which a product's call names the organisation it is about.
const ORGANIZATION: &str = "billhook-organization";
/// What an `external_id` may have at most.
const EXTERNAL_ID_MAX: usize = 200;

fn key_of(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).filter(|token| looks_like_a_key(token))
}

/// The organisation that a key acts for, if the key is good and has one of the scopes.
async fn by_key(
    parts: &Parts,
    app: &App,
    key: &str,
    scopes: &[&str],
) -> Result<OrganizationId, Problem> {
    let row = app.keys.resolve(key).await?.map_err(|refusal| {
        Problem::new(
            Code::Unauthenticated,
            match refusal {
                KeyRefusal::Malformed => "This is no key of this installation; is it complete?",
                KeyRefusal::NotGood => "This key is unknown, revoked or over.",
            },
        )
    })?;
    if !row.scopes.iter().any(|scope| scopes.contains(&scope.as_str())) {
        let detail = format!("The key needs one of the scopes: {}.", scopes.join(", "));
        return Err(Problem::new(Code::Forbidden, detail));
    }
    match row.kind {
        KeyKind::Organization(id) => Ok(id),
        KeyKind::Product => {
            let named = parts.headers.get(ORGANIZATION).and_then(|value| value.to_str().ok());
            let named = named.map(str::trim).filter(|name| !name.is_empty()).ok_or_else(|| {
                let hint = "A product key names the organisation in the header \
                            Billhook-Organization.";
                Problem::new(Code::InvalidRequest, hint)
            })?;
            if named.len() > EXTERNAL_ID_MAX {
                return Err(Problem::new(
                    Code::InvalidRequest,
                    "The organisation's id is too long.",
                ));
            }
            let found = app.keys.organization_for_product(named).await?;
            found.map(|row| row.id).ok_or_else(Problem::not_found)
        }
    }
}

impl Operator {
    /// Who it is, for the audit log.
    pub(super) fn actor(&self) -> &str {
        self.0.user.id.as_str()
    }
}

/// The machine at the other end of the connection. Headers that claim another one are not
/// believed, since anybody can send them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) Option<IpAddr>);

impl FromRequestParts<App> for Peer {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<axum::extract::ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map(|peer| peer.0.ip())))
    }
}

async fn authenticate(parts: &Parts, app: &App) -> Result<Principal, Problem> {
    let nobody = || Problem::new(Code::Unauthenticated, "Please log in.");
    let (token, by_cookie) = match (bearer(&parts.headers), cookie(&parts.headers)) {
        (Some(token), _) => (token.to_owned(), false),
        (None, Some(token)) => (token, true),
        (None, None) => {
            let developer = app.identity.developer().await?.ok_or_else(nobody)?;
            // Without a log-in, a page of somebody else could act as the developer.
            if parts.headers.contains_key(header::ORIGIN) {
                require_own_origin(parts, app)?;
            }
            return Ok(developer);
        }
    };
    let (session, signed_in) = app.identity.session(&token).await?.ok_or_else(nobody)?;
    let via = if by_cookie {
        require_own_origin(parts, app)?;
        Via::Cookie(session)
    } else {
        Via::Bearer(session)
    };
    Ok(app.identity.principal(signed_in, via))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    CookieJar::from_headers(headers).get(COOKIE).map(|cookie| cookie.value().to_owned())
}

/// A browser sends our cookie along with requests that other sites start. Only the browser's own
/// word on where a request comes from tells them apart.
fn require_own_origin(parts: &Parts, app: &App) -> Result<(), Problem> {
    if parts.method.is_safe() {
        return Ok(());
    }
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    if header("sec-fetch-site") == Some("same-origin") {
        return Ok(());
    }
    let allowed = header("origin").is_some_and(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        let is_own = host.is_some() && host == header("host");
        is_own || super::routes::allowed_origins(&app.settings).any(|one| one == origin)
    });
    if allowed {
        return Ok(());
    }
    Err(Problem::new(
        Code::Forbidden,
        "Changes by a browser have to come from a page of this installation.",
    ))
}

/// Ends the session behind a request, if there is one, whatever its state.
pub(super) async fn session_to_end(
    headers: &HeaderMap,
    app: &App,
) -> Result<Option<SessionId>, IdentityError> {
    let token = bearer(headers).map(ToOwned::to_owned).or_else(|| cookie(headers));
    let Some(token) = token else { return Ok(None) };
    Ok(app.identity.session(&token).await?.map(|(session, _)| session))
}

/// The cookie that carries a token; an empty token takes it back.
pub(super) fn set_cookie(app: &App, token: &str) -> Option<HeaderValue> {
    let lasts_s = if token.is_empty() {
        0
    } else {
        app.settings.access.jwt_expiry.as_millis().div_euclid(1_000)
    };
    let cookie = Cookie::build((COOKIE, token))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.settings.frontend_url.starts_with("https://"))
        .build();
    HeaderValue::from_str(&format!("{cookie}; Max-Age={lasts_s}")).ok()
}
