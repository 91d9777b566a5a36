//! A running server, and plain HTTP to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Longest wait for anything that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A server process on ports of its own; killed when dropped.
pub(crate) struct Server {
    /// None for a server that runs in this process.
    child: Option<Child>,
    pub(crate) http: String,
    pub(crate) admin: String,
    pub(crate) tcp: String,
}

/// An HTTP answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn command(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tagus"));
    command.args(words);
    for (name, _) in std::env::vars() {
        if name.starts_with("TAGUS_") {
            command.env_remove(name);
        }
    }
    command
}

pub(crate) fn run(words: &[&str]) -> Output {
    command(words).output().unwrap()
}

impl Server {
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// Starts with settings of the environment, without their prefix.
    pub(crate) fn start_with(data: &Path, settings: &[(&str, &str)]) -> Self {
        let ready = tempfile::tempdir().unwrap();
        let file = ready.path().join("ready.json");
        let mut command = command(&["serve", "--http-port", "0", "--admin-port", "0"]);
        command
            .args(["--tcp-port", "0", "--log", "error", "--data"])
            .arg(data)
            .arg("--ready-file")
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        for (name, value) in settings {
            command.env(format!("TAGUS_{name}"), value);
        }
        let mut child = command.spawn().unwrap();
        let alive = || child.try_wait().unwrap().is_none();
        let places = places(&file, alive);
        Self::at(&places, Some(child))
    }

    /// Starts a studio's own server on a thread of this process; it ends with the process.
    pub(crate) fn own(data: &Path, build: impl FnOnce(tagus::Server) -> tagus::Server) -> Self {
        Self::own_with(data, |_| {}, build)
    }

    /// As [`Self::own`], with other settings.
    pub(crate) fn own_with(
        data: &Path,
        configure: impl FnOnce(&mut tagus::Config),
        build: impl FnOnce(tagus::Server) -> tagus::Server,
    ) -> Self {
        let (mut config, file) = own_config(data);
        configure(&mut config);
        let server = build(tagus::Server::new(config));
        let running = std::thread::spawn(move || server.run().unwrap());
        Self::at(&places(&file, || !running.is_finished()), None)
    }

    /// Starts a studio's own server as a process of its own, which can be stopped: the named test of this binary is run
    /// alone, and runs the server of [`Self::config_of_process`].
    pub(crate) fn process(data: &Path, test: &str) -> Self {
        let (_, file) = own_config(data);
        drop(std::fs::remove_file(&file));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env(PROCESS_DATA, data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let alive = || child.try_wait().unwrap().is_none();
        let places = places(&file, alive);
        Self::at(&places, Some(child))
    }

    /// In the process that [`Self::process`] started, what to run there.
    pub(crate) fn config_of_process() -> Option<tagus::Config> {
        let data = std::env::var_os(PROCESS_DATA)?;
        Some(own_config(Path::new(&data)).0)
    }

    fn at(places: &Value, child: Option<Child>) -> Self {
        let place = |name: &str| places[name].as_str().unwrap().to_owned();
        Self {
            child,
            http: place("http"),
            admin: place("admin"),
            tcp: place("tcp"),
        }
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let id = rustix::process::Pid::from_child(self.child.as_ref().unwrap());
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    }

    /// The next lines of what it prints; to be asked once.
    pub(crate) fn printed(&mut self, lines: usize) -> Vec<String> {
        let output = self.child.as_mut().unwrap().stdout.take().unwrap();
        let lines = BufReader::new(output).lines().take(lines);
        lines.map(Result::unwrap).collect()
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "the server does not stop");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// One request; `authorization` is the header's value, empty for none.
    pub(crate) fn call(&self, verb: &str, path: &str, authorization: &str, body: &[u8]) -> Answer {
        let mut head = format!(
            "{verb} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
            self.http
        );
        if !authorization.is_empty() {
            head.push_str(&format!("authorization: {authorization}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        self.exchange(&head, body)
    }

    /// Sends a request's head, without its last empty line, and body; reads to the end.
    pub(crate) fn exchange(&self, head: &str, body: &[u8]) -> Answer {
        exchange(&self.http, head, body)
    }

    /// Asks the admin port.
    pub(crate) fn admin(&self, path: &str) -> Answer {
        let head = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n");
        exchange(&self.admin, &head, b"")
    }

    /// One request to the admin port.
    pub(crate) fn operate(
        &self,
        verb: &str,
        path: &str,
        authorization: &str,
        body: &[u8],
    ) -> Answer {
        let head = format!(
            "{verb} {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\nauthorization: {authorization}\r\ncontent-length: {}\r\n",
            body.len()
        );
        exchange(&self.admin, &head, body)
    }

    /// Logs in with a device's id, making the account.
    pub(crate) fn login(&self, device: &str) -> Answer {
        let body = json!({ "id": device }).to_string();
        let path = "/v2/account/authenticate/device";
        let answer = self.call("POST", path, &server_key(), body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    pub(crate) fn token(&self, device: &str) -> String {
        self.login(device).text("token")
    }
}

fn exchange(address: &str, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = format!("{head}\r\n").into_bytes();
    request.extend_from_slice(body);
    stream.write_all(&request).unwrap();
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        panic!("{error} after {} bytes: {head}", bytes.len());
    }
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let body = bytes.split_off(end.map_or(bytes.len(), |at| at + 4));
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.unwrap_or_default(),
        head,
        body: String::from_utf8_lossy(&body).into_owned(),
        bytes: body,
    }
}

/// Settings of a studio's own server, and its ready file.
fn own_config(data: &Path) -> (tagus::Config, std::path::PathBuf) {
    let file = data.join("ready.json");
    let config = tagus::Config {
        data: data.to_owned(),
        http_port: 0,
        admin_port: 0,
        tcp_port: 0,
        ready_file: Some(file.clone()),
        ..tagus::Config::default()
    };
    (config, file)
}

/// Tells a process of this binary that it is a server, and where its data lies.
const PROCESS_DATA: &str = "TEST_SERVER_DATA";

/// Waits for the ready file.
fn places(file: &Path, mut alive: impl FnMut() -> bool) -> Value {
    let started = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(file) {
            return serde_json::from_str(&text).unwrap();
        }
        assert!(alive(), "the server ended early");
        assert!(started.elapsed() < PATIENCE, "the server is not ready");
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

pub(crate) fn basic(key: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:")))
}

pub(crate) fn server_key() -> String {
    basic("defaultkey")
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
