//! The program `stripe-simulator`: a Stripe account to run offline.
#![expect(clippy::print_stderr, reason = "a program tells its user where it listens")]

use std::net::SocketAddr;

use anyhow::Context as _;
use clap::Parser;
use jiff::Timestamp;
use simulator::{SimClock, Simulator, SimulatorConfig};

/// A stateful Stripe that runs offline: API, hosted pages, signed webhooks, and a clock to move
#[derive(Debug, Parser)]
#[command(
    name = "stripe-simulator",
    version,
    after_help = "Example:\n  stripe-simulator --listen 127.0.0.1:12111 \\\n      --webhook-url http://127.0.0.1:8080/api/webhooks/stripe --webhook-secret whsec_demo\n\nPoint a Stripe SDK at the printed API address with any key that begins with sk_test_."
)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:12111", env = "STRIPE_SIMULATOR_LISTEN")]
    listen: SocketAddr,

    /// Makes ids repeat from run to run
    #[arg(long)]
    seed: Option<u64>,

    /// Sends every event to this address
    #[arg(long, value_name = "URL", env = "STRIPE_SIMULATOR_WEBHOOK_URL")]
    webhook_url: Option<String>,

    /// Signing secret of --webhook-url; made up and printed when absent
    #[arg(
        long,
        value_name = "whsec_…",
        requires = "webhook_url",
        env = "STRIPE_SIMULATOR_WEBHOOK_SECRET",
        hide_env_values = true
    )]
    webhook_secret: Option<String>,

    /// Name of the business on the pages
    #[arg(long, value_name = "NAME", default_value = "Simulated Company")]
    business_name: String,

    /// Starts the clock at this moment, as in 2027-01-31T09:00:00Z; it runs on from there
    #[arg(long, value_name = "RFC3339")]
    time: Option<Timestamp>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let clock = match arguments.time {
        Some(time) => SimClock::system_from(time.as_second()),
        None => SimClock::system(),
    };
    let config = SimulatorConfig {
        listen: arguments.listen,
        clock,
        seed: arguments.seed,
        ..SimulatorConfig::default()
    };
    let running = Simulator::start(config)
        .await
        .with_context(|| format!("could not listen on {}", arguments.listen))?;
    running.engine().set_merchant_name(&arguments.business_name);
    let base = running.base_url();
    eprintln!("API      {base}");
    eprintln!("Control  {base}/");
    if let Some(url) = &arguments.webhook_url {
        let secret = running
            .engine()
            .add_endpoint(url, arguments.webhook_secret.as_deref())
            .context("could not register --webhook-url")?;
        eprintln!("Webhooks {url}");
        if arguments.webhook_secret.is_none() {
            eprintln!("Secret   {secret}");
        }
    }
    stop_requested().await?;
    eprintln!("Stopping");
    running.shutdown().await;
    Ok(())
}

/// Returns on ctrl-c or SIGTERM.
async fn stop_requested() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
