//! Billhook as a contestant: seeded once for each database, started from a copy of that each time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::goals::{Line, Results, median};
use super::{Bench, CUSTOMERS, ask_postgres, shell_words};
use crate::processes::{Running, bound_to_us, command, output_of, run as run_command};
use crate::waiting;

/// How often the cold start is measured.
const STARTS: u32 = 5;
/// How long a start, or applying what is left, may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// The secret with which the load driver signs.
const SECRET: &str = "whsec_bench";
/// Deliveries that still have to be applied.
const UNFINISHED: &str =
    "select count(*) from webhook_events where state in ('pending', 'claimed')";
/// Deliveries that changed the mirror, as they should.
const APPLIED: &str = "select count(*) from webhook_events where state = 'applied'";
/// The kernel counts processor time in these, on every Linux we know.
const TICKS_PER_SECOND: f64 = 100.0;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

pub(super) struct Product<'a> {
    binary: &'a Path,
    bench: &'a Bench,
    work: &'a Path,
    database: Database,
    /// A product key that may act for every seeded organisation, where this version has such keys.
    pub(super) key: Option<String>,
}

impl<'a> Product<'a> {
    /// Makes the seeded database from which every start is copied.
    pub(super) fn prepare(
        binary: &'a Path,
        database: Database,
        bench: &'a Bench,
        work: &'a Path,
    ) -> Result<Self> {
        let mut product = Self { binary, bench, work, database, key: None };
        let template = product.template();
        std::fs::create_dir_all(&template)?;
        if database == Database::Postgres {
            run_command(&mut bench.script("pg.sh", &["reset", "bench_seeded"]))?;
        }
        let key_file = work.join(format!("key-{}", database.name()));
        let mut environment = product.environment("8080", &template.to_string_lossy());
        if database == Database::Postgres {
            environment.insert("DATABASE_URL", postgres_url("bench_seeded"));
        }
        run_command(command(binary, ["migrate", "up"]).envs(&environment).stdout(Stdio::null()))?;
        run_command(
            command(binary, ["bench-seed", "--customers", CUSTOMERS, "--key-file"])
                .arg(&key_file)
                .envs(&environment)
                .stdout(Stdio::null()),
        )?;
        product.key = std::fs::read_to_string(&key_file).ok().map(|key| key.trim().to_owned());
        Ok(product)
    }

    fn template(&self) -> PathBuf {
        self.work.join(format!("template-{}", self.database.name()))
    }

    /// The environment of every start. Nothing listens at the address given for Stripe, so that
    /// nothing measured depends on it.
    pub(super) fn environment(&self, port: &str, data: &str) -> BTreeMap<&'static str, String> {
        let database = match self.database {
            Database::Sqlite => format!("sqlite:{data}/billhook.db"),
            Database::Postgres => postgres_url("bench"),
        };
        BTreeMap::from([
            ("DATABASE_URL", database),
            ("PORT", port.to_owned()),
            ("STRIPE_WEBHOOK_SECRET", SECRET.to_owned()),
            ("STRIPE_SECRET_KEY", "sk_test_bench".to_owned()),
            ("STRIPE_API_BASE", "http://127.0.0.1:9".to_owned()),
            ("JWT_SECRET", "for-the-benchmark-only-".repeat(4)),
            ("STRIPE_PLAN_PRICE_MAPPING_TEST", r#"{"team":{"monthly":"price_team"}}"#.to_owned()),
        ])
    }

    /// The shell script that makes a fresh copy of the seeded database in `data`.
    fn copy_script(&self, data: &str) -> String {
        match self.database {
            Database::Sqlite => {
                let from = format!("{}/.", self.template().display());
                shell_words(&["cp", "-r", &from, data])
            }
            Database::Postgres => shell_words(&[
                &self.bench.folder.join("pg.sh").to_string_lossy(),
                "sql",
                "postgres",
                "-c",
                "drop database if exists bench with (force)",
                "-c",
                "create database bench template bench_seeded",
            ]),
        }
    }

    /// The command line with which the runner starts the product. The shell is replaced by the
    /// product, so that the process it knows is the one to measure.
    pub(super) fn start_line(&self) -> String {
        let serve = shell_words(&[&self.binary.to_string_lossy(), "serve"]);
        let script = format!("{} && exec {serve}", self.copy_script("{data}"));
        shell_words(&["sh", "-c", &script])
    }

    fn serve(&self, port: u16, data: &Path) -> Result<Running> {
        let log = std::fs::File::create(data.join("serve.log"))?;
        let mut serve = bound_to_us(self.binary, ["serve"]);
        serve
            .envs(self.environment(&port.to_string(), &data.to_string_lossy()))
            .stdout(log.try_clone()?)
            .stderr(log);
        Running::start("billhook serve", &mut serve)
    }

    fn fresh_folder(&self, purpose: &str) -> Result<PathBuf> {
        let folder = self.work.join(format!("{purpose}-{}", self.database.name()));
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Accepted **and** applied: from the first request until nothing is left to apply.
    pub(super) fn measure_apply(&self, secs: u32, results: &Results) -> Result<Vec<Line>> {
        #[derive(Deserialize)]
        struct Driven {
            ok: u64,
            prep_s: f64,
        }
        const WARMUP: u64 = 500;

        let name = self.database.name();
        let data = self.fresh_folder("apply")?;
        run_command(
            Command::new("sh")
                .args(["-c", &self.copy_script(&data.to_string_lossy())])
                .env("BENCH_DATA", &self.bench.data),
        )?;
        let port = waiting::free_port()?;
        let mut server = self.serve(port, &data)?;
        waiting::until_ok(&mut server, port, "/readyz", PATIENCE)?;

        let guess = results.of("product", 32).map_or(2_000.0, |medians| medians.per_second);
        let count = format!("{:.0}", (guess * f64::from(secs)).max(1_000.0));
        let cpu_before = cpu_seconds(server.id())?;
        let start = Instant::now();
        let said = output_of(
            Command::new(self.bench.driver())
                .args(["--url", &format!("http://127.0.0.1:{port}/api/webhooks/stripe")])
                .args(["--count", &count, "--conc", "32", "--secret", SECRET])
                .args(["--warmup", &WARMUP.to_string(), "--max-secs", &(secs * 4).to_string()])
                .arg("--template")
                .arg(self.bench.folder.join("templates/subscription_updated.min.json")),
        )?;
        let line = said.lines().next_back().unwrap_or_default();
        let driven: Driven =
            serde_json::from_str(line).with_context(|| format!("the load driver said: {line}"))?;
        let applied = self.until_applied(&data)?;
        // The requests were made and signed before the first one was sent.
        let seconds = start.elapsed().as_secs_f64() - driven.prep_s;
        let cpu = cpu_seconds(server.id())? - cpu_before;
        #[expect(clippy::cast_precision_loss, reason = "a count of events is far below 2^52")]
        let events = driven.ok.saturating_add(WARMUP) as f64;
        // Fast because it parked or ignored everything would be no result.
        if applied < driven.ok {
            eprintln!(
                "NOTE: only {applied} of {events:.0} deliveries were applied; the rest is ignored or parked"
            );
        }

        let per_second = events / seconds.max(0.001);
        let mut lines = vec![Line::plain(
            format!("{name}: accepted and applied, 32 connections"),
            format!("{per_second:.0}/s"),
        )];
        if self.database == Database::Sqlite {
            let ceiling = results.of("ceiling-durable", 32).map(|medians| medians.per_second);
            lines.push(Line::ratio(
                format!("{name}: accept and apply / durable ceiling"),
                per_second,
                ceiling,
                0.5,
            ));
            let peer = results.of("node-sqlite", 32).map(|medians| medians.per_second);
            lines.push(Line::ratio(
                format!("{name}: accept and apply / best hand-written peer"),
                per_second,
                peer,
                4.0,
            ));
        }
        lines.push(Line::at_most(
            format!("{name}: CPU per event accepted and applied (without the driver)"),
            cpu / events * 1e6,
            200.0,
            "µs",
        ));
        let (pss, rss) = memory_of(server.id())?;
        lines.push(Line::at_most(
            format!("{name}: memory after {events:.0} events (PSS)"),
            pss,
            40.0,
            "MB",
        ));
        lines.push(Line::plain(format!("{name}: the same as RSS"), format!("{rss:.1} MB")));
        Ok(lines)
    }

    /// Waits until no delivery is left to apply, and returns how many were applied.
    fn until_applied(&self, data: &Path) -> Result<u64> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.ask(data, UNFINISHED)? == 0 {
                return self.ask(data, APPLIED);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("deliveries are still not applied after {PATIENCE:?}")
    }

    /// The number that `query` answers on the database under load.
    fn ask(&self, data: &Path, query: &str) -> Result<u64> {
        let answer = match self.database {
            Database::Sqlite => {
                let script = "import sqlite3, sys\n\
                    db = sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True, timeout=5)\n\
                    print(db.execute(sys.argv[2]).fetchone()[0])";
                let file = data.join("billhook.db");
                output_of(command("python3", ["-c", script]).arg(file).arg(query))?
            }
            Database::Postgres => ask_postgres(self.bench, "bench", query)?,
        };
        answer.trim().parse().with_context(|| format!("the database answered {answer}"))
    }

    /// From the start of the process to the first 200 of /readyz, on an empty database and on one
    /// that is there already; and what the process then holds in memory.
    pub(super) fn measure_start(&self) -> Result<Vec<Line>> {
        let name = self.database.name();
        let (mut first, mut second, mut pss, mut rss) = (vec![], vec![], vec![], vec![]);
        for _ in 0..STARTS {
            let data = self.fresh_folder("start")?;
            if self.database == Database::Postgres {
                run_command(&mut self.bench.script("pg.sh", &["reset", "bench"]))?;
            }
            for times in [&mut first, &mut second] {
                let port = waiting::free_port()?;
                let start = Instant::now();
                let mut server = self.serve(port, &data)?;
                waiting::until_ok(&mut server, port, "/readyz", PATIENCE)?;
                times.push(start.elapsed().as_secs_f64() * 1_000.0);
                // What start-up allocated and gave back should be gone before "idle" is measured.
                std::thread::sleep(Duration::from_secs(1));
                let (held, resident) = memory_of(server.id())?;
                pss.push(held);
                rss.push(resident);
            }
        }
        Ok(vec![
            Line::plain(
                format!("{name}: start on an empty database"),
                format!("{:.0} ms", median(first)),
            ),
            Line::at_most(format!("{name}: cold start to ready"), median(second), 150.0, "ms"),
            Line::at_most(format!("{name}: idle memory (PSS)"), median(pss), 15.0, "MB"),
            Line::plain(format!("{name}: idle memory (RSS)"), format!("{:.1} MB", median(rss))),
        ])
    }
}

fn postgres_url(database: &str) -> String {
    let port = std::env::var("RPORT").unwrap_or_else(|_| "25432".to_owned());
    format!("postgresql://bench@127.0.0.1:{port}/{database}")
}

/// Proportional and resident memory of a process, in megabytes.
fn memory_of(process: u32) -> Result<(f64, f64)> {
    let file = format!("/proc/{process}/smaps_rollup");
    let text = std::fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    let megabytes = |key: &str| -> Result<f64> {
        let kilobytes: f64 = text
            .lines()
            .find_map(|line| line.strip_prefix(key)?.trim().strip_suffix(" kB"))
            .with_context(|| format!("{file} has no {key}"))?
            .trim()
            .parse()?;
        Ok(kilobytes / 1_000.0)
    };
    Ok((megabytes("Pss:")?, megabytes("Rss:")?))
}

/// Processor time of a process so far.
fn cpu_seconds(process: u32) -> Result<f64> {
    let file = format!("/proc/{process}/stat");
    let text = std::fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    cpu_of(&text).with_context(|| format!("{file} is not as expected"))
}

/// User and system time are the 14th and 15th field; the second one is a name that may hold blanks.
fn cpu_of(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Shows that processor time is read from the right fields, whatever the program is called.
    #[test]
    fn processor_time_is_read() {
        let stat = "42 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0";
        assert!((cpu_of(stat).unwrap() - 2.0).abs() < 0.001);
        assert!(cpu_of("42 (a").is_none());
    }

    /// Shows that our own memory can be read, so that the figures mean what they say.
    #[test]
    fn memory_is_read() {
        let (pss, rss) = memory_of(std::process::id()).unwrap();
        assert!(pss > 0.0 && rss >= pss);
    }
}
