//! The program `billhook`.

use std::process::ExitCode;

/// Gives memory back that a burst of events took, and is quicker than the system's on small
/// pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Fails only when there is a provider already, which then is the same one.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(server::cli::run()),
        Err(error) => complain(&error),
    }
}

#[expect(clippy::print_stderr, reason = "there is no log yet")]
fn complain(error: &std::io::Error) -> ExitCode {
    eprintln!("error: cannot start threads: {error}");
    ExitCode::FAILURE
}
