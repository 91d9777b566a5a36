//! Requests over kept HTTP connections, beside what the machine could do at most.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use super::http::{HttpConnection, NUMBER_DIGITS, Request};
use super::proc::Process;
use super::progress::Progress;
use super::report::Reporter;
use super::server::{BenchServer, Plan};
use super::{float, limits, median, or_not_available};

/// What `tagus bench api` runs.
#[derive(Args, Clone, Debug)]
pub(super) struct ApiArgs {
    /// Kept connections, each with one request at a time; several numbers are measured one after the other.
    #[arg(long, value_delimiter = ',', default_value = "64,256", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: Vec<u32>,
    /// Seconds measured for each kind of request, in five rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    seconds: u16,
    /// Folder in which the server's data folder is made; its disk is what is measured. Default: the system's for temporary files.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// URL of the database, for example of PostgreSQL; without it a file in the data folder.
    #[arg(long)]
    store: Option<String>,
    /// Kinds of request that are measured, beside the fixed answer; several with commas. Default: all.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Kind>,
}

impl ApiArgs {
    /// What is measured, in order; the fixed answer first.
    fn kinds(&self) -> Vec<Kind> {
        let wanted =
            |kind: &Kind| *kind == Kind::Fixed || self.only.is_empty() || self.only.contains(kind);
        Kind::ALL.into_iter().filter(wanted).collect()
    }
}

/// Kinds of request.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    /// An answer that is always the same.
    Fixed,
    /// A device that nobody has.
    NewAccount,
    /// The connection's own device.
    Login,
    /// The connection's own account.
    ReadAccount,
    /// The connection's own object, with another value each time.
    StorageWrite,
    /// The connection's own object.
    StorageRead,
}

impl Kind {
    /// In the order of measuring.
    const ALL: [Self; 6] = [
        Self::Fixed,
        Self::NewAccount,
        Self::Login,
        Self::ReadAccount,
        Self::StorageWrite,
        Self::StorageRead,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::NewAccount => "new_account",
            Self::Login => "login",
            Self::ReadAccount => "read_account",
            Self::StorageWrite => "storage_write",
            Self::StorageRead => "storage_read",
        }
    }

    fn request(self, client: &Client) -> Request {
        let server_key = Some(SERVER_KEY);
        let bearer = format!("Bearer {}", client.token);
        match self {
            Self::Fixed => Request::new("GET /healthcheck", None, ""),
            Self::NewAccount => {
                let body = format!(r#"{{"id":"{}-{}"}}"#, client.run, "#".repeat(NUMBER_DIGITS));
                Request::new(AUTHENTICATE, server_key, &body)
            }
            Self::Login => {
                let body = format!(r#"{{"id":"{}"}}"#, client.device);
                Request::new(AUTHENTICATE, server_key, &body)
            }
            Self::ReadAccount => Request::new("GET /v2/account", Some(&bearer), ""),
            Self::StorageWrite => {
                let value = object_value(&"#".repeat(NUMBER_DIGITS));
                let object =
                    serde_json::json!({"collection": "bench", "key": "slot", "value": value});
                let body = serde_json::json!({ "objects": [object] }).to_string();
                Request::new("PUT /v2/storage", Some(&bearer), &body)
            }
            Self::StorageRead => {
                let user_id = &client.user_id;
                let id =
                    serde_json::json!({"collection": "bench", "key": "slot", "user_id": user_id});
                let body = serde_json::json!({ "object_ids": [id] }).to_string();
                Request::new("POST /v2/storage", Some(&bearer), &body)
            }
        }
    }
}

pub(super) async fn run(args: ApiArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let round = Duration::from_secs(args.seconds.into()) / ROUNDS;
    let kinds = u32::try_from(args.kinds().len())?;
    let one = (round + RAMP) * kinds + SYNC_TIME;
    let progress = Progress::new(one * ROUNDS * u32::try_from(args.connections.len())?);
    if !reporter.json() {
        progress.say(&header(&args));
    }
    for connections in &args.connections {
        let measured = measure(&args, *connections, &progress).await?;
        for row in measured.rows() {
            reporter.report(&progress, &row.json(&args), &row.text());
        }
        if !reporter.json() && args.store.is_none() {
            progress.say(&measured.limits_text());
        }
    }
    Ok(())
}

/// A connection and whose it is.
struct Client {
    http: HttpConnection,
    run: String,
    device: String,
    token: String,
    user_id: String,
}

impl Client {
    async fn open(server: &BenchServer, run: &str, index: u32) -> anyhow::Result<Self> {
        let mut client = Self {
            http: HttpConnection::open(server.http).await?,
            run: run.to_owned(),
            device: format!("{run}-login-{index:06}"),
            token: String::new(),
            user_id: String::new(),
        };
        let answer = client.ask(Kind::Login).await?;
        client.token = text(&answer["token"])?;
        let answer = client.ask(Kind::ReadAccount).await?;
        client.user_id = text(&answer["user"]["id"])?;
        // Reads find an object, whatever is measured.
        client.ask(Kind::StorageWrite).await?;
        Ok(client)
    }

    /// Asks once.
    async fn ask(&mut self, kind: Kind) -> anyhow::Result<serde_json::Value> {
        let mut request = kind.request(self);
        request.set_number(0);
        Ok(serde_json::from_slice(self.http.exchange(&request).await?)?)
    }
}

fn text(value: &serde_json::Value) -> anyhow::Result<String> {
    let text = value.as_str().context("an answer lacks something")?;
    Ok(text.to_owned())
}

/// A value of an object, 110 bytes of JSON with this text of [`NUMBER_DIGITS`] characters.
pub(super) fn object_value(number: &str) -> String {
    format!(
        r#"{{"number":"{number}","name":"Kestrel","level":42,"place":{{"x":1024,"y":-77}},"items":["rope","lamp","map"]}}"#
    )
}

async fn measure(
    args: &ApiArgs,
    connections: u32,
    progress: &Progress,
) -> anyhow::Result<Measured> {
    progress.show("warming up");
    let plan = Plan {
        shards: 1,
        beside: args.folder.clone(),
        store: args.store.clone(),
        ..Plan::default()
    };
    let server = BenchServer::start(&plan).await?;
    // A database that stays knows the devices of earlier runs.
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed()?;
    let run = format!("bench-{}", since.as_millis());
    let mut clients = Vec::new();
    for index in 0..connections {
        clients.push(Client::open(&server, &run, index).await?);
    }
    let round = Duration::from_secs(args.seconds.into()) / ROUNDS;
    let numbers = Rc::new(Cell::new(0));
    let mut measured = Measured::new(connections, args.kinds())?;
    for number in 1..=ROUNDS {
        for (kind, tally) in &mut measured.tallies {
            let kind = *kind;
            let name = kind.name();
            progress.show(&format!(
                "{connections} connections: alternation {number}/{ROUNDS}, {name}"
            ));
            clients = requests(clients, kind, &numbers, (&server.process, round), tally).await?;
        }
        if args.store.is_none() {
            progress.show(&format!(
                "{connections} connections: alternation {number}/{ROUNDS}, the disk"
            ));
            let folder = server.data();
            let limits = tokio::task::spawn_blocking(move || {
                anyhow::Ok((
                    limits::sync_us(&folder, SYNC_TIME)?,
                    limits::insert_us(&folder)?,
                    limits::put_us(&folder)?,
                ))
            });
            let (sync_us, insert_us, put_us) = limits.await??;
            measured.sync_us.push(sync_us);
            measured.insert_us.push(insert_us);
            measured.put_us.push(put_us);
        }
    }
    Ok(measured)
}

/// What all clients count together in one round.
struct Count {
    measuring: Cell<bool>,
    stopping: Cell<bool>,
    requests: Cell<u64>,
    latency_us: RefCell<Histogram<u64>>,
}

/// One round of one kind: all clients ask, each again as soon as it is answered.
async fn requests(
    clients: Vec<Client>,
    kind: Kind,
    numbers: &Rc<Cell<u64>>,
    (server, length): (&Process, Duration),
    tally: &mut Tally,
) -> anyhow::Result<Vec<Client>> {
    let count = Rc::new(Count {
        measuring: Cell::new(false),
        stopping: Cell::new(false),
        requests: Cell::new(0),
        latency_us: RefCell::new(histogram()?),
    });
    let mut tasks = JoinSet::new();
    for client in clients {
        let request = kind.request(&client);
        tasks.spawn_local(ask(client, request, numbers.clone(), count.clone()));
    }
    tokio::time::sleep(RAMP).await;
    let me = Process::of(std::process::id());
    let (start, server_before, me_before) = (Instant::now(), server.cpu_us(), me.cpu_us());
    count.measuring.set(true);
    tokio::time::sleep(length).await;
    count.measuring.set(false);
    let requests = float(count.requests.get());
    let per_request = |before: Option<f64>, after: Option<f64>| Some((after? - before?) / requests);
    tally.per_s.push(requests / start.elapsed().as_secs_f64());
    tally
        .server_us
        .extend(per_request(server_before, server.cpu_us()));
    tally.load_us.extend(per_request(me_before, me.cpu_us()));
    count.stopping.set(true);
    let mut clients = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        clients.push(ended?.context("a request failed")?);
    }
    tally.latency_us.add(&*count.latency_us.borrow())?;
    Ok(clients)
}

async fn ask(
    mut client: Client,
    mut request: Request,
    numbers: Rc<Cell<u64>>,
    count: Rc<Count>,
) -> anyhow::Result<Client> {
    while !count.stopping.get() {
        numbers.set(numbers.get() + 1);
        request.set_number(numbers.get());
        let asked = Instant::now();
        client.http.exchange(&request).await?;
        if count.measuring.get() {
            count.requests.set(count.requests.get() + 1);
            let took_us = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
            count.latency_us.borrow_mut().saturating_record(took_us);
        }
    }
    Ok(client)
}

/// The rounds of one kind.
struct Tally {
    per_s: Vec<f64>,
    server_us: Vec<f64>,
    load_us: Vec<f64>,
    latency_us: Histogram<u64>,
}

/// All rounds with so many connections.
struct Measured {
    connections: u32,
    /// The fixed answer's first.
    tallies: Vec<(Kind, Tally)>,
    sync_us: Vec<f64>,
    /// Of an account.
    insert_us: Vec<f64>,
    /// Of an object.
    put_us: Vec<f64>,
}

impl Measured {
    fn new(connections: u32, kinds: Vec<Kind>) -> anyhow::Result<Self> {
        let tally = |kind| {
            anyhow::Ok((
                kind,
                Tally {
                    per_s: Vec::new(),
                    server_us: Vec::new(),
                    load_us: Vec::new(),
                    latency_us: histogram()?,
                },
            ))
        };
        Ok(Self {
            connections,
            tallies: kinds.into_iter().map(tally).collect::<Result<_, _>>()?,
            sync_us: Vec::new(),
            insert_us: Vec::new(),
            put_us: Vec::new(),
        })
    }

    /// Time of the rows of one request of this kind, if it writes.
    fn write_us(&self, kind: Kind) -> Option<f64> {
        match kind {
            Kind::NewAccount => median(&self.insert_us),
            Kind::StorageWrite => median(&self.put_us),
            Kind::Fixed | Kind::Login | Kind::ReadAccount | Kind::StorageRead => None,
        }
    }

    /// Requests per second if nothing but syncs and rows cost time, one sync serving all connections.
    fn limit_per_s(&self, kind: Kind) -> Option<f64> {
        let (sync_us, write_us) = (median(&self.sync_us)?, self.write_us(kind)?);
        let connections = f64::from(self.connections);
        Some(connections * 1e6 / (sync_us + connections * write_us))
    }

    fn rows(&self) -> Vec<Row> {
        let fixed = self.tallies.first();
        let fixed_per_s = fixed.and_then(|(_, fixed)| median(&fixed.per_s));
        let fixed_per_s = fixed_per_s.unwrap_or(f64::NAN);
        let row = |(kind, tally): &(Kind, Tally)| {
            let per_s = median(&tally.per_s).unwrap_or(f64::NAN);
            let limit_per_s = self.limit_per_s(*kind);
            Row {
                connections: self.connections,
                kind: *kind,
                per_s,
                latency_us: [0.5, 0.99].map(|part| tally.latency_us.value_at_quantile(part)),
                server_cpu_us: median(&tally.server_us),
                load_cpu_us: median(&tally.load_us),
                of_fixed: per_s / fixed_per_s,
                limit_per_s,
                of_limit: limit_per_s.map(|limit| per_s / limit),
                sync_us: median(&self.sync_us).filter(|_| limit_per_s.is_some()),
                write_us: self.write_us(*kind),
            }
        };
        self.tallies.iter().map(row).collect()
    }

    fn limits_text(&self) -> String {
        let syncs_per_s = median(&self.sync_us).map(|sync_us| 1e6 / sync_us);
        let at_most = |kind, what| {
            format!(
                "{what} {}: at most {} per second",
                or_not_available(self.write_us(kind), " µs"),
                whole(self.limit_per_s(kind)),
            )
        };
        format!(
            "     syncs per second {}; {}; {}",
            whole(syncs_per_s),
            at_most(Kind::NewAccount, "insert of an account"),
            at_most(Kind::StorageWrite, "write of an object"),
        )
    }
}

/// One line of the result.
struct Row {
    connections: u32,
    kind: Kind,
    per_s: f64,
    latency_us: [u64; 2],
    server_cpu_us: Option<f64>,
    load_cpu_us: Option<f64>,
    of_fixed: f64,
    limit_per_s: Option<f64>,
    of_limit: Option<f64>,
    sync_us: Option<f64>,
    write_us: Option<f64>,
}

impl Row {
    fn json(&self, args: &ApiArgs) -> serde_json::Value {
        serde_json::json!({
            "bench": "api",
            "store": if args.store.is_some() { "url" } else { "file" },
            "seconds": args.seconds,
            "connections": self.connections,
            "request": self.kind.name(),
            "requests_per_s": self.per_s,
            "latency_p50_us": self.latency_us[0],
            "latency_p99_us": self.latency_us[1],
            "server_cpu_us": self.server_cpu_us,
            "load_cpu_us": self.load_cpu_us,
            "of_fixed": self.of_fixed,
            "sync_us": self.sync_us,
            "write_us": self.write_us,
            "limit_per_s": self.limit_per_s,
            "of_limit": self.of_limit,
        })
    }

    fn text(&self) -> String {
        format!(
            "{:>5} {:<13} {:>11.0} {:>8} {:>8} {:>8} {:>8} {:>8.2} {:>8}",
            self.connections,
            self.kind.name(),
            self.per_s,
            self.latency_us[0],
            self.latency_us[1],
            or_not_available(self.server_cpu_us, ""),
            or_not_available(self.load_cpu_us, ""),
            self.of_fixed,
            self.of_limit
                .map_or_else(String::new, |of_limit| format!("{of_limit:.2}")),
        )
    }
}

fn header(args: &ApiArgs) -> String {
    let seconds = args.seconds;
    format!(
        "api: kept connections with one request at a time, {seconds} s of each kind in {ROUNDS} rounds\n\
         latency in microseconds; CPU in microseconds per request, the server's and the load's own;\n\
         requests per second as a part of the fixed answer's, and of what syncs and inserts allow\n\
         {:>5} {:<13} {:>11} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "conns", "request", "requests/s", "p50", "p99", "server", "load", "of fixed", "of limit",
    )
}

fn whole(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.0}"))
}

fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)?)
}

/// All kinds and the machine in turn, so that a noisy minute hits all of them.
const ROUNDS: u32 = 5;
/// Not measured at the beginning of a round.
const RAMP: Duration = Duration::from_millis(200);
const SYNC_TIME: Duration = Duration::from_millis(300);
const LATENCY_US_MAX: u64 = 60_000_000;
const AUTHENTICATE: &str = "POST /v2/account/authenticate/device?create=true";
/// The server's default key, `defaultkey`, without a password.
const SERVER_KEY: &str = "Basic ZGVmYXVsdGtleTo=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sync_serves_all_connections() {
        let mut measured = Measured::new(64, Kind::ALL.into()).unwrap();
        assert_eq!(measured.limit_per_s(Kind::NewAccount), None);
        measured.sync_us = vec![360.0];
        measured.insert_us = vec![10.0];
        measured.put_us = vec![5.0];
        assert_eq!(measured.limit_per_s(Kind::NewAccount), Some(64_000.0));
        assert_eq!(measured.limit_per_s(Kind::ReadAccount), None);
        for ((_, tally), per_s) in measured
            .tallies
            .iter_mut()
            .zip([40_000.0, 32_000.0, 20_000.0, 10.0, 23_500.0, 1.0])
        {
            tally.per_s = vec![per_s];
        }
        let rows = measured.rows();
        assert_eq!(rows[1].of_limit, Some(0.5));
        assert_eq!((rows[2].of_fixed, rows[2].of_limit), (0.5, None));
        assert_eq!(rows[4].of_limit, Some(0.249_687_5));
    }

    #[test]
    fn an_object_has_its_size() {
        let value = object_value(&"#".repeat(NUMBER_DIGITS));
        assert_eq!(value.len(), 110);
        assert!(serde_json::from_str::<serde_json::Value>(&value).is_ok());
    }
}
