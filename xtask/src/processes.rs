//! Child processes. Each one is started here, leads a process group of its own, and is ended with
//! its whole group by the guard that holds it: on return, on panic, on Ctrl-C, and (where `setpriv`
//! can ask the kernel for it) even when this program is killed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpid,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::workspace;

/// How long a child may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(10);

/// What must not outlive this program: process groups by leader, and folders.
struct Leftovers {
    groups: BTreeSet<i32>,
    folders: BTreeSet<PathBuf>,
}

static LEFTOVERS: Mutex<Leftovers> =
    Mutex::new(Leftovers { groups: BTreeSet::new(), folders: BTreeSet::new() });
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

fn leftovers() -> MutexGuard<'static, Leftovers> {
    // A panic while the lock was held leaves the sets usable; clean-up matters more than the panic.
    LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on Ctrl-C, SIGTERM and SIGHUP end every child and remove every work folder, then this
/// program, with the exit code a shell expects.
pub(crate) fn end_children_on_signals() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("listen for signals")?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            INTERRUPTED.store(true, Ordering::SeqCst);
            let groups: Vec<i32> = leftovers().groups.iter().copied().collect();
            // SIGINT first, at which PostgreSQL does not wait for its clients; SIGTERM for those that
            // a shell made deaf to it.
            for (signal, patience) in
                [(Signal::INT, PATIENCE / 5), (Signal::TERM, PATIENCE), (Signal::KILL, PATIENCE)]
            {
                for group in &groups {
                    send(*group, signal);
                }
                let start = Instant::now();
                while groups.iter().any(|group| alive_once_reaped(*group))
                    && start.elapsed() < patience
                {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            for folder in &leftovers().folders {
                let _ = std::fs::remove_dir_all(folder);
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// After a signal the clean-up thread ends the program; nobody else should go on meanwhile, for
/// instance to report as a failure that a child was ended.
fn stand_still_when_interrupted() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        std::thread::park_timeout(PATIENCE);
    }
}

fn send(group: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(group) {
        // The only failure is "no such group", which is what is wanted.
        let _ = kill_process_group(pid, signal);
    }
}

fn alive(group: i32) -> bool {
    Pid::from_raw(group).is_some_and(|pid| test_kill_process_group(pid).is_ok())
}

/// Like `alive`, for the moment before we exit: a child that nobody waits for any more would stay
/// in the process table, and its group would look alive.
fn alive_once_reaped(group: i32) -> bool {
    let _ = waitpid(Pid::from_raw(group), WaitOptions::NOHANG);
    alive(group)
}

/// A program that runs beside us. Dropping it ends it and everything it started.
pub(crate) struct Running {
    child: Child,
    name: String,
    group: i32,
    polite: Signal,
}

impl Running {
    /// Starts `command` with a closed standard input. `name` is what messages call it.
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Self> {
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("start {name} ({})", command.get_program().display()))?;
        let group = i32::try_from(child.id()).context("a process id that is no i32")?;
        leftovers().groups.insert(group);
        Ok(Self { child, name: name.to_owned(), group, polite: Signal::TERM })
    }

    /// Ends with `signal` instead of SIGTERM when the time comes (PostgreSQL waits for its clients
    /// on SIGTERM, but not on SIGINT).
    pub(crate) fn ended_by(mut self, signal: Signal) -> Self {
        self.polite = signal;
        self
    }

    /// What messages call this program.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for it to end by itself.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait();
        stand_still_when_interrupted();
        Ok(status?)
    }

    /// Ends it and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            send(self.group, self.polite);
            let start = Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        // Whatever it started and left behind goes too; the group's number stays taken until the
        // last of them is gone, so this cannot meet a stranger.
        if alive(self.group) {
            send(self.group, Signal::KILL);
        }
        let _ = self.child.wait();
        leftovers().groups.remove(&self.group);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A folder of our own that is removed at the end, also when a signal is the end.
pub(crate) struct WorkFolder(tempfile::TempDir);

impl WorkFolder {
    /// A new empty folder in the system's place for such.
    pub(crate) fn new(purpose: &str) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("billhook-{purpose}-"))
            .tempdir()
            .context("make a folder for temporary files")?;
        leftovers().folders.insert(folder.path().to_path_buf());
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        leftovers().folders.remove(self.0.path());
    }
}

/// A command in the root of the repository.
pub(crate) fn command<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workspace::root());
    command
}

/// Cargo itself, the one that started us.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments);
    // `cargo xtask` runs us with our own crate's variables; the builds we start must not see them.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_")) {
            cargo.env_remove(name);
        }
    }
    cargo.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    cargo
}

/// The same program, but the kernel ends it when we are gone, however we went.
pub(crate) fn bound_to_us<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    if can_bind() {
        let mut bound = command("setpriv", ["--pdeathsig", "INT", "--"]);
        bound.arg(program).args(arguments);
        bound
    } else {
        command(program, arguments)
    }
}

/// Whether `setpriv` is there and knows how to bind a program to us.
pub(crate) fn can_bind() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        Command::new("setpriv")
            .args(["--pdeathsig", "INT", "--", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

/// Runs a command to its end with its output on ours, and returns how it ended.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    Running::start(&name, command)?.wait()
}

/// Runs a command to its end with its output on ours; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

/// What a finished command left.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    /// Standard output and, where it was asked for, standard error, in the order of arrival.
    pub(crate) text: String,
}

/// Runs a command quietly and returns its standard output; anything but success is an error that
/// carries what it said.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let name = shown(command);
    let mut running = Running::start(&name, command)?;
    let mut errors = running.child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut said = String::new();
        if let Some(errors) = &mut errors {
            let _ = errors.read_to_string(&mut said);
        }
        said
    });
    let mut text = String::new();
    if let Some(output) = &mut running.child.stdout {
        output.read_to_string(&mut text).with_context(|| format!("read the output of {name}"))?;
    }
    let status = running.wait()?;
    let said = reader.join().unwrap_or_default();
    if !status.success() {
        bail!("`{name}` ended with {status}: {}", said.trim());
    }
    Ok(text)
}

/// Runs a command, shows its standard output line by line as it comes, and returns it as well.
/// Standard error goes straight to ours.
pub(crate) fn watched(command: &mut Command) -> Result<Finished> {
    command.stdout(Stdio::piped());
    let name = command.get_program().to_string_lossy().into_owned();
    let mut running = Running::start(&name, command)?;
    let mut text = String::new();
    if let Some(output) = running.child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.with_context(|| format!("read the output of {name}"))?;
            println!("{line}");
            text.push_str(&line);
            text.push('\n');
        }
    }
    Ok(Finished { status: running.wait()?, text })
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Shows that a guard that is dropped takes the grandchildren with it, not just the child.
    #[test]
    fn a_dropped_guard_ends_the_whole_group() {
        let running =
            Running::start("a shell", &mut command("sh", ["-c", "sleep 300 & sleep 300; true"]))
                .unwrap();
        let group = running.group;
        assert!(alive(group));
        drop(running);
        // The kernel reaps an orphaned grandchild in its own time.
        let start = Instant::now();
        while alive(group) && start.elapsed() < PATIENCE {
            std::thread::yield_now();
        }
        assert!(!alive(group));
        assert!(!leftovers().groups.contains(&group));
    }

    /// Shows that a failing command is an error which carries what the command said.
    #[test]
    fn a_failure_carries_what_was_said() {
        let error =
            output_of(&mut command("sh", ["-c", "echo out; echo why >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().contains("why"), "{error}");
        assert_eq!(output_of(&mut command("echo", ["fine"])).unwrap(), "fine\n");
    }

    /// Shows that watched output is returned whole together with the exit status.
    #[test]
    fn watched_output_is_kept() {
        let finished = watched(&mut command("sh", ["-c", "echo one; echo two; exit 1"])).unwrap();
        assert_eq!(finished.text, "one\ntwo\n");
        assert!(!finished.status.success());
    }
}
