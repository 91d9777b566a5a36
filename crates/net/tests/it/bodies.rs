//! What the codecs promise for any bytes. Run on seeds by these tests, and by the targets of `fuzz/`.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use bytes::Bytes;
use tagus_net::{
    PROXY_HEADER_BYTES_MAX, WS_HEADER_BYTES_MAX, WsDecoder, WsError, WsEvent, proxy_parse,
};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// The first byte says how the rest arrives. However it is cut, it means the same, and the same as to tungstenite.
pub(crate) fn ws_codec(input: &[u8]) {
    let Some((cut, stream)) = input.split_first() else {
        return;
    };
    let (events, end) = decode(stream, usize::from(*cut) + 1);
    assert_eq!(decode(stream, stream.len().max(1)), (events.clone(), end));
    let (others, other_end) = decode_by_tungstenite(stream);
    let both = events.len().min(others.len());
    assert_eq!(events[..both], others[..both]);
    for event in &events {
        assert!(!matches!(event, WsEvent::Text(text) if std::str::from_utf8(text).is_err()));
    }
    match (end, other_end) {
        (None, None) => assert_eq!(events.len(), others.len()),
        // What the other one takes and we do not is named by us.
        (Some(_), None) => assert!(events.len() <= others.len()),
        // It looks at fragments of text before the last has come, and so ends earlier.
        (None, Some(Error::Utf8(_))) => {}
        (None, Some(err)) => panic!("taken here, but not there: {err}"),
        (Some(_), Some(_)) => {}
    }
}

/// Reads a stream in pieces of `piece` bytes to its end, its close or its first fault.
pub(crate) fn decode(stream: &[u8], piece: usize) -> (Vec<WsEvent>, Option<WsError>) {
    let mut decoder = WsDecoder::new();
    let mut buffer = Vec::new();
    let mut events = Vec::new();
    for chunk in stream.chunks(piece) {
        buffer.extend_from_slice(chunk);
        loop {
            match decoder.next(&mut buffer, MESSAGE_BYTES_MAX) {
                Ok(None) => break,
                Ok(Some((consumed, event))) => {
                    let event = event.into_owned();
                    drop(buffer.drain(..consumed));
                    if event != WsEvent::Continued {
                        events.push(event);
                    }
                    if matches!(events.last(), Some(WsEvent::Close { .. })) {
                        return (events, None);
                    }
                }
                Err(err) => return (events, Some(err)),
            }
        }
        assert!(buffer.len() < MESSAGE_BYTES_MAX + WS_HEADER_BYTES_MAX);
    }
    (events, None)
}

/// The same by another decoder.
fn decode_by_tungstenite(stream: &[u8]) -> (Vec<WsEvent>, Option<Error>) {
    let pipe = Pipe {
        incoming: stream.iter().copied().collect(),
        outgoing: Vec::new(),
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let mut server = WebSocket::from_raw_socket(pipe, Role::Server, Some(config));
    let mut events = Vec::new();
    loop {
        events.push(match server.read() {
            Ok(Message::Text(text)) => WsEvent::Text(Bytes::from(text)),
            Ok(Message::Binary(data)) => WsEvent::Binary(data),
            Ok(Message::Ping(data)) => WsEvent::Ping(data),
            Ok(Message::Pong(_)) => WsEvent::Pong,
            Ok(Message::Close(frame)) => {
                let code = frame.as_ref().map(|frame| frame.code.into());
                let reason = frame.map(|frame| frame.reason.to_string());
                let reason = reason.unwrap_or_default();
                events.push(WsEvent::Close { code, reason });
                return (events, None);
            }
            Ok(Message::Frame(_)) => unreachable!("a frame is never read as such"),
            Err(Error::Io(err)) if err.kind() == io::ErrorKind::WouldBlock => {
                return (events, None);
            }
            Err(err) => return (events, Some(err)),
        });
    }
}

/// A header is found in its last byte, not before and not differently when more follows.
pub(crate) fn proxy_header(input: &[u8]) {
    match proxy_parse(input) {
        Ok(Some((consumed, header))) => {
            assert!(consumed <= input.len().min(PROXY_HEADER_BYTES_MAX));
            for cut in 0..consumed {
                assert_eq!(proxy_parse(&input[..cut]), Ok(None));
            }
            let followed = [input, b"\r\nPROXY "].concat();
            assert_eq!(proxy_parse(&followed), Ok(Some((consumed, header))));
        }
        Ok(None) => assert!(input.len() < PROXY_HEADER_BYTES_MAX),
        Err(err) => assert_eq!(proxy_parse(&[input, b"\r\n"].concat()), Err(err)),
    }
}

/// Both directions of a connection in memory.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    pub(crate) incoming: VecDeque<u8>,
    pub(crate) outgoing: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.incoming.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.incoming.read(buf)
    }
}

impl Write for Pipe {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.outgoing.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) const MESSAGE_BYTES_MAX: usize = 4_096;
