//! What the banner of the pages shows. Operators cannot write any yet, so the list is empty.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Something all members should know.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Announcement {
    /// Its id.
    id: String,
    /// One or two sentences.
    text: String,
}

/// A page of announcements.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnnouncementList {
    /// The announcements.
    data: Vec<Announcement>,
    /// Where the next page starts.
    #[schema(required)]
    next: Option<String>,
}

/// Lists announcements.
#[utoipa::path(
    get, path = "/api/v1/announcements", operation_id = "list_announcements",
    tag = "announcements", responses((status = 200, body = AnnouncementList))
)]
pub(crate) async fn list_announcements() -> Json<AnnouncementList> {
    Json(AnnouncementList { data: Vec::new(), next: None })
}
