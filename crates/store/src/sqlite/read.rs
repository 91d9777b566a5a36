//! Queries on SQLite.

use bytes::Bytes;
use rusqlite::params_from_iter;
use rusqlite::types::{FromSqlError, ToSql, ToSqlOutput, Type, ValueRef};

use crate::sql::{Query, Row, Value};
use crate::sqlite::{Connection, check_placeholders};

/// All rows of the queries, those of the first one first.
pub(crate) fn each<T>(connection: &Connection, queries: &[Query<T>]) -> rusqlite::Result<Vec<T>> {
    let mut found = Vec::new();
    for query in queries {
        let sql = query.sql.sqlite();
        check_placeholders(sql);
        let mut statement = connection.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(&query.params))?;
        while let Some(row) = rows.next()? {
            let decoded = (query.decode)(&mut row_from(row, columns)?);
            found.push(decoded.map_err(|err| FromSqlError::Other(Box::new(err)))?);
        }
    }
    Ok(found)
}

/// A row of SQLite as ours.
pub(crate) fn row_from(row: &rusqlite::Row<'_>, columns: usize) -> rusqlite::Result<Row> {
    let mut values = Vec::with_capacity(columns);
    for column in 0..columns {
        values.push(match row.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(value) => Value::Int(value),
            ValueRef::Text(value) => match std::str::from_utf8(value) {
                Ok(value) => Value::from(value),
                Err(err) => return Err(FromSqlError::Other(Box::new(err)).into()),
            },
            ValueRef::Blob(value) => Value::Blob(Bytes::copy_from_slice(value)),
            ValueRef::Real(_) => {
                return Err(rusqlite::Error::InvalidColumnType(
                    column,
                    "a column without floating-point numbers".to_owned(),
                    Type::Real,
                ));
            }
        });
    }
    Ok(Row::new(values))
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
            Self::Uuid(value) => ValueRef::Blob(&value.0),
        }))
    }
}
