//! Checks answers against the schemas of Stripe's OpenAPI document.

use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use crate::api::routes;

/// The document, or `None` (said once, loudly) where it is not at hand.
fn document() -> Option<&'static Value> {
    static DOCUMENT: OnceLock<Option<Value>> = OnceLock::new();
    DOCUMENT
        .get_or_init(|| {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/stripe");
            let path = root.join("openapi-2026-08-26.dahlia.json.gz");
            let Ok(file) = std::fs::File::open(&path) else {
                report("SKIPPED: answers are not checked against Stripe's OpenAPI document, because it is not at ../shared/stripe");
                return None;
            };
            let mut text = String::new();
            flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
            Some(serde_json::from_str(&text).unwrap())
        })
        .as_ref()
}

#[expect(clippy::print_stderr, reason = "a skipped check must be seen")]
fn report(text: &str) {
    eprintln!("{text}");
}

/// Panics with everything in which an answer differs from its route's schema.
pub(super) fn check_answer(method: &str, path: &str, body: &Value) {
    let Some(document) = document() else { return };
    let path = path.split('?').next().unwrap();
    let Some((route, _)) = routes::find(method, path) else { return };
    let (_, pattern) = route.pattern.split_once(' ').unwrap();
    let operation = &document["paths"][pattern][method.to_lowercase()];
    if operation.is_null() {
        // Private routes, which the document does not know.
        return;
    }
    let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    let mut faults = Vec::new();
    Walker { document }.check(body, schema, "", &mut faults);
    assert!(
        faults.is_empty(),
        "{} differs from the document:\n{}",
        route.pattern,
        faults.join("\n")
    );
    if std::env::var_os("SHOW_MISSING_FIELDS").is_some() {
        let mut missing = Vec::new();
        Walker { document }.absent(body, schema, "", &mut missing);
        if !missing.is_empty() {
            report(&format!("{}: {}", route.pattern, missing.join(", ")));
        }
    }
}

struct Walker {
    document: &'static Value,
}

impl Walker {
    fn resolve(&self, schema: &'static Value) -> &'static Value {
        match schema["$ref"].as_str() {
            Some(name) => {
                let name = name.rsplit('/').next().unwrap();
                &self.document["components"]["schemas"][name]
            }
            None => schema,
        }
    }

    fn check(&self, value: &Value, schema: &'static Value, at: &str, faults: &mut Vec<String>) {
        let schema = self.resolve(schema);
        if value.is_null() {
            if schema["nullable"] != true {
                faults.push(format!("{at}: null is not allowed"));
            }
            return;
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            let mut best: Option<Vec<String>> = None;
            for choice in choices {
                let mut found = Vec::new();
                self.check(value, choice, at, &mut found);
                if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                    best = Some(found);
                }
            }
            faults.extend(best.unwrap_or_default());
            return;
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            faults.push(format!("{at}: {value} is not one of {}", schema["enum"]));
        }
        let fits = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => true,
        };
        if !fits {
            faults.push(format!("{at}: {value} is not of type {}", schema["type"]));
            return;
        }
        if let Some(items) = value.as_array() {
            for (index, item) in items.iter().enumerate() {
                self.check(item, &schema["items"], &format!("{at}[{index}]"), faults);
            }
        }
        if let Some(object) = value.as_object() {
            for required in schema["required"].as_array().into_iter().flatten() {
                let name = required.as_str().unwrap();
                if !object.contains_key(name) {
                    faults.push(format!("{at}.{name}: missing"));
                }
            }
            if let Some(properties) = schema["properties"].as_object() {
                for (name, inner) in object {
                    if let Some(schema) = properties.get(name) {
                        self.check(inner, schema, &format!("{at}.{name}"), faults);
                    }
                }
            }
        }
    }

    /// Nullable fields that real answers carry as null and ours leave out.
    fn absent(&self, value: &Value, schema: &'static Value, at: &str, missing: &mut Vec<String>) {
        let schema = self.resolve(schema);
        if let Some(choices) = schema["anyOf"].as_array() {
            for choice in choices {
                let mut found = Vec::new();
                self.check(value, choice, at, &mut found);
                if found.is_empty() {
                    self.absent(value, choice, at, missing);
                    return;
                }
            }
        }
        if let Some(items) = value.as_array() {
            for item in items.iter().take(1) {
                self.absent(item, &schema["items"], &format!("{at}[]"), missing);
            }
        }
        let (Some(object), Some(properties)) =
            (value.as_object(), schema["properties"].as_object())
        else {
            return;
        };
        for (name, schema) in properties {
            match object.get(name) {
                None if schema["nullable"] == true => missing.push(format!("{at}.{name}")),
                None => {}
                Some(inner) => self.absent(inner, schema, &format!("{at}.{name}"), missing),
            }
        }
    }
}

/// The declarations of parameters are what the document says: `params.txt` is generated by this
/// test when `UPDATE_GENERATED` is set.
#[test]
fn parameters_are_as_generated() {
    let Some(document) = document() else { return };
    let mut text = String::new();
    for route in routes::ROUTES {
        let (method, path) = route.pattern.split_once(' ').unwrap();
        let operation = &document["paths"][path][method.to_lowercase()];
        if operation.is_null() {
            continue;
        }
        text.push_str(route.pattern);
        text.push('\n');
        let mut parameters: Vec<(String, &Value, bool)> = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "query" {
                let name = parameter["name"].as_str().unwrap().to_owned();
                parameters.push((name, &parameter["schema"], parameter["required"] == true));
            }
        }
        for content in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            parameters.extend(properties(&content.1["schema"]));
        }
        declare(&mut text, parameters, 1);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocol/params.txt");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    let differs = kept.lines().zip(text.lines()).find(|(kept, made)| kept != made);
    assert!(kept == text, "params.txt is not as generated, first at {differs:?}");
}

/// Branches that are accepted whole: the simulator never looks into them.
const WHOLE: &[&str] = &[
    "payment_method_options",
    "custom_fields",
    "custom_text",
    "shipping_options",
    "tax_rates",
    "default_tax_rates",
    "customer_acceptance",
    "company",
    "individual",
];

fn properties(schema: &Value) -> Vec<(String, &Value, bool)> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let all = schema["properties"].as_object().into_iter().flatten();
    all.map(|(name, schema)| {
        (name.clone(), schema, required.iter().any(|wanted| wanted == name.as_str()))
    })
    .collect()
}

fn declare(text: &mut String, mut parameters: Vec<(String, &Value, bool)>, depth: usize) {
    parameters.sort_by(|one, other| one.0.cmp(&other.0));
    parameters.dedup_by(|one, other| one.0 == other.0);
    for (name, schema, required) in parameters {
        let (shape, children) = shape(schema, &name);
        text.push_str(&"\t".repeat(depth));
        if required {
            text.push('*');
        }
        text.push_str(&format!("{name} {shape}\n"));
        declare(text, children, depth + 1);
    }
}

type Shape<'s> = (String, Vec<(String, &'s Value, bool)>);

fn shape<'s>(schema: &'s Value, name: &str) -> Shape<'s> {
    let whole = ("x?".to_owned(), Vec::new());
    // Cards come inline here, with a token that the document does not tell.
    if name == "payment_method_data" {
        return whole;
    }
    let empty = |choice: &Value| choice["enum"] == serde_json::json!([""]);
    if let Some(choices) = schema["anyOf"].as_array() {
        let real: Vec<&Value> = choices.iter().filter(|choice| !empty(choice)).collect();
        let emptyable = real.len() < choices.len();
        let mark = if emptyable { "?" } else { "" };
        if let [only] = real.as_slice() {
            let (shape, children) = self::shape(only, name);
            let mark = if shape.ends_with('?') { "" } else { mark };
            return (format!("{shape}{mark}"), children);
        }
        if real.iter().any(|choice| !choice["properties"]["gte"].is_null()) {
            return ("r".to_owned(), Vec::new());
        }
        let objects = real.iter().filter(|choice| choice["type"] == "object");
        if real.len() > 1 && objects.clone().count() == real.len() {
            // What one of several shapes requires is not required of the others.
            let all = objects.flat_map(|choice| properties(choice));
            let all = all.map(|(name, schema, _)| (name, schema, false)).collect();
            return ("o?".to_owned(), all);
        }
        return (format!("x{mark}"), Vec::new());
    }
    let kind = schema["type"].as_str().unwrap_or_default();
    if WHOLE.contains(&name) && matches!(kind, "object" | "array") {
        return whole;
    }
    let plain = |shape: &str| (shape.to_owned(), Vec::new());
    match kind {
        "string" if empty(schema) => whole,
        "string" => {
            let open = schema["x-stripeBypassValidation"] == true;
            match schema["enum"].as_array() {
                Some(words) if !open => {
                    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
                    let named: Vec<&str> =
                        words.iter().copied().filter(|word| !word.is_empty()).collect();
                    let mark = if named.len() < words.len() { "?" } else { "" };
                    (format!("e:{}{mark}", named.join("|")), Vec::new())
                }
                _ if schema["format"] == "decimal" => plain("d"),
                _ => plain("s"),
            }
        }
        "integer" if schema["format"] == "unix-time" => plain("t"),
        "integer" => plain("i"),
        "number" => plain("n"),
        "boolean" => plain("b"),
        "array" => {
            let (inner, children) = shape(&schema["items"], name);
            (format!("[{inner}"), children)
        }
        "object" if !schema["properties"].is_null() => ("o".to_owned(), properties(schema)),
        "object" => plain("m"),
        _ => plain("x"),
    }
}
