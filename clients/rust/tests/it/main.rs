//! The socket against a server that follows a script.

#![expect(clippy::unwrap_used, reason = "a failed test says where")]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tagus_client::{Client, ClientError, Envelope, Format, Message, Session, Socket};
use tagus_wire::realtime::{Error, Match, MatchData, Ping, Pong};
use tagus_wire::{decode_envelope, encode_envelope};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite};

#[tokio::test]
async fn pushes_before_an_answer_wait_in_order() {
    for format in [Format::Json, Format::Protobuf] {
        let (mut socket, mut server) = pair(format).await;
        let serve = async {
            let asked = server.receive().await;
            assert!(matches!(asked.message, Some(Message::MatchCreate(_))));
            server.send("", data(1)).await;
            server.send("", data(2)).await;
            let joined = Match {
                match_id: "m.".to_owned(),
                ..Default::default()
            };
            server.send(&asked.cid, Message::Match(joined)).await;
            server.send("", data(3)).await;
        };
        let (joined, ()) = tokio::join!(socket.create_match(), serve);
        assert_eq!(joined.unwrap().match_id, "m.");
        for op_code in 1..=3 {
            assert_eq!(socket.next().await.unwrap().message, Some(data(op_code)));
        }
    }
}

#[tokio::test]
async fn an_error_answers_its_request_only() {
    let (mut socket, mut server) = pair(Format::Protobuf).await;
    let serve = async {
        let asked = server.receive().await;
        server.send("", refusal("not yours")).await;
        server.send(&asked.cid, refusal("no such match")).await;
        let asked = server.receive().await;
        server
            .send(&asked.cid, Message::Pong(Pong::default()))
            .await;
    };
    let ask = async {
        let refused = socket.join_match("x.").await;
        let Err(ClientError::Server { code: 4, message }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(message, "no such match");
        let answer = socket
            .request(Message::Ping(Ping::default()))
            .await
            .unwrap();
        assert!(matches!(answer.message, Some(Message::Pong(_))));
        assert_eq!(
            socket.next().await.unwrap().message,
            Some(refusal("not yours"))
        );
    };
    tokio::join!(ask, serve);
}

#[tokio::test]
async fn a_request_without_an_answer_times_out() {
    let (mut socket, _server) = pair(Format::Protobuf).await;
    socket.set_timeout(Duration::from_millis(1));
    let answer = socket.request(Message::Ping(Ping::default())).await;
    assert!(
        matches!(answer, Err(ClientError::TimedOut { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_bad_message_is_an_error_and_a_close_has_its_reason() {
    let (mut socket, mut server) = pair(Format::Protobuf).await;
    let bad = tungstenite::Message::Binary(Bytes::from_static(&[0xff]));
    server.stream.send(bad).await.unwrap();
    server.send("", data(7)).await;
    let close = CloseFrame {
        code: CloseCode::Away,
        reason: "restarting".into(),
    };
    server.stream.close(Some(close)).await.unwrap();

    let first = socket.next().await;
    assert!(matches!(first, Err(ClientError::Envelope(_))), "{first:?}");
    assert_eq!(socket.next().await.unwrap().message, Some(data(7)));
    let last = socket.next().await;
    let Err(ClientError::Closed {
        reason: Some(reason),
    }) = last
    else {
        panic!("{last:?}");
    };
    assert_eq!(reason, "restarting");
}

#[tokio::test]
async fn calls_carry_the_key_and_errors_their_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap()), "key").unwrap();
    let call = client.authenticate_device("device id", false, Some("a&b"));
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4_096];
        let length = stream.read(&mut request).await.unwrap();
        let body = r#"{"code":5,"message":"User account not found."}"#;
        let answer = format!(
            "HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request[..length].to_vec()).unwrap()
    };
    let (answer, request) = tokio::join!(call, serve);
    let Err(ClientError::Refused {
        status: 404,
        code: 5,
        message,
    }) = answer
    else {
        panic!("{answer:?}");
    };
    assert_eq!(message, "User account not found.");
    let first = "POST /v2/account/authenticate/device?create=false&username=a%26b HTTP/1.0\r\n";
    assert!(request.starts_with(first), "{request}");
    assert!(
        request.contains("\r\nAuthorization: Basic a2V5Og==\r\n"),
        "{request}"
    );
    assert!(request.ends_with(r#"{"id":"device id"}"#), "{request}");
}

struct Script {
    stream: WebSocketStream<TcpStream>,
    format: Format,
}

impl Script {
    async fn receive(&mut self) -> Envelope {
        let frame = self.stream.next().await.unwrap().unwrap();
        decode_envelope(self.format, &frame.into_data()).unwrap()
    }

    async fn send(&mut self, cid: &str, message: Message) {
        let envelope = Envelope {
            cid: cid.to_owned(),
            message: Some(message),
        };
        let mut bytes = Vec::new();
        encode_envelope(self.format, &envelope, &mut bytes);
        let frame = match self.format {
            Format::Json => tungstenite::Message::text(String::from_utf8(bytes).unwrap()),
            Format::Protobuf => tungstenite::Message::binary(bytes),
        };
        self.stream.send(frame).await.unwrap();
    }
}

async fn pair(format: Format) -> (Socket, Script) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let session = session(&format!("http://{address}"));
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        accept_async(stream).await.unwrap()
    };
    let (socket, stream) = tokio::join!(Socket::connect(&session, format, false), accept);
    (socket.unwrap(), Script { stream, format })
}

fn session(url: &str) -> Session {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"uid":"u","usn":"n","exp":1}"#);
    let client = Client::new(url, "key").unwrap();
    client.restore(&format!("e30.{claims}.c2ln"), "").unwrap()
}

fn data(op_code: i64) -> Message {
    Message::MatchData(MatchData {
        match_id: "m.".to_owned(),
        op_code,
        ..Default::default()
    })
}

fn refusal(message: &str) -> Message {
    Message::Error(Error {
        code: 4,
        message: message.to_owned(),
        ..Default::default()
    })
}
