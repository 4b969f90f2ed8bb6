//! What each group of `cargo xtask test` does.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Group, Options, Report, counts};
use crate::postgres::Postgres;
use crate::processes::{
    Running, WorkFolder, bound_to_us, cargo, command, output_of, run as run_command, status,
    watched,
};
use crate::tools::{self, Node};
use crate::{generate, tidy, waiting, web, workspace};

/// How long a freshly built server may take until it is ready, on a busy machine.
const START: Duration = Duration::from_secs(60);

pub(super) fn run(group: Group, options: &Options) -> Result<Report> {
    match group {
        Group::Tidy => tidy(),
        Group::Fmt => fmt(),
        Group::Clippy => clippy(options),
        Group::Web => web(),
        Group::Rust => rust(options),
        Group::Generate => generated(),
        Group::Sdk => sdk(),
        Group::Browser => browser(),
    }
}

fn tidy() -> Result<Report> {
    let mut report = Report::default();
    for (rule, found) in tidy::check()? {
        if found.is_empty() {
            report.pass();
        } else {
            for tidy::Violation { place, what } in &found {
                eprintln!("{place}: {what}");
            }
            report.fail(format!("{} ({} places)", rule.name, found.len()));
        }
    }
    Ok(report)
}

fn fmt() -> Result<Report> {
    let mut report = Report::default();
    report.check("cargo fmt --all", run_command(&mut cargo(["fmt", "--all", "--check"])));
    Ok(report)
}

fn clippy(options: &Options) -> Result<Report> {
    tools::require_c_compiler()?;
    web::ensure_dist_folder()?;
    let mut report = Report::default();
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    report.check("clippy", run_command(&mut cargo(arguments)));
    if !options.quick {
        // Without its pages the server must build on a machine that has never seen Node.
        let arguments =
            ["clippy", "--package", "server", "--no-default-features", "--", "-D", "warnings"];
        report.check("clippy, server without pages", run_command(&mut cargo(arguments)));
    }
    Ok(report)
}

fn web() -> Result<Report> {
    let node = match Node::find() {
        Ok(node) => node,
        Err(error) => return Ok(Report::skipped_whole(format!("{error:#}"))),
    };
    let folder = workspace::root().join("web");
    web::ensure_packages(&node)?;
    let mut report = Report::default();
    let npx = |arguments: &[&str]| node.command("npx", arguments, &folder);
    report.check("biome", run_command(&mut npx(&["--no-install", "biome", "ci", "."])));
    report.check(
        "types",
        run_command(&mut node.command("npm", &["run", "--silent", "typecheck"], &folder)),
    );

    let results = WorkFolder::new("vitest")?;
    let file = results.path().join("report.json");
    let ended = status(
        npx(&["--no-install", "vitest", "run", "--reporter=default", "--reporter=json"])
            .arg(format!("--outputFile.json={}", file.display())),
    )?;
    let tally = std::fs::read_to_string(&file).ok().and_then(|text| counts::vitest(&text));
    report.counted("vitest", tally, ended.success());

    report.check("build", web::build(&node));
    Ok(report)
}

fn rust(options: &Options) -> Result<Report> {
    tools::require_c_compiler()?;
    web::ensure_dist_folder()?;
    let mut report = Report::default();
    let postgres = match Postgres::find() {
        Ok(postgres) => {
            eprintln!("PostgreSQL: {}", postgres.source());
            Some(postgres)
        }
        Err(error) => {
            eprintln!("SKIPPED: tests on PostgreSQL, because none could be had: {error:#}");
            report.skip(format!("tests on PostgreSQL: {error:#}"));
            None
        }
    };
    let with_database = |command: &mut Command| {
        if let Some(postgres) = &postgres {
            command.env("TEST_DATABASE_URL", postgres.url());
        } else {
            command.env_remove("TEST_DATABASE_URL");
        }
    };

    if workspace::on_path("cargo-nextest").is_some() {
        let junit = workspace::target()?.join("nextest/suite/junit.xml");
        // The report of an earlier run must not be taken for one of this.
        if junit.exists() {
            std::fs::remove_file(&junit).with_context(|| format!("remove {}", junit.display()))?;
        }
        let mut nextest = cargo(["nextest", "run", "--workspace", "--profile", "suite"]);
        // A changed snapshot is a failure here, never a file to be reviewed later.
        nextest.args(&options.filter).env("INSTA_UPDATE", "no");
        with_database(&mut nextest);
        let ended = status(&mut nextest)?;
        match std::fs::read_to_string(&junit) {
            Ok(text) => {
                let counts::Nextest { tally, failed, skipped } = counts::nextest(&text);
                report.tally.add(&tally);
                report.failures.extend(failed);
                note_skipped(&mut report, &skipped, postgres.is_some());
                if !ended.success() && tally.failed == 0 {
                    report.fail("nextest ended with an error, see above");
                }
            }
            Err(_) => report.fail("the tests did not build, see above"),
        }
    } else {
        eprintln!("cargo-nextest is not installed; falling back to cargo test");
        let mut test = cargo(["test", "--workspace", "--no-fail-fast", "--all-targets", "--"]);
        test.args(&options.filter);
        with_database(&mut test);
        let finished = watched(&mut test)?;
        report.counted("cargo test", counts::cargo_test(&finished.text), finished.status.success());
    }

    if !options.quick && options.filter.is_empty() {
        let mut doc = cargo(["test", "--workspace", "--doc", "--quiet"]);
        with_database(&mut doc);
        let finished = watched(&mut doc)?;
        // Most crates have no examples in their documentation; only a failure is of interest.
        let tally = counts::cargo_test(&finished.text).unwrap_or_default();
        report.tally.add(&tally);
        if !finished.status.success() {
            report.failures.push("documentation tests, see above".to_owned());
            if tally.failed == 0 {
                report.tally.failed = report.tally.failed.saturating_add(1);
            }
        }
    }
    Ok(report)
}

/// Tests that skipped themselves, one line for each reason. Those that only missed the PostgreSQL
/// which is already reported missing are not counted a second time.
fn note_skipped(report: &mut Report, skipped: &[String], has_postgres: bool) {
    let mut reasons = BTreeSet::new();
    for words in skipped {
        eprintln!("SKIPPED: {words}");
        if !has_postgres && words.contains("TEST_DATABASE_URL") {
            continue;
        }
        reasons.insert(words);
    }
    for words in reasons {
        report.skip(words.clone());
    }
}

fn generated() -> Result<Report> {
    let mut report = Report::default();
    if let Err(error) = Node::find() {
        return Ok(Report::skipped_whole(format!("{error:#}")));
    }
    let drifted = generate::check()?;
    if drifted.is_empty() {
        report.pass();
    } else {
        report.fail(format!("out of date: {}; run cargo xtask generate", drifted.join(", ")));
    }
    Ok(report)
}

fn sdk() -> Result<Report> {
    let script = workspace::root().join("tests/official-sdks/run.sh");
    if !script.is_file() {
        return Ok(Report::skipped_whole("tests/official-sdks/run.sh is not there"));
    }
    let simulator = Simulator::start()?;
    let mut run = command("bash", [script]);
    run.env("SIMULATOR_URL", simulator.url());
    if let Ok(node) = Node::find() {
        run.env("PATH", node.path());
    }
    let finished = watched(&mut run)?;
    let mut report = Report::default();
    for line in finished.text.lines() {
        if let Some(reason) = line.trim_start().strip_prefix("SKIPPED: ") {
            report.skip(reason);
        }
    }
    match counts::closing_line(&finished.text) {
        // The script named what it left out, line by line, and we have that already.
        Some(tally) if !report.skipped.is_empty() => {
            report.tally.add(&tally);
            if tally.failed > 0 || !finished.status.success() {
                report.failures.push("the official packages, see above".to_owned());
            }
        }
        Some(tally) => report.counted("official packages", Some(tally), finished.status.success()),
        None if finished.status.success() => report.pass(),
        None => report.fail("the official packages, see above"),
    }
    Ok(report)
}

/// The Stripe simulator as a program of its own.
struct Simulator {
    port: u16,
    _program: Running,
}

impl Simulator {
    fn start() -> Result<Self> {
        let binary = built("simulator", "stripe-simulator")?;
        let port = waiting::free_port()?;
        let mut program = Running::start(
            "stripe-simulator",
            &mut bound_to_us(binary, ["--listen", &format!("127.0.0.1:{port}")]),
        )?;
        waiting::until_ok(&mut program, port, "/_config/health", START)?;
        Ok(Self { port, _program: program })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn browser() -> Result<Report> {
    let folder = workspace::root().join("web");
    if !folder.join("e2e").is_dir() {
        return Ok(Report::skipped_whole("web/e2e is not there"));
    }
    let node = match Node::find() {
        Ok(node) => node,
        Err(error) => return Ok(Report::skipped_whole(format!("{error:#}"))),
    };
    let chromium = match tools::browser() {
        Ok(chromium) => chromium,
        Err(error) => return Ok(Report::skipped_whole(format!("no browser: {error:#}"))),
    };
    if !web::is_built()? {
        web::build(&node)?;
    }

    let binary = built("server", "billhook")?;
    let data = WorkFolder::new("browser")?;
    let log = data.path().join("demo.log");
    let (port, simulator_port) = (waiting::free_port()?, waiting::free_port()?);
    let mut demo = bound_to_us(binary, ["demo"]);
    demo.args(["--port", &port.to_string(), "--simulator-port", &simulator_port.to_string()])
        .current_dir(data.path())
        .stdout(File::create(&log)?)
        .stderr(File::options().append(true).open(&log)?);
    let mut demo = Running::start("billhook demo", &mut demo)?;
    let outcome = waiting::until_ok(&mut demo, port, "/readyz", START).and_then(|_| {
        let said = std::fs::read_to_string(&log).context("read what billhook demo said")?;
        let (email, password) = operator_of(&said).context("billhook demo named no operator")?;
        watched(
            node.command("npm", &["run", "--silent", "e2e"], &folder)
                .env("BILLHOOK_URL", format!("http://127.0.0.1:{port}"))
                .env("SIMULATOR_URL", format!("http://127.0.0.1:{simulator_port}"))
                .env("OPERATOR_EMAIL", email)
                .env("OPERATOR_PASSWORD", password)
                .env("CHROMIUM", &chromium)
                .env("NO_COLOR", "1"),
        )
    });
    let mut report = Report::default();
    match outcome {
        Ok(finished) => {
            report.counted("browser", counts::node_test(&finished.text), finished.status.success());
        }
        Err(error) => report.fail(format!("{error:#}")),
    }
    if report.tally.failed > 0 {
        eprintln!("What billhook demo said:");
        eprintln!("{}", last_lines(&std::fs::read_to_string(&log).unwrap_or_default(), 60));
    }
    Ok(report)
}

/// The operator's log-in from the line `Operator   <email> with password <password>`.
fn operator_of(said: &str) -> Option<(&str, &str)> {
    let line = said.lines().find_map(|line| line.strip_prefix("Operator "))?;
    let (email, password) = line.split_once(" with password ")?;
    Some((email.trim(), password.trim()))
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Builds a program of the workspace and says where it is.
fn built(package: &str, binary: &str) -> Result<PathBuf> {
    let messages = output_of(&mut cargo([
        "build",
        "--package",
        package,
        "--bin",
        binary,
        "--message-format",
        "json",
    ]))?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == binary)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo built no {binary}"))
}
