//! What a person sees who starts a server, stops it, and starts it again.

use std::time::{Duration, Instant};

use crate::server::{Server, run};

#[test]
fn it_says_where_it_is_and_keeps_its_data() {
    let folders = tempfile::tempdir().unwrap();
    let data = folders.path().join("made by the server");
    for start in 0..2 {
        let mut server = Server::start_with(&data, &[("GRACE_MS", "8000")]);
        let printed = server.printed(5).join("\n");
        let folder = data.canonicalize().unwrap();
        for expected in [
            &format!("play here        http://{}/\n", server.http),
            &format!("http://{}/metrics\n", server.admin),
            &format!("TCP              {}\n", server.tcp),
            folder.to_str().unwrap(),
        ] {
            assert!(printed.contains(expected), "no {expected:?} in {printed}");
        }
        let created = server.login("device-that-stays").json()["created"] == true;
        assert_eq!(created, start == 0);

        let asked = Instant::now();
        server.interrupt();
        assert_eq!(server.wait().code(), Some(0));
        assert!(asked.elapsed() < Duration::from_secs(8));
    }
}

#[test]
fn a_data_folder_has_one_server() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let server = Server::start(data.path());
    let ports = ["--http-port", "0", "--admin-port", "0", "--tcp-port", "0"];
    let refused = run(&[&["serve", "--data", folder], &ports[..]].concat());
    assert!(!refused.status.success());
    assert!(refused.stdout.is_empty(), "it said that it is up");
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.contains(folder), "{text}");
    assert!(text.contains("in use"), "{text}");
    // The first one did not notice.
    assert_eq!(server.call("GET", "/healthcheck", "", b"").status, 200);
    assert!(!server.token("device-afterwards").is_empty());
}
