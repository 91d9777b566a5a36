//! The flags of `tagus serve`, for a studio's own `main` as well.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Parser};

use crate::config::Config;

/// Flags of a server; they win over the environment, which wins over the file.
#[derive(Args, Debug, Default)]
pub struct ServeArgs {
    /// Configuration file (TOML).
    #[arg(long)]
    config: Option<PathBuf>,
    /// Folder of everything durable.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Address to listen on; another than loopback needs keys of your own.
    #[arg(long)]
    address: Option<IpAddr>,
    /// Listen on all addresses with signing keys of this start's own, so that a phone can play.
    #[arg(long)]
    lan: bool,
    /// Port of the HTTP API, sockets and the arcade; 0 picks a free one.
    #[arg(long)]
    http_port: Option<u16>,
    /// Port of metrics and health; 0 picks a free one.
    #[arg(long)]
    admin_port: Option<u16>,
    /// Port of length-prefixed protobuf; 0 picks a free one.
    #[arg(long)]
    tcp_port: Option<u16>,
    /// Threads that own connections and rooms.
    #[arg(long)]
    shards: Option<usize>,
    /// Log filter, for example `info,tagus_shard=debug`.
    #[arg(long)]
    log: Option<String>,
    /// Write the addresses as JSON to this file once all doors are open.
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

#[derive(Parser)]
struct OwnMain {
    #[command(flatten)]
    serve: ServeArgs,
}

impl ServeArgs {
    /// File, then environment, then flags.
    ///
    /// # Errors
    /// See [`crate::ConfigError`].
    pub fn config(self) -> anyhow::Result<Config> {
        let mut config = Config::load(self.config.as_deref(), std::env::vars())?;
        if self.lan {
            config = config.for_lan();
            config.address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        }
        config.data = self.data.unwrap_or(config.data);
        config.address = self.address.unwrap_or(config.address);
        config.http_port = self.http_port.unwrap_or(config.http_port);
        config.admin_port = self.admin_port.unwrap_or(config.admin_port);
        config.tcp_port = self.tcp_port.unwrap_or(config.tcp_port);
        config.shards = self.shards.unwrap_or(config.shards);
        config.log = self.log.unwrap_or(config.log);
        config.ready_file = self.ready_file.or(config.ready_file);
        Ok(config)
    }
}

/// The settings for a studio's own server: reads the command line, and starts the log.
///
/// # Errors
/// A setting that makes no sense.
pub fn serve_config() -> anyhow::Result<Config> {
    // `serve` is accepted, so that such a server can stand where `tagus serve` stood.
    let words = std::env::args_os()
        .enumerate()
        .filter(|(index, word)| *index != 1 || word != "serve");
    let config = OwnMain::parse_from(words.map(|(_, word)| word))
        .serve
        .config()?;
    start_log(&config)?;
    Ok(config)
}

/// Starts the log as the settings say.
///
/// # Errors
/// The filter is malformed.
pub fn start_log(config: &Config) -> anyhow::Result<()> {
    let log = tagus_telemetry::logs::LogConfig {
        level: config.log.clone(),
        ..Default::default()
    };
    Ok(tagus_telemetry::logs::init(&log)?)
}
