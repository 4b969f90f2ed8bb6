//! Migrations: up, down and up again; the same schema on both; a newer one is refused.

use crate::database::{Database, Scratch};
use crate::make::{NOW, after, audit, event, message, organization};
use crate::{Case, for_each_database};
use std::collections::BTreeMap;
use store::{DatabaseUrl, Dialect, Store, StoreError};

for_each_database![
    each_step_can_be_taken_back_and_again,
    nodes_that_start_together_migrate_once,
    a_newer_schema_is_refused,
];

/// Shows that with rows in the tables each migration can be taken back, one by one, and put on
/// again; that taking back the newest loses only what it made; and that the schema afterwards
/// is the one before.
async fn each_step_can_be_taken_back_and_again(Case { store, scratch }: &Case) {
    let status = store.migration_status().await.unwrap();
    assert!(status.is_current());
    let names: Vec<String> = status.applied.into_iter().map(|one| one.name).collect();
    let organization = organization(store).await;
    store.accept_deliveries(vec![event("evt_a")], NOW).await.unwrap();
    store.enqueue_message(message("a")).await.unwrap();
    store.record_audit(audit("test.line")).await.unwrap();
    let before = schema(scratch).await;

    for steps in 1..=names.len() {
        let undone = store.migrate_down(steps).await.unwrap();
        let expected: Vec<String> = names.iter().rev().take(steps).cloned().collect();
        assert_eq!(undone, expected);
        assert!(!store.migration_status().await.unwrap().is_current());
        if steps == 1 {
            // What the older version knew is still there.
            assert!(store.organization(&organization).await.unwrap().is_some());
            assert!(store.delivery("evt_a").await.unwrap().is_some());
        }
        let done = store.migrate_up(after(1)).await.unwrap();
        assert_eq!(done, expected.iter().rev().map(String::as_str).collect::<Vec<_>>());
    }
    assert_eq!(schema(scratch).await, before);
    assert!(store.migrate_up(after(2)).await.unwrap().is_empty());
    // All of it is usable again, by connections that knew the tables before.
    store.accept_deliveries(vec![event("evt_b")], NOW).await.unwrap();
    assert_eq!(store.delivery_counts().await.unwrap().pending, 1);
}

/// Shows that several nodes that start at once end with one migrated database.
async fn nodes_that_start_together_migrate_once(Case { store, scratch }: &Case) {
    let all = store.migration_status().await.unwrap().applied.len();
    store.migrate_down(all).await.unwrap();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let url = scratch.url.clone();
            tokio::spawn(async move {
                let node = Store::open(&url).await.unwrap();
                let done = node.migrate_up(NOW).await.unwrap().len();
                node.close().await;
                done
            })
        })
        .collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done.sort_unstable();
    assert_eq!(done, [0, 0, 0, all]);
    assert!(store.migration_status().await.unwrap().is_current());
}

/// Shows that a database that a newer version has migrated is left alone, both ways.
async fn a_newer_schema_is_refused(Case { store, scratch }: &Case) {
    execute(scratch, "insert into schema_migrations (name, applied_at) values ('9999_later', 1)")
        .await;
    let status = store.migration_status().await.unwrap();
    assert_eq!(status.unknown, ["9999_later"]);
    assert!(!status.is_current());
    let up = store.migrate_up(NOW).await;
    assert!(matches!(&up, Err(StoreError::Schema(text)) if text.contains("9999_later")), "{up:?}");
    let down = store.migrate_down(2).await;
    assert!(matches!(down, Err(StoreError::Schema(_))), "{down:?}");
    assert_eq!(store.migration_status().await.unwrap(), status);
}

/// Shows that both databases get the same tables: columns with kind and nullability in the same
/// order, primary keys, and unique indexes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_get_the_same_schema() {
    let Some(postgres) = Database::Postgres.create().await else { return };
    let sqlite = Database::Sqlite.create().await.unwrap();
    let mut schemas = Vec::new();
    for scratch in [&sqlite, &postgres] {
        let store = Store::open(&scratch.url).await.unwrap();
        store.migrate_up(NOW).await.unwrap();
        store.close().await;
        schemas.push(schema(scratch).await);
    }
    sqlite.remove().await;
    postgres.remove().await;
    let [sqlite, postgres] = schemas.try_into().unwrap();
    assert!(sqlite.len() > 15, "{sqlite:#?}");
    assert_eq!(sqlite.keys().collect::<Vec<_>>(), postgres.keys().collect::<Vec<_>>());
    for (table, columns) in &sqlite {
        assert_eq!(columns, &postgres[table], "table {table}");
    }
}

/// For each table its columns and unique keys, one line each, in words that both share.
type Schema = BTreeMap<String, Vec<String>>;

async fn execute(scratch: &Scratch, sql: &str) {
    match &scratch.url {
        DatabaseUrl::Sqlite(path) => {
            rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
        }
        DatabaseUrl::Postgres(url) => connect(url).await.batch_execute(sql).await.unwrap(),
    }
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(async move {
        drop(connection.await);
    });
    client
}

async fn schema(scratch: &Scratch) -> Schema {
    let (dialect, lines) = match &scratch.url {
        DatabaseUrl::Sqlite(path) => (Dialect::Sqlite, sqlite_schema(path)),
        DatabaseUrl::Postgres(url) => (Dialect::Postgres, postgres_schema(url).await),
    };
    let mut schema = Schema::new();
    for (table, line) in lines {
        if table != "schema_migrations" {
            schema.entry(table).or_default().push(line);
        }
    }
    for lines in schema.values_mut() {
        // Columns keep their order; the databases list the keys after them in orders of their own.
        let keys = lines.iter().position(|line| is_key(line)).unwrap_or(lines.len());
        lines[keys..].sort();
    }
    assert!(!schema.is_empty(), "{dialect:?} has no tables");
    schema
}

fn is_key(line: &str) -> bool {
    line.starts_with("key ") || line.starts_with("unique ")
}

fn sqlite_schema(path: &std::path::Path) -> Vec<(String, String)> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut lines = Vec::new();
    let mut ask = |sql: &str| {
        let mut statement = connection.prepare(sql).unwrap();
        let found = statement
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .unwrap();
        lines.extend(found.map(Result::unwrap));
    };
    // A primary key of SQLite may hold null by an old mistake of its own; ours never do.
    ask("select t.name, c.name || ' ' || lower(c.type)
             || case when c.\"notnull\" = 1 or c.pk > 0 then ' not null' else '' end
         from pragma_table_list t join pragma_table_info(t.name) c
         where t.schema = 'main' and t.type = 'table' and t.name not like 'sqlite_%'
         order by t.name, c.cid");
    ask("select t.name, case i.origin when 'pk' then 'key ' else 'unique ' end
             || case i.partial when 1 then 'partial ' else '' end
             || (select group_concat(name) from
                 (select name from pragma_index_info(i.name) order by seqno))
         from pragma_table_list t join pragma_index_list(t.name) i
         where t.schema = 'main' and t.type = 'table' and i.\"unique\" = 1
         order by 1, 2");
    lines
}

async fn postgres_schema(url: &str) -> Vec<(String, String)> {
    let client = connect(url).await;
    let mut lines = Vec::new();
    for sql in [
        "select table_name::text, column_name || ' '
             || case data_type when 'bigint' then 'integer' when 'bytea' then 'blob'
                else data_type end
             || case is_nullable when 'NO' then ' not null' else '' end
         from information_schema.columns where table_schema = 'public'
         order by table_name collate \"C\", ordinal_position",
        "select t.relname::text, case when i.indisprimary then 'key ' else 'unique ' end
             || case when i.indpred is not null then 'partial ' else '' end
             || (select string_agg(a.attname, ',' order by k.n)
                 from unnest(i.indkey) with ordinality as k (attnum, n)
                 join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum)
         from pg_index i join pg_class t on t.oid = i.indrelid
         join pg_namespace s on s.oid = t.relnamespace
         where s.nspname = 'public' and i.indisunique
         order by t.relname collate \"C\"",
    ] {
        for row in client.query(sql, &[]).await.unwrap() {
            lines.push((row.get::<_, String>(0), row.get::<_, String>(1)));
        }
    }
    lines
}
