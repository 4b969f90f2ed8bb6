//! The program itself, from the outside: exit codes, what goes where, and starting without a
//! database.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const SECRETS: [&str; 4] = ["keybody", "hookbody", "jwtbody", "dbpassword"];

fn good(folder: &Path) -> BTreeMap<String, String> {
    let database = format!("sqlite:{}", folder.join("billhook.db").display());
    [
        ("STRIPE_SECRET_KEY", "sk_test_keybody"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_hookbody"),
        ("JWT_SECRET", "jwtbodyjwtbodyjwtbodyjwtbodyjwtbody"),
        // Nothing listens there: no test may reach Stripe.
        ("STRIPE_API_BASE", "http://127.0.0.1:9"),
        ("DATABASE_URL", database.as_str()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

fn billhook(folder: &Path, env: &BTreeMap<String, String>, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_billhook"));
    command.args(arguments).current_dir(folder).env_clear().envs(env);
    command
}

fn run(folder: &Path, env: &BTreeMap<String, String>, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = billhook(folder, env, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A started program that does not outlive its test.
struct Started(Child);

impl Started {
    fn new(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Asks it to end, and gives its exit code and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        let asked =
            Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The status of a GET, once the server answers with one of those wanted.
async fn wait_for(port: u16, path: &str, wanted: u16) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    let start = Instant::now();
    let mut last = None;
    while start.elapsed() < Duration::from_secs(30) {
        let answer = http.get(format!("http://127.0.0.1:{port}{path}")).send().await;
        last = answer.ok().map(|answer| answer.status().as_u16());
        if last == Some(wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{path} never answered {wanted}, last {last:?}");
}

/// Shows that wrong settings end every start with exit code 2 and one message that lists all
/// faults without a secret: a live mode full of test things, and a mapping that makes no sense.
#[test]
fn scenario_44_wrong_settings_do_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut env = good(folder.path());
    for (name, value) in [
        ("STRIPE_MODE", "live"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_keybody"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_test_hookbody"),
        ("STRIPE_PLAN_PRICE_MAPPING_TEST", r#"{"team":{"monthly":"price_1"}}"#),
        (
            "STRIPE_PLAN_PRICE_MAPPING_LIVE",
            r#"{"team":{"monthly":"price_1","yearly":"price_1"},"gold":{"monthly":"price_2"}}"#,
        ),
        ("STRIPE_PLAN_PRICE_MAPPING", "{not json"),
        ("DATABASE_URL", "mysql://root:dbpassword@db/x"),
    ] {
        env.insert(name.to_owned(), value.to_owned());
    }
    for command in [&["serve"][..], &["config", "check"], &["resync"]] {
        let (code, stdout, stderr) = run(folder.path(), &env, command);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        for fault in [
            "STRIPE_SECRET_KEY is a test key",
            "STRIPE_PUBLISHABLE_KEY is a test key",
            "no. 1 is a test secret",
            "unknown plan `gold`",
            "STRIPE_PLAN_PRICE_MAPPING is no JSON",
            "DATABASE_URL must start with",
            "live mode only speaks to",
            "JWT_SECRET needs at least 64",
        ] {
            assert!(stderr.contains(fault), "{fault} is not in {stderr}");
        }
        for secret in SECRETS {
            assert!(!stderr.contains(secret), "{secret} is in {stderr}");
        }
        assert_eq!(stderr.matches("error: ").count(), 1, "{stderr}");
    }
    env.remove("STRIPE_PLAN_PRICE_MAPPING");
    let duplicate = r#"{"team":{"monthly":"price_1","yearly":"price_1"}}"#;
    env.insert("STRIPE_PLAN_PRICE_MAPPING_LIVE".to_owned(), duplicate.to_owned());
    let (code, _, stderr) = run(folder.path(), &env, &["serve"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("gives the price `price_1` to"), "{stderr}");
    assert!(stderr.contains("gives the test price `price_1`"), "{stderr}");
}

/// Shows that `DISABLE_AUTH` does not start with a live key, nor with live mode.
#[test]
fn scenario_43_no_auth_excludes_live() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [("STRIPE_SECRET_KEY", "sk_live_keybody"), ("STRIPE_MODE", "live")] {
        let mut env = good(folder.path());
        env.insert("DISABLE_AUTH".to_owned(), "true".to_owned());
        env.insert(name.to_owned(), value.to_owned());
        let (code, _, stderr) = run(folder.path(), &env, &["serve"]);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("DISABLE_AUTH is for development"), "{stderr}");
    }
}

/// Shows that sound settings are checked and printed with their origins, and never a secret.
#[test]
fn settings_are_checked_and_printed() {
    let folder = tempfile::tempdir().unwrap();
    let mut env = good(folder.path());
    env.insert("PORT".to_owned(), "9000".to_owned());
    let file = "[billing]\npast_due_grace_days = 5\n";
    std::fs::write(folder.path().join("billhook.toml"), file).unwrap();
    assert_eq!(run(folder.path(), &env, &["config", "check"]).0, 0);
    let (code, stdout, stderr) = run(folder.path(), &env, &["config", "print"]);
    assert_eq!(code, 0, "{stderr}");
    let line = |name: &str| stdout.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(line("PORT").contains("environment") && line("PORT").ends_with("9000"));
    assert!(line("billing.past_due_grace_days").contains("file"), "{stdout}");
    assert!(line("STRIPE_SECRET_KEY").ends_with("sk_test_…"), "{stdout}");
    for secret in SECRETS {
        assert!(!stdout.contains(secret) && !stderr.contains(secret), "{stdout}{stderr}");
    }
    let (code, _, stderr) = run(folder.path(), &env, &["serve", "--config", "absent.toml"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("absent.toml"), "{stderr}");
}

/// Shows that migrations go up, down and up again, with their names on stdout, and that commands
/// which need the schema say when it is not there.
#[test]
fn migrations_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let env = good(folder.path());
    let (code, _, stderr) = run(folder.path(), &env, &["resync"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("billhook migrate status"), "{stderr}");
    let (code, first, _) = run(folder.path(), &env, &["migrate", "up"]);
    assert_eq!(code, 0);
    let count = first.lines().count();
    assert!(first.contains("0001_accounts") && count >= 6, "{first}");
    let (_, again, stderr) = run(folder.path(), &env, &["migrate", "up"]);
    assert_eq!(again, "");
    assert!(stderr.contains("up to date"), "{stderr}");
    let (code, undone, _) = run(folder.path(), &env, &["migrate", "down", "--steps", "2"]);
    assert_eq!((code, undone.lines().count()), (0, 2));
    let (_, status, _) = run(folder.path(), &env, &["migrate", "status"]);
    assert_eq!(status.lines().filter(|line| line.ends_with("pending")).count(), 2, "{status}");
    assert_eq!(status.lines().count(), count);
}

/// Shows that an operator can be made and listed, that the made-up password goes to stderr once,
/// that an account that exists is only touched by a take-over, which makes a new password, and
/// that an address the settings do not name is said to be an ordinary one.
#[test]
fn operators_are_made_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let mut env = good(folder.path());
    env.insert("ADMIN_EMAIL_DOMAIN".to_owned(), "example.com".to_owned());
    assert_eq!(run(folder.path(), &env, &["migrate", "up"]).0, 0);
    let create = |email: &str| {
        run(folder.path(), &env, &["admin", "create", "--email", email, "--name", "Ada"])
    };
    let (code, stdout, stderr) = create("Ada@Example.com");
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("usr_") && stdout.lines().count() == 1, "{stdout}");
    assert!(stderr.contains("Password (shown once): "), "{stderr}");
    let first = stdout.trim_end().to_owned();

    let (code, _, stderr) = create("ada@example.com");
    assert_eq!(code, 1);
    assert!(stderr.contains("has an account already"), "{stderr}");
    assert!(stderr.contains("--take-over") && !stderr.contains("Password"), "{stderr}");
    let again = ["admin", "create", "--email", "ada@example.com", "--name", "A", "--take-over"];
    let (code, stdout, stderr) = run(folder.path(), &env, &again);
    assert_eq!((code, stdout.trim_end()), (0, first.as_str()), "{stderr}");
    assert_eq!(stderr.matches("Password (shown once): ").count(), 1, "{stderr}");

    let (_, _, stderr) = create("bob@example.org");
    assert!(stderr.contains("ADMIN_EMAILS"), "{stderr}");
    let (code, _, stderr) = create("nobody");
    assert_eq!(code, 1);
    assert!(stderr.contains("email: "), "{stderr}");
    let (_, list, _) = run(folder.path(), &env, &["admin", "list"]);
    assert_eq!(list.lines().count(), 1, "{list}");
    assert!(list.contains("ada@example.com"), "{list}");
}

/// Shows that the description of the API is printed as JSON, and is the committed one.
#[test]
fn the_api_describes_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (code, stdout, _) = run(folder.path(), &BTreeMap::new(), &["openapi"]);
    assert_eq!(code, 0);
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let committed: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(committed).unwrap()).unwrap();
    assert!(document == committed, "out of date\nhint: cargo xtask generate");
}

/// Shows a start without a database: the process lives, is not ready, says which database it
/// misses without its password, and serves once the database is there, without a restart. The
/// signal to end is heard in both states.
#[tokio::test]
async fn a_database_that_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut env = good(folder.path());
    env.insert("PORT".to_owned(), port.to_string());
    // A file stands where the database's folder should be.
    let in_the_way = folder.path().join("data");
    std::fs::write(&in_the_way, "").unwrap();
    let database = format!("sqlite:{}", in_the_way.join("billhook.db").display());
    env.insert("DATABASE_URL".to_owned(), database.clone());
    let server = Started::new(&mut billhook(folder.path(), &env, &["serve"]));
    wait_for(port, "/livez", 200).await;
    wait_for(port, "/readyz", 503).await;
    wait_for(port, "/api/v1/plans", 503).await;
    std::fs::remove_file(&in_the_way).unwrap();
    wait_for(port, "/readyz", 200).await;
    wait_for(port, "/api/v1/plans", 200).await;
    let (code, said) = server.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("Cannot reach the database {database}")), "{said}");

    let port = free_port();
    env.insert("PORT".to_owned(), port.to_string());
    let away = format!("postgres://bill:dbpassword@127.0.0.1:{}/billhook", free_port());
    env.insert("DATABASE_URL".to_owned(), away);
    let server = Started::new(&mut billhook(folder.path(), &env, &["serve"]));
    wait_for(port, "/readyz", 503).await;
    let (code, said) = server.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("postgres://127.0.0.1:") && !said.contains("dbpassword"), "{said}");
}

/// Shows that a process that only works answers for its health and nothing else, and that one
/// without a schema is alive and not ready until somebody migrates.
#[tokio::test]
async fn roles_and_the_missing_schema() {
    let folder = tempfile::tempdir().unwrap();
    let mut env = good(folder.path());
    let port = free_port();
    env.insert("PORT".to_owned(), port.to_string());
    let api = ["serve", "--role", "api", "--no-migrate"];
    let server = Started::new(&mut billhook(folder.path(), &env, &api));
    wait_for(port, "/livez", 200).await;
    wait_for(port, "/readyz", 503).await;
    assert_eq!(server.end().0, Some(0));

    let worker = Started::new(&mut billhook(folder.path(), &env, &["serve", "--role", "worker"]));
    wait_for(port, "/readyz", 200).await;
    wait_for(port, "/api/v1/plans", 404).await;
    wait_for(port, "/metrics", 200).await;
    assert_eq!(worker.end().0, Some(0));
}
