//! The `tagus` command.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tagus::cli::ServeArgs;
use tagus::{Config, Server, StoreUrl};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A studio's game backend in one binary. Without a command it serves.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Serve players (the default).
    Serve(ServeArgs),
    /// Check the settings that `serve` would use with the same flags: print them as TOML, or say what is wrong.
    CheckConfig(ServeArgs),
    /// Print the reference of all configuration keys.
    #[command(hide = true)]
    ConfigReference,
    /// Measure a server of this binary on this machine.
    Bench(tagus::bench::BenchArgs),
    /// The server that `bench` measures: obeys the bench, and ends with it.
    #[command(hide = true)]
    BenchServer {
        /// Where the bench listens.
        #[arg(long)]
        control: SocketAddr,
        #[command(flatten)]
        serve: ServeArgs,
    },
    /// Look at a running server's accounts, change them, and let nobody in while it is worked on.
    Admin(tagus::admin_cli::AdminArgs),
    /// Fill a room with players from outside.
    #[cfg(feature = "arcade")]
    Bot(tagus::bot::BotArgs),
    /// Ask a running server whether it is ready; for containers and supervisors.
    Healthcheck {
        /// Address of its admin port.
        #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7351")]
        address: String,
    },
    /// Copy the database of a running or stopped server into one verified file.
    Backup {
        /// The file to be made.
        file: PathBuf,
        /// Folder of the server's data.
        #[arg(long, value_name = "FOLDER", default_value = "data")]
        data: PathBuf,
    },
    /// Put a backup in place of a stopped server's database.
    Restore {
        /// The backup.
        file: PathBuf,
        /// Folder of the server's data.
        #[arg(long, value_name = "FOLDER", default_value = "data")]
        data: PathBuf,
        /// Replace a database that is there.
        #[arg(long)]
        replace: bool,
    },
    /// Migrations of a database, and moving from one database to another.
    Migrate {
        #[command(subcommand)]
        what: Migrate,
    },
    /// Re-run a room's recording, or the record of a finished game, and prove that the same comes out.
    Replay {
        /// The recording; or the record, as bytes or as base64url text.
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum Migrate {
    /// A line for each migration.
    Status {
        /// Folder of the server's data.
        #[arg(long, value_name = "FOLDER", default_value = "data")]
        data: PathBuf,
        /// Another database than the folder's: sqlite:FILE or postgres://….
        #[arg(long, value_name = "URL")]
        store: Option<StoreUrl>,
    },
    /// Copy everything from one database into another, empty one, and compare both. Stop the server first.
    ///
    /// A copy that was interrupted goes on where it was when it is started again.
    Copy {
        /// Where the rows are, for example sqlite:data/tagus.db.
        #[arg(long, value_name = "URL")]
        from: StoreUrl,
        /// Where they shall be, for example postgres://user:password@host/tagus.
        #[arg(long, value_name = "URL")]
        to: StoreUrl,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("tagus: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        None => serve(cli.serve),
        Some(Command::Serve(args)) => serve(args),
        Some(Command::CheckConfig(args)) => say_done(args.checked_tree()?),
        Some(Command::ConfigReference) => {
            say_done(tagus::configuration_reference().trim_end().to_owned())
        }
        Some(Command::Bench(args)) => tagus::bench::run(args),
        Some(Command::BenchServer {
            control,
            serve: args,
        }) => {
            // Ends with the process.
            let _obedient = tagus::bench::obey(control)?;
            serve(args)
        }
        Some(Command::Admin(args)) => say_done(tagus::admin_cli::run(args)?),
        #[cfg(feature = "arcade")]
        Some(Command::Bot(args)) => tagus::bot::run(args),
        Some(Command::Healthcheck { address }) => tagus::healthcheck(&address),
        Some(Command::Backup { file, data }) => say_done(tagus::backup(&data, &file)?),
        Some(Command::Restore {
            file,
            data,
            replace,
        }) => say_done(tagus::restore(&file, &data, replace)?),
        Some(Command::Migrate {
            what: Migrate::Status { data, store },
        }) => say_done(tagus::migration_status(&data, store.as_ref())?),
        Some(Command::Migrate {
            what: Migrate::Copy { from, to },
        }) => say_done(tagus::migrate_copy(&from, &to, |line| complain(&line))?),
        Some(Command::Replay { file }) => say_done(replay(&file)?),
    }
}

fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let config = args.config()?;
    tagus::cli::start_log(&config)?;
    games(Server::new(config)).run()
}

fn replay(file: &Path) -> anyhow::Result<String> {
    #[cfg(feature = "arcade")]
    if let Some(proven) = tagus::duels::verify(file)? {
        return Ok(proven);
    }
    games(Server::new(Config::default())).replay(file)
}

#[cfg(feature = "arcade")]
fn games(server: Server) -> Server {
    let server = tagus::duels::register(server)
        .game::<tagus_arena::Arena>("arena")
        .game::<tagus_open_world::OpenWorld>("open-world")
        .game::<tagus_pool::Pool>("pool")
        .game::<tagus_soccer::Soccer>("soccer")
        .room("arena", "arena")
        .mode(tagus::Mode {
            name: "arena".to_owned(),
            gather_ms: Some(3_000),
            game: "arena".to_owned(),
            // Unlike the room of the arcade these are for those who were told of them.
            params: r#"{"empty_ms":60000}"#.to_owned(),
            private: true,
            ..tagus::Mode::default()
        });
    TABLE_MODES
        .iter()
        .fold(server, |server, (game, name, params)| {
            server.mode(tagus::Mode {
                name: (*name).to_owned(),
                game: (*game).to_owned(),
                params: (*params).to_owned(),
                private: true,
                ..tagus::Mode::default()
            })
        })
}

/// Modes of pool and soccer: game, name, and the parameters of the rooms. Those for two people are for the matchmaker too.
#[cfg(feature = "arcade")]
const TABLE_MODES: &[(&str, &str, &str)] = &[
    ("pool", "pool", FOR_TWO),
    ("pool", "pool-nine", r#"{"rules":"nine","empty_ms":60000}"#),
    (
        "pool",
        "pool-practice",
        r#"{"opponent":"nobody","empty_ms":60000}"#,
    ),
    ("pool", "pool-bot-1", AGAINST_BOT[0]),
    ("pool", "pool-bot-2", AGAINST_BOT[1]),
    ("pool", "pool-bot-3", AGAINST_BOT[2]),
    ("soccer", "soccer", FOR_TWO),
    ("soccer", "soccer-bot-1", AGAINST_BOT[0]),
    ("soccer", "soccer-bot-2", AGAINST_BOT[1]),
    ("soccer", "soccer-bot-3", AGAINST_BOT[2]),
];

#[cfg(feature = "arcade")]
const FOR_TWO: &str = r#"{"empty_ms":60000}"#;

/// By the bot's strength, the weakest first.
#[cfg(feature = "arcade")]
const AGAINST_BOT: [&str; 3] = [
    r#"{"opponent":"bot","strength":1,"empty_ms":60000}"#,
    r#"{"opponent":"bot","strength":2,"empty_ms":60000}"#,
    r#"{"opponent":"bot","strength":3,"empty_ms":60000}"#,
];

#[cfg(not(feature = "arcade"))]
fn games(server: Server) -> Server {
    server
}

fn say_done(text: String) -> anyhow::Result<()> {
    say(&text);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command's result is for its caller")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "a command's failure is for its caller")]
fn complain(text: &str) {
    eprintln!("{text}");
}
