//! Writes: what one operation does, statement by statement.

use crate::batch::Batch;
use crate::error::{Conflict, StoreError};
use crate::sql::Value;

/// The text of a statement. Parameters are `$1`, `$2`, …, which appear first in this order, because SQLite numbers
/// them by their first appearance. Ties and orders of text are by bytes in both databases.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sql {
    /// Both databases understand it.
    Same(&'static str),
    /// Where the dialects differ.
    Differs {
        sqlite: &'static str,
        postgres: &'static str,
    },
}

impl Sql {
    pub(crate) const fn sqlite(self) -> &'static str {
        match self {
            Self::Same(sql) | Self::Differs { sqlite: sql, .. } => sql,
        }
    }

    pub(crate) const fn postgres(self) -> &'static str {
        match self {
            Self::Same(sql) | Self::Differs { postgres: sql, .. } => sql,
        }
    }
}

impl From<&'static str> for Sql {
    fn from(sql: &'static str) -> Self {
        Self::Same(sql)
    }
}

/// A `SELECT` that also keeps everybody else from changing the rows it finds until the batch is decided.
/// SQLite has one writer, so there it does so anyway.
macro_rules! locking {
    ($select:literal) => {
        $crate::sql::Sql::Differs {
            sqlite: $select,
            postgres: concat!($select, " FOR UPDATE"),
        }
    };
}
pub(crate) use locking;

/// One statement of an operation and what it must find.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Step {
    pub(crate) sql: Sql,
    pub(crate) params: Vec<Value>,
    pub(crate) kind: Kind,
    pub(crate) expect: Expect,
}

/// What a statement gives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A count of changed rows.
    Write,
    /// The changed rows, by `RETURNING`; they come back in the outcome.
    WriteReturning,
    /// Rows that are looked at: a precondition.
    Check,
}

/// What must hold after a step, else the whole batch fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Expect {
    Any,
    /// At least one row was changed or found; otherwise this conflict.
    Row(Conflict),
    /// No row was found; otherwise this conflict.
    NoRow(Conflict),
}

impl Expect {
    /// The conflict that so many rows mean, if they mean one.
    pub(crate) const fn conflict(self, rows: u64) -> Option<Conflict> {
        match self {
            Self::Row(conflict) if rows == 0 => Some(conflict),
            Self::NoRow(conflict) if rows > 0 => Some(conflict),
            _ => None,
        }
    }
}

impl Step {
    /// Writes rows; none at all is fine, see [`Step::or`].
    pub(crate) fn write(sql: impl Into<Sql>, params: Vec<Value>) -> Self {
        Self::new(sql.into(), params, Kind::Write)
    }

    /// Writes rows and puts what the statement returns into the outcome.
    pub(crate) fn returning(sql: impl Into<Sql>, params: Vec<Value>) -> Self {
        Self::new(sql.into(), params, Kind::WriteReturning)
    }

    /// Looks for rows; see [`Step::or`] and [`Step::or_if_found`].
    pub(crate) fn check(sql: impl Into<Sql>, params: Vec<Value>) -> Self {
        Self::new(sql.into(), params, Kind::Check)
    }

    /// Where no row was changed or found, that is this conflict.
    pub(crate) const fn or(mut self, conflict: Conflict) -> Self {
        self.expect = Expect::Row(conflict);
        self
    }

    /// Where a row was found, that is this conflict.
    pub(crate) const fn or_if_found(mut self, conflict: Conflict) -> Self {
        debug_assert!(matches!(self.kind, Kind::Check), "a write would be done");
        self.expect = Expect::NoRow(conflict);
        self
    }

    const fn new(sql: Sql, params: Vec<Value>, kind: Kind) -> Self {
        Self {
            sql,
            params,
            kind,
            expect: Expect::Any,
        }
    }
}

/// A batch as statements.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Plan {
    /// In order, each with the index of its operation.
    pub(crate) steps: Vec<(usize, Step)>,
}

impl Plan {
    /// The statements of a batch.
    ///
    /// # Errors
    ///
    /// `BatchTooLarge`, `NulInText`.
    pub(crate) fn of(batch: Batch) -> Result<Self, StoreError> {
        let ops = batch.ops.len();
        if ops > Batch::OPS_MAX {
            return Err(StoreError::BatchTooLarge { ops });
        }
        let mut steps = Vec::with_capacity(ops);
        let mut of_op = Vec::new();
        for (op_index, op) in batch.ops.into_iter().enumerate() {
            op.into_steps(&mut of_op);
            steps.extend(of_op.drain(..).map(|step| (op_index, step)));
        }
        let mut params = steps.iter().flat_map(|(_, step)| &step.params);
        if params.any(Value::holds_nul) {
            return Err(StoreError::NulInText);
        }
        Ok(Self { steps })
    }
}

impl From<Vec<Step>> for Plan {
    /// The steps as one operation.
    fn from(steps: Vec<Step>) -> Self {
        Self {
            steps: steps.into_iter().map(|step| (0, step)).collect(),
        }
    }
}

/// Whether `$1`, `$2`, … appear first in this order and without a gap.
pub(crate) fn placeholders_in_order(sql: &str) -> bool {
    let mut seen = 0;
    sql.split('$').skip(1).all(|after| {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let Ok(number) = after[..digits].parse::<usize>() else {
            return false;
        };
        seen = seen.max(number.min(seen + 1));
        (1..=seen).contains(&number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_by_appearance() {
        for good in ["", "a = $1", "$1 $2 $1 $3", "$1$2$3$4$5$6$7$8$9$10 $10"] {
            assert!(placeholders_in_order(good), "{good}");
        }
        for bad in ["$2", "$1 $3", "$2 $1", "$0", "$x", "$1 $2 $4 $3"] {
            assert!(!placeholders_in_order(bad), "{bad}");
        }
    }

    #[test]
    fn expectations_are_about_rows() {
        let conflict = Conflict::Missing;
        assert_eq!(Expect::Any.conflict(0), None);
        assert_eq!(Expect::Row(conflict).conflict(0), Some(conflict));
        assert_eq!(Expect::Row(conflict).conflict(1), None);
        assert_eq!(Expect::NoRow(conflict).conflict(0), None);
        assert_eq!(Expect::NoRow(conflict).conflict(2), Some(conflict));
    }
}
