//! The only room that knows HTTP: it turns requests into calls of other rooms and their answers
//! into views and problems. It never decides, never writes SQL and never calls Stripe. Start with
//! `routes` (every route on one page), then `problem` (every error), then any file under `v1`.

mod aliases;
mod auth;
mod frame;
mod health;
mod input;
mod metrics;
pub mod problem;
mod routes;
mod ui;
mod views;
mod webhooks;

mod admin;
mod v1;

pub use problem::{Code, Problem};
pub use routes::{openapi, router, router_of_worker};

use axum::Router;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves a router until `stop` is cancelled, then lets requests under way finish.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// What answers while the database cannot be reached: the process lives, and cannot serve yet.
pub fn router_while_starting(world: crate::world::World) -> Router {
    let router =
        Router::new().route("/livez", axum::routing::get(health::get_livez)).fallback(async || {
            Problem::new(Code::Unavailable, "The database cannot be reached yet.").retry_after(5)
        });
    frame::around(router, frame::Framing::new(world, None))
}
