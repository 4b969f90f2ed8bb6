//! Values and rows as both databases understand them.

use crate::error::{StoreError, StoreResult};
use domain::time::Timestamp;
use postgres_types::{IsNull, ToSql, Type, to_sql_checked};

/// A bound value or a cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Val {
    /// SQL null.
    Null,
    /// An integer; flags are 0 and 1, times are milliseconds.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list of texts for `in list($n)`.
    List(Vec<String>),
    /// One column of many sets of values, for `unnest($n)` on PostgreSQL.
    Column(Vec<Self>),
}

impl From<i64> for Val {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}
impl From<u32> for Val {
    fn from(n: u32) -> Self {
        Self::Int(i64::from(n))
    }
}
impl From<i32> for Val {
    fn from(n: i32) -> Self {
        Self::Int(i64::from(n))
    }
}
impl From<bool> for Val {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}
impl From<&str> for Val {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Val {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<&String> for Val {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}
impl From<Vec<u8>> for Val {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}
impl From<Vec<String>> for Val {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts)
    }
}
impl From<Timestamp> for Val {
    fn from(time: Timestamp) -> Self {
        Self::Int(time.as_millis())
    }
}
impl<T: Into<Self>> From<Option<T>> for Val {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl rusqlite::ToSql for Val {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, Value, ValueRef};
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Int(n) => ToSqlOutput::Borrowed(ValueRef::Integer(*n)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::List(texts) => ToSqlOutput::Owned(Value::Text(
                serde_json::Value::from(texts.as_slice()).to_string(),
            )),
            Self::Column(_) => {
                let fault = "a column is for PostgreSQL alone";
                return Err(rusqlite::Error::ToSqlConversionFailure(fault.into()));
            }
        })
    }
}

impl ToSql for Val {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(n) if *ty == Type::INT4 => i32::try_from(*n)?.to_sql(ty, out),
            Self::Int(n) => n.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
            Self::Bytes(bytes) => bytes.to_sql(ty, out),
            Self::List(texts) => texts.to_sql(ty, out),
            Self::Column(cells) if *ty == Type::TEXT_ARRAY => {
                let texts = cells.iter().map(|cell| match cell {
                    Self::Text(text) => Ok(Some(text.as_str())),
                    Self::Null => Ok(None),
                    _ => Err("a column of texts holds something else"),
                });
                texts.collect::<Result<Vec<_>, _>>()?.to_sql(ty, out)
            }
            Self::Column(cells) => {
                let numbers = cells.iter().map(|cell| match cell {
                    Self::Int(n) => Ok(Some(*n)),
                    Self::Null => Ok(None),
                    _ => Err("a column of numbers holds something else"),
                });
                numbers.collect::<Result<Vec<_>, _>>()?.to_sql(ty, out)
            }
        }
    }
    // The server says which type a parameter has; a wrong pairing fails in `to_sql` above.
    fn accepts(_: &Type) -> bool {
        true
    }
    to_sql_checked!();
}

/// One row, read from left to right in the order of the statement's columns.
#[derive(Debug)]
pub(crate) struct Row {
    cells: std::vec::IntoIter<Val>,
    table: &'static str,
    id: String,
}

impl Row {
    pub(crate) fn new(cells: Vec<Val>) -> Self {
        Self { cells: cells.into_iter(), table: "", id: String::new() }
    }

    /// Names the row for errors: the table, and the text of the column read next, which is its id.
    pub(crate) fn of(mut self, table: &'static str) -> Self {
        self.table = table;
        if let Some(Val::Text(id)) = self.cells.as_slice().first() {
            self.id = id.clone();
        }
        self
    }

    pub(crate) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, id: self.id.clone() }
    }

    pub(crate) fn opt_text(&mut self, column: &'static str) -> StoreResult<Option<String>> {
        match self.cells.next() {
            Some(Val::Null) => Ok(None),
            Some(Val::Text(text)) => Ok(Some(text)),
            _ => Err(self.corrupt(column)),
        }
    }
    pub(crate) fn text(&mut self, column: &'static str) -> StoreResult<String> {
        self.opt_text(column)?.ok_or_else(|| self.corrupt(column))
    }
    pub(crate) fn opt_int(&mut self, column: &'static str) -> StoreResult<Option<i64>> {
        match self.cells.next() {
            Some(Val::Null) => Ok(None),
            Some(Val::Int(n)) => Ok(Some(n)),
            _ => Err(self.corrupt(column)),
        }
    }
    pub(crate) fn int(&mut self, column: &'static str) -> StoreResult<i64> {
        self.opt_int(column)?.ok_or_else(|| self.corrupt(column))
    }
    pub(crate) fn flag(&mut self, column: &'static str) -> StoreResult<bool> {
        Ok(self.int(column)? != 0)
    }
    pub(crate) fn time(&mut self, column: &'static str) -> StoreResult<Timestamp> {
        self.int(column).map(Timestamp::from_millis)
    }
    pub(crate) fn opt_time(&mut self, column: &'static str) -> StoreResult<Option<Timestamp>> {
        Ok(self.opt_int(column)?.map(Timestamp::from_millis))
    }
    pub(crate) fn bytes(&mut self, column: &'static str) -> StoreResult<Vec<u8>> {
        match self.cells.next() {
            Some(Val::Bytes(bytes)) => Ok(bytes),
            _ => Err(self.corrupt(column)),
        }
    }
}
