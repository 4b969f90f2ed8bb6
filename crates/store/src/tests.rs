//! What only the crate itself can show: transactions that panic, and compression.

#![expect(clippy::unwrap_used, reason = "in a test, what cannot be had is a failure")]

#[path = "../../testkit/src/database.rs"]
#[expect(unreachable_pub, dead_code, reason = "the harness file is shared with another crate")]
mod database;

use crate::deliveries::{compress, decompress};
use crate::tx::values;
use crate::{Store, StoreError};
use database::Database;
use domain::time::Timestamp;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_772_000_000_000);

/// Writes one switch, then panics, fails or returns.
async fn turn(store: &Store, name: String, then: &'static str) -> Result<(), StoreError> {
    store
        .write(move |tx| {
            Box::pin(async move {
                tx.execute(
                    "insert into switches (name, value, set_by, set_at) values ($1, 'on', 'test', $2)",
                    values![name, NOW],
                )
                .await?;
                match then {
                    "panic" => panic!("a test panics here on purpose"),
                    "fail" => Err(StoreError::Stale),
                    _ => Ok(()),
                }
            })
        })
        .await
}

/// Shows that a transaction that panics or fails is rolled back alone: its caller is told, and
/// what ran beside it, before it and after it on the same connections is kept.
async fn a_panic_is_rolled_back_alone(database: Database) {
    let Some(scratch) = database.create().await else { return };
    let store = Store::open(&scratch.url).await.unwrap();
    store.migrate_up(NOW).await.unwrap();
    assert!(matches!(turn(&store, "alone".to_owned(), "panic").await, Err(StoreError::Bug { .. })));
    let endings = ["return", "panic", "fail"];
    let tasks: Vec<_> = (0..90)
        .map(|n| {
            let store = store.clone();
            let ending = endings[n % 3];
            tokio::spawn(async move {
                let outcome = turn(&store, format!("switch {n}"), ending).await;
                match ending {
                    "return" => outcome.unwrap(),
                    "panic" => assert!(matches!(outcome, Err(StoreError::Bug { .. }))),
                    _ => assert!(matches!(outcome, Err(StoreError::Stale))),
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    turn(&store, "last".to_owned(), "return").await.unwrap();
    let names = store
        .scan(|tx| {
            Box::pin(async move {
                let rows = tx.rows("select name from switches order by set_at, name", &[]).await?;
                rows.into_iter().map(|mut row| row.text("name")).collect::<Result<Vec<_>, _>>()
            })
        })
        .await
        .unwrap();
    let mut expected: Vec<String> = (0..90).step_by(3).map(|n| format!("switch {n}")).collect();
    expected.push("last".to_owned());
    let (mut names, mut wanted) = (names, expected);
    names.sort();
    wanted.sort();
    assert_eq!(names, wanted);
    store.close().await;
    scratch.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_rolled_back_alone_on_sqlite() {
    a_panic_is_rolled_back_alone(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_rolled_back_alone_on_postgres() {
    a_panic_is_rolled_back_alone(Database::Postgres).await;
}

proptest! {
    /// Shows that any bytes come back as they went in.
    #[test]
    fn what_is_compressed_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..5_000)) {
        prop_assert_eq!(decompress(&compress(&bytes)), Some(bytes));
    }

    /// Shows the same for text that repeats itself, and that it gets smaller.
    #[test]
    fn what_repeats_gets_smaller(word in "[a-z]{3,12}", times in 50_usize..5_000) {
        let text = word.repeat(times).into_bytes();
        let packed = compress(&text);
        prop_assert!(packed.len() < text.len());
        prop_assert_eq!(decompress(&packed), Some(text));
    }

    /// Shows that bytes that only look compressed neither panic nor take endless memory.
    #[test]
    fn noise_is_survived(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut damaged = vec![0x28, 0xb5, 0x2f, 0xfd];
        damaged.extend(&bytes);
        drop(decompress(&damaged));
    }
}
