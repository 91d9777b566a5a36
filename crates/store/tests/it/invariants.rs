//! What must hold in every database, whatever was written and however it ended.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use md5::{Digest as _, Md5};
use tokio::runtime::Runtime;

/// A database at one moment: all that is read through this was there together.
pub(crate) enum Database {
    Sqlite(rusqlite::Connection),
    Postgres(Runtime, tokio_postgres::Client),
}

/// A column's value, or a parameter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

pub(crate) type Rows = Vec<Vec<Cell>>;
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

impl Database {
    /// The database at an address, as `Config::parse` takes it.
    pub(crate) fn open(address: &str) -> Result<Self, Failure> {
        match address.strip_prefix("sqlite:") {
            Some(path) => Self::file(Path::new(path)),
            None => Self::server(address),
        }
    }

    pub(crate) fn file(path: &Path) -> Result<Self, Failure> {
        let connection = rusqlite::Connection::open(path)?;
        connection.execute_batch("BEGIN")?;
        Ok(Self::Sqlite(connection))
    }

    fn server(url: &str) -> Result<Self, Failure> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build()?;
        let client = runtime.block_on(async {
            let (client, driver) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
            drop(tokio::spawn(driver));
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ";
            client.batch_execute(begin).await?;
            Ok::<_, Failure>(client)
        });
        Ok(Self::Postgres(runtime, client?))
    }

    /// The rows of a query that both databases understand.
    pub(crate) fn rows(&self, sql: &str, params: &[Cell]) -> Result<Rows, Failure> {
        match self {
            Self::Sqlite(connection) => sqlite_rows(connection, sql, params),
            Self::Postgres(runtime, client) => {
                let params: Vec<_> = params.iter().map(as_postgres).collect();
                let rows = runtime.block_on(client.query(sql, &params))?;
                rows.iter().map(postgres_row).collect()
            }
        }
    }
}

fn sqlite_rows(
    connection: &rusqlite::Connection,
    sql: &str,
    params: &[Cell],
) -> Result<Rows, Failure> {
    use rusqlite::types::Value;
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let params = params.iter().map(|cell| match cell {
        Cell::Null => Value::Null,
        Cell::Int(value) => Value::Integer(*value),
        Cell::Text(value) => Value::Text(value.clone()),
        Cell::Blob(value) => Value::Blob(value.clone()),
    });
    let mut rows = statement.query(rusqlite::params_from_iter(params))?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let cell = |column| {
            Ok(match row.get(column)? {
                Value::Null => Cell::Null,
                Value::Integer(value) => Cell::Int(value),
                Value::Text(value) => Cell::Text(value),
                Value::Blob(value) => Cell::Blob(value),
                Value::Real(_) => return Err(Failure::from("no table has such numbers")),
            })
        };
        out.push((0..columns).map(cell).collect::<Result<_, _>>()?);
    }
    Ok(out)
}

fn as_postgres(cell: &Cell) -> &(dyn tokio_postgres::types::ToSql + Sync) {
    match cell {
        Cell::Null => &None::<i64>,
        Cell::Int(value) => value,
        Cell::Text(value) => value,
        Cell::Blob(value) => value,
    }
}

fn postgres_row(row: &tokio_postgres::Row) -> Result<Vec<Cell>, Failure> {
    let columns = row.columns().iter().enumerate();
    let cell = |(at, column): (usize, &tokio_postgres::Column)| {
        let cell = match column.type_().name() {
            "bytea" => row.try_get::<_, Option<_>>(at)?.map(Cell::Blob),
            "text" => row.try_get::<_, Option<_>>(at)?.map(Cell::Text),
            _ => row.try_get::<_, Option<_>>(at)?.map(Cell::Int),
        };
        Ok(cell.unwrap_or(Cell::Null))
    };
    columns.map(cell).collect()
}

/// Whatever does not hold, each with how often.
pub(crate) fn breaches(database: &Database) -> Result<Vec<String>, Failure> {
    let mut breaches = Vec::new();
    let mut note = |what: &str, count: i64| {
        if count > 0 {
            breaches.push(format!("{what}: {count}"));
        }
    };
    for (what, from) in NEVER {
        let sql = format!("SELECT count(*) FROM {from}");
        let rows = database.rows(&sql, &[])?;
        let Some([Cell::Int(count)]) = rows.first().map(Vec::as_slice) else {
            return Err(format!("no count of {what}").into());
        };
        note(what, *count);
    }
    note(VERSIONS, versions(database)?);
    note(WALLETS, wallets(database)?);
    Ok(breaches)
}

/// How each breach begins that is ever told.
pub(crate) fn kinds_of_breaches() -> impl Iterator<Item = &'static str> {
    let never = NEVER.iter().map(|(what, _)| *what);
    never.chain([VERSIONS, WALLETS])
}

const VERSIONS: &str = "version is not the MD5 of its value";
const WALLETS: &str = "wallet is not the sum of its ledger";

/// Rows that no database may have.
const NEVER: &[(&str, &str)] = &[
    (
        "edge of friends without its other side",
        "friend one LEFT JOIN friend other
           ON other.source = one.destination AND other.destination = one.source
         WHERE coalesce(other.state, -1) NOT IN (
             CASE one.state WHEN 0 THEN 0 WHEN 1 THEN 2 WHEN 2 THEN 1 WHEN 3 THEN 3 ELSE -2 END,
             CASE one.state WHEN 3 THEN -1 ELSE -2 END)",
    ),
    ("friend of itself", "friend WHERE source = destination"),
    (
        "edge of friends without an account",
        "friend WHERE NOT EXISTS (SELECT 1 FROM account WHERE id = source)
           OR NOT EXISTS (SELECT 1 FROM account WHERE id = destination)",
    ),
    (
        "account that was deleted and is there",
        "account JOIN tombstone ON tombstone.user_id = account.id",
    ),
    (
        "device without an account",
        "device WHERE NOT EXISTS (SELECT 1 FROM account WHERE account.id = user_id)",
    ),
    (
        "notification without an account",
        "notification WHERE NOT EXISTS (SELECT 1 FROM account WHERE account.id = user_id)",
    ),
    (
        "edge of a group without account or group",
        "group_edge WHERE NOT EXISTS (SELECT 1 FROM account WHERE id = user_id)
           OR NOT EXISTS (SELECT 1 FROM player_group WHERE id = group_id)",
    ),
    (
        "count of a group is not that of its edges",
        "player_group WHERE edge_count <> (SELECT count(*) FROM group_edge WHERE group_id = id AND state <= 2)",
    ),
    (
        "group with too many members",
        "player_group WHERE edge_count > max_count",
    ),
    (
        "group without an owner",
        "player_group WHERE NOT EXISTS (SELECT 1 FROM group_edge WHERE group_id = id AND state = 0)",
    ),
    (
        "stored object without an account",
        "storage WHERE account_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM account WHERE id = account_id)",
    ),
    (
        "entry of the ledger without an account",
        "wallet_ledger WHERE NOT EXISTS (SELECT 1 FROM account WHERE account.id = user_id)",
    ),
    (
        "message beyond the last number of its channel",
        "channel_message LEFT JOIN channel ON channel.id = channel_message.channel
         WHERE channel_message.number > coalesce(channel.last_number, 0)",
    ),
    (
        "record without an account",
        "leaderboard_record WHERE NOT EXISTS (SELECT 1 FROM account WHERE id = owner_id)",
    ),
    (
        "rating without an account",
        "rating WHERE NOT EXISTS (SELECT 1 FROM account WHERE account.id = user_id)",
    ),
    (
        "record without its leaderboard",
        "leaderboard_record WHERE NOT EXISTS (SELECT 1 FROM leaderboard WHERE id = leaderboard_id)",
    ),
    (
        "record with attempts out of their range",
        "leaderboard_record WHERE num_score < 0 OR (max_num_score > 0 AND num_score > max_num_score)",
    ),
    (
        "size of a tournament is not that of its records",
        "leaderboard JOIN (
             SELECT leaderboard_id, expiry_time, sum(size) AS size, sum(found) AS found FROM (
                 SELECT leaderboard_id, expiry_time, size, 0 AS found FROM leaderboard_size
                 UNION ALL
                 SELECT leaderboard_id, expiry_time, 0, 1 FROM leaderboard_record) AS counted
             GROUP BY leaderboard_id, expiry_time) AS period ON leaderboard_id = leaderboard.id
         WHERE tournament = 1 AND period.size <> period.found",
    ),
    (
        "job with attempts out of their range",
        "job WHERE attempts < 0 OR (is_failed = 1 AND claim IS NOT NULL)",
    ),
    (
        "code of an account or group that is not there",
        "code WHERE (kind = 0 AND NOT EXISTS (SELECT 1 FROM account WHERE id = subject))
           OR (kind = 1 AND NOT EXISTS (SELECT 1 FROM player_group WHERE id = subject))",
    ),
];

fn versions(database: &Database) -> Result<i64, Failure> {
    let mut wrong = 0;
    for row in database.rows("SELECT value, version FROM storage", &[])? {
        let [Cell::Text(value), Cell::Text(version)] = &row[..] else {
            return Err("a stored object is no text".into());
        };
        wrong += i64::from(*version != md5(value));
    }
    Ok(wrong)
}

fn wallets(database: &Database) -> Result<i64, Failure> {
    let mut sums: BTreeMap<Vec<u8>, BTreeMap<String, i64>> = BTreeMap::new();
    let mut add = |sql: &str, sign: i64| {
        for row in database.rows(sql, &[])? {
            let [Cell::Blob(user), Cell::Text(amounts)] = &row[..] else {
                return Err(Failure::from("a wallet is no text"));
            };
            let amounts: BTreeMap<String, i64> = serde_json::from_str(amounts)?;
            let sum = sums.entry(user.clone()).or_default();
            for (name, amount) in amounts {
                *sum.entry(name).or_default() += sign * amount;
            }
        }
        Ok(())
    };
    add("SELECT id, wallet FROM account", 1)?;
    add("SELECT user_id, changeset FROM wallet_ledger", -1)?;
    let wrong = sums
        .values()
        .filter(|sum| sum.values().any(|left| *left != 0));
    Ok(i64::try_from(wrong.count())?)
}

/// The version of a value.
pub(crate) fn md5(value: &str) -> String {
    let digest = Md5::digest(value.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
