//! What both databases understand: values, rows, steps of a write, queries. No input or output happens here.

mod query;
mod row;
mod step;
mod unique;
mod value;

pub(crate) use query::Query;
pub(crate) use row::{Row, RowError};
pub(crate) use step::locking;
pub(crate) use step::{Expect, Kind, Plan, Sql, Step, placeholders_in_order};
pub(crate) use unique::conflict_of_constraint;
pub(crate) use value::{Value, params};
