//! Checks parameters against a declaration per route and gives them their types.
//!
//! The declarations stand in `params.txt`, made from Stripe's OpenAPI document. One line a
//! parameter, indented under its parent: `*` required, then a type: `s` text, `i` integer, `t`
//! unix time, `d` decimal text, `n` number, `b` boolean, `e:a|b` one of, `m` free map, `o` object,
//! `r` integer or range, `x` anything; `[` before a type makes a list, `?` behind it allows "".

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};
use stripe::form::{FormMap, FormValue};

use super::ApiError;
use crate::state::Object;

#[derive(Debug)]
struct Spec {
    name: &'static str,
    required: bool,
    shape: Shape,
    children: Vec<Spec>,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    list: bool,
    kind: &'static str,
    emptyable: bool,
}

static TABLE: &str = include_str!("params.txt");

/// Parameters of routes that Stripe does not document but its own tools use.
static PRIVATE: &str = "\
GET /v1/payment_pages/{session}
\texpand [s
POST /v1/payment_pages/{session}/confirm
\texpand [s
\texpected_amount i
\t*payment_method s
\temail s
\teid s
";

fn table() -> &'static HashMap<&'static str, Vec<Spec>> {
    static PARSED: OnceLock<HashMap<&'static str, Vec<Spec>>> = OnceLock::new();
    PARSED.get_or_init(|| {
        let mut table = HashMap::new();
        for text in [TABLE, PRIVATE] {
            let mut lines = text.lines().peekable();
            while let Some(route) = lines.next() {
                table.insert(route, specs(&mut lines, 1));
            }
        }
        table
    })
}

fn specs(lines: &mut std::iter::Peekable<std::str::Lines<'static>>, depth: usize) -> Vec<Spec> {
    let mut found: Vec<Spec> = Vec::new();
    while let Some(line) = lines.peek().copied() {
        let text = line.trim_start_matches('\t');
        let indent = line.len() - text.len();
        if indent < depth {
            break;
        }
        if indent > depth {
            let children = specs(lines, indent);
            if let Some(parent) = found.last_mut() {
                parent.children = children;
            }
            continue;
        }
        lines.next();
        let (name, shape) = text.split_once(' ').unwrap_or((text, "x"));
        let (required, name) = match name.strip_prefix('*') {
            Some(name) => (true, name),
            None => (false, name),
        };
        let (list, shape) = match shape.strip_prefix('[') {
            Some(shape) => (true, shape),
            None => (false, shape),
        };
        let (emptyable, kind) = match shape.strip_suffix('?') {
            Some(kind) => (true, kind),
            None => (false, shape),
        };
        found.push(Spec {
            name,
            required,
            shape: Shape { list, kind, emptyable },
            children: Vec::new(),
        });
    }
    found
}

/// Whether the route's parameters are declared.
#[cfg(test)]
pub(crate) fn is_declared(route: &str) -> bool {
    table().contains_key(route)
}

/// Checks and types the parameters of `route` ("POST /v1/customers"). An emptied parameter
/// becomes null.
///
/// # Errors
/// 400 as Stripe words it: unknown, malformed or missing parameters, in that order.
pub(crate) fn check(route: &str, form: &FormMap) -> Result<Object, ApiError> {
    match table().get(route) {
        Some(specs) => check_map(specs, form.iter().map(|(k, v)| (k.clone(), v)).collect(), ""),
        None => Ok(Map::new()),
    }
}

fn path(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}[{name}]") }
}

fn check_map(
    specs: &[Spec],
    given: Vec<(String, &FormValue)>,
    parent: &str,
) -> Result<Object, ApiError> {
    let unknown: Vec<String> = given
        .iter()
        .filter(|(name, _)| !specs.iter().any(|spec| spec.name == name))
        .map(|(name, _)| path(parent, name))
        .collect();
    if let Some(first) = unknown.first() {
        let plural = if unknown.len() == 1 { "" } else { "s" };
        let message = format!("Received unknown parameter{plural}: {}", unknown.join(", "));
        return Err(ApiError::invalid(message).code("parameter_unknown").at(first));
    }
    let mut checked = Map::new();
    for (name, value) in &given {
        if let Some(spec) = specs.iter().find(|spec| spec.name == name) {
            let here = path(parent, name);
            checked.insert(name.clone(), check_value(spec, value, &here)?);
        }
    }
    for spec in specs.iter().filter(|spec| spec.required) {
        if !checked.contains_key(spec.name) {
            return Err(ApiError::parameter_missing(&path(parent, spec.name)));
        }
    }
    Ok(checked)
}

fn check_value(spec: &Spec, value: &FormValue, here: &str) -> Result<Value, ApiError> {
    if value.as_text() == Some("") && (spec.shape.emptyable || spec.shape.kind != "s") {
        return Ok(Value::Null);
    }
    if !spec.shape.list {
        return check_one(spec, value, here);
    }
    match value {
        FormValue::Text(_) => {
            Err(ApiError::invalid("Invalid array").at(here).code("parameter_invalid_array"))
        }
        FormValue::Map(_) | FormValue::List(_) => value
            .entries()
            .into_iter()
            .map(|(index, item)| check_one(spec, item, &format!("{here}[{index}]")))
            .collect::<Result<Vec<Value>, ApiError>>()
            .map(Value::Array),
    }
}

fn check_one(spec: &Spec, value: &FormValue, here: &str) -> Result<Value, ApiError> {
    let kind = spec.shape.kind;
    if let Some(text) = value.as_text() {
        return match kind {
            "s" | "d" => Ok(json!(text)),
            "i" if spec.name == "quantity" => not_negative(text, here),
            "i" | "r" | "t" => integer(text, here),
            "b" => boolean(text, here),
            "n" => text
                .parse::<f64>()
                .map(|number| json!(number))
                .map_err(|_| ApiError::invalid(format!("Invalid decimal: {text}")).at(here)),
            "m" | "o" => Err(ApiError::invalid("Invalid object").at(here)),
            "x" => Ok(loose(text)),
            choice => one_of(choice.trim_start_matches("e:"), text, here),
        };
    }
    match kind {
        "o" => check_map(&spec.children, value.entries(), here).map(Value::Object),
        "m" => metadata(value, here),
        "r" => {
            let mut range = Map::new();
            for (bound, limit) in value.entries() {
                let text = limit.as_text().unwrap_or_default();
                if !["gt", "gte", "lt", "lte"].contains(&bound.as_str()) {
                    let unknown = path(here, &bound);
                    let message = format!("Received unknown parameter: {unknown}");
                    return Err(ApiError::invalid(message).code("parameter_unknown").at(unknown));
                }
                range.insert(bound.clone(), integer(text, &path(here, &bound))?);
            }
            Ok(Value::Object(range))
        }
        "x" => Ok(tree(value)),
        _ => {
            let what = match kind {
                "i" | "t" => "integer",
                "b" => "boolean",
                _ => "string",
            };
            let shown = tree(value).to_string();
            Err(ApiError::invalid(format!("Invalid {what}: {shown}")).at(here))
        }
    }
}

fn integer(text: &str, here: &str) -> Result<Value, ApiError> {
    text.parse::<i64>().map(|number| json!(number)).map_err(|_| {
        ApiError::invalid(format!("Invalid integer: {text}"))
            .code("parameter_invalid_integer")
            .at(here)
    })
}

fn not_negative(text: &str, here: &str) -> Result<Value, ApiError> {
    let number = integer(text, here)?;
    if number.as_i64().is_some_and(|number| number < 0) {
        return Err(ApiError::invalid("This value must be greater than or equal to 0.")
            .code("parameter_invalid_integer")
            .at(here));
    }
    Ok(number)
}

fn boolean(text: &str, here: &str) -> Result<Value, ApiError> {
    match text {
        "true" | "1" => Ok(json!(true)),
        "false" | "0" => Ok(json!(false)),
        _ => Err(ApiError::invalid(format!("Invalid boolean: {text}")).at(here)),
    }
}

fn one_of(choices: &str, text: &str, here: &str) -> Result<Value, ApiError> {
    let all: Vec<&str> = choices.split('|').collect();
    if all.contains(&text) {
        return Ok(json!(text));
    }
    let name = here.rsplit('[').next().unwrap_or(here).trim_end_matches(']');
    let list = match all.as_slice() {
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} or {two}"),
        [most @ .., last] => format!("{}, or {last}", most.join(", ")),
        [] => String::new(),
    };
    Err(ApiError::invalid(format!("Invalid {name}: must be one of {list}")).at(here))
}

/// Metadata limits are Stripe's: 50 keys, 40 characters a key, 500 a value; "" deletes a key.
fn metadata(value: &FormValue, here: &str) -> Result<Value, ApiError> {
    let entries = value.entries();
    if entries.len() > 50 {
        return Err(ApiError::invalid("You may only have 50 metadata keys.").at(here));
    }
    let mut map = Map::new();
    for (key, value) in entries {
        let Some(text) = value.as_text() else {
            return Err(ApiError::invalid("Metadata values must be strings.").at(path(here, &key)));
        };
        if key.chars().count() > 40 {
            let message = format!(
                "Metadata keys must be 40 characters or less; the key `{key}` is {} characters.",
                key.chars().count()
            );
            return Err(ApiError::invalid(message).at(here));
        }
        if text.chars().count() > 500 {
            let message = format!(
                "Metadata values must have up to 500 characters, but you passed in a value that \
                 is {} characters. Invalid value: {text}",
                text.chars().count()
            );
            return Err(ApiError::invalid(message).at(path(here, &key)));
        }
        map.insert(key, if text.is_empty() { Value::Null } else { json!(text) });
    }
    Ok(Value::Object(map))
}

/// A value whose type the declaration leaves open: integers and booleans are recognised.
fn loose(text: &str) -> Value {
    match text {
        "true" => json!(true),
        "false" => json!(false),
        _ => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => json!(number),
            _ => json!(text),
        },
    }
}

fn tree(value: &FormValue) -> Value {
    match value {
        FormValue::Text(text) => loose(text),
        FormValue::List(items) => Value::Array(items.iter().map(tree).collect()),
        FormValue::Map(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), tree(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn refusal(route: &str, body: &str) -> (String, Option<String>, Option<String>) {
        let form = stripe::form::decode(body.as_bytes()).unwrap();
        let error = check(route, &form).unwrap_err();
        (error.message, error.code, error.param.map(String::from))
    }

    /// Refusals read as recorded from Stripe.
    #[test]
    fn refuses_in_stripes_words() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            refusal("POST /v1/customers", "invoice_settings[nope]=1"),
            (
                "Received unknown parameter: invoice_settings[nope]".to_owned(),
                some("parameter_unknown"),
                some("invoice_settings[nope]")
            )
        );
        assert_eq!(
            refusal("GET /v1/customers", "limit=abc"),
            ("Invalid integer: abc".to_owned(), some("parameter_invalid_integer"), some("limit"))
        );
        assert_eq!(
            refusal("POST /v1/subscriptions", "items[0][quantity]=1&x=1").1,
            some("parameter_unknown")
        );
        assert_eq!(
            refusal("POST /v1/prices", "product=p"),
            (
                "Missing required param: currency.".to_owned(),
                some("parameter_missing"),
                some("currency")
            )
        );
    }

    /// Values come out with their declared types, emptied ones as null.
    #[test]
    fn gives_types() {
        let body = "email=&metadata[a]=1&metadata[b]=&balance=-5&expand[]=x&address[city]=Rome";
        let form = stripe::form::decode(body.as_bytes()).unwrap();
        assert_eq!(
            Value::Object(check("POST /v1/customers", &form).unwrap()),
            json!({"email": "", "metadata": {"a": "1", "b": null}, "balance": -5,
                   "expand": ["x"], "address": {"city": "Rome"}})
        );
    }
}
