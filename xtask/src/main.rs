//! The daily commands of Billhook: `cargo xtask demo`, `test`, `generate`, `tidy` and `bench`.
//!
//! Nothing here is part of the product. Each command is one file; `processes` is the only one
//! that starts other programs, so that none of them outlives the command that needed it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to its terminal: data on stdout, talk on stderr"
)]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod bench;
mod demo;
mod generate;
mod postgres;
mod processes;
mod suite;
mod tidy;
mod tools;
mod waiting;
mod web;
mod workspace;

/// The daily commands of Billhook
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Daily,
}

#[derive(Subcommand)]
enum Daily {
    /// Builds what is needed and starts Billhook with its Stripe simulator on SQLite
    ///
    /// Example: cargo xtask demo --port 8080 --no-open
    Demo(demo::Options),
    /// Runs every check and test: this is what CI runs
    ///
    /// Examples: cargo xtask test · cargo xtask test --only rust --only web · cargo xtask test --quick
    Test(suite::Options),
    /// Writes the generated files (OpenAPI document, the dashboard's types)
    ///
    /// Example: cargo xtask generate --check
    Generate(generate::Options),
    /// Checks the rules of the house that no compiler knows
    Tidy,
    /// Measures Billhook beside its peers and the ceilings of this machine
    ///
    /// Example: cargo xtask bench webhooks --rounds 5
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Daily) -> Result<ExitCode> {
    processes::end_children_on_signals()?;
    match command {
        Daily::Demo(options) => demo::run(&options),
        Daily::Test(options) => suite::run(&options),
        Daily::Generate(options) => generate::run(&options),
        Daily::Tidy => tidy::run(),
        Daily::Bench(options) => bench::run(&options),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    /// Shows that no two options contradict each other, which clap otherwise finds only at run time.
    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
