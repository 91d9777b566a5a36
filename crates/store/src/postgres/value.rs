//! Values and rows in PostgreSQL's binary format.

use std::error::Error;

use bytes::{BufMut, Bytes, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::sql::{Row, Value};

/// A column or a parameter has a type that no table of ours has.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ColumnError {
    #[error("column {column} has the type {type_}, which no table has")]
    Type { column: usize, type_: Type },
    #[error("read column {column}")]
    Read {
        column: usize,
        #[source]
        source: tokio_postgres::Error,
    },
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(value) => match *ty {
                Type::INT8 => out.put_i64(*value),
                Type::INT4 => out.put_i32(i32::try_from(*value)?),
                Type::INT2 => out.put_i16(i16::try_from(*value)?),
                Type::BOOL => out.put_u8(u8::from(*value != 0)),
                _ => return Err(format!("a number where {ty} is wanted").into()),
            },
            Self::Text(value) if is_text(ty) => out.put_slice(value.as_bytes()),
            Self::Blob(value) if *ty == Type::BYTEA => out.put_slice(value),
            Self::Uuid(value) if *ty == Type::BYTEA => out.put_slice(&value.0),
            Self::Text(_) => return Err(format!("a text where {ty} is wanted").into()),
            Self::Blob(_) | Self::Uuid(_) => {
                return Err(format!("a blob where {ty} is wanted").into());
            }
        }
        Ok(IsNull::No)
    }

    /// Whether it fits is said by [`Value::to_sql`], which knows the value.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A row of PostgreSQL as ours.
pub(crate) fn row_from(row: &tokio_postgres::Row) -> Result<Row, ColumnError> {
    let values = row.columns().iter().enumerate().map(|(column, of)| {
        let read = match *of.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(column).map(Value::from),
            Type::INT4 => {
                let value = row.try_get::<_, Option<i32>>(column);
                value.map(|value| Value::from(value.map(i64::from)))
            }
            Type::BOOL => row.try_get::<_, Option<bool>>(column).map(Value::from),
            Type::BYTEA => {
                let value = row.try_get::<_, Option<&[u8]>>(column);
                value.map(|value| Value::from(value.map(Bytes::copy_from_slice)))
            }
            ref text if is_text(text) => row.try_get::<_, Option<&str>>(column).map(Value::from),
            ref type_ => {
                let type_ = type_.clone();
                return Err(ColumnError::Type { column, type_ });
            }
        };
        read.map_err(|source| ColumnError::Read { column, source })
    });
    Ok(Row::new(values.collect::<Result<_, _>>()?))
}

fn is_text(ty: &Type) -> bool {
    matches!(
        *ty,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN
    )
}
