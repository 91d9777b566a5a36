//! Moving a studio to another database.

use std::path::Path;

use serde_json::json;

use crate::server::{Answer, Server, command, run, server_key};

fn existing(server: &Server, device: &str) -> Answer {
    let path = "/v2/account/authenticate/device?create=false";
    let body = json!({ "id": device }).to_string();
    server.call("POST", path, &server_key(), body.as_bytes())
}

/// A studio with some players, whose server has stopped.
fn studio(data: &Path) {
    let mut server = Server::start(data);
    for number in 0..20 {
        server.token(&format!("device-moving-{number}"));
    }
    server.interrupt();
    assert!(server.wait().success());
}

fn moves_to(target: &str) {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    studio(old.path());
    let from = format!("sqlite:{}", old.path().join("tagus.db").display());
    let words = ["migrate", "copy", "--from", &from, "--to", target];
    for copied in ["copied now", "not empty"] {
        let moved = run(&words);
        let said =
            String::from_utf8(moved.stdout).unwrap() + &String::from_utf8_lossy(&moved.stderr);
        assert!(said.contains(copied), "{copied:?} is not in {said}");
        assert_eq!(moved.status.success(), copied == "copied now");
        assert!(!said.contains("secret"));
    }
    let status = run(&["migrate", "status", "--store", target]);
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(
        status.lines().all(|line| line.ends_with("Applied")),
        "{status}"
    );

    let server = Server::start_with(new.path(), &[("STORE__URL", target)]);
    for number in 0..20 {
        let login = existing(&server, &format!("device-moving-{number}"));
        assert_eq!(login.status, 200, "{}", login.body);
    }
    assert_eq!(existing(&server, "device-of-nobody").status, 404);
}

#[test]
fn a_studio_moves_to_another_file() {
    let folder = tempfile::tempdir().unwrap();
    moves_to(&format!(
        "sqlite:{}",
        folder.path().join("new.db").display()
    ));
}

#[test]
#[ignore = "needs PostgreSQL"]
fn a_studio_moves_to_postgres() {
    let url = std::env::var("TAGUS_TEST_POSTGRES").expect("TAGUS_TEST_POSTGRES names a server");
    let name = format!("moving_{}", std::process::id());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let execute = |sql: String| {
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
                .await
                .unwrap();
            tokio::spawn(connection);
            client.batch_execute(&sql).await.unwrap();
        });
    };
    execute(format!("CREATE DATABASE {name}"));
    let (server, _) = url.rsplit_once('/').unwrap();
    moves_to(&format!("{server}/{name}"));
    execute(format!("DROP DATABASE {name} WITH (FORCE)"));
}

#[test]
fn wrong_addresses_are_named() {
    let cases = [
        (
            "mysql://x",
            "sqlite:x.db",
            "must begin with sqlite: or postgres://",
        ),
        (
            "sqlite:/nowhere/at/all.db",
            "sqlite:/nowhere/either.db",
            "there is no database /nowhere/at/all.db",
        ),
    ];
    for (from, to, said) in cases {
        let output = command(&["migrate", "copy", "--from", from, "--to", to])
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(said), "{said:?} is not in {error}");
        assert!(!output.status.success());
    }
}
