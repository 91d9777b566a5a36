//! Sockets in the clear and with TLS over loopback, against blocking clients; and certificates from files.

use std::fs;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, StreamOwned};
use tagus_net::{Socket, tls_load};

#[test]
fn a_megabyte_comes_back_in_the_clear() {
    let (mut client, server) = pair();
    let server = thread::spawn(move || echo(Driver::new(Socket::plain(server).unwrap())));
    client.write_all(&megabyte()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    client.read_to_end(&mut back).unwrap();
    assert!(back == megabyte());
    server.join().unwrap();
}

#[test]
fn a_megabyte_comes_back_through_tls() {
    let (client, server) = pair();
    let server = thread::spawn(move || echo(Driver::new(tls_socket(server))));
    let mut client = tls_client(client);
    client.write_all(&megabyte()).unwrap();
    client.conn.send_close_notify();
    client.flush().unwrap();
    let mut back = Vec::new();
    // Fails unless the end comes with its alert.
    client.read_to_end(&mut back).unwrap();
    assert!(back == megabyte());
    server.join().unwrap();
}

#[test]
fn nothing_to_read_and_nothing_to_write_say_so() {
    let (_client, server) = pair();
    let mut socket = Socket::plain(server).unwrap();
    assert_eq!(
        socket.read(&mut [0; 9]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    assert_eq!(socket.write_vectored(&[IoSlice::new(b"")]).unwrap(), 0);
    let (client, server) = pair();
    let mut socket = tls_socket(server);
    assert_eq!(
        socket.read(&mut [0; 9]).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    assert_eq!(socket.write_vectored(&[]).unwrap(), 0);
    assert_eq!(socket.peer_addr().unwrap(), client.local_addr().unwrap());
}

#[test]
fn before_the_handshake_a_bounded_number_of_bytes_is_taken() {
    let (_client, server) = pair();
    let mut socket = tls_socket(server);
    assert_eq!(fill(&mut socket), 64 * 1024);
}

#[test]
fn plaintext_from_before_the_hand_over_is_read_first() {
    let (client, mut server) = pair();
    let client = thread::spawn(move || {
        let mut client = tls_client(client);
        client.write_all(b"early").unwrap();
        client.flush().unwrap();
        client
    });
    let mut tls = server_connection();
    while tls.process_new_packets().unwrap().plaintext_bytes_to_read() < 5 {
        while tls.wants_write() {
            tls.write_tls(&mut server).unwrap();
        }
        assert_ne!(tls.read_tls(&mut server).unwrap(), 0);
    }
    let mut socket = Socket::tls(server, tls).unwrap();
    let mut buf = [0; 9];
    assert_eq!(socket.read(&mut buf).unwrap(), 5);
    assert_eq!(buf[..5], *b"early");
    drop(client.join().unwrap());
}

#[test]
fn the_end_waits_behind_what_was_taken() {
    let (client, server) = pair();
    let (go, wait) = channel();
    let client = thread::spawn(move || {
        let mut client = tls_client(client);
        client.write_all(b"!").unwrap();
        wait.recv().unwrap();
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        assert_eq!(client.sock.read(&mut [0]).unwrap(), 0, "TCP ends too");
        got.len()
    });
    let mut driver = Driver::new(tls_socket(server));
    assert_eq!(driver.read(&mut [0]).unwrap(), 1);
    let taken = fill(&mut driver.socket);
    assert!(driver.socket.wants_write());
    driver.socket.shutdown_write();
    go.send(()).unwrap();
    driver.flush().unwrap();
    assert!(!driver.socket.wants_write());
    assert_eq!(client.join().unwrap(), taken);
}

#[test]
fn garbage_is_an_error_and_is_told_by_an_alert() {
    let (mut client, server) = pair();
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut driver = Driver::new(tls_socket(server));
    assert_eq!(
        driver.read(&mut [0; 99]).unwrap_err().kind(),
        ErrorKind::InvalidData
    );
    assert!(driver.socket.write_vectored(&[IoSlice::new(b"x")]).is_err());
    let mut alert = [0; 2];
    client.read_exact(&mut alert).unwrap();
    assert_eq!(alert, [21, 3]);
}

#[test]
fn a_stream_cut_short_is_an_end() {
    let (client, server) = pair();
    let client = thread::spawn(move || {
        let mut client = tls_client(client);
        client.write_all(b"half").unwrap();
        client.flush().unwrap();
        client.sock.shutdown(Shutdown::Write).unwrap();
        client
    });
    let mut driver = Driver::new(tls_socket(server));
    let mut buf = [0; 9];
    assert_eq!(driver.read(&mut buf).unwrap(), 4);
    assert_eq!(driver.read(&mut buf).unwrap(), 0);
    drop(client.join().unwrap());
}

#[test]
fn errors_name_the_file_and_what_to_do() {
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = files("errors");
    let dir = chain.parent().unwrap();
    let (missing, other_key, noise) = (
        dir.join("missing.pem"),
        dir.join("other.pem"),
        dir.join("noise.pem"),
    );
    fs::write(&other_key, other.signing_key.serialize_pem()).unwrap();
    fs::write(
        &noise,
        "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let table = [
        (&missing, &key, "read certificate chain", &missing),
        (&noise, &key, "read certificate chain", &noise),
        (&key, &chain, "are certificate and key swapped?", &key),
        (&chain, &missing, "read private key", &missing),
        (&chain, &chain, "read private key", &chain),
        (&chain, &other_key, "issued together", &other_key),
    ];
    for (chain, key, expected, file) in table {
        let text = tls_load(chain, key).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
        assert!(text.contains(file.to_str().unwrap()), "{text}");
    }
    tls_load(&chain, &key).unwrap();
}

/// Sends back what comes until the end, reading on while the peer takes nothing.
fn echo(mut driver: Driver) {
    let mut waiting: Vec<u8> = Vec::new();
    let mut buf = [0; 5_000];
    let mut ended = false;
    loop {
        while !ended {
            match driver.socket.read(&mut buf) {
                Ok(0) => ended = true,
                Ok(count) => waiting.extend_from_slice(&buf[..count]),
                Err(err) if err.kind() == ErrorKind::WouldBlock => break,
                Err(err) => panic!("{err}"),
            }
        }
        while !waiting.is_empty() {
            let (head, tail) = waiting.split_at(waiting.len() / 3);
            match driver.socket.write_vectored(&[
                IoSlice::new(head),
                IoSlice::new(b""),
                IoSlice::new(tail),
            ]) {
                Ok(count) => drop(waiting.drain(..count)),
                Err(err) if err.kind() == ErrorKind::WouldBlock => break,
                Err(err) => panic!("{err}"),
            }
        }
        if ended && waiting.is_empty() {
            driver.socket.shutdown_write();
            driver.flush().unwrap();
            return;
        }
        driver.wait();
    }
}

/// Writes until nothing more is taken; answers how much was.
fn fill(socket: &mut Socket) -> usize {
    let mut taken = 0;
    loop {
        match socket.write_vectored(&[IoSlice::new(&[7; 50_000])]) {
            Ok(count) => taken += count,
            Err(err) if err.kind() == ErrorKind::WouldBlock => return taken,
            Err(err) => panic!("{err}"),
        }
    }
}

/// A registered socket with the loop that the shard has.
struct Driver {
    poll: Poll,
    events: Events,
    socket: Socket,
}

impl Driver {
    fn new(mut socket: Socket) -> Self {
        let poll = Poll::new().unwrap();
        let interest = Interest::READABLE | Interest::WRITABLE;
        socket
            .register(poll.registry(), Token(0), interest)
            .unwrap();
        Self {
            poll,
            events: Events::with_capacity(4),
            socket,
        }
    }

    fn wait(&mut self) {
        self.poll.poll(&mut self.events, None).unwrap();
        if self.socket.wants_write() {
            drop(self.socket.flush());
        }
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.socket.read(buf) {
                Err(err) if err.kind() == ErrorKind::WouldBlock => self.wait(),
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        loop {
            match self.socket.flush() {
                Err(err) if err.kind() == ErrorKind::WouldBlock => self.wait(),
                done => return done,
            }
        }
    }
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    // Only a failing test waits for it.
    client
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    (client, server)
}

fn megabyte() -> Vec<u8> {
    (0..1_u32 << 18).flat_map(u32::to_le_bytes).collect()
}

fn tls_socket(stream: TcpStream) -> Socket {
    Socket::tls(stream, server_connection()).unwrap()
}

fn server_connection() -> ServerConnection {
    static FILES: LazyLock<(PathBuf, PathBuf)> = LazyLock::new(|| files("server"));
    ServerConnection::new(tls_load(&FILES.0, &FILES.1).unwrap()).unwrap()
}

/// A client with its handshake finished.
fn tls_client(mut stream: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CERTIFICATE.0.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).unwrap();
    }
    StreamOwned::new(tls, stream)
}

/// Writes chain and key into files of this test.
fn files(test: &str) -> (PathBuf, PathBuf) {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("tagus-net-{test}"));
    fs::create_dir_all(&dir).unwrap();
    let paths = (dir.join("chain.pem"), dir.join("key.pem"));
    fs::write(&paths.0, &CERTIFICATE.1).unwrap();
    fs::write(&paths.1, &CERTIFICATE.2).unwrap();
    paths
}

/// One certificate for all tests: itself, and it and its key as PEM.
static CERTIFICATE: LazyLock<(CertificateDer<'static>, String, String)> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (
        made.cert.der().clone(),
        made.cert.pem(),
        made.signing_key.serialize_pem(),
    )
});
