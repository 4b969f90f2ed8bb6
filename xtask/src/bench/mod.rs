//! `cargo xtask bench`: Billhook beside its peers and the ceilings of this machine. The peers, the
//! load driver and the rounds are those of `../shared/bench`, which is no part of the repository;
//! this file builds the product, tells that folder how to start it, and compares what comes back
//! with the goals. It never states an absolute figure as a goal: those belong to the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::processes::{WorkFolder, cargo, command, output_of, run as run_command};
use crate::tools::{self, Node};
use crate::{web, workspace};

mod goals;
mod product;

use goals::{Line, Results};
use product::{Database, Product};

/// The customers that the driver's events name: `cus_bench00000` to `cus_bench00999`.
const CUSTOMERS: &str = "1000";

/// What one can say to `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct Options {
    #[arg(value_enum)]
    what: What,
    /// Interleaved rounds; the medians are compared
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Seconds of load for each figure
    #[arg(long, default_value_t = 4)]
    secs: u32,
    /// Measure only the product and what its goals compare it with
    #[arg(long)]
    short: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Webhooks accepted, and accepted and applied
    Webhooks,
    /// Usage: check and count
    Usage,
}

/// The folder with the peers, and where it keeps what it builds.
struct Bench {
    folder: PathBuf,
    data: PathBuf,
}

impl Bench {
    fn script(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = command(self.folder.join(name), arguments);
        command.env("BENCH_DATA", &self.data);
        command
    }

    /// The load driver that setup.sh builds.
    fn driver(&self) -> PathBuf {
        self.data.join("target/release/sdrive")
    }

    /// Runs the rounds for one way to start the product and returns what was measured.
    fn rounds(
        &self,
        options: &Options,
        only: &[&str],
        product: &Path,
        name: &str,
    ) -> Result<Results> {
        let out = self.data.join(format!("run/results-{name}.jsonl"));
        // The runner appends; figures of an earlier run belong to another minute.
        if out.exists() {
            std::fs::remove_file(&out).with_context(|| format!("remove {}", out.display()))?;
        }
        run_command(
            self.script("run.py", &["--only", &only.join(","), "--product"])
                .arg(product)
                .args(["--rounds", &options.rounds.to_string()])
                .args(["--secs", &options.secs.to_string(), "--out"])
                .arg(&out),
        )?;
        let text =
            std::fs::read_to_string(&out).with_context(|| format!("read {}", out.display()))?;
        Results::read(&text)
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let Some(folder) =
        workspace::shared().map(|shared| shared.join("bench")).filter(|it| it.is_dir())
    else {
        eprintln!(
            "SKIPPED: bench, because ../shared/bench (peers, ceilings, load driver) is not next to this repository"
        );
        return Ok(ExitCode::SUCCESS);
    };
    if options.what == What::Usage && !has_route("/api/v1/usage/consume")? {
        eprintln!(
            "SKIPPED: bench usage, because this version has no route /api/v1/usage/consume yet"
        );
        return Ok(ExitCode::SUCCESS);
    }
    let data = std::env::var_os("BENCH_DATA")
        .map_or_else(|| std::env::temp_dir().join("billhook-bench"), PathBuf::from);
    let bench = Bench { folder, data };

    eprintln!("Preparing peers, ceilings and driver (setup.sh)");
    run_command(&mut bench.script("setup.sh", &[]))?;
    let binary = release_binary()?;
    let ran_before = bench.data.join("pg/postmaster.pid").exists();
    run_command(&mut bench.script("pg.sh", &["start"]))?;
    let outcome = measure(options, &bench, &binary);
    if !ran_before {
        run_command(&mut bench.script("pg.sh", &["stop"]))?;
    }
    outcome
}

fn measure(options: &Options, bench: &Bench, binary: &Path) -> Result<ExitCode> {
    let work = WorkFolder::new("bench")?;
    let size = std::fs::metadata(binary)?.len();
    let mut lines = Vec::new();
    for database in [Database::Sqlite, Database::Postgres] {
        eprintln!("\n── {} ──", database.name());
        let product = Product::prepare(binary, database, bench, work.path())?;
        let file = work.path().join(format!("product-{}.json", database.name()));
        std::fs::write(&file, serde_json::to_vec_pretty(&product.description(options.what)?)?)?;
        let results =
            bench.rounds(options, &contestants(options, database), &file, database.name())?;
        match options.what {
            What::Webhooks => {
                lines.extend(goals::webhooks(database, &results));
                // One figure that cannot be had is no reason to lose those already measured.
                let apply = product.measure_apply(options.secs, &results);
                lines.extend(apply.unwrap_or_else(|error| not_measured(database, "apply", &error)));
                let start = product.measure_start();
                lines.extend(start.unwrap_or_else(|error| not_measured(database, "start", &error)));
            }
            What::Usage => lines.extend(goals::usage(database, &results)),
        }
    }
    lines.push(goals::binary_size(size));

    println!("\nRatios of medians from this run, beside the goals");
    for line in lines {
        println!("{line}");
    }
    println!("\nAbsolute figures belong to this machine and this minute; quote ratios.");
    Ok(ExitCode::SUCCESS)
}

fn not_measured(database: Database, what: &str, error: &anyhow::Error) -> Vec<Line> {
    vec![Line::plain(
        format!("{}: {what}: not measured: {error:#}", database.name()),
        String::new(),
    )]
}

/// Who runs beside the product: the ceilings and peers that its goals name, or all of them.
fn contestants(options: &Options, database: Database) -> Vec<&'static str> {
    match (options.what, database, options.short) {
        (What::Webhooks, Database::Sqlite, true) => {
            vec!["ceiling-durable", "node-sqlite", "product"]
        }
        (What::Webhooks, Database::Sqlite, false) => vec![
            "ceiling-http",
            "ceiling-verify",
            "ceiling-durable",
            "node-sqlite",
            "node-plain",
            "express-tx",
            "fastapi-tx",
            "product",
        ],
        (What::Webhooks, Database::Postgres, _) => vec!["node-tx", "product"],
        (What::Usage, Database::Sqlite, true) => {
            vec!["limit-ceiling-durable", "limit-node-redis-durable", "limit-product"]
        }
        (What::Usage, Database::Sqlite, false) => vec![
            "limit-ceiling-durable",
            "limit-ceiling-memory",
            "limit-node-redis",
            "limit-node-redis-durable",
            "limit-node-pg",
            "limit-node-sqlite",
            "limit-product",
        ],
        (What::Usage, Database::Postgres, _) => vec!["limit-node-pg-exact", "limit-product"],
    }
}

fn has_route(path: &str) -> Result<bool> {
    let file = workspace::root().join("crates/server/openapi.json");
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    let document: serde_json::Value = serde_json::from_str(&text)?;
    Ok(document["paths"].get(path).is_some())
}

/// The binary as operators get it: optimised, with the pages.
fn release_binary() -> Result<PathBuf> {
    tools::require_c_compiler()?;
    if !web::is_built()? {
        web::build(&Node::find()?)?;
    }
    eprintln!("Building the release binary (some minutes the first time)");
    run_command(&mut cargo(["build", "--release", "--package", "server", "--bin", "billhook"]))?;
    let binary = workspace::target()?.join("release/billhook");
    if !binary.is_file() {
        bail!("cargo built no {}", binary.display());
    }
    Ok(binary)
}

impl Product<'_> {
    /// What `run.py --product` wants to know.
    fn description(&self, what: What) -> Result<serde_json::Value> {
        let mut description = json!({
            "start": self.start_line(),
            "env": self.environment("{port}", "{data}"),
            "ready": "/livez",
            "hook": "/api/webhooks/stripe",
        });
        if what == What::Usage {
            let key = self.key.as_deref().context("`billhook bench-seed` wrote no product key")?;
            description["check"] = json!("/api/v1/usage/consume");
            description["check_body"] =
                json!(r#"{"feature":"test_runs","quantity":1,"idempotency_key":"{{run}}{{i}}"}"#);
            description["headers"] = json!([
                format!("Authorization: Bearer {key}"),
                "Billhook-Organization: bench-{{c}}"
            ]);
        }
        Ok(description)
    }
}

/// The words of a shell command, each quoted.
fn shell_words(words: &[&str]) -> String {
    let quoted: Vec<String> =
        words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
    quoted.join(" ")
}

/// What `query` answers on the private PostgreSQL.
fn ask_postgres(bench: &Bench, database: &str, query: &str) -> Result<String> {
    output_of(&mut bench.script("pg.sh", &["sql", database, "-c", query]))
}

#[cfg(test)]
mod tests {
    use super::shell_words;

    /// Shows that a word with blanks and quotes survives the shell as one word.
    #[test]
    fn words_are_quoted() {
        assert_eq!(shell_words(&["exec", "a b", "it's"]), r"'exec' 'a b' 'it'\''s'");
    }
}
