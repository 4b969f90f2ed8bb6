//! The goals as ratios, and what was measured beside them.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::product::Database;

/// One line of the load driver's report.
#[derive(Deserialize)]
struct Round {
    label: String,
    conc: u32,
    ok_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_us_per_req: f64,
    sent: u64,
    ok: u64,
}

/// Medians over the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Medians {
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) cpu_us: f64,
    /// Requests of all rounds that were not answered 2xx.
    pub(super) refused: u64,
}

/// What a run measured, by contestant and number of connections.
pub(super) struct Results(BTreeMap<(String, u32), Medians>);

impl Results {
    /// Reads the driver's lines of JSON.
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut rounds: BTreeMap<(String, u32), Vec<Round>> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let round: Round =
                serde_json::from_str(line).with_context(|| format!("a result: {line}"))?;
            rounds.entry((round.label.clone(), round.conc)).or_default().push(round);
        }
        let medians = rounds
            .into_iter()
            .map(|(key, rounds)| {
                let of = |field: fn(&Round) -> f64| median(rounds.iter().map(field).collect());
                let medians = Medians {
                    per_second: of(|round| round.ok_per_s),
                    p50_ms: of(|round| round.p50_ms),
                    p99_ms: of(|round| round.p99_ms),
                    cpu_us: of(|round| round.cpu_us_per_req),
                    refused: rounds.iter().map(|round| round.sent.saturating_sub(round.ok)).sum(),
                };
                (key, medians)
            })
            .collect();
        Ok(Self(medians))
    }

    /// The medians of one contestant with so many connections.
    pub(super) fn of(&self, label: &str, connections: u32) -> Option<Medians> {
        self.0.get(&(label.to_owned(), connections)).copied()
    }
}

/// The middle one, or the mean of the two in the middle; 0 of nothing.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle.saturating_sub(1)), values.get(middle)) {
        (0, Some(low), Some(high)) => f64::midpoint(*low, *high),
        (1, _, Some(middle)) => *middle,
        _ => 0.0,
    }
}

/// A measured figure and its goal.
pub(super) struct Line {
    what: String,
    measured: String,
    goal: String,
    /// `None`: there is nothing to compare with.
    reached: Option<bool>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.reached {
            Some(true) => "reached",
            Some(false) => "SHORT",
            None => "",
        };
        write!(f, "{:62} {:>16}   {:14} {mark}", self.what, self.measured, self.goal)
    }
}

impl Line {
    /// A ratio that should be at least `goal`.
    pub(super) fn ratio(what: String, value: f64, base: Option<f64>, goal: f64) -> Self {
        let goal_text = format!("≥ {goal} ×");
        match base.filter(|base| *base > 0.0) {
            Some(base) => {
                let ratio = value / base;
                Self {
                    what,
                    measured: format!("{ratio:.2} ×"),
                    goal: goal_text,
                    reached: Some(ratio >= goal),
                }
            }
            None => Self { what, measured: "no peer".to_owned(), goal: goal_text, reached: None },
        }
    }

    /// A figure that should be at most `goal`.
    pub(super) fn at_most(what: String, value: f64, goal: f64, unit: &str) -> Self {
        Self {
            what,
            measured: format!("{value:.2} {unit}"),
            goal: format!("≤ {goal} {unit}"),
            reached: Some(value <= goal),
        }
    }

    /// A figure without a goal.
    pub(super) fn plain(what: String, measured: String) -> Self {
        Self { what, measured, goal: String::new(), reached: None }
    }
}

pub(super) fn webhooks(database: Database, results: &Results) -> Vec<Line> {
    let name = database.name();
    let Some(many) = results.of("product", 32) else {
        return vec![Line::plain(format!("{name}: accept"), "not measured".to_owned())];
    };
    let per_second = |label| results.of(label, 32).map(|peer| peer.per_second);
    let mut lines = vec![Line::plain(
        format!("{name}: accepted, 32 connections"),
        format!("{:.0}/s", many.per_second),
    )];
    match database {
        Database::Sqlite => {
            lines.push(Line::ratio(
                format!("{name}: accept / durable ceiling"),
                many.per_second,
                per_second("ceiling-durable"),
                0.8,
            ));
            lines.push(Line::at_most(
                format!("{name}: p99, 32 connections"),
                many.p99_ms,
                25.0,
                "ms",
            ));
            if let Some(one) = results.of("product", 1) {
                lines.push(Line::at_most(
                    format!("{name}: p50, one connection"),
                    one.p50_ms,
                    0.5,
                    "ms",
                ));
                lines.push(Line::at_most(
                    format!("{name}: p99, one connection"),
                    one.p99_ms,
                    2.0,
                    "ms",
                ));
            }
        }
        Database::Postgres => {
            lines.push(Line::ratio(
                format!("{name}: accept / Fastify done right on the same database"),
                many.per_second,
                per_second("node-tx"),
                3.0,
            ));
            lines.push(Line::at_most(
                format!("{name}: p99, 32 connections"),
                many.p99_ms,
                40.0,
                "ms",
            ));
        }
    }
    lines.push(Line::plain(
        format!("{name}: CPU per event while accepting, our process"),
        format!("{:.0} µs", many.cpu_us),
    ));
    lines.push(refused(name, many.refused));
    lines
}

pub(super) fn usage(database: Database, results: &Results) -> Vec<Line> {
    let name = database.name();
    let Some(many) = results.of("limit-product", 32) else {
        return vec![Line::plain(format!("{name}: consume"), "not measured".to_owned())];
    };
    let per_second = |label| results.of(label, 32).map(|peer| peer.per_second);
    let ratio = |what: &str, label, goal| {
        Line::ratio(format!("{name}: consume / {what}"), many.per_second, per_second(label), goal)
    };
    let mut lines = vec![Line::plain(
        format!("{name}: consumed, 32 connections"),
        format!("{:.0}/s", many.per_second),
    )];
    match database {
        Database::Sqlite => {
            lines.push(ratio("durable ceiling", "limit-ceiling-durable", 0.5));
            lines.push(ratio("Fastify + Redis with fsync", "limit-node-redis-durable", 2.5));
            lines.push(Line::at_most(
                format!("{name}: p99, 32 connections"),
                many.p99_ms,
                5.0,
                "ms",
            ));
            if let Some(one) = results.of("limit-product", 1) {
                lines.push(Line::at_most(
                    format!("{name}: p50, one connection"),
                    one.p50_ms,
                    0.3,
                    "ms",
                ));
            }
        }
        Database::Postgres => {
            lines.push(ratio("Fastify + PostgreSQL, exact by key", "limit-node-pg-exact", 4.0));
        }
    }
    lines.push(refused(name, many.refused));
    lines
}

fn refused(name: &str, count: u64) -> Line {
    Line {
        what: format!("{name}: answers that were not 2xx"),
        measured: count.to_string(),
        goal: "0".to_owned(),
        reached: Some(count == 0),
    }
}

/// The size of the release binary with the pages in it.
pub(super) fn binary_size(bytes: u64) -> Line {
    #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
    let megabytes = bytes as f64 / 1_000_000.0;
    Line::at_most("binary with pages".to_owned(), megabytes, 30.0, "MB")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn line(label: &str, conc: u32, rate: u32) -> String {
        format!(
            r#"{{"label":"{label}","conc":{conc},"ok_per_s":{rate},"p50_ms":0.4,"p99_ms":9.0,"cpu_us_per_req":100,"sent":10,"ok":10,"codes":{{"200":10}}}}"#
        )
    }

    /// Shows that the ratio is taken between medians of the same run, and judged against the goal.
    #[test]
    fn ratios_are_those_of_medians() {
        let text = [
            line("ceiling-durable", 32, 10_000),
            line("product", 32, 1),
            line("product", 32, 8_500),
            line("product", 32, 9_000),
            line("product", 1, 2_000),
        ]
        .join("\n");
        let results = Results::read(&text).unwrap();
        assert!((results.of("product", 32).unwrap().per_second - 8_500.0).abs() < 0.001);
        let lines: Vec<String> =
            webhooks(Database::Sqlite, &results).iter().map(ToString::to_string).collect();
        let ratio = lines.iter().find(|line| line.contains("durable ceiling")).unwrap();
        assert!(ratio.contains("0.85 ×") && ratio.contains("reached"), "{ratio}");
        let alone: Vec<String> =
            webhooks(Database::Postgres, &results).iter().map(ToString::to_string).collect();
        assert!(alone.iter().any(|line| line.contains("no peer")));
    }

    /// Shows the median of odd, even and no values.
    #[test]
    fn medians() {
        let is = |values: Vec<f64>, wanted: f64| (median(values) - wanted).abs() < f64::EPSILON;
        assert!(is(vec![3.0, 1.0, 2.0], 2.0));
        assert!(is(vec![4.0, 1.0], 2.5));
        assert!(is(vec![], 0.0));
    }
}
