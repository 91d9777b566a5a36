//! `tagus admin`: the operator's calls from the command line.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::admin_api::PREFIX;
use crate::config::Config;

/// Which server, and what to do.
#[derive(Args)]
pub struct AdminArgs {
    /// Address of its admin port.
    #[arg(
        id = "admin_address",
        long = "address",
        value_name = "IP:PORT",
        default_value = "127.0.0.1:7351",
        global = true
    )]
    address: String,
    /// The server's configuration file, for its admin key; TAGUS_KEYS__ADMIN wins over it.
    #[arg(
        id = "admin_config",
        long = "config",
        value_name = "FILE",
        global = true
    )]
    config: Option<PathBuf>,
    /// Print the server's answer as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Look at accounts and change them.
    User {
        #[command(subcommand)]
        what: User,
    },
    /// Let nobody in while the server is worked on.
    Maintenance {
        #[command(subcommand)]
        what: Maintenance,
    },
}

#[derive(Subcommand)]
enum User {
    /// Show an account.
    Get {
        /// Its id.
        id: String,
    },
    /// Show the account of a user name.
    Find {
        /// The name, exactly.
        username: String,
    },
    /// End an account's logins, close its connections, and refuse it until it is unbanned.
    Ban {
        /// Its id.
        id: String,
    },
    /// End a ban.
    Unban {
        /// Its id.
        id: String,
    },
    /// End an account's logins and close its connections.
    Logout {
        /// Its id.
        id: String,
    },
    /// Delete an account with everything of it, for good.
    Delete {
        /// Its id.
        id: String,
        /// Really.
        #[arg(long)]
        yes: bool,
    },
    /// Print everything that is kept of an account as one JSON document.
    Export {
        /// Its id.
        id: String,
    },
    /// Replace an account's metadata.
    Metadata {
        /// Its id.
        id: String,
        /// A JSON object.
        metadata: String,
    },
}

#[derive(Subcommand)]
enum Maintenance {
    /// Refuse log-ins and new connections.
    On {
        /// The sentence that players are told.
        #[arg(long, value_name = "TEXT")]
        message: Option<String>,
        /// When they are told to try again, in seconds.
        #[arg(long, value_name = "SECONDS")]
        retry_secs: Option<u32>,
        /// Close the connections that are open.
        #[arg(long)]
        drain: bool,
    },
    /// Let everybody in again.
    Off,
    /// Say whether the server is under maintenance.
    Status,
}

/// One call, and what to say when it is done; none: the answer itself is of interest.
struct Call {
    verb: &'static str,
    path: String,
    body: String,
    done: Option<String>,
}

/// Asks the server and answers what to print.
///
/// # Errors
/// Nobody answers, the key is wrong, or the server refuses: each says what to do.
pub fn run(args: AdminArgs) -> anyhow::Result<String> {
    let key = Config::load(args.config.as_deref(), std::env::vars())?
        .keys
        .admin;
    let key = std::str::from_utf8(key.expose()).context("the admin key is no text")?;
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("keys.admin must be of letters, digits and signs, without spaces");
    }
    let call = call(args.what)?;
    let (status, body) = ask(&args.address, key, &call)?;
    let answer: Value = serde_json::from_str(&body)
        .with_context(|| format!("{} is not the admin port of a server", args.address))?;
    if status == 401 {
        bail!(
            "the server at {} refuses the admin key; set TAGUS_KEYS__ADMIN to its keys.admin, or name its --config",
            args.address
        );
    }
    if status != 200 {
        let message = answer["message"].as_str().unwrap_or("refused");
        bail!("the server refuses: {message}");
    }
    Ok(match call.done {
        _ if args.json => body,
        Some(done) => done,
        None => readable(&answer),
    })
}

fn call(what: What) -> anyhow::Result<Call> {
    let call = |verb, path: String, done: Option<&str>| Call {
        verb,
        path,
        body: String::new(),
        done: done.map(str::to_owned),
    };
    let user = |id: &str| -> anyhow::Result<String> {
        let id: tagus_base::UserId = id.parse().with_context(|| {
            format!("{id} is no id; `tagus admin user find NAME` shows a player's")
        })?;
        Ok(format!("users/{id}"))
    };
    Ok(match what {
        What::User { what } => match what {
            User::Get { id } => call("GET", user(&id)?, None),
            User::Find { username } => {
                let bytes = username.bytes().map(|byte| format!("%{byte:02X}"));
                let name: String = bytes.collect();
                call("GET", format!("users?username={name}"), None)
            }
            User::Ban { id } => call("POST", format!("{}/ban", user(&id)?), Some("banned")),
            User::Unban { id } => call(
                "POST",
                format!("{}/unban", user(&id)?),
                Some("no longer banned"),
            ),
            User::Logout { id } => call(
                "POST",
                format!("{}/logout", user(&id)?),
                Some("logged out everywhere"),
            ),
            User::Delete { id, yes: true } => call("DELETE", user(&id)?, Some("deleted")),
            User::Delete { id, yes: false } => {
                bail!(
                    "this deletes the account {id} for good; `tagus admin user export` keeps a copy; repeat it with --yes"
                )
            }
            User::Export { id } => call("GET", format!("{}/export", user(&id)?), None),
            User::Metadata { id, metadata } => Call {
                body: metadata,
                ..call(
                    "PUT",
                    format!("{}/metadata", user(&id)?),
                    Some("metadata replaced"),
                )
            },
        },
        What::Maintenance { what } => match what {
            Maintenance::On {
                message,
                retry_secs,
                drain,
            } => {
                let mut body = json!({ "drain": drain });
                if let Some(message) = message {
                    body["message"] = message.into();
                }
                if let Some(retry_secs) = retry_secs {
                    body["retry_secs"] = retry_secs.into();
                }
                Call {
                    body: body.to_string(),
                    ..call(
                        "PUT",
                        "maintenance".to_owned(),
                        Some("under maintenance: nobody is let in, also after a restart"),
                    )
                }
            }
            Maintenance::Off => call(
                "DELETE",
                "maintenance".to_owned(),
                Some("everybody is let in again"),
            ),
            Maintenance::Status => call("GET", "maintenance".to_owned(), None),
        },
    })
}

/// One request over a connection of its own.
fn ask(address: &str, key: &str, call: &Call) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).with_context(|| {
        format!("connect to {address}; is the server running? --address names its admin port")
    })?;
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    let Call {
        verb, path, body, ..
    } = call;
    write!(
        stream,
        "{verb} {PREFIX}{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream
        .take(ANSWER_BYTES_MAX)
        .read_to_end(&mut answer)
        .context("read the answer")?;
    let answer = String::from_utf8(answer).context("the answer is no text")?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the answer was cut off")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok());
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    if length.is_some_and(|length| length != body.len()) {
        bail!("the answer was cut off");
    }
    let status = status.with_context(|| format!("{address} does not speak HTTP"))?;
    Ok((status, body.to_owned()))
}

/// An answer for people: a line each for what is set; documents as they are.
fn readable(answer: &Value) -> String {
    if let Some(maintenance) = answer.get("maintenance") {
        return match maintenance["message"].as_str() {
            Some(message) => format!("under maintenance: {message}"),
            None => "no maintenance".to_owned(),
        };
    }
    let Some(user) = answer.get("user") else {
        return format!("{answer:#}");
    };
    let mut lines = Vec::new();
    let mut line = |name: &str, value: &Value| {
        let text = match value {
            Value::Null => return,
            Value::String(text) if text.is_empty() => return,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        lines.push(format!("{name:<13} {text}"));
    };
    for name in ["id", "username", "display_name", "lang_tag", "location"] {
        line(name, &user[name]);
    }
    line("online", user.get("online").unwrap_or(&Value::Bool(false)));
    line("created", &user["create_time"]);
    line("metadata", &user["metadata"]);
    for name in ["email", "custom_id", "wallet"] {
        line(name, &answer[name]);
    }
    for device in answer["devices"].as_array().into_iter().flatten() {
        line("device", &device["id"]);
    }
    line("banned since", &answer["disable_time"]);
    lines.join("\n")
}

/// Bytes of an answer, an account's export being the longest.
const ANSWER_BYTES_MAX: u64 = 1 << 30;
/// Time without a byte of the answer.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_shown_as_lines() {
        let answer = json!({
            "user": { "id": "u", "username": "ann", "metadata": "{}", "location": "" },
            "devices": [{ "id": "device-1" }],
            "disable_time": "2026-01-01T00:00:00Z",
        });
        let shown = readable(&answer);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines,
            [
                "id            u",
                "username      ann",
                "online        false",
                "metadata      {}",
                "device        device-1",
                "banned since  2026-01-01T00:00:00Z",
            ]
        );
        assert_eq!(readable(&json!({ "maintenance": null })), "no maintenance");
    }
}
