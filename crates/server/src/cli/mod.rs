//! The commands of the binary `billhook`: it reads arguments and settings, wires the program, and
//! says what happened. It never holds a rule: each command calls the room that does. Start with
//! [`Command`], then `serve`, then `demo`.
//!
//! Data goes to stdout, talk to stderr. Exit codes: 0 done, 1 failed, 2 wrong arguments or
//! settings.

mod admin;
mod bench_seed;
mod demo;
mod demo_stripe;
mod migrate;
mod repair;
mod running;
mod serve;
mod settings;

use crate::config::Faults;
use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// Billing between your product and Stripe
#[derive(Debug, Parser)]
#[command(name = "billhook", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run server, worker and a simulated Stripe on this machine, with sample data
    #[command(after_help = "Example:\n  billhook demo --listen 127.0.0.1:4242")]
    Demo(demo::Options),
    /// Serve the API and the pages, and apply events from Stripe
    #[command(
        after_help = "Example:\n  STRIPE_SECRET_KEY=sk_test_… STRIPE_WEBHOOK_SECRET=whsec_… \
                            billhook serve --config billhook.toml"
    )]
    Serve(serve::Options),
    /// Look at the database's schema, bring it up to date, or take migrations back
    #[command(after_help = "Example:\n  DATABASE_URL=sqlite:./billhook.db billhook migrate status")]
    Migrate(migrate::Options),
    /// Check or print the settings
    #[command(after_help = "Example:\n  billhook config check --config billhook.toml")]
    Config(settings::ConfigOptions),
    /// Make operators' accounts, or list them
    #[command(
        after_help = "Example:\n  billhook admin create --email ada@example.com --name 'Ada'"
    )]
    Admin(admin::Options),
    /// Read from Stripe again what the mirror holds, for one organisation or for all
    #[command(
        after_help = "Example:\n  billhook resync --organization org_01h455vb4pex5vsknk084sn02q"
    )]
    Resync(repair::ResyncOptions),
    /// Put a finished delivery back into the queue, or all parked ones
    #[command(after_help = "Example:\n  billhook replay evt_1NG8Du2eZvKYlo2CUI79vXWy")]
    Replay(repair::ReplayOptions),
    /// Print the description of the API as OpenAPI
    #[command(after_help = "Example:\n  billhook openapi > openapi.json")]
    Openapi,
    /// Make organisations for the benchmark
    #[command(hide = true, after_help = "Example:\n  billhook bench-seed --customers 1000")]
    BenchSeed(bench_seed::Options),
}

/// Why a command did not do its work.
#[derive(Debug)]
enum Failure {
    /// The settings are wrong: exit code 2.
    Settings(Faults),
    /// Anything else: exit code 1.
    Other(anyhow::Error),
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Settings(faults)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure
where
    E: NotFaults,
{
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// Everything that is an error and not [`Faults`]; keeps the two conversions apart.
trait NotFaults {}
impl NotFaults for anyhow::Error {}
impl NotFaults for std::io::Error {}
impl NotFaults for store::StoreError {}
impl NotFaults for serde_json::Error {}
impl NotFaults for stripe::client::InvalidConfig {}
impl NotFaults for stripe::client::StripeError {}
impl NotFaults for crate::identity::IdentityError {}
impl NotFaults for crate::apply::ApplyError {}

/// Runs the command that the arguments name.
pub async fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(options) => demo::run(options).await,
        Command::Serve(options) => serve::run(options).await,
        Command::Migrate(options) => migrate::run(options).await,
        Command::Config(options) => settings::run(&options),
        Command::Admin(options) => admin::run(options).await,
        Command::Resync(options) => repair::resync(options).await,
        Command::Replay(options) => repair::replay(options).await,
        Command::Openapi => openapi(),
        Command::BenchSeed(options) => bench_seed::run(options).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Settings(faults)) => {
            tell(&format!("error: {faults}"));
            tell("hint: billhook config check repeats this without starting anything");
            ExitCode::from(2)
        }
        Err(Failure::Other(error)) => {
            tell(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn openapi() -> Result<(), Failure> {
    show(&serde_json::to_string_pretty(&crate::http::openapi())?);
    Ok(())
}

/// Data: to stdout. Whoever reads it may stop at any line, as `head` does.
fn show(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// Talk: to stderr.
#[expect(clippy::print_stderr, reason = "what a command says beside its data goes to stderr")]
fn tell(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Shows that the arguments are consistent and that every command has an example.
    #[test]
    fn every_command_has_an_example() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Example:\n  "), "{}", command.get_name());
        }
    }
}
