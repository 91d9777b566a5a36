//! The flags of `tagus serve`, for a studio's own `main` as well.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Parser};

use crate::config::{Config, ConfigError, Origin, Origins, tree};

/// Flags of a server; they win over the environment, which wins over the file.
#[derive(Args, Debug, Default)]
pub struct ServeArgs {
    /// Configuration file (TOML). Every key is in docs/configuration.md and can be set by the environment, as in
    /// TAGUS_HTTP_PORT=8080; flags win over the environment, which wins over the file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of everything durable; made at the first start [default: data].
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Address that HTTP and TCP listen on; another than loopback needs keys of your own [default: 127.0.0.1].
    #[arg(long, value_name = "IP", help_heading = "Network")]
    address: Option<IpAddr>,
    /// Listen on all addresses with signing keys of this start's own, so that a phone can play.
    #[arg(long, help_heading = "Network")]
    lan: bool,
    /// Port of the HTTP API, sockets and the arcade; 0 picks a free one [default: 7350].
    #[arg(long, value_name = "PORT", help_heading = "Network")]
    http_port: Option<u16>,
    /// Port of metrics and health; 0 picks a free one [default: 7351].
    #[arg(long, value_name = "PORT", help_heading = "Network")]
    admin_port: Option<u16>,
    /// Port of length-prefixed protobuf; 0 picks a free one [default: 7352].
    #[arg(long, value_name = "PORT", help_heading = "Network")]
    tcp_port: Option<u16>,
    /// Threads that own connections and rooms [default: one for each processor].
    #[arg(long, value_name = "COUNT", help_heading = "Running")]
    shards: Option<usize>,
    /// How much to log: off, error, warn, info, debug or trace, or by target as in info,tagus_shard=debug
    /// [default: info].
    #[arg(long, value_name = "LEVEL", help_heading = "Running")]
    log: Option<String>,
    /// Write the addresses as JSON to this file once all doors are open.
    #[arg(long, value_name = "FILE", help_heading = "Running")]
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
        Ok(self.over(std::env::vars())?.0)
    }

    /// Checks the settings and answers them as TOML, each that is not the default marked, secrets masked.
    ///
    /// # Errors
    /// See [`crate::ConfigError`].
    pub fn checked_tree(self) -> anyhow::Result<String> {
        let (config, origins) = self.over(std::env::vars())?;
        config.check()?;
        Ok(tree(&config, &origins).trim_end().to_owned())
    }

    fn over(
        self,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<(Config, Origins), ConfigError> {
        let (mut config, mut origins) =
            Config::load_with_origins(self.config.as_deref(), environment)?;
        if self.lan {
            config = config.for_lan();
            config.address = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
            for key in ["address", "keys.http", "keys.session", "keys.refresh"] {
                origins.insert(key, Origin::Flag("--lan"));
            }
        }
        let flags = &mut origins;
        put(&mut config.data, self.data, flags, ("data", "--data"));
        put(
            &mut config.address,
            self.address,
            flags,
            ("address", "--address"),
        );
        put(
            &mut config.http_port,
            self.http_port,
            flags,
            ("http_port", "--http-port"),
        );
        put(
            &mut config.admin_port,
            self.admin_port,
            flags,
            ("admin_port", "--admin-port"),
        );
        put(
            &mut config.tcp_port,
            self.tcp_port,
            flags,
            ("tcp_port", "--tcp-port"),
        );
        put(
            &mut config.shards,
            self.shards,
            flags,
            ("shards", "--shards"),
        );
        put(&mut config.log, self.log, flags, ("log", "--log"));
        config.ready_file = self.ready_file;
        Ok((config, origins))
    }
}

fn put<T>(
    to: &mut T,
    given: Option<T>,
    origins: &mut Origins,
    (key, flag): (&'static str, &'static str),
) {
    if let Some(given) = given {
        *to = given;
        origins.insert(key, Origin::Flag(flag));
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
        format: config.log_format,
    };
    Ok(tagus_telemetry::logs::init(&log)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_environment_which_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tagus.toml");
        std::fs::write(&path, "http_port = 1\ntcp_port = 1\nadmin_port = 1\n").unwrap();
        let args = ServeArgs {
            config: Some(path),
            http_port: Some(3),
            ..ServeArgs::default()
        };
        let variables = [("TAGUS_HTTP_PORT", "2"), ("TAGUS_TCP_PORT", "2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (config, origins) = args.over(variables.into_iter()).unwrap();
        assert_eq!(
            (config.http_port, config.tcp_port, config.admin_port),
            (3, 2, 1)
        );
        let printed = tree(&config, &origins);
        for line in [
            "http_port = 3 # default: 7350; from --http-port",
            "tcp_port = 2 # default: 7352; from TAGUS_TCP_PORT",
            "admin_port = 1 # default: 7351; from the file",
        ] {
            assert!(printed.contains(line), "{printed}");
        }
    }
}
