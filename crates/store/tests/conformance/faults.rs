//! Faults of the disk: said at once, nothing lost, and over without a restart.

use crate::database::Database;
use crate::make::{NOW, event, event_with};
use std::process::Command;
use std::time::Duration;
use store::{Store, StoreError};

/// Set for the copy of this test program that runs with a full disk.
const FULL_DISK: &str = "BILLHOOK_TEST_FULL_DISK";

async fn migrated(database: Database) -> (Store, crate::database::Scratch) {
    let scratch = database.create().await.unwrap();
    let store = Store::open(&scratch.url).await.unwrap();
    store.migrate_up(NOW).await.unwrap();
    (store, scratch)
}

fn is_unavailable<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable { .. }))
}

/// Tries until the store takes writes again; the writer itself pauses between its attempts.
async fn until_it_writes(store: &Store) {
    let again = async { while store.ping().await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(10), again).await.unwrap();
}

/// Shows that on a full disk a write is refused as unavailable and leaves nothing behind; that
/// what was there can still be read; that a database whose folder has gone away meanwhile is not
/// replaced by an empty one; and that when both are back the same store writes on.
///
/// The disk is the operating system's limit on the size of a file, for a copy of this program.
#[test]
fn a_full_disk_is_said_and_got_over() {
    let program = std::env::current_exe().unwrap();
    let test = "faults::a_full_disk_in_a_copy_of_this_program";
    let copy = Command::new("sh")
        // The signal for a file that is too large would end the program before it sees the error.
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact --nocapture \"$1\""])
        .arg(program)
        .arg(test)
        .env(FULL_DISK, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&copy.stdout);
    let complained = String::from_utf8_lossy(&copy.stderr);
    assert!(copy.status.success() && said.contains("1 passed"), "{said}\n{complained}");
}

/// The part of the test above that runs in a program of its own; in any other run it has nothing
/// to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_in_a_copy_of_this_program() {
    if std::env::var_os(FULL_DISK).is_none() {
        return;
    }
    let scratch = Database::Sqlite.create().await.unwrap();
    let root = scratch.folder().unwrap();
    let (folder, away) = (root.join("volume"), root.join("away"));
    let url = store::DatabaseUrl::Sqlite(folder.join("billhook.db"));
    let store = Store::open(&url).await.unwrap();
    store.migrate_up(NOW).await.unwrap();
    store.accept_deliveries(vec![event("evt_before")], NOW).await.unwrap();

    // A store that serves has readers open; the first one needs a little room of its own.
    assert!(store.delivery("evt_before").await.unwrap().is_some());
    // Less than what any of its files has, so there is no room at any end.
    limit_files("4096");
    let large: Vec<u8> =
        (0..400_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for turn in 0..3 {
        let id = format!("evt_full_{turn}");
        let refused = store.accept_deliveries(vec![event_with(&id, &large)], NOW).await;
        assert!(is_unavailable(&refused), "{refused:?}");
        assert!(store.delivery(&id).await.unwrap().is_none());
    }
    assert!(store.delivery("evt_before").await.unwrap().is_some());

    std::fs::rename(&folder, &away).unwrap();
    std::fs::create_dir(&folder).unwrap();
    limit_files("unlimited");
    for _ in 0..2 {
        let refused = store.accept_deliveries(vec![event("evt_astray")], NOW).await;
        assert!(is_unavailable(&refused), "{refused:?}");
    }
    assert!(std::fs::read_dir(&folder).unwrap().next().is_none());

    std::fs::remove_dir(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    until_it_writes(&store).await;
    let done = store.accept_deliveries(vec![event_with("evt_after", &large)], NOW).await;
    assert_eq!(done.unwrap(), [true]);
    assert_eq!(store.delivery_body("evt_after").await.unwrap().unwrap(), large);
    assert_eq!(store.delivery_counts().await.unwrap().pending, 2);
    store.close().await;
}

/// Sets how large a file this process may write.
fn limit_files(bytes: &str) {
    let pid = std::process::id().to_string();
    let set = Command::new("prlimit")
        .args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")])
        .status()
        .unwrap();
    assert!(set.success());
}

/// Shows that a file that is no database, and a server that does not answer, are refused at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_database_is_refused() {
    let scratch = Database::Sqlite.create().await.unwrap();
    let path = scratch.folder().unwrap().join("letter.txt");
    std::fs::write(&path, "Dear Sir or Madam, this is no database. ".repeat(200)).unwrap();
    let refused = Store::open(&store::DatabaseUrl::Sqlite(path)).await;
    assert!(is_unavailable(&refused), "{refused:?}");
    let nobody = store::DatabaseUrl::Postgres("postgres://nobody@127.0.0.1:1/x".to_owned());
    let refused = Store::open(&nobody).await;
    assert!(is_unavailable(&refused), "{refused:?}");
}

/// Shows that a write waits for another program's short write rather than failing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_waits_for_another_programs_write() {
    let (store, scratch) = migrated(Database::Sqlite).await;
    let store::DatabaseUrl::Sqlite(path) = &scratch.url else { unreachable!("made above") };
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.accept_deliveries(vec![event("evt_a")], NOW).await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    other.execute_batch("commit").unwrap();
    assert_eq!(waiting.await.unwrap(), [true]);
    store.close().await;
}
