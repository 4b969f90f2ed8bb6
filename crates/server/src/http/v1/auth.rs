//! Sign-up, log-in, log-out, and who is signed in.

use crate::app::App;
use crate::config::Mode as InstallationMode;
use crate::http::auth::{Caller, Peer, session_to_end, set_cookie};
use crate::http::input::{Body, Query};
use crate::http::problem::{ApiResult, Code, Problem};
use crate::http::views::{ProblemView, Time};
use crate::identity::{IdentityError, Opened, SignUp};
use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::access;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use store::{OrganizationRow, UserRow};
use utoipa::{IntoParams, ToSchema};

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignupBody {
    /// Where to reach them.
    #[schema(example = "ada@example.com")]
    email: String,
    /// At least 10 characters.
    password: String,
    /// What to call them.
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// Who is billed.
    #[schema(example = "Analytical Engines")]
    organization_name: String,
}

/// A log-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginBody {
    /// The account's address.
    email: String,
    /// Its password.
    password: String,
}

/// The token of a verification mail.
#[derive(Debug, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyBody {
    /// As it stands in the link.
    token: String,
}

/// A person with a log-in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct User {
    /// Their id.
    id: String,
    /// Their address.
    email: String,
    /// What to call them.
    name: String,
    /// Whether they proved that the address is theirs.
    email_verified: bool,
    /// Whether they run this installation.
    is_operator: bool,
    /// When the account was made.
    created_at: Time,
}

/// What a member may do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Pays, invites, changes.
    Admin,
    /// Works.
    Member,
    /// Looks.
    Viewer,
}

/// The organisation one is signed in to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Organization {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// One's own role in it.
    role: Role,
    /// When it was made.
    created_at: Time,
}

/// A log-in that just began.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// For `Authorization: Bearer`; browsers get it as a cookie too.
    token: String,
    /// Until when it counts.
    expires_at: Time,
    /// Who is signed in.
    user: User,
    /// Where.
    organization: Organization,
}

/// Test or live.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// No real money.
    Test,
    /// Real money.
    Live,
}

/// The installation one is signed in to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Installation {
    /// Test or live.
    mode: Mode,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// The person.
    user: User,
    /// The organisation.
    organization: Organization,
    /// The installation.
    installation: Installation,
}

fn user(row: UserRow, is_operator: bool) -> User {
    User {
        id: row.id.to_string(),
        email: row.email,
        name: row.name,
        email_verified: row.email_verified_at.is_some(),
        is_operator,
        created_at: row.created_at.into(),
    }
}

fn organization(row: OrganizationRow, role: access::Role) -> Organization {
    Organization {
        id: row.id.to_string(),
        name: row.name,
        role: match role {
            access::Role::Admin => Role::Admin,
            access::Role::Member => Role::Member,
            access::Role::Viewer => Role::Viewer,
        },
        created_at: row.created_at.into(),
    }
}

fn begin(app: &App, status: StatusCode, opened: Opened) -> Response {
    let cookie = set_cookie(app, &opened.token);
    let is_operator = app.identity.is_operator(&opened.signed_in.user);
    let view = Session {
        token: opened.token,
        expires_at: opened.expires_at.into(),
        user: user(opened.signed_in.user, is_operator),
        organization: organization(opened.signed_in.organization, opened.signed_in.role),
    };
    let mut response = (status, Json(view)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}

/// Makes an account with its organisation on the free plan, and signs in.
#[utoipa::path(
    post, path = "/api/v1/auth/signup", operation_id = "create_account", tag = "auth",
    request_body = SignupBody,
    responses(
        (status = 201, body = Session),
        (status = 400, body = ProblemView),
        (status = 429, body = ProblemView),
    )
)]
pub(crate) async fn create_account(
    app: App,
    Peer(peer): Peer,
    Body(body): Body<SignupBody>,
) -> ApiResult<Response> {
    let request = SignUp {
        email: body.email,
        password: body.password,
        name: body.name,
        organization_name: body.organization_name,
    };
    let opened = app.identity.sign_up(request, peer).await?;
    Ok(begin(&app, StatusCode::CREATED, opened))
}

/// Signs in.
#[utoipa::path(
    post, path = "/api/v1/auth/login", operation_id = "create_session", tag = "auth",
    request_body = LoginBody,
    responses(
        (status = 200, body = Session),
        (status = 401, body = ProblemView),
        (status = 429, body = ProblemView),
    )
)]
pub(crate) async fn create_session(
    app: App,
    Peer(peer): Peer,
    Body(body): Body<LoginBody>,
) -> ApiResult<Response> {
    let opened = app.identity.log_in(&body.email, body.password, peer).await?;
    Ok(begin(&app, StatusCode::OK, opened))
}

/// Signs out: the token is worth nothing from here on. Signing out twice is no error.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", operation_id = "end_session", tag = "auth",
    responses((status = 204))
)]
pub(crate) async fn end_session(app: App, headers: HeaderMap) -> ApiResult<Response> {
    if let Some(session) = session_to_end(&headers, &app).await? {
        app.identity.log_out(&session).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = set_cookie(&app, "") {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Says who is signed in.
#[utoipa::path(
    get, path = "/api/v1/auth/me", operation_id = "get_me", tag = "auth",
    responses((status = 200, body = Me), (status = 401, body = ProblemView))
)]
pub(crate) async fn get_me(app: App, Caller(who): Caller) -> Json<Me> {
    Json(Me {
        user: user(who.user, who.is_operator),
        organization: organization(who.organization, who.role),
        installation: Installation {
            mode: match app.settings.stripe.mode {
                InstallationMode::Test => Mode::Test,
                InstallationMode::Live => Mode::Live,
            },
        },
    })
}

/// Follows the link of a verification mail, and leads to the log-in page. It counts only for the
/// person who made the account and is logged in; who is not logged in may do so first.
#[utoipa::path(
    get, path = "/api/v1/auth/verify", operation_id = "follow_verification", tag = "auth",
    params(VerifyBody), responses((status = 303))
)]
pub(crate) async fn follow_verification(
    app: App,
    caller: Result<Caller, Problem>,
    Query(query): Query<VerifyBody>,
) -> ApiResult<Redirect> {
    let login = format!("{}/login", app.settings.frontend_url);
    let who = match caller {
        Ok(Caller(who)) => who,
        Err(problem) if problem.code() == Code::Unauthenticated => {
            let token = utf8_percent_encode(&query.token, NON_ALPHANUMERIC);
            let here = format!("/api/v1/auth/verify?token={token}");
            let next = utf8_percent_encode(&here, NON_ALPHANUMERIC);
            return Ok(Redirect::to(&format!("{login}?next={next}")));
        }
        Err(problem) => return Err(problem),
    };
    let outcome = match app.identity.verify_email(&who.user.id, &query.token).await {
        Ok(()) => "1",
        Err(IdentityError::VerificationOver) => "0",
        Err(error) => return Err(error.into()),
    };
    Ok(Redirect::to(&format!("{login}?verified={outcome}")))
}

/// Proves one's own e-mail address with the token of a verification mail.
#[utoipa::path(
    post, path = "/api/v1/auth/verify", operation_id = "verify_email", tag = "auth",
    request_body = VerifyBody,
    responses(
        (status = 204),
        (status = 400, body = ProblemView),
        (status = 401, body = ProblemView),
    )
)]
pub(crate) async fn verify_email(
    app: App,
    Caller(who): Caller,
    Body(body): Body<VerifyBody>,
) -> ApiResult<StatusCode> {
    app.identity.verify_email(&who.user.id, &body.token).await?;
    Ok(StatusCode::NO_CONTENT)
}
