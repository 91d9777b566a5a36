//! Events, routes, jobs, start and end of a studio's own server.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tagus::base::UnixMillis;
use tagus::wire::method;
use tagus::wire::realtime::envelope::Message;
use tagus::wire::realtime::{StatusFollow, StatusUpdate};
use tagus::{
    ApiError, Event, HttpCall, HttpReply, JobCall, JobState, NewJob, RemoteConfig, RpcCall, Secret,
    Tagus,
};

use crate::server::{Answer, PATIENCE, Server, bearer, server_key};
use crate::service::SECRET;
use crate::social::player;
use crate::socket::{Client, Kind};

/// A sender that many calls may use at once.
fn shared<T>() -> (Arc<Mutex<Sender<T>>>, Receiver<T>) {
    let (sender, receiver) = channel();
    (Arc::new(Mutex::new(sender)), receiver)
}

fn send_event(server: &Server, token: &str, body: &str) -> Answer {
    server.call("POST", "/v2/event", &bearer(token), body.as_bytes())
}

/// Waits until a line is in the metrics.
fn wait_for_metric(server: &Server, line: &str) {
    let started = Instant::now();
    while !server
        .admin("/metrics")
        .body
        .lines()
        .any(|found| found == line)
    {
        assert!(started.elapsed() < PATIENCE, "{line} never came");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn events_of_clients_and_of_server_code_reach_the_handler() {
    let (sender, events) = shared();
    let data = tempfile::tempdir().unwrap();
    let server = Server::own(data.path(), |server| {
        server
            .on_event(move |_, event: Event| {
                let sender = sender.clone();
                async move {
                    assert_ne!(event.name, "panic", "as the test wants");
                    sender.lock().unwrap().send(event).unwrap();
                }
            })
            .rpc("tell", async |call: RpcCall| {
                call.tagus.event(Event {
                    name: "own".to_owned(),
                    time: UnixMillis(5),
                    ..Event::default()
                })?;
                Ok(String::new())
            })
    });
    let one = player(&server, "device-of-events");
    for _ in 0..20 {
        assert_eq!(
            send_event(&server, &one.token, r#"{"name":"panic"}"#).body,
            "{}"
        );
    }
    let body = json!({
        "name": "bought",
        "properties": {"item": "hat"},
        "timestamp": "2020-01-02T03:04:05.006Z",
        "external": false,
    });
    let sent = send_event(&server, &one.token, &body.to_string());
    assert_eq!((sent.status, sent.body.as_str()), (200, "{}"));
    let event = events.recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        (event.name.as_str(), event.properties["item"].as_str()),
        ("bought", "hat")
    );
    assert_eq!(event.time, UnixMillis(1_577_934_245_006));
    assert!(event.external, "whatever the client says");
    assert_eq!(event.caller.user_id.unwrap().to_string(), one.id);
    wait_for_metric(&server, "tagus_events_failed_total 20");

    let path = "/v2/rpc/tell?http_key=defaulthttpkey";
    assert_eq!(server.call("POST", path, "", b"").status, 200);
    let event = events.recv_timeout(PATIENCE).unwrap();
    assert_eq!((event.name.as_str(), event.time), ("own", UnixMillis(5)));
    assert!(!event.external && event.caller.user_id.is_none());

    for (body, status, code) in [
        ("", 400, 3),
        (r#"{"name":""}"#, 400, 3),
        (r#"{"name":5}"#, 400, 3),
        (r#"{"name":"a","properties":[]}"#, 400, 3),
        (r#"{"name":"a","timestamp":"yesterday"}"#, 400, 3),
        ("{", 400, 3),
    ] {
        let refused = send_event(&server, &one.token, body);
        assert_eq!(
            (refused.status, refused.json()["code"].as_i64()),
            (status, Some(code)),
            "{body}"
        );
    }
    let nobody = server.call("POST", "/v2/event", &server_key(), br#"{"name":"a"}"#);
    assert_eq!(
        (nobody.status, nobody.json()["code"].as_i64()),
        (401, Some(16))
    );
}

#[test]
fn events_beyond_the_queue_are_refused_and_counted() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let opened = gate.clone();
    let data = tempfile::tempdir().unwrap();
    let server = Server::own_with(
        data.path(),
        |config| {
            config.server_code.events_queue_max = 2;
            config.server_code.events_queue_bytes_max = 1_024;
            config.server_code.event_workers = 1;
        },
        |server| {
            server.on_event(move |_, _| {
                let gate = gate.clone();
                async move { gate.acquire().await.unwrap().forget() }
            })
        },
    );
    let token = server.token("device-of-many-events");
    let send = |properties: &str| {
        let body = format!(r#"{{"name":"a","properties":{{"p":"{properties}"}}}}"#);
        send_event(&server, &token, &body)
    };
    assert_eq!(send("").status, 200);
    wait_for_metric(&server, "tagus_events_begun_total 1");
    // Names and values take 130 bytes of the 1,024 beside the text.
    assert_eq!(send(&"x".repeat(895)).status, 429, "too many bytes");
    assert_eq!(send(&"x".repeat(700)).status, 200);
    assert_eq!(send("").status, 200);
    let refused = send("");
    assert_eq!(
        (refused.status, refused.json()["code"].as_i64()),
        (429, Some(8))
    );
    wait_for_metric(&server, "tagus_events_dropped_total 2");
    opened.add_permits(3);
    wait_for_metric(&server, "tagus_events_begun_total 3");
    assert_eq!(
        send(&"x".repeat(894)).status,
        200,
        "all bytes are free again"
    );
}

#[test]
fn routes_are_answered_by_server_code() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::own_with(
        data.path(),
        |config| config.limits.request_body_bytes_max = 1_024,
        |server| {
            server
                .route("GET", "/shop/{id}", async |call: HttpCall| {
                    let who = call.caller.as_ref().map(|caller| caller.username.clone());
                    let said = json!({
                        "id": call.params["id"], "who": who, "query": call.query,
                        "header": call.header("x-test"),
                    });
                    Ok(HttpReply::json(said.to_string()))
                })
                .route("POST", "/shop/{id}", async |call: HttpCall| {
                    Ok(HttpReply {
                        status: 201,
                        headers: vec![("x-seen".to_owned(), call.params["id"].clone())],
                        body: call.body,
                    })
                })
                .route("GET", "/fail/{how}", async |call: HttpCall| {
                    match &*call.params["how"] {
                        "error" => Err(ApiError::not_found("no such thing")),
                        "status" => Ok(HttpReply::status(99)),
                        "header" => Ok(HttpReply {
                            headers: vec![("a b".to_owned(), String::new())],
                            ..HttpReply::status(200)
                        }),
                        how => panic!("asked for: {how}"),
                    }
                })
                .route("GET", "/{a}/{b}", async |_| Ok(HttpReply::text("any two")))
                .rpc("panic", async |_| panic!("asked for"))
        },
    );
    let one = player(&server, "device-of-routes");
    let get = |path: &str, authorization: &str| server.call("GET", path, authorization, b"");
    let found = get("/shop/a%20b?x=1&x=%26", &bearer(&one.token));
    assert_eq!(found.status, 200);
    let said =
        json!({"id": "a b", "who": one.name, "query": [["x", "1"], ["x", "&"]], "header": null});
    assert_eq!(found.json(), said);
    assert!(found.head.contains("access-control-allow-origin: *"));
    assert!(found.head.contains("content-type: application/json"));
    assert_eq!(get("/shop/1", "Bearer nothing").json()["who"], json!(null));
    let head = format!(
        "GET /shop/1 HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nX-Test: yes\r\n",
        server.http
    );
    assert_eq!(server.exchange(&head, b"").json()["header"], "yes");
    let posted = server.call("POST", "/shop/7", "", b"\x00body");
    assert_eq!(
        (posted.status, posted.bytes.as_slice()),
        (201, b"\x00body".as_slice())
    );
    assert!(posted.head.contains("x-seen: 7"));
    assert_eq!(server.call("POST", "/shop/7", "", &[0; 1_024]).status, 201);
    assert_eq!(server.call("POST", "/shop/7", "", &[0; 1_025]).status, 400);
    assert_eq!(server.call("HEAD", "/shop/7", "", b"").status, 200);
    assert_eq!(server.call("DELETE", "/shop/7", "", b"").status, 501);

    let error = get("/fail/error", "");
    assert_eq!(
        (error.status, error.json()["code"].as_i64()),
        (404, Some(5))
    );
    for how in ["status", "header", "panic"] {
        let failed = get(&format!("/fail/{how}"), "");
        assert_eq!(
            (failed.status, failed.json()["code"].as_i64()),
            (500, Some(13)),
            "{how}"
        );
    }
    assert_eq!(get("/any/thing", "").body, "any two");
    assert_eq!(
        get("/v2/account", &bearer(&one.token)).json()["user"]["id"],
        one.id.as_str()
    );
    assert_eq!(get("/v2/account", "").status, 401, "the API's own");
    assert_eq!(get("/three/parts/here", "").status, 404);

    // A panic of server code ends nothing else.
    let path = "/v2/rpc/panic?http_key=defaulthttpkey";
    assert_eq!(server.call("POST", path, "", b"").status, 500);
    let mut client = Client::open(&server, Kind::Json, &one.token);
    client.say(&tagus::wire::from_json(br#"{"cid":"1","rpc":{"id":"panic"}}"#).unwrap());
    assert_eq!(client.envelope().cid, "1");
    client.ping();
    let metrics = server.admin("/metrics").body;
    assert!(metrics.contains(r#"tagus_http_requests_total{method="route",status="5xx"} 3"#));
}

#[test]
fn a_panic_of_a_hook_ends_its_call_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::own(data.path(), |server| {
        server
            .before::<method::GetUsers, _, _>(async |_, _, _| panic!("as the test wants"))
            .after::<method::GetAccount, _, _>(async |_, _, _, _| panic!("as the test wants"))
            .before_message(async |_, _, _: StatusFollow| panic!("as the test wants"))
            .after_message(async |_, _, _: StatusUpdate, _| panic!("as the test wants"))
    });
    let token = server.token("device-of-panics");
    for path in ["/v2/user", "/v2/account"] {
        let failed = server.call("GET", path, &bearer(&token), b"");
        assert_eq!(
            (failed.status, failed.json()["code"].as_i64()),
            (500, Some(13)),
            "{path}"
        );
    }
    let mut client = Client::open(&server, Kind::Tcp, &token);
    client.ask("1", Message::StatusFollow(StatusFollow::default()));
    assert!(matches!(client.envelope().message, Some(Message::Error(error)) if error.code == 7));
    client.ask("2", Message::StatusUpdate(StatusUpdate::default()));
    let done = client.envelope();
    assert_eq!(
        (done.cid.as_str(), done.message),
        ("2", None),
        "it was done"
    );
    client.ping();
}

#[test]
fn what_cannot_be_ends_the_start() {
    let run = |build: fn(tagus::Server) -> tagus::Server| {
        let data = tempfile::tempdir().unwrap();
        let mut remote = RemoteConfig::new("http://127.0.0.1:1", Secret::new(SECRET));
        remote.rpcs = vec!["Theirs".to_owned()];
        let config = tagus::Config {
            data: data.path().to_owned(),
            http_port: 0,
            admin_port: 0,
            tcp_port: 0,
            remotes: vec![remote],
            ..tagus::Config::default()
        };
        let error = build(tagus::Server::new(config)).run().unwrap_err();
        format!("{error:#}")
    };
    let said =
        run(|server| server.route("GET", "/v2/account", async |_| Ok(HttpReply::status(204))));
    assert!(said.contains("/v2/account"), "{said}");
    let said = run(|server| server.rpc("theirs", async |_| Ok(String::new())));
    assert!(said.contains("theirs"), "{said}");
    let said = run(|server| server.on_start(async |_| Err(ApiError::invalid("not today"))));
    assert!(said.contains("not today"), "{said}");
}

/// Notes what happens in files of the data folder.
fn studio(server: tagus::Server, data: &Path) -> tagus::Server {
    let note = {
        let data = data.to_owned();
        move |name: &str, text: &str| {
            let path = data.join(name);
            let old = std::fs::read_to_string(&path).unwrap_or_default();
            std::fs::write(path, format!("{old}{text}\n")).unwrap();
        }
    };
    let (started, ran, ended) = (note.clone(), note.clone(), note.clone());
    let note = Mutex::new(note);
    let heard = Arc::new(move |name: &str, text: &str| note.lock().unwrap()(name, text));
    let stopping = data.join("ended");
    let gate = data.join("gate");
    server
        .job("work", move |call: JobCall| {
            let line = format!("{} {} {}", call.name, call.planned_time.0, call.attempt);
            let is_cut_off = call.payload == "hang" && !gate.exists();
            ran(if is_cut_off { "begun" } else { "ran" }, &line);
            async move {
                if is_cut_off {
                    std::future::pending::<()>().await;
                }
                Ok(())
            }
        })
        .on_start(move |tagus: Tagus| {
            started("started", "");
            async move {
                let often = Duration::from_secs(3_600);
                let job = |kind| NewJob {
                    name: "hourly",
                    kind,
                    payload: "",
                };
                let unknown = tagus.schedule_every(job("unknown"), often).await;
                assert_eq!(unknown.unwrap_err().code, tagus::CODE_NOT_FOUND);
                tagus.schedule_every(job("work"), often).await
            }
        })
        .on_shutdown("quick", move |tagus: Tagus| {
            let ended = ended.clone();
            async move {
                // The database is still open.
                let jobs = tagus.scheduled("", 100).await.unwrap();
                let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
                ended("ended", &names.join(" "));
            }
        })
        // Events wait until the end has begun.
        .on_event(move |_, event: Event| {
            let (heard, stopping) = (heard.clone(), stopping.clone());
            async move {
                while !stopping.exists() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                heard("heard", &event.name);
            }
        })
        .rpc("burst", async |call: RpcCall| {
            for number in 0..20 {
                call.tagus.event(Event {
                    name: number.to_string(),
                    ..Event::default()
                })?;
            }
            Ok(String::new())
        })
        .on_shutdown("panics", async |_| panic!("as the test wants"))
        .on_shutdown("late", async |_| std::future::pending().await)
        .rpc("plan", async |call: RpcCall| {
            let (name, wait) = call.payload.split_once(' ').unwrap_or_default();
            let wait: u64 = wait.parse().map_err(|_| ApiError::invalid("no wait"))?;
            let job = NewJob {
                name,
                kind: "work",
                payload: name,
            };
            let at = UnixMillis(call.tagus.now().0 + wait);
            call.tagus.schedule_at(job, at).await?;
            Ok(at.0.to_string())
        })
        .rpc("states", async |call: RpcCall| {
            let jobs = call.tagus.scheduled("", 100).await?;
            let states = jobs.iter().map(|job| match job.state {
                JobState::Running(_) => format!("{} runs", job.name),
                _ => job.name.clone(),
            });
            Ok(states.collect::<Vec<_>>().join(", "))
        })
        .rpc("forget", async |call: RpcCall| {
            let was = call.tagus.unschedule(&call.payload).await?;
            Ok(was.to_string())
        })
}

/// Not a test of its own, but the server process of those that need it to end.
#[test]
fn a_server_of_its_own() {
    if let Some(mut config) = Server::config_of_process() {
        config.grace_ms = 300;
        let data = config.data.clone();
        studio(tagus::Server::new(config), &data).run().unwrap();
    }
}

fn start(data: &Path) -> Server {
    Server::process(data, "server_code::a_server_of_its_own")
}

fn rpc(server: &Server, id: &str, payload: &str) -> String {
    let path = format!("/v2/rpc/{id}?http_key=defaulthttpkey&unwrap");
    let answer = server.call("POST", &path, "", payload.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn wait_for_file(path: &Path) -> String {
    let started = Instant::now();
    loop {
        // Its last line may be on the way.
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return text;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{} never came",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn jobs_run_at_their_time_and_outlive_the_server() {
    let data = tempfile::tempdir().unwrap();
    let file = |name: &str| data.path().join(name);
    let server = start(data.path());
    let at = rpc(&server, "plan", "soon 20");
    assert_eq!(wait_for_file(&file("ran")), format!("soon {at} 1\n"));
    std::fs::remove_file(file("ran")).unwrap();
    let at = rpc(&server, "plan", "missed 400");
    rpc(&server, "plan", "forgotten 400");
    assert_eq!(rpc(&server, "forget", "forgotten"), "true");
    assert_eq!(rpc(&server, "forget", "forgotten"), "false");
    // Killed, as it is dropped.
    drop(server);
    let server = start(data.path());
    assert_eq!(wait_for_file(&file("ran")), format!("missed {at} 1\n"));
    let started = Instant::now();
    while rpc(&server, "states", "") != "hourly" {
        assert!(started.elapsed() < PATIENCE, "it is not done");
    }
    assert_eq!(std::fs::read_to_string(file("started")).unwrap(), "\n\n");
}

#[test]
fn what_runs_at_the_end_is_given_back_and_the_late_are_cut_off() {
    let data = tempfile::tempdir().unwrap();
    let file = |name: &str| data.path().join(name);
    let mut server = start(data.path());
    let at = rpc(&server, "plan", "hang 0");
    assert_eq!(wait_for_file(&file("begun")), format!("hang {at} 1\n"));
    assert_eq!(rpc(&server, "states", ""), "hang runs, hourly");
    rpc(&server, "burst", "");
    server.interrupt();
    assert!(server.wait().success());
    assert_eq!(wait_for_file(&file("ended")), "hang hourly\n");
    let heard = std::fs::read_to_string(file("heard")).unwrap();
    assert_eq!(heard.lines().count(), 20, "all events: {heard}");
    std::fs::write(file("gate"), "").unwrap();
    let _server = start(data.path());
    assert_eq!(
        wait_for_file(&file("ran")),
        format!("hang {at} 1\n"),
        "it was no try"
    );
}

#[test]
#[ignore = "needs PostgreSQL"]
fn two_servers_on_postgres_run_each_job_once() {
    let url = std::env::var("TAGUS_TEST_POSTGRES").expect("TAGUS_TEST_POSTGRES names a server");
    let name = format!("jobs_{}", std::process::id());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let execute = |sql: String| {
        runtime.block_on(async {
            let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
            let (client, connection) = connected.unwrap();
            tokio::spawn(connection);
            client.batch_execute(&sql).await.unwrap();
        });
    };
    execute(format!("CREATE DATABASE {name}"));
    let (server, _) = url.rsplit_once('/').unwrap();
    let database = format!("{server}/{name}");
    let (sender, ran) = shared();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let servers = [0, 1].map(|node| {
        let sender = sender.clone();
        Server::own_with(
            folders[node].path(),
            |config| {
                config.store.url = Some(database.parse().unwrap());
                config.node = format!("node-{node}");
                config.server_code.jobs_running_max = 4;
            },
            |server| {
                let work = move |call: JobCall| {
                    sender.lock().unwrap().send((node, call.name)).unwrap();
                    async { Ok(()) }
                };
                let plan = async |call: RpcCall| {
                    let kind = "work";
                    let at = UnixMillis(call.tagus.now().0 + 300);
                    for number in 0..60 {
                        let name = &format!("{number:02}");
                        let payload = "";
                        let job = NewJob {
                            name,
                            kind,
                            payload,
                        };
                        call.tagus.schedule_at(job, at).await?;
                    }
                    Ok(String::new())
                };
                let wake = async |call: RpcCall| {
                    let (name, kind, payload) = ("wake", "work", "");
                    let job = NewJob {
                        name,
                        kind,
                        payload,
                    };
                    call.tagus.schedule_at(job, UnixMillis(0)).await?;
                    Ok(String::new())
                };
                let count = async |call: RpcCall| {
                    Ok(call.tagus.scheduled("", 100).await?.len().to_string())
                };
                server
                    .job("work", work)
                    .rpc("plan", plan)
                    .rpc("wake", wake)
                    .rpc("count", count)
            },
        )
    });
    rpc(&servers[0], "plan", "");
    // The other one hears of them by a job of its own.
    rpc(&servers[1], "wake", "");
    let started = Instant::now();
    while rpc(&servers[0], "count", "") != "0" {
        assert!(started.elapsed() < PATIENCE, "jobs are left");
        std::thread::sleep(Duration::from_millis(5));
    }
    let ran: Vec<(usize, String)> = ran.try_iter().collect();
    for node in 0..2 {
        assert!(
            ran.iter().any(|(found, _)| *found == node),
            "node {node} ran none"
        );
    }
    execute(format!("DROP DATABASE {name} WITH (FORCE)"));
    assert_eq!(ran.len(), 61, "each ran once: {ran:?}");
}
