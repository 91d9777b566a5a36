//! Just enough HTTP: one request, one answer, one connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::error::ClientError;

/// A request.
pub(crate) struct Request<'a> {
    pub(crate) verb: &'static str,
    /// Path and query, percent-encoded.
    pub(crate) target: &'a str,
    /// The value of the `Authorization` header.
    pub(crate) authorization: &'a str,
    /// JSON.
    pub(crate) body: &'a [u8],
}

/// Status and body of an answer.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Sends a request over a connection of its own and reads the answer.
pub(crate) async fn exchange(authority: &str, request: Request<'_>) -> Result<Answer, ClientError> {
    tokio::time::timeout(TIMEOUT, exchange_unbounded(authority, request))
        .await
        .map_err(|_| ClientError::TimedOut {
            what: "a call of the API",
        })?
}

async fn exchange_unbounded(authority: &str, request: Request<'_>) -> Result<Answer, ClientError> {
    let io = |what| move |err| ClientError::Io { what, err };
    let mut stream = TcpStream::connect(authority)
        .await
        .map_err(io("connect to the server"))?;
    let bytes = encode(authority, &request);
    stream
        .write_all(&bytes)
        .await
        .map_err(io("send a request"))?;
    let mut answer = Vec::new();
    let mut limited = stream.take(ANSWER_BYTES_MAX + 1);
    limited
        .read_to_end(&mut answer)
        .await
        .map_err(io("read an answer"))?;
    if answer.len() as u64 > ANSWER_BYTES_MAX {
        return Err(ClientError::Answer {
            reason: "it is too long",
        });
    }
    parse(answer)
}

/// Version 1.0 asks for an answer without chunks on a connection that closes after it.
fn encode(authority: &str, request: &Request<'_>) -> Vec<u8> {
    let Request {
        verb,
        target,
        authorization,
        body,
    } = request;
    let mut bytes = format!(
        "{verb} {target} HTTP/1.0\r\nHost: {authority}\r\nAuthorization: {authorization}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn parse(mut answer: Vec<u8>) -> Result<Answer, ClientError> {
    let wrong = |reason| ClientError::Answer { reason };
    let head_bytes = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or(wrong("its head has no end"))?;
    let body = answer.split_off(head_bytes + 4);
    let head = str::from_utf8(&answer).map_err(|_| wrong("its head is not text"))?;
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1."))
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .ok_or(wrong("it is not HTTP"))?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map(|(_, value)| value.trim().parse::<usize>());
    match length {
        Some(Ok(length)) if length == body.len() => Ok(Answer { status, body }),
        None => Ok(Answer { status, body }),
        Some(_) => Err(wrong("its body is cut short")),
    }
}

/// Percent-encodes a text for a place in a query or a path.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Time for connecting, sending and the whole answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(answer: &[u8]) -> &'static str {
        match parse(answer.to_vec()) {
            Err(ClientError::Answer { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_is_status_and_body() {
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nX: y\r\n\r\n{}".to_vec();
        let expected = Answer {
            status: 404,
            body: b"{}".to_vec(),
        };
        assert_eq!(parse(answer).unwrap(), expected);
        let unsized_answer = b"HTTP/1.0 200 OK\r\n\r\n\r\n\r\n".to_vec();
        assert_eq!(parse(unsized_answer).unwrap().body, b"\r\n\r\n");
    }

    #[test]
    fn bad_answers_have_a_reason() {
        assert_eq!(reason(b""), "its head has no end");
        assert_eq!(reason(b"HTTP/1.1 200 OK\r\n"), "its head has no end");
        assert_eq!(reason(b"SSH-2.0\r\n\r\n"), "it is not HTTP");
        assert_eq!(reason(b"HTTP/1.1 many\r\n\r\n"), "it is not HTTP");
        assert_eq!(reason(b"HTTP/1.1 \xff\r\n\r\n"), "its head is not text");
        let short = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}";
        assert_eq!(reason(short), "its body is cut short");
    }

    #[test]
    fn only_plain_characters_stay() {
        assert_eq!(percent_encode("a-Z_0.~"), "a-Z_0.~");
        assert_eq!(
            percent_encode("a b&c=é/\r\n"),
            "a%20b%26c%3D%C3%A9%2F%0D%0A"
        );
    }
}
