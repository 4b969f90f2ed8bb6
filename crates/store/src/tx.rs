//! One transaction, the same on both databases.
//!
//! A statement is written once. Parameters are `$1`, `$2`, … on both. Three notations cover what
//! differs, each rewritten once per text and remembered:
//! - `x in list($1)` takes a [`Val::List`]: `json_each` on SQLite, `any` on PostgreSQL;
//! - `/*pg … */` is left out on SQLite and becomes plain text on PostgreSQL (row locks);
//! - `like` is never used for look-ups, so its different case rules do not matter.

use crate::Dialect;
use crate::error::{StoreError, StoreResult};
use crate::value::{Row, Val};
use futures_util::future::try_join_all;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{OnceLock, RwLock};

/// An open transaction. On SQLite its futures are always ready at once.
pub(crate) enum Tx {
    Sqlite(rusqlite::Connection),
    Postgres(deadpool_postgres::Object),
}

/// A statement that is about many sets of values at once. On SQLite, where a statement costs no
/// round trip, `each` runs once for each set; on PostgreSQL `all` runs once for all of them, and
/// its parameters are the sets' columns, for `unnest`.
#[derive(Clone, Copy)]
pub(crate) struct ForSets {
    pub(crate) each: &'static str,
    pub(crate) all: &'static str,
}

/// The columns of sets of values.
fn columns(sets: &[Vec<Val>]) -> Vec<Val> {
    let width = sets.first().map_or(0, Vec::len);
    let column = |index: usize| sets.iter().map(|set| set[index].clone()).collect();
    (0..width).map(|index| Val::Column(column(index))).collect()
}

/// `values!(a, b)` binds a and b.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::value::Val::from($value)),*] };
}
pub(crate) use values;

impl Tx {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement and says how many rows it touched.
    pub(crate) async fn execute(&mut self, sql: &'static str, args: &[Val]) -> StoreResult<u64> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(text(Dialect::Sqlite, sql))?;
                bind(&mut statement, args)?;
                Ok(statement.raw_execute()? as u64)
            }
            Self::Postgres(client) => {
                let statement = client.prepare_cached(text(Dialect::Postgres, sql)).await?;
                Ok(client.execute_raw(&statement, args).await?)
            }
        }
    }

    /// Runs one statement for each set of values and says how many rows each touched. On
    /// PostgreSQL they are all under way at once and cost one round trip.
    pub(crate) async fn execute_each(
        &mut self,
        sql: &'static str,
        sets: &[Vec<Val>],
    ) -> StoreResult<Vec<u64>> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(text(Dialect::Sqlite, sql))?;
                let mut touched = Vec::with_capacity(sets.len());
                for args in sets {
                    bind(&mut statement, args)?;
                    touched.push(statement.raw_execute()? as u64);
                }
                Ok(touched)
            }
            Self::Postgres(client) => {
                let statement = client.prepare_cached(text(Dialect::Postgres, sql)).await?;
                let client = &*client;
                let all = sets.iter().map(|args| client.execute_raw(&statement, args.as_slice()));
                Ok(try_join_all(all).await?)
            }
        }
    }

    /// Runs a statement for many sets of values and says how many rows all of them touched.
    pub(crate) async fn execute_for(
        &mut self,
        sql: ForSets,
        sets: &[Vec<Val>],
    ) -> StoreResult<u64> {
        if sets.is_empty() {
            return Ok(0);
        }
        match self.dialect() {
            Dialect::Sqlite => Ok(self.execute_each(sql.each, sets).await?.iter().sum()),
            Dialect::Postgres => self.execute(sql.all, &columns(sets)).await,
        }
    }

    /// Runs a query for many sets of values and gives the rows of all of them.
    pub(crate) async fn rows_for(
        &mut self,
        sql: ForSets,
        sets: &[Vec<Val>],
    ) -> StoreResult<Vec<Row>> {
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        if self.dialect() == Dialect::Postgres {
            return self.rows(sql.all, &columns(sets)).await;
        }
        let mut rows = Vec::with_capacity(sets.len());
        for set in sets {
            rows.extend(self.rows(sql.each, set).await?);
        }
        Ok(rows)
    }

    /// Runs a query.
    pub(crate) async fn rows(&mut self, sql: &'static str, args: &[Val]) -> StoreResult<Vec<Row>> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(text(Dialect::Sqlite, sql))?;
                let columns = statement.column_count();
                bind(&mut statement, args)?;
                let mut found = statement.raw_query();
                let mut rows = Vec::new();
                while let Some(row) = found.next()? {
                    let cells = (0..columns).map(|index| sqlite_cell(row, index));
                    rows.push(Row::new(cells.collect::<StoreResult<_>>()?));
                }
                Ok(rows)
            }
            Self::Postgres(client) => {
                use futures_util::TryStreamExt;
                let statement = client.prepare_cached(text(Dialect::Postgres, sql)).await?;
                let stream = client.query_raw(&statement, args).await?;
                let rows: Vec<tokio_postgres::Row> = stream.try_collect().await?;
                rows.iter()
                    .map(|row| {
                        let cells = (0..row.len()).map(|index| postgres_cell(row, index));
                        Ok(Row::new(cells.collect::<StoreResult<_>>()?))
                    })
                    .collect()
            }
        }
    }

    /// Runs a query that finds at most one row.
    pub(crate) async fn row(
        &mut self,
        sql: &'static str,
        args: &[Val],
    ) -> StoreResult<Option<Row>> {
        Ok(self.rows(sql, args).await?.pop())
    }

    /// Runs several statements without values: migrations, and begin and commit on PostgreSQL.
    pub(crate) async fn batch(&mut self, sql: &str) -> StoreResult<()> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Self::Postgres(client) => Ok(client.batch_execute(sql).await?),
        }
    }
}

/// Binds by the number after `$`, whatever order SQLite met the parameters in.
fn bind(statement: &mut rusqlite::Statement<'_>, args: &[Val]) -> StoreResult<()> {
    for index in 1..=statement.parameter_count() {
        let number = statement
            .parameter_name(index)
            .and_then(|name| name.strip_prefix('$'))
            .and_then(|digits| digits.parse::<usize>().ok());
        let value = number.and_then(|number| args.get(number.wrapping_sub(1)));
        let value = value.ok_or_else(|| StoreError::bug("a parameter has no value"))?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

fn sqlite_cell(row: &rusqlite::Row<'_>, index: usize) -> StoreResult<Val> {
    use rusqlite::types::ValueRef;
    Ok(match row.get_ref(index)? {
        ValueRef::Null => Val::Null,
        ValueRef::Integer(n) => Val::Int(n),
        ValueRef::Real(_) => return Err(StoreError::bug("a query returned a float")),
        ValueRef::Text(text) => Val::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Val::Bytes(bytes.to_vec()),
    })
}

fn postgres_cell(row: &tokio_postgres::Row, index: usize) -> StoreResult<Val> {
    use postgres_types::Type;
    let ty = row.columns()[index].type_();
    let cell = if *ty == Type::INT8 {
        row.try_get::<_, Option<i64>>(index)?.map(Val::Int)
    } else if *ty == Type::INT4 {
        row.try_get::<_, Option<i32>>(index)?.map(|n| Val::Int(i64::from(n)))
    } else if *ty == Type::BYTEA {
        row.try_get::<_, Option<Vec<u8>>>(index)?.map(Val::Bytes)
    } else if *ty == Type::BOOL {
        row.try_get::<_, Option<bool>>(index)?.map(Val::from)
    } else if *ty == Type::TEXT || *ty == Type::VARCHAR || *ty == Type::NAME {
        row.try_get::<_, Option<String>>(index)?.map(Val::Text)
    } else {
        return Err(StoreError::bug(format!("a query returned the type {ty}")));
    };
    Ok(cell.unwrap_or(Val::Null))
}

/// The text of a statement for one database.
fn text(dialect: Dialect, sql: &'static str) -> &'static str {
    /// By dialect and place of the statement.
    type Texts = HashMap<(bool, usize, usize), &'static str>;
    static TEXTS: OnceLock<RwLock<Texts>> = OnceLock::new();
    if !sql.contains("list(") && !sql.contains("/*pg") {
        return sql;
    }
    let key = (dialect == Dialect::Sqlite, sql.as_ptr() as usize, sql.len());
    let texts = TEXTS.get_or_init(Default::default);
    if let Some(known) = texts.read().ok().and_then(|map| map.get(&key).copied()) {
        return known;
    }
    // Statement texts are a closed set, so what is leaked here is bounded.
    let made: &'static str = match rewrite(dialect, sql) {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => text.leak(),
    };
    if let Ok(mut map) = texts.write() {
        map.insert(key, made);
    }
    made
}

fn rewrite(dialect: Dialect, sql: &'static str) -> Cow<'static, str> {
    let mut out = String::with_capacity(sql.len().saturating_add(32));
    let mut rest = sql;
    while let Some(at) = rest.find("in list(").into_iter().chain(rest.find("/*pg")).min() {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("in list(") {
            let (parameter, after) = after.split_once(')').unwrap_or((after, ""));
            match dialect {
                Dialect::Sqlite => {
                    out.push_str("in (select value from json_each(");
                    out.push_str(parameter);
                    out.push_str("))");
                }
                Dialect::Postgres => {
                    out.push_str("= any(");
                    out.push_str(parameter);
                    out.push(')');
                }
            }
            rest = after;
        } else {
            let (inside, after) = rest[4..].split_once("*/").unwrap_or((&rest[4..], ""));
            if dialect == Dialect::Postgres {
                out.push_str(inside);
            }
            rest = after;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows the two notations on both databases.
    #[test]
    fn one_text_becomes_two() {
        let sql = "select a from t where id in list($1) and b = $2 /*pg for update skip locked*/";
        assert_eq!(
            text(Dialect::Sqlite, sql),
            "select a from t where id in (select value from json_each($1)) and b = $2 "
        );
        assert_eq!(
            text(Dialect::Postgres, sql),
            "select a from t where id = any($1) and b = $2  for update skip locked"
        );
    }
}
