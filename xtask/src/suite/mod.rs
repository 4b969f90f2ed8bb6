//! `cargo xtask test`: every check and test of the project, in groups. This file owns the order of
//! the groups and the arithmetic of the closing line; what a group does is in `groups`, how the
//! tools' reports are counted in `counts`. It never fixes anything it finds.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::workspace;

mod counts;
mod groups;

pub(crate) use counts::Tally;

/// What one can say to `cargo xtask test`.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave out what takes longest: documentation tests, official SDKs, browser
    #[arg(long, conflicts_with = "require_all")]
    quick: bool,
    /// A group that cannot run is a failure (always so when CI=true)
    #[arg(long)]
    require_all: bool,
    /// Run only this group; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Group>,
    /// Further arguments for nextest, after `--` (for instance a test's name)
    #[arg(last = true)]
    filter: Vec<String>,
}

/// The groups, in the order in which they run: what is cheap to find wrong comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    /// The rules of the house
    Tidy,
    /// Formatting of the Rust files
    Fmt,
    /// Clippy on everything, warnings are errors
    Clippy,
    /// The dashboard: Biome, types, tests, build
    Web,
    /// Rust tests on SQLite and PostgreSQL
    Rust,
    /// Generated files are up to date
    Generate,
    /// Stripe's official packages against the simulator
    Sdk,
    /// The dashboard in a browser, against the real server
    Browser,
}

impl Group {
    fn name(self) -> &'static str {
        match self {
            Self::Tidy => "tidy",
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Web => "web",
            Self::Rust => "rust",
            Self::Generate => "generate",
            Self::Sdk => "sdk",
            Self::Browser => "browser",
        }
    }

    fn is_long(self) -> bool {
        matches!(self, Self::Sdk | Self::Browser)
    }
}

/// What a group came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Passed and failed; what was left out is in `skipped`, one entry each.
    tally: Tally,
    /// What failed, for people.
    failures: Vec<String>,
    skipped: Vec<Skipped>,
}

/// Something that did not run, and why.
#[derive(Debug, PartialEq, Eq)]
struct Skipped {
    reason: String,
    /// Nobody's fault: it was asked for, or needs `../shared`, which is no part of the repository.
    excused: bool,
}

impl Report {
    fn skip(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        let excused = reason.contains("../shared");
        self.skipped.push(Skipped { reason, excused });
    }

    fn skipped_whole(reason: impl Into<String>) -> Self {
        let mut report = Self::default();
        report.skip(reason);
        report
    }

    fn pass(&mut self) {
        self.tally.passed = self.tally.passed.saturating_add(1);
    }

    fn fail(&mut self, what: impl Into<String>) {
        self.tally.failed = self.tally.failed.saturating_add(1);
        self.failures.push(what.into());
    }

    /// One check that either holds or not.
    fn check(&mut self, name: &str, outcome: Result<()>) {
        match outcome {
            Ok(()) => self.pass(),
            Err(error) => self.fail(format!("{name}: {error:#}")),
        }
    }

    /// A tool that reported its own counts and ended well or not. A tool that fails without naming
    /// a failed test still is one failure.
    fn counted(&mut self, name: &str, tally: Option<Tally>, ended_well: bool) {
        let tally = tally.unwrap_or_default();
        self.tally.add(&tally);
        if tally.failed > 0 {
            self.failures.push(format!("{name}: {} failed, see above", tally.failed));
        } else if !ended_well {
            self.fail(format!("{name}: ended with an error, see above"));
        } else if tally == Tally::default() {
            self.fail(format!("{name}: ran no test"));
        }
        for _ in 0..tally.skipped {
            self.skip(format!("{name}: switched off in the test itself"));
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    let require_all = options.require_all || (in_ci && !options.quick);
    let shared = workspace::shared();
    if shared.is_none() {
        eprintln!("NOTE: there is no ../shared next to this repository; what needs it is skipped");
    }
    let start = Instant::now();
    let mut reports = Vec::new();
    for group in Group::value_variants() {
        if !options.only.is_empty() && !options.only.contains(group) {
            continue;
        }
        if options.quick && group.is_long() && options.only.is_empty() {
            let mut report = Report::default();
            let reason = "left out by --quick".to_owned();
            report.skipped.push(Skipped { reason, excused: true });
            reports.push((*group, report));
            continue;
        }
        eprintln!("\n── {} ── ({} so far)", group.name(), elapsed(start.elapsed()));
        let began = Instant::now();
        let report = groups::run(*group, options).unwrap_or_else(|error| {
            let mut report = Report::default();
            report.fail(format!("{error:#}"));
            report
        });
        let Tally { passed, failed, .. } = report.tally;
        eprintln!(
            "── {}: {passed} passed, {failed} failed, {} skipped in {}",
            group.name(),
            report.skipped.len(),
            elapsed(began.elapsed()),
        );
        reports.push((*group, report));
    }
    let (text, total) = summary(&reports, require_all);
    eprintln!("\nAll groups took {}", elapsed(start.elapsed()));
    print!("{text}");
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is printed at the end: each failure, each skipped thing with its reason, the closing line.
fn summary(reports: &[(Group, Report)], require_all: bool) -> (String, Tally) {
    use std::fmt::Write;

    let mut text = String::new();
    let mut total = Tally::default();
    // Writing into a String cannot fail.
    for (group, report) in reports {
        let name = group.name();
        total.passed = total.passed.saturating_add(report.tally.passed);
        total.failed = total.failed.saturating_add(report.tally.failed);
        for what in &report.failures {
            let _ = writeln!(text, "FAILED   {name}: {what}");
        }
        for Skipped { reason, excused } in &report.skipped {
            if require_all && !excused {
                total.failed = total.failed.saturating_add(1);
                let _ = writeln!(
                    text,
                    "FAILED   {name}: could not run, and --require-all asks for it: {reason}"
                );
            } else {
                total.skipped = total.skipped.saturating_add(1);
                let _ = writeln!(text, "SKIPPED  {name}: {reason}");
            }
        }
    }
    let Tally { passed, failed, skipped } = total;
    let _ = writeln!(text, "{passed} passed, {failed} failed, {skipped} skipped");
    (text, total)
}

fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(passed: u64, failures: &[&str], skipped: &[&str]) -> Report {
        let mut report =
            Report { tally: Tally { passed, ..Tally::default() }, ..Report::default() };
        for what in failures {
            report.fail(*what);
        }
        for reason in skipped {
            report.skip(*reason);
        }
        report
    }

    /// Shows that the closing line sums all groups and stands alone at the end, with every skipped
    /// thing and its reason above it.
    #[test]
    fn the_closing_line_sums_the_groups() {
        let reports = [
            (Group::Tidy, report(8, &["x: y"], &[])),
            (Group::Rust, report(100, &[], &["no PostgreSQL"])),
        ];
        let (text, total) = summary(&reports, false);
        assert_eq!(text.lines().next_back(), Some("108 passed, 1 failed, 1 skipped"));
        assert!(text.contains("SKIPPED  rust: no PostgreSQL"));
        assert!(text.contains("FAILED   tidy: x: y"));
        assert_eq!(total.failed, 1);
    }

    /// Shows that `--require-all` turns what could not run into a failure, except what needs the
    /// folder next to the repository.
    #[test]
    fn required_groups_fail_instead_of_being_skipped() {
        let reports = [
            (Group::Rust, report(1, &[], &["no PostgreSQL", "fixtures: ../shared is absent"])),
            (Group::Browser, report(0, &[], &["no browser"])),
        ];
        let (text, total) = summary(&reports, true);
        assert_eq!(total, Tally { passed: 1, failed: 2, skipped: 1 });
        assert_eq!(text.lines().next_back(), Some("1 passed, 2 failed, 1 skipped"));
    }

    /// Shows that a tool which breaks, or runs nothing at all, is never counted as a success.
    #[test]
    fn a_tool_that_ran_nothing_is_a_failure() {
        let mut broken = Report::default();
        broken.counted("vitest", None, false);
        assert_eq!(broken.tally.failed, 1);
        let mut empty = Report::default();
        empty.counted("vitest", Some(Tally::default()), true);
        assert_eq!(empty.tally.failed, 1);
        let mut fine = Report::default();
        fine.counted("vitest", Some(Tally { passed: 3, failed: 0, skipped: 1 }), true);
        assert_eq!((fine.tally.passed, fine.tally.failed, fine.skipped.len()), (3, 0, 1));
    }
}
