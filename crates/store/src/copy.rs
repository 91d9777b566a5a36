//! Moving a studio's rows from one database to another.

use crate::error::StoreError;
use crate::sql::{Plan, Query, Row, RowError, Sql, Step, Value, params};
use crate::store::Store;

/// How far a copy is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CopyProgress<'a> {
    /// What is being done.
    pub stage: CopyStage,
    /// The table that it is done with.
    pub table: &'a str,
    /// Rows of this table done by this run.
    pub rows: u64,
}

/// The two halves of a copy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CopyStage {
    /// Rows are written to the target.
    Copying,
    /// The rows of both are compared.
    Verifying,
}

/// What a finished copy holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CopyReport {
    /// Tables compared.
    pub tables: u64,
    /// Rows in them.
    pub rows: u64,
    /// Rows that this run wrote; the others were there from a run before.
    pub rows_copied: u64,
}

/// Copies all rows of `from` into `to`, table by table in the order of their keys, then compares number and checksum of
/// the rows of each table. A copy that was interrupted goes on where it was when it is started again.
/// No server may use either of them: SQLite keeps others out, for PostgreSQL the caller sees to it.
///
/// # Errors
///
/// `NotEmpty` where `to` has rows that no copy of `from` put there; `CopyDiffers` where the comparison fails; those of
/// reads and of [`Store::commit`].
pub async fn copy(
    from: &Store,
    to: &Store,
    mut progress: impl FnMut(CopyProgress<'_>),
) -> Result<CopyReport, StoreError> {
    let tables = tables().await?;
    begin(from, to, &tables).await?;
    let mut report = CopyReport::default();
    for table in &tables {
        let mut rows = 0;
        let mut key = last_key(to, table).await?;
        loop {
            let found = page(from, table, key).await?;
            let Some(last) = found.last() else {
                break;
            };
            key = Some(table.key_of(last));
            let count = count_of(&found);
            insert(to, table, found).await?;
            rows += count;
            report.rows_copied += count;
            progress(CopyProgress {
                stage: CopyStage::Copying,
                table: table.name,
                rows,
            });
        }
    }
    for table in &tables {
        let mut told = |rows| {
            progress(CopyProgress {
                stage: CopyStage::Verifying,
                table: table.name,
                rows,
            });
        };
        let wanted = digest(from, table, &mut |_| {}).await?;
        if digest(to, table, &mut told).await? != wanted {
            let table = table.name.to_owned();
            return Err(StoreError::CopyDiffers { table });
        }
        report.tables += 1;
        report.rows += wanted.rows;
    }
    let done = Step::write("DROP TABLE copy_source", Vec::new());
    to.commit_plan(Plan::from(vec![done])).await?;
    Ok(report)
}

impl Store {
    /// Whether a copy into this database was begun and not finished: it lacks rows that its source has.
    ///
    /// # Errors
    ///
    /// As [`Store::account_by_id`].
    pub async fn is_half_copied(&self) -> Result<bool, StoreError> {
        let sql = Sql::Differs {
            sqlite: "SELECT 1 FROM sqlite_master WHERE name = 'copy_source'",
            postgres: "SELECT 1 FROM pg_tables WHERE tablename = 'copy_source' AND schemaname = current_schema()",
        };
        let found = self.first(Query::new(sql, Vec::new(), |_| Ok(())));
        Ok(found.await?.is_some())
    }
}

/// A table and the texts that copy it.
struct Table {
    name: &'static str,
    /// Places of the key's columns among all columns.
    key: Vec<usize>,
    first_page: &'static str,
    next_page: &'static str,
    last_key: &'static str,
    insert: &'static str,
}

impl Table {
    fn new(name: &'static str, columns: &[(String, usize)]) -> Self {
        let mut key: Vec<usize> = (0..columns.len()).filter(|at| columns[*at].1 > 0).collect();
        key.sort_by_key(|at| columns[*at].1);
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let key_names: Vec<&str> = key.iter().map(|at| names[*at]).collect();
        let (all, keys) = (names.join(", "), key_names.join(", "));
        let back = key_names.join(" DESC, ");
        let limit = key.len() + 1;
        // As many texts as there are tables; statements are kept by such texts.
        let text = |text: String| -> &'static str { text.leak() };
        Self {
            name,
            first_page: text(format!("SELECT {all} FROM {name} ORDER BY {keys} LIMIT $1")),
            next_page: text(format!(
                "SELECT {all} FROM {name} WHERE ({keys}) > ({}) ORDER BY {keys} LIMIT ${limit}",
                placeholders(key.len())
            )),
            last_key: text(format!(
                "SELECT {keys} FROM {name} ORDER BY {back} DESC LIMIT 1"
            )),
            insert: text(format!(
                "INSERT INTO {name} ({all}) VALUES ({})",
                placeholders(names.len())
            )),
            key,
        }
    }

    fn key_of(&self, row: &[Value]) -> Vec<Value> {
        self.key.iter().map(|at| row[*at].clone()).collect()
    }
}

fn placeholders(count: usize) -> String {
    let numbers: Vec<String> = (1..=count).map(|number| format!("${number}")).collect();
    numbers.join(", ")
}

/// All tables with rows, in the order in which they were made: what is referred to comes first.
/// An empty database knows them; those of both databases have the same names and columns.
async fn tables() -> Result<Vec<Table>, StoreError> {
    let empty = Store::memory()?;
    let names = Query::new(
        "SELECT name FROM sqlite_schema
         WHERE type = 'table' AND name <> 'migration' AND name NOT LIKE 'sqlite%' ORDER BY rowid",
        Vec::new(),
        |row| row.text(0),
    );
    let mut tables = Vec::new();
    for name in empty.all(names).await? {
        let columns = Query::new(
            "SELECT name, pk FROM pragma_table_info($1) ORDER BY cid",
            params![name.as_str()],
            |row| Ok((row.text(0)?, usize::try_from(row.count(1)?).unwrap_or(0))),
        );
        tables.push(Table::new(name.leak(), &empty.all(columns).await?));
    }
    Ok(tables)
}

/// Makes sure that the target is empty or holds a part of this copy, and says there whose copy it is.
async fn begin(from: &Store, to: &Store, tables: &[Table]) -> Result<(), StoreError> {
    let source = from.name();
    let made = Step::write(
        "CREATE TABLE IF NOT EXISTS copy_source (source TEXT NOT NULL PRIMARY KEY)",
        Vec::new(),
    );
    to.commit_plan(Plan::from(vec![made])).await?;
    let known = Query::new("SELECT source FROM copy_source", Vec::new(), |row| {
        row.text(0)
    });
    match to.first(known).await? {
        Some(known) if known == source => return Ok(()),
        Some(_) => return Err(StoreError::NotEmpty),
        None => {}
    }
    for table in tables {
        if last_key(to, table).await?.is_some() {
            let made = Step::write("DROP TABLE copy_source", Vec::new());
            to.commit_plan(Plan::from(vec![made])).await?;
            return Err(StoreError::NotEmpty);
        }
    }
    let named = Step::write(
        "INSERT INTO copy_source (source) VALUES ($1)",
        params![source],
    );
    to.commit_plan(Plan::from(vec![named])).await.map(drop)
}

async fn last_key(store: &Store, table: &Table) -> Result<Option<Vec<Value>>, StoreError> {
    let query = Query::new(table.last_key, Vec::new(), values);
    store.first(query).await
}

async fn page(
    store: &Store,
    table: &Table,
    after: Option<Vec<Value>>,
) -> Result<Vec<Vec<Value>>, StoreError> {
    let (sql, mut params) = match after {
        Some(key) => (table.next_page, key),
        None => (table.first_page, Vec::new()),
    };
    params.push(Value::Int(PAGE_ROWS));
    store.all(Query::new(sql, params, values)).await
}

async fn insert(store: &Store, table: &Table, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
    let steps = rows.into_iter().map(|row| Step::write(table.insert, row));
    store
        .commit_plan(Plan::from(steps.collect::<Vec<_>>()))
        .await
        .map(drop)
}

/// Number and checksum of a table's rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Digest {
    rows: u64,
    hash: u64,
}

async fn digest(
    store: &Store,
    table: &Table,
    told: &mut impl FnMut(u64),
) -> Result<Digest, StoreError> {
    let mut digest = Digest {
        rows: 0,
        hash: FNV_START,
    };
    let mut key = None;
    loop {
        let found = page(store, table, key).await?;
        let Some(last) = found.last() else {
            return Ok(digest);
        };
        key = Some(table.key_of(last));
        digest.rows += count_of(&found);
        digest.hash = found.iter().flatten().fold(digest.hash, hash);
        told(digest.rows);
    }
}

/// FNV-1a over kind, length and bytes of a value.
fn hash(seed: u64, value: &Value) -> u64 {
    let number;
    let (kind, bytes): (u8, &[u8]) = match value {
        Value::Null => (0, &[]),
        Value::Int(value) => {
            number = value.to_be_bytes();
            (1, &number)
        }
        Value::Text(value) => (2, value.as_bytes()),
        Value::Blob(value) => (3, value),
        Value::Uuid(value) => (3, &value.0),
    };
    let length = bytes.len().to_be_bytes();
    let parts = std::iter::once(&kind).chain(&length).chain(bytes);
    parts.fold(seed, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)
    })
}

fn values(row: &mut Row) -> Result<Vec<Value>, RowError> {
    Ok(row.take_values())
}

fn count_of(rows: &[Vec<Value>]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}

/// Rows read and written together.
const PAGE_ROWS: i64 = 200;

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
