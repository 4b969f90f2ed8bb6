//! Every route, on one page. The OpenAPI document is made from the same handlers.

use super::frame::{Framing, around};
use super::problem::{Code, Problem};
use super::{admin, aliases, health, metrics, ui, v1, webhooks};
use crate::app::App;
use crate::config::Settings;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::IntoResponse;
use axum::{Json, Router};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Billhook",
        description = "Billing between a product and Stripe: plans, checkout, a mirror of Stripe, \
                       and what each organisation may do.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/")),
    security(("bearer" = []), ("cookie" = []), ()),
)]
struct Document;

/// What whoever watches the process asks.
fn for_watchers() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::get_livez))
        .routes(routes!(health::get_readyz))
        .routes(routes!(metrics::get_metrics))
        .layer(axum::Extension(health::LastFigures::new()))
}

/// Stripe's way in, and what machines ask. No cookie, no CORS, no log-in.
fn for_machines() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(webhooks::receive_event))
        .route("/api/subscription/webhook", axum::routing::post(webhooks::receive_event))
        .routes(routes!(webhooks::test_webhooks))
        .merge(for_watchers())
}

/// What browsers and products ask.
fn for_people() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        // Public
        .routes(routes!(v1::plans::list_plans))
        .routes(routes!(v1::announcements::list_announcements))
        .route("/api/v1/openapi.json", axum::routing::get(get_openapi))
        // Accounts
        .routes(routes!(v1::auth::create_account))
        .routes(routes!(v1::auth::create_session))
        .routes(routes!(v1::auth::end_session))
        .routes(routes!(v1::auth::get_me))
        .routes(routes!(v1::auth::follow_verification, v1::auth::verify_email))
        // Any member
        .routes(routes!(v1::organization::get_organization, v1::organization::update_organization))
        .routes(routes!(v1::entitlements::get_entitlements))
        // Any member, or a key with the scope
        .routes(routes!(v1::usage::consume_usage))
        .routes(routes!(v1::usage::check_usage))
        .routes(routes!(v1::usage::record_usage))
        .routes(routes!(v1::usage::create_reservation))
        .routes(routes!(v1::usage::confirm_reservation))
        .routes(routes!(v1::usage::release_reservation))
        .routes(routes!(v1::usage::set_usage_level))
        .routes(routes!(v1::usage_shown::get_usage))
        .routes(routes!(v1::usage_shown::get_usage_history))
        .routes(routes!(v1::usage_shown::list_usage_alerts))
        .routes(routes!(v1::usage_shown::dismiss_usage_alert))
        // Admins of the organisation
        .routes(routes!(v1::keys::create_api_key, v1::keys::list_api_keys))
        .routes(routes!(v1::keys::revoke_api_key))
        .routes(routes!(v1::billing::get_subscription))
        .routes(routes!(v1::billing::create_checkout))
        .routes(routes!(v1::billing::get_checkout))
        .routes(routes!(v1::billing::create_portal))
        .routes(routes!(v1::billing::preview_plan_change))
        .routes(routes!(v1::billing::change_plan))
        .routes(routes!(v1::billing::withdraw_plan_change))
        .routes(routes!(v1::billing::cancel_subscription))
        .routes(routes!(v1::billing::resume_subscription))
        .routes(routes!(v1::billing::list_invoices))
        .routes(routes!(aliases::create_checkout_session))
        .routes(routes!(aliases::create_portal_session))
        // Operators
        .routes(routes!(admin::summary::get_summary))
        .routes(routes!(admin::deliveries::list_deliveries))
        .routes(routes!(admin::deliveries::get_delivery))
        .routes(routes!(admin::deliveries::replay_delivery))
        .routes(routes!(admin::webhooks::get_webhooks))
        .routes(routes!(admin::webhooks::pause_webhooks))
        .routes(routes!(admin::webhooks::resume_webhooks))
        .routes(routes!(admin::organizations::resync_organization))
        .routes(routes!(admin::surplus::cancel_surplus_subscription))
        .routes(routes!(admin::limits::override_limit, admin::limits::remove_limit_override))
        .routes(routes!(admin::keys::create_product_key, admin::keys::list_product_keys))
        .routes(routes!(admin::keys::revoke_product_key))
        .routes(routes!(
            admin::organizations::override_plan,
            admin::organizations::remove_plan_override
        ))
}

/// The description of the API, made from the handlers.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    let all =
        OpenApiRouter::with_openapi(Document::openapi()).merge(for_machines()).merge(for_people());
    let mut document = all.into_openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build(),
        ),
    );
    components.add_security_scheme(
        "cookie",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(super::auth::COOKIE))),
    );
    document
}

async fn get_openapi() -> impl IntoResponse {
    Json(openapi())
}

/// Everything that the server answers.
pub fn router(app: App) -> Router {
    let (machines, _) = for_machines().split_for_parts();
    let (people, _) = for_people().split_for_parts();
    let wrong_method =
        async || Problem::new(Code::MethodNotAllowed, "This route does not know this method.");
    // A browser asks with OPTIONS first, which is a wrong method to every route: what answers it
    // has to lie inside the layer that knows the allowed origins.
    let people = people.method_not_allowed_fallback(wrong_method).layer(cors(&app.settings));
    let framing = Framing::new(app.world.clone(), Some(&app.settings.frontend_url));
    let router = machines
        .method_not_allowed_fallback(wrong_method)
        .merge(people)
        .fallback(ui::page)
        .with_state(app);
    around(router, framing)
}

/// What a process answers that only works: whether it lives and how it does.
pub fn router_of_worker(app: App) -> Router {
    let (watchers, _) = for_watchers().split_for_parts();
    let framing = Framing::new(app.world.clone(), None);
    let nothing = || async { Problem::not_found() };
    around(watchers.fallback(nothing).with_state(app), framing)
}

/// The origins that browsers may call from beside the one that serves the pages.
pub(super) fn allowed_origins(settings: &Settings) -> impl Iterator<Item = &str> {
    let own = settings.frontend_url.as_str();
    // The pages may lie under a path; an origin has none.
    let end = own
        .find("://")
        .and_then(|scheme| own[scheme + 3..].find('/').map(|path| scheme + 3 + path));
    let own = &own[..end.unwrap_or(own.len())];
    std::iter::once(own).chain(settings.allowed_origins.iter().map(String::as_str))
}

/// Browsers may call from exactly the allowed origins.
fn cors(settings: &Settings) -> CorsLayer {
    let origins: Vec<HeaderValue> =
        allowed_origins(settings).filter_map(|origin| origin.parse().ok()).collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("billhook-organization"),
        ])
        .expose_headers([HeaderName::from_static("request-id"), header::RETRY_AFTER])
        .max_age(Duration::from_secs(600))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows every documented route with its methods: a route that comes or goes is seen here.
    #[test]
    fn routes_are_listed() {
        let document = openapi();
        let mut list = Vec::new();
        for (path, item) in &document.paths.paths {
            let methods = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PATCH", &item.patch),
                ("PUT", &item.put),
                ("DELETE", &item.delete),
            ];
            for (method, operation) in methods {
                let Some(operation) = operation else { continue };
                let id = operation.operation_id.clone().unwrap_or_default();
                list.push(format!("{method} {path} {id}"));
            }
        }
        insta::assert_snapshot!(list.join("\n"));
    }

    /// Shows that no two operations share an id, since clients name their functions by it.
    #[test]
    fn operation_ids_are_unique() {
        let text = openapi().to_json().unwrap_or_default();
        let ids: Vec<_> = text.split("\"operationId\":\"").skip(1).collect();
        let mut names: Vec<_> = ids.iter().filter_map(|rest| rest.split('"').next()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
