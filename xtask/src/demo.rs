//! `cargo xtask demo`: checks the tools, builds the pages, starts Billhook with its simulator.

use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use crate::processes::{Running, bound_to_us, cargo};
use crate::tools::{self, Node};
use crate::{waiting, web, workspace};

/// How long the first build may take before we stop waiting to open a browser.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// What one can say to `cargo xtask demo`.
#[derive(Args)]
pub(crate) struct Options {
    /// Port of the dashboard and API on 127.0.0.1
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Do not open a browser
    #[arg(long)]
    no_open: bool,
    /// Take the pages as they are in web/dist, so that Node is not needed
    #[arg(long)]
    no_build_web: bool,
    /// Further arguments for `billhook demo`, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    tools::require_c_compiler()?;
    if options.no_build_web {
        web::ensure_dist_folder()?;
    } else if !web::is_built()? {
        eprintln!("Building the dashboard");
        web::build(&Node::find()?)?;
    }

    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).is_err();
    let port = if taken { waiting::free_port()? } else { options.port };
    if taken {
        eprintln!("Port {} is taken; using {port}", options.port);
    }
    eprintln!("Building and starting Billhook (the first build takes some minutes)");
    let cargo = cargo(["run", "--package", "server", "--bin", "billhook", "--", "demo"]);
    let mut demo = bound_to_us(cargo.get_program(), cargo.get_args());
    for (name, value) in cargo.get_envs() {
        match value {
            Some(value) => demo.env(name, value),
            None => demo.env_remove(name),
        };
    }
    demo.args(["--port", &port.to_string()]).args(&options.rest);
    let mut demo = Running::start("billhook demo", &mut demo)?;

    if !options.no_open && has_display() {
        open_when_ready(&mut demo, port)?;
    }
    let status = demo.wait()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn has_display() -> bool {
    cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some())
}

/// Opens the pricing page once the server is ready. That no browser opens is no reason to fail: the
/// addresses are on the screen.
fn open_when_ready(demo: &mut Running, port: u16) -> Result<()> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let Some(opener) = workspace::on_path(opener) else { return Ok(()) };
    let start = Instant::now();
    while demo.ended()?.is_none() && start.elapsed() < PATIENCE {
        if waiting::status_of(port, "/readyz") == Some(200) {
            // Not held by a guard: the browser is the user's and outlives the demo.
            let started = std::process::Command::new(opener)
                .arg(format!("http://127.0.0.1:{port}/pricing"))
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn();
            if let Err(error) = started {
                eprintln!("No browser opened: {error}");
            }
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
