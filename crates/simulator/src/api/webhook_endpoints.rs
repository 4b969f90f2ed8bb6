//! `/v1/webhook_endpoints`; the secret is told once, at creation.

use serde_json::{Value, json};

use super::Reply;
use super::routes::Call;
use crate::engine::Endpoint;
use crate::flows::cards;
use crate::flows::payments::hide;
use crate::protocol::{ApiError, list as lists};
use crate::state::{Fields, Kind, State, Tx};

const MOST: usize = 16;

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let args = call.args;
    let url = args.text("url").unwrap_or_default();
    check_url(tx, url)?;
    let known = tx
        .state
        .objects
        .newest_first(Kind::WebhookEndpoint, tx.livemode, None, (0, u64::MAX))
        .count();
    if known >= MOST {
        return Err(ApiError::invalid(format!(
            "You have reached the maximum of {MOST} test webhook endpoints."
        )));
    }
    if args.items("enabled_events").is_empty() {
        return Err(ApiError::parameter_missing("enabled_events"));
    }
    let id = tx.state.ids.id("we_1").replacen("we_1_", "we_1", 1);
    let secret = format!("whsec_{}", tx.state.ids.token(32));
    let json = json!({
        "id": id,
        "object": "webhook_endpoint",
        "api_version": args.copy("api_version"),
        "application": null,
        "created": tx.now,
        "description": args.copy("description"),
        "enabled_events": args.items("enabled_events"),
        "livemode": tx.livemode,
        "metadata": cards::metadata(args),
        "status": "enabled",
        "url": url,
    });
    tx.insert(Kind::WebhookEndpoint, json);
    hide(tx, &id, "secret", json!(secret));
    hide(tx, &id, "after", json!(tx.mark()));
    let mut shown = tx.json(&id);
    shown["secret"] = json!(secret);
    Ok(shown)
}

fn check_url(tx: &Tx<'_>, url: &str) -> Result<(), ApiError> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        Some("https") => Ok(()),
        Some("http") if !tx.livemode => Ok(()),
        Some("http") => Err(ApiError::invalid("Invalid URL: URL must begin with https")
            .code("url_invalid")
            .at("url")),
        _ => Err(ApiError::invalid(
            "Invalid URL: An explicit scheme (such as https) must be provided.",
        )
        .code("url_invalid")
        .at("url")),
    }
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::WebhookEndpoint, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::WebhookEndpoint, call.id())?;
    let args = call.args;
    if let Some(url) = args.text("url") {
        check_url(tx, url)?;
    }
    tx.edit(call.id(), |endpoint| {
        for key in ["url", "enabled_events", "description"] {
            if let Some(value) = args.get(key) {
                endpoint.insert(key.to_owned(), value.clone());
            }
        }
        if let Some(disabled) = args.flag("disabled") {
            let status = if disabled { "disabled" } else { "enabled" };
            endpoint.insert("status".to_owned(), json!(status));
        }
        cards::merge_metadata(endpoint, args);
    });
    Ok(tx.json(call.id()))
}

pub(crate) fn delete(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::WebhookEndpoint, call.id())?;
    tx.state.objects.remove(call.id());
    Ok(json!({"id": call.id(), "object": "webhook_endpoint", "deleted": true}))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    lists::page(tx, Kind::WebhookEndpoint, call.args, &[], |_| true)
}

/// All endpoints of both modes with their secrets, oldest first.
pub(crate) fn endpoints(state: &State) -> Vec<Endpoint> {
    let mut all: Vec<Value> = state.objects.list(Kind::WebhookEndpoint, None, usize::MAX);
    all.reverse();
    all.iter()
        .map(|endpoint| {
            let id = endpoint.owned("id").unwrap_or_default();
            let hidden = state.hidden.get(&id);
            Endpoint {
                after: hidden
                    .and_then(|hidden| hidden.get("after"))
                    .and_then(Value::as_u64)
                    .unwrap_or(0),
                url: endpoint.owned("url").unwrap_or_default(),
                secret: hidden.and_then(|hidden| hidden.owned("secret")).unwrap_or_default(),
                enabled_events: endpoint
                    .items("enabled_events")
                    .iter()
                    .filter_map(|event| event.as_str().map(str::to_owned))
                    .collect(),
                api_version: endpoint.owned("api_version"),
                livemode: endpoint.flag("livemode").unwrap_or(false),
                enabled: endpoint.text("status") == Some("enabled"),
                id,
            }
        })
        .collect()
}
