//! Who gets in at the doors, for whom a proxy's connections count, and what is counted of the rest.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use prost::Message as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tagus::Config;
use tagus_net::{Limits, TrustedProxies};
use tagus_wire::ext::Hello;

use crate::server::{PATIENCE, Server};
use crate::socket::{Client, Heard, tcp_frame};

#[test]
fn proxy_headers_name_whom_a_connection_counts_for() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |config| {
        config.proxy_protocol = true;
        config.limits.connections_per_address_max = 1;
    });
    let token = {
        let mut first = Http::open(&server, &v1("192.0.2.9"));
        first.login()
    };
    let mut first = Http::open(&server, &v1("192.0.2.1"));
    assert_eq!(first.get("/healthcheck", "").0, 200);
    for header in [v1("192.0.2.1"), v2([192, 0, 2, 1])] {
        assert!(Http::open(&server, &header).is_closed());
        let mut tcp = Client::tcp(&server);
        tcp.send(&header);
        assert_eq!(tcp.hear(), Heard::End);
    }
    // Another client of the same proxy, whose header comes byte by byte and whose first words follow at once.
    let mut second = Client::tcp(&server);
    for byte in v2([192, 0, 2, 2]) {
        second.send(&[byte]);
    }
    second.hello(&token, false);
    second.hear_welcome();
    assert!(Http::open(&server, &v1("192.0.2.2")).is_closed());
    assert_eq!(
        Http::open(&server, &v1("192.0.2.3"))
            .get("/healthcheck", "")
            .0,
        200
    );
    assert_counted(&server, "http", "address", 3);
    assert_counted(&server, "tcp", "address", 2);
    assert_counted(&server, "http", "proxy_header", 0);

    // A place that is given back is free again.
    drop(first);
    let started = Instant::now();
    while Http::open(&server, &v1("192.0.2.1"))
        .get("/healthcheck", "")
        .0
        != 200
    {
        assert!(started.elapsed() < PATIENCE, "the place is not given back");
    }
}

#[test]
fn a_proxys_own_connections_have_no_address() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |config| {
        config.proxy_protocol = true;
        config.limits.connections_per_address_max = 1;
    });
    let own = [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec(),
    ];
    let mut checks: Vec<Http> = Vec::new();
    for header in own.iter().chain(&own) {
        checks.push(Http::open(&server, header));
    }
    for check in &mut checks {
        assert_eq!(check.get("/healthcheck", "").0, 200);
    }
}

#[test]
fn a_proxys_connection_without_its_header_is_closed() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |config| config.proxy_protocol = true);
    for words in [
        &b"GET /healthcheck HTTP/1.1\r\n\r\n"[..],
        b"PROXY TCP5 192.0.2.1 192.0.2.1 1 1\r\n",
    ] {
        assert!(Http::open(&server, words).is_closed());
    }
    let mut tcp = Client::tcp(&server);
    let (version, token) = (1, "x".to_owned());
    let hello = Hello {
        version,
        token,
        ..Hello::default()
    };
    tcp.send(&tcp_frame(&hello.encode_to_vec()));
    assert_eq!(tcp.hear(), Heard::End);
    assert_counted(&server, "http", "proxy_header", 2);
    assert_counted(&server, "tcp", "proxy_header", 1);
}

#[test]
fn a_header_is_waited_for_no_longer_than_for_the_handshake() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |config| {
        config.proxy_protocol = true;
        config.limits.http_header_timeout_ms = 20;
        config.limits.hello_timeout_ms = 20;
    });
    assert!(Http::open(&server, b"PROXY ").is_closed());
    let mut tcp = Client::tcp(&server);
    tcp.send(b"PROXY ");
    assert_eq!(tcp.hear(), Heard::End);
    assert_counted(&server, "http", "handshake_timeout", 1);
    assert_counted(&server, "tcp", "handshake_timeout", 1);
}

#[test]
fn a_strangers_header_is_not_believed() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |config| {
        config.proxy_protocol = true;
        config.trusted = TrustedProxies::parse(&["192.0.2.0/24"]).unwrap();
    });
    for header in [v1("192.0.2.1"), v2([192, 0, 2, 1])] {
        let mut http = Http::open(&server, &header);
        let (status, _) = http.get("/healthcheck", "");
        assert!([0, 400].contains(&status), "{status}");
        let mut tcp = Client::tcp(&server);
        // Long enough for what its first byte says as a length.
        tcp.send(&[&header[..], &[b' '; 64]].concat());
        assert_eq!(tcp.hear_refuse().code, 3);
    }
    assert_eq!(
        Http::open(&server, b"").get("/healthcheck", "").0,
        200,
        "strangers need no header"
    );
}

#[test]
fn proxy_headers_come_before_tls() {
    let data = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (data.path().join("chain.pem"), data.path().join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let server = start(data.path(), |config| {
        config.proxy_protocol = true;
        config.limits.connections_per_address_max = 1;
        config.tls = Some((chain, key));
    });
    let mut http = tls(&server.http, &v1("192.0.2.1"), made.cert.der());
    assert_eq!(
        http.get("/healthcheck", "connection: keep-alive\r\n").0,
        200
    );
    let mut tcp = tls(&server.tcp, &v2([192, 0, 2, 2]), made.cert.der());
    tcp.stream.write_all(&tcp_frame(b"")).unwrap();
    assert!(
        !tcp.is_closed(),
        "the refusal of an empty hello comes through TLS"
    );
    assert!(Http::open(&server, &v1("192.0.2.1")).is_closed());
    assert_counted(&server, "http", "address", 1);

    let mut plain = Http::open(&server, &v1("192.0.2.3"));
    assert_eq!(plain.get("/healthcheck", "").0, 0);
    assert_counted(&server, "http", "tls", 1);
}

#[test]
fn upgrades_count_for_the_client_that_the_proxy_names() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |config| {
        config.limits.connections_per_address_max = 1;
    });
    let token = Http::open(&server, b"").login();
    let path = format!("/ws?token={token}");
    let first = "x-forwarded-for: 198.51.100.1\r\n";
    let mut socket = Http::open(&server, b"");
    assert_eq!(socket.upgrade(&path, first).0, 101);

    let mut others = Http::open(&server, b"");
    // Plain requests are not counted for their clients: the proxy mixes them on one connection.
    assert_eq!(others.get("/healthcheck", first).0, 200);
    // The line on top is the client's own invention; the proxy added the last.
    let forged = format!("x-forwarded-for: 198.51.100.7\r\n{first}");
    for headers in [first, &forged] {
        let (status, body) = others.upgrade(&path, headers);
        assert_eq!(status, 429, "{body}");
        let expected = r#"{"code":8,"message":"too many connections from one address"}"#;
        assert_eq!(body, expected);
    }
    let second = "x-forwarded-for: 198.51.100.2\r\n";
    assert_eq!(
        others.upgrade(&path, second).0,
        101,
        "on the connection of the refused"
    );
    // The proxy's own, without any client, has no address.
    for _ in 0..2 {
        assert_eq!(Http::open(&server, b"").upgrade(&path, "").0, 101);
    }
    assert_counted(&server, "http", "address", 2);
    assert_metric(
        &server,
        r#"tagus_http_requests_total{method="ws",status="1xx"} 4"#,
    );
    assert_metric(
        &server,
        r#"tagus_http_requests_total{method="ws",status="4xx"} 2"#,
    );
}

#[test]
fn without_a_proxy_the_address_is_the_peers() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |config| {
        config.trusted = TrustedProxies::default();
        config.limits.connections_per_address_max = 2;
    });
    let token = Http::open(&server, b"").login();
    let path = format!("/ws?token={token}");
    let open = || {
        let started = Instant::now();
        loop {
            let mut http = Http::open(&server, b"");
            let status = http.upgrade(&path, "x-forwarded-for: 198.51.100.1\r\n").0;
            if status == 101 {
                return http;
            }
            // The place of the login's connection is given back a moment after its end.
            assert!(started.elapsed() < PATIENCE, "{status}");
        }
    };
    let _sockets = [open(), open()];
    assert!(Http::open(&server, b"").is_closed());
}

#[test]
fn requests_are_counted_by_method_and_class() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |_| {});
    let mut http = Http::open(&server, b"");
    http.login();
    for path in ["/healthcheck", "/healthcheck", "/nowhere", "/v2/rpc/none"] {
        http.get(path, "");
    }
    http.get("/", "accept: text/html\r\n");
    http.get("/v2/account", "");
    for line in [
        r#"tagus_http_requests_total{method="AuthenticateDevice",status="2xx"} 1"#,
        r#"tagus_http_requests_total{method="Healthcheck",status="2xx"} 2"#,
        r#"tagus_http_requests_total{method="other",status="4xx"} 1"#,
        r#"tagus_http_requests_total{method="RpcFunc",status="4xx"} 1"#,
        r#"tagus_http_requests_total{method="page",status="2xx"} 1"#,
        r#"tagus_http_requests_total{method="GetAccount",status="4xx"} 1"#,
        "tagus_http_request_seconds_count 7",
        r#"tagus_connections_refused_total{door="tcp",reason="overload"} 0"#,
    ] {
        assert_metric(&server, line);
    }
}

#[test]
fn browsers_get_the_arcade_and_programs_an_empty_answer() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |_| {});
    let mut http = Http::open(&server, b"");
    for browser in [
        "accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n",
        "accept: image/png\r\naccept: Text/HTML\r\n",
    ] {
        let (status, body) = http.get("/", browser);
        assert_eq!(status, 200);
        assert!(body.contains("<html"), "{body}");
    }
    for program in ["", "accept: */*\r\n", "accept: application/json\r\n"] {
        assert_eq!(http.get("/", program), (200, String::new()), "{program}");
    }
    // Only the front page is asked for by programs that want nothing of it.
    assert!(http.get("/index.html", "").1.contains("<html"));
}

#[test]
fn the_admin_port_stays_on_loopback() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), |config| {
        *config = config.clone().for_lan();
        config.address = "0.0.0.0".parse().unwrap();
    });
    assert!(server.http.starts_with("0.0.0.0:"), "{}", server.http);
    assert!(server.admin.starts_with("127.0.0.1:"), "{}", server.admin);
    assert_eq!(server.admin("/readyz").status, 200);
}

/// A server whose proxies are on this machine.
fn start(data: &Path, change: impl FnOnce(&mut Config)) -> Server {
    let mut config = Config {
        data: data.to_owned(),
        http_port: 0,
        admin_port: 0,
        tcp_port: 0,
        trusted: TrustedProxies::parse(&["127.0.0.1"]).unwrap(),
        limits: Limits::default(),
        ready_file: Some(data.join("ready.json")),
        ..Config::default()
    };
    change(&mut config);
    Server::own(data, |_| tagus::Server::new(config))
}

fn assert_counted(server: &Server, door: &str, reason: &str, count: u64) {
    let labels = format!("door=\"{door}\",reason=\"{reason}\"");
    assert_metric(
        server,
        &format!("tagus_connections_refused_total{{{labels}}} {count}"),
    );
}

/// Waits for the line: some is counted a moment after the client saw its end.
fn assert_metric(server: &Server, line: &str) {
    let started = Instant::now();
    loop {
        let metrics = server.admin("/metrics").body;
        if metrics.lines().any(|found| found == line) {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "no {line} in {metrics}");
    }
}

fn v1(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 127.0.0.1 51000 7350\r\n").into_bytes()
}

fn v2(client: [u8; 4]) -> Vec<u8> {
    let addresses = [&client[..], &[127, 0, 0, 1, 0xc7, 0x38, 0x1c, 0xb8]].concat();
    [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", &addresses[..]].concat()
}

/// An HTTP connection that stays open.
struct Http<S = TcpStream> {
    stream: S,
}

impl Http {
    /// Connects and says these bytes first.
    fn open(server: &Server, words: &[u8]) -> Self {
        let stream = connect(&server.http, words);
        Self { stream }
    }
}

impl<S: Read + Write> Http<S> {
    /// Whether the server ends the connection without a word.
    fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    fn get(&mut self, path: &str, headers: &str) -> (u16, String) {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nhost: doors\r\n{headers}\r\n"
        ))
    }

    fn upgrade(&mut self, path: &str, headers: &str) -> (u16, String) {
        let upgrade = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        self.get(path, &format!("{upgrade}{headers}"))
    }

    /// Logs in, and answers the token.
    fn login(&mut self) -> String {
        let body = r#"{"id":"device-at-the-door"}"#;
        let path = "/v2/account/authenticate/device";
        let key = crate::server::server_key();
        let length = body.len();
        let (status, answer) = self.ask(&format!(
            "POST {path} HTTP/1.1\r\nhost: doors\r\nauthorization: {key}\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        assert_eq!(status, 200, "{answer}");
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    /// The status and the body; 0 when the connection ends before.
    fn ask(&mut self, request: &str) -> (u16, String) {
        if self.stream.write_all(request.as_bytes()).is_err() {
            return (0, String::new());
        }
        let mut answer = Vec::new();
        let head = loop {
            let mut byte = [0];
            if self.stream.read_exact(&mut byte).is_err() {
                return (0, String::new());
            }
            answer.extend(byte);
            if answer.ends_with(b"\r\n\r\n") {
                break String::from_utf8(answer).unwrap().to_lowercase();
            }
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, String::from_utf8(body).unwrap())
    }
}

fn connect(address: &str, words: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.write_all(words).unwrap();
    stream
}

/// Says these bytes in the clear and goes on in TLS.
fn tls(
    address: &str,
    words: &[u8],
    certificate: &CertificateDer<'_>,
) -> Http<StreamOwned<ClientConnection, TcpStream>> {
    let stream = connect(address, words);
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone().into_owned()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    Http {
        stream: StreamOwned::new(client, stream),
    }
}
