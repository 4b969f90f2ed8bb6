//! `/v1/products`.

use serde_json::{Value, json};

use super::routes::Call;
use super::{Reply, prices};
use crate::flows::cards;
use crate::protocol::{ApiError, list as lists, search as searches};
use crate::state::{Fields, Kind, Object, Tx};

/// Makes a product.
///
/// # Errors
/// 400 when the id is taken.
pub(crate) fn create_product(tx: &mut Tx<'_>, args: &Object) -> Result<String, ApiError> {
    let id = match args.owned("id") {
        Some(id) if tx.state.objects.get(&id).is_some() => {
            return Err(ApiError::invalid("Product already exists.")
                .code("resource_already_exists")
                .at("id"));
        }
        Some(id) => id,
        None => tx.new_id(Kind::Product),
    };
    let json = json!({
        "id": id,
        "object": "product",
        "active": args.flag("active").unwrap_or(true),
        "attributes": [],
        "created": tx.now,
        "default_price": null,
        "description": args.copy("description"),
        "images": args.items("images"),
        "livemode": tx.livemode,
        "marketing_features": args.items("marketing_features"),
        "metadata": cards::metadata(args),
        "name": args.text("name").unwrap_or("Product"),
        "package_dimensions": args.copy("package_dimensions"),
        "shippable": args.copy("shippable"),
        "statement_descriptor": args.copy("statement_descriptor"),
        "tax_code": args.copy("tax_code"),
        "type": "service",
        "unit_label": args.copy("unit_label"),
        "updated": tx.now,
        "url": args.copy("url"),
    });
    tx.insert(Kind::Product, json);
    tx.emit("product.created", &id);
    Ok(id)
}

pub(crate) fn create(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let id = create_product(tx, call.args)?;
    if let Some(data) = call.args.object("default_price_data") {
        let mut data = data.clone();
        data.insert("product".to_owned(), json!(id));
        let price = prices::create_price(tx, &data, "default_price_data")?;
        tx.set(&id, "default_price", price);
    }
    Ok(tx.json(&id))
}

pub(crate) fn retrieve(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Product, call.id())?;
    Ok(tx.json(call.id()))
}

pub(crate) fn update(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Product, call.id())?;
    let args = call.args;
    if let Some(price) = args.text("default_price") {
        tx.named(Kind::Price, price, "default_price")?;
    }
    let now = tx.now;
    let changed = tx.edit(call.id(), |product| {
        for (key, value) in args {
            if !matches!(key.as_str(), "metadata" | "expand") {
                let value = match key.as_str() {
                    // An emptied list is a list all the same.
                    "images" | "marketing_features" if value.is_null() => json!([]),
                    _ if value.as_str() == Some("") => Value::Null,
                    _ => value.clone(),
                };
                product.insert(key.clone(), value);
            }
        }
        cards::merge_metadata(product, args);
        product.insert("updated".to_owned(), json!(now));
    });
    tx.emit_if_changed("product.updated", call.id(), changed);
    Ok(tx.json(call.id()))
}

pub(crate) fn delete(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    tx.at_path(Kind::Product, call.id())?;
    if !tx.ids_by(Kind::Price, "product", call.id()).is_empty() {
        return Err(ApiError::invalid(
            "This product cannot be deleted because it has one or more user-created prices.",
        ));
    }
    tx.emit("product.deleted", call.id());
    tx.state.objects.remove(call.id());
    Ok(json!({"id": call.id(), "object": "product", "deleted": true}))
}

pub(crate) fn list(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    let ids = call.args.items("ids").to_vec();
    lists::page(tx, Kind::Product, call.args, &["active", "shippable", "url"], |product| {
        ids.is_empty() || product.get("id").is_some_and(|id| ids.contains(id))
    })
}

pub(crate) fn search(tx: &mut Tx<'_>, call: &Call<'_>) -> Reply {
    searches::search(tx, Kind::Product, call.args)
}
