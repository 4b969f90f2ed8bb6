//! Owns every page people see: checkout, 3-D Secure, portal, invoice, control page, and `/_config`.
//! Never changes an object itself: each form ends in one call of the engine or of the API.
//! Start at `router` here; `view.rs` renders, `checkout.rs` is the model for the others.

mod calls;
mod cards;
mod challenge;
mod checkout;
mod config;
mod control;
mod control_acts;
mod invoice;
mod pdf;
mod portal;
mod portal_plan;
mod text;
mod view;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};

use crate::engine::Engine;
use crate::webhooks::Deliverer;

/// Messages that wait to be shown after a redirect; older ones are forgotten.
const NOTES_KEPT: usize = 200;

/// What every page has at hand.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    engine: Engine,
    deliverer: Deliverer,
    notes: Arc<Mutex<Notes>>,
    /// The API itself, for what the control page does through it.
    api: Router,
}

#[derive(Debug, Default)]
struct Notes {
    last: u64,
    kept: VecDeque<(u64, String)>,
}

impl Pages {
    /// Keeps a message for the page that the browser is sent to; the result goes into its
    /// query as `note`.
    fn leave_note(&self, message: &str) -> u64 {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.last += 1;
        let number = notes.last;
        notes.kept.push_back((number, message.to_owned()));
        if notes.kept.len() > NOTES_KEPT {
            notes.kept.pop_front();
        }
        number
    }

    /// The message left under this number.
    fn note(&self, number: Option<u64>) -> Option<String> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.kept.iter().find(|(kept, _)| Some(*kept) == number).map(|(_, text)| text.clone())
    }
}

/// All pages and the simulator's own `/_config`, except its health.
pub(crate) fn router(engine: Engine, deliverer: Deliverer) -> Router {
    let api = crate::protocol::router(engine.clone());
    let pages = Pages { engine, deliverer, notes: Arc::default(), api };
    Router::new()
        .route("/_assets/simulator.css", get(view::stylesheet))
        .route("/_assets/simulator.js", get(view::script))
        .route("/c/pay/{id}", get(checkout::show).post(checkout::pay))
        .route("/3ds/{id}", get(challenge::show).post(challenge::answer))
        .route("/p/session/{token}", get(portal::home))
        .route("/p/session/{token}/payment-method", get(portal::card_form).post(portal::save_card))
        .route("/p/session/{token}/details", get(portal::details_form).post(portal::save_details))
        .route(
            "/p/session/{token}/subscriptions/{id}/cancel",
            get(portal_plan::cancel_question).post(portal_plan::cancel),
        )
        .route("/p/session/{token}/subscriptions/{id}/resume", post(portal_plan::resume))
        .route("/p/session/{token}/subscriptions/{id}/update", get(portal_plan::choose))
        .route(
            "/p/session/{token}/subscriptions/{id}/update/confirm",
            get(portal_plan::preview).post(portal_plan::switch),
        )
        .route("/i/{token}", get(invoice::show).post(invoice::pay))
        .route("/i/{token}/pdf", get(invoice::pdf))
        .merge(own_routes())
        .with_state(pages)
}

/// The control page and `/_config`: nobody else's page may post to them.
fn own_routes() -> Router<Pages> {
    Router::new()
        .route("/", get(control::show))
        .route("/_control/customers/{id}/portal", post(control_acts::open_portal))
        .route("/_control/events/{id}/resend", post(control_acts::resend_event))
        .route("/_control/deliveries/{number}/resend", post(control_acts::resend))
        .route("/_control/clock", post(control_acts::move_clock))
        .route("/_control/endpoints", post(control_acts::create_endpoint))
        .route("/_control/endpoints/{id}", post(control_acts::toggle_endpoint))
        .route("/_control/endpoints/{id}/delete", post(control_acts::delete_endpoint))
        .route("/_control/faults", post(control_acts::save_faults))
        .route("/_control/reset", post(control_acts::reset))
        .route("/_config/clock", get(config::clock).post(config::move_clock))
        .route("/_config/faults", get(config::faults).put(config::set_faults))
        .route("/_config/deliveries", get(config::deliveries))
        .route("/_config/deliveries/{number}/resend", post(config::resend))
        .route("/_config/reset", post(config::reset))
        .layer(middleware::from_fn(same_origin))
}

/// Refuses a write that another site's page makes a browser send.
async fn same_origin(request: Request, next: Next) -> Response {
    if !request.method().is_safe() && is_foreign(request.headers()) {
        return view::message(
            StatusCode::FORBIDDEN,
            "forbidden",
            "Not from here",
            &["The simulator is controlled from its own pages only."],
            None,
        );
    }
    next.run(request).await
}

/// Whether a browser says that the request comes from a page of another host.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_none_or(|(_, from)| !from.eq_ignore_ascii_case(host))
        }
        _ => false,
    }
}
