//! The query language of the search routes, as far as it is used here.

use serde_json::{Value, json};

use super::{ApiError, list};
use crate::state::{Fields, Kind, Object, Tx};

/// One clause, for example `metadata['a']:'b'`.
#[derive(Debug, PartialEq)]
struct Clause {
    negated: bool,
    field: String,
    key: Option<String>,
    operator: String,
    /// `None` stands for `null`.
    value: Option<String>,
}

/// A query: clauses joined by AND or by OR (Stripe does not allow both in one query).
#[derive(Debug, PartialEq)]
struct Query {
    any: bool,
    clauses: Vec<Clause>,
}

/// What a search answers only when asked to expand it: how many objects fit on all pages.
pub(crate) const TOTAL: &str = "total_count";

/// Answers a search request. Stripe's index lags behind by up to a minute; this one does not.
///
/// # Errors
/// 400 for a query that cannot be read.
pub(crate) fn search(tx: &Tx<'_>, kind: Kind, args: &Object) -> Result<Value, ApiError> {
    let text = args.text("query").unwrap_or_default();
    let query = parse(text).ok_or_else(|| {
        ApiError::invalid(format!(
            "We were unable to parse your search query: `{text}`. See \
             https://stripe.com/docs/search#search-query-language for more information."
        ))
        .at("query")
    })?;
    let limit = list::limit(args)?;
    let start = match args.text("page") {
        None => u64::MAX,
        Some(page) => {
            page.parse().map_err(|_| ApiError::invalid("Invalid page token.").at("page"))?
        }
    };
    let by_email = query.clauses.iter().find(|clause| {
        kind == Kind::Customer
            && !query.any
            && !clause.negated
            && clause.field == "email"
            && clause.operator == ":"
    });
    let filter = by_email.and_then(|clause| Some(("email", clause.value.as_deref()?)));
    let wanted = |json: &Object| {
        let fits = |clause: &Clause| holds(clause, json) != clause.negated;
        if query.any { query.clauses.iter().any(fits) } else { query.clauses.iter().all(fits) }
    };
    let all = |below: u64| tx.state.objects.newest_first(kind, tx.livemode, filter, (0, below));
    let mut data = Vec::new();
    let mut next = None;
    for entry in all(start).filter(|entry| wanted(&entry.json)) {
        if data.len() == limit {
            next = Some(entry.seq + 1);
            break;
        }
        data.push(Value::Object((*entry.json).clone()));
    }
    let mut found = json!({
        "object": "search_result",
        "data": data,
        "has_more": next.is_some(),
        "next_page": next.map(|seq| seq.to_string()),
        "url": format!("{}/search", kind.path()),
    });
    if args.items("expand").iter().any(|path| path == TOTAL) {
        found[TOTAL] = json!(all(u64::MAX).filter(|entry| wanted(&entry.json)).count());
    }
    Ok(found)
}

fn holds(clause: &Clause, json: &Object) -> bool {
    let value = match &clause.key {
        Some(key) => json.object(&clause.field).map_or(Value::Null, |map| map.copy(key)),
        None => json.copy(&clause.field),
    };
    let Some(wanted) = &clause.value else { return value.is_null() };
    let text = match &value {
        Value::String(text) => text.clone(),
        Value::Null => return false,
        other => other.to_string(),
    };
    let numbers = || Some((text.parse::<i64>().ok()?, wanted.parse::<i64>().ok()?));
    match clause.operator.as_str() {
        ":" => text.eq_ignore_ascii_case(wanted),
        "~" => text.to_lowercase().contains(&wanted.to_lowercase()),
        ">" => numbers().is_some_and(|(have, bound)| have > bound),
        ">=" => numbers().is_some_and(|(have, bound)| have >= bound),
        "<" => numbers().is_some_and(|(have, bound)| have < bound),
        "<=" => numbers().is_some_and(|(have, bound)| have <= bound),
        _ => false,
    }
}

fn parse(text: &str) -> Option<Query> {
    let mut clauses = Vec::new();
    let (mut any, mut all) = (false, false);
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("AND ") {
            (all, rest) = (true, after.trim_start());
        } else if let Some(after) = rest.strip_prefix("OR ") {
            (any, rest) = (true, after.trim_start());
        }
        let (clause, after) = clause(rest)?;
        clauses.push(clause);
        rest = after.trim_start();
    }
    (!clauses.is_empty() && (!any || !all)).then_some(Query { any, clauses })
}

fn clause(text: &str) -> Option<(Clause, &str)> {
    let (negated, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')?;
    let (field, mut rest) = text.split_at(end);
    let mut key = None;
    if let Some(inner) = rest.strip_prefix('[') {
        let (name, after) = quoted(inner)?;
        key = Some(name);
        rest = after.strip_prefix(']')?;
    }
    let operator = [">=", "<=", ":", "~", ">", "<"].iter().find(|op| rest.starts_with(**op))?;
    rest = &rest[operator.len()..];
    let (value, rest) = match quoted(rest) {
        Some((value, rest)) => (Some(value), rest),
        None => {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (word, rest) = rest.split_at(end);
            match word {
                word if word.is_empty() || word.starts_with(['\'', '"']) => return None,
                "null" | "NULL" => (None, rest),
                word => (Some(word.to_owned()), rest),
            }
        }
    };
    let operator = (*operator).to_owned();
    Some((Clause { negated, field: field.to_owned(), key, operator, value }, rest))
}

/// A quoted text with backslash escapes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| *c == '\'' || *c == '"')?;
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            c if c == quote => return Some((value, &text[at + 1..])),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Quoting, maps, negation and comparison are read; AND and OR do not mix.
    #[test]
    fn reads_queries() {
        let query = parse(r"email:'a\'b' AND -metadata['k']:'v' created>5").unwrap();
        assert_eq!(query.clauses.len(), 3);
        assert_eq!(query.clauses[0].value.as_deref(), Some("a'b"));
        assert!(query.clauses[1].negated);
        assert_eq!(query.clauses[1].key.as_deref(), Some("k"));
        assert_eq!(query.clauses[2].operator, ">");
        assert_eq!(parse("a:'b' AND c:'d' OR e:'f'"), None);
        assert_eq!(parse("email:'unclosed"), None);
    }
}
