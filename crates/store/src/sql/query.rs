//! Reads.

use crate::sql::{Row, RowError, Sql, Value};

/// A read: its text, its parameters, and how one row becomes a `T`.
#[derive(Clone, Debug)]
pub(crate) struct Query<T> {
    pub(crate) sql: Sql,
    pub(crate) params: Vec<Value>,
    pub(crate) decode: fn(&mut Row) -> Result<T, RowError>,
}

impl<T> Query<T> {
    pub(crate) fn new(
        sql: impl Into<Sql>,
        params: Vec<Value>,
        decode: fn(&mut Row) -> Result<T, RowError>,
    ) -> Self {
        Self {
            sql: sql.into(),
            params,
            decode,
        }
    }
}
