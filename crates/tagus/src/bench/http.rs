//! An HTTP/1.1 client that costs little: requests that were made before, and no header read that need not be.

use std::io;
use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// A request as bytes, with a number at one place that is another in each.
#[derive(Clone, Debug)]
pub(super) struct Request {
    bytes: Vec<u8>,
    number_at: Option<usize>,
}

impl Request {
    /// `start` is verb and path, `authorization` the header's value; a run of [`NUMBER_DIGITS`] `#` in the body is the
    /// place of the number.
    pub(super) fn new(start: &str, authorization: Option<&str>, body: &str) -> Self {
        let authorization =
            authorization.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
        let length = body.len();
        let text = format!(
            "{start} HTTP/1.1\r\nHost: bench\r\n{authorization}Content-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        Self {
            number_at: text.find(&"#".repeat(NUMBER_DIGITS)),
            bytes: text.into_bytes(),
        }
    }

    /// Puts the number into its place, if the request has one.
    pub(super) fn set_number(&mut self, mut number: u64) {
        let Some(at) = self.number_at else { return };
        for digit in self.bytes[at..at + NUMBER_DIGITS].iter_mut().rev() {
            *digit = b"0123456789"[(number % 10) as usize];
            number /= 10;
        }
    }
}

/// A connection that is kept.
pub(super) struct HttpConnection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl HttpConnection {
    /// Connects.
    pub(super) async fn open(server: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server).await.context("connect")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: vec![0; ANSWER_BYTES_MAX],
        })
    }

    /// Sends a request, waits for its answer, and gives the answer's body. Another status than 200 is an error.
    pub(super) async fn exchange(&mut self, request: &Request) -> anyhow::Result<&[u8]> {
        let written = match self.stream.try_write(&request.bytes) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.stream.writable().await?;
                self.stream.try_write(&request.bytes)?
            }
            Err(error) => return Err(error.into()),
        };
        ensure!(written == request.bytes.len(), "the server does not read");
        let mut filled = 0;
        loop {
            // Knows from a short read that there is nothing more, which saves a call.
            match self.stream.read(&mut self.received[filled..]).await? {
                0 => bail!("the server closed, or its answer is too long"),
                count => filled += count,
            }
            if let Some((body_at, end)) = answer_end(&self.received[..filled])? {
                ensure!(filled <= end, "more than one answer");
                if filled == end {
                    return Ok(&self.received[body_at..end]);
                }
            }
        }
    }
}

/// Where the body begins and ends, once the head is whole.
fn answer_end(received: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let Some(head_end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = &received[..head_end];
    if !head.starts_with(b"HTTP/1.1 200 ") {
        bail!("refused: {}", String::from_utf8_lossy(received));
    }
    let head = std::str::from_utf8(head).context("an answer's head is no text")?;
    let length = head
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let found = name.eq_ignore_ascii_case("content-length");
            found.then(|| value.trim().parse::<usize>().ok())?
        })
        .context("an answer without its length")?;
    Ok(Some((head_end + 4, head_end + 4 + length)))
}

/// Digits of a request's number.
pub(super) const NUMBER_DIGITS: usize = 12;
const ANSWER_BYTES_MAX: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_put_into_its_place() {
        let mut request = Request::new("POST /x", Some("Basic k"), r#"{"id":"a############"}"#);
        request.set_number(1_207);
        let text = String::from_utf8(request.bytes).unwrap();
        assert_eq!(
            text,
            "POST /x HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic k\r\nContent-Type: application/json\r\n\
             Content-Length: 22\r\n\r\n{\"id\":\"a000000001207\"}"
        );
    }

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: x\r\nContent-Length: 2\r\n\r\n{}";
        let end = answer.len();
        assert_eq!(answer_end(answer).unwrap(), Some((end - 2, end)));
        assert_eq!(answer_end(&answer[..end - 3]).unwrap(), None);
        assert!(answer_end(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(answer_end(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
