//! Server side of the WebSocket protocol (RFC 6455) without extensions and without I/O.

use std::borrow::Cow;

use bytes::Bytes;
use thiserror::Error;

/// Longest header of a frame from a client, in bytes: two fixed, eight of length, four of mask.
///
/// An input buffer of `message_bytes_max + WS_HEADER_BYTES_MAX` bytes holds any acceptable frame.
pub const WS_HEADER_BYTES_MAX: usize = 14;

/// What [`WsDecoder::next`] found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WsEvent<B = Bytes> {
    /// A whole text message; the bytes are valid UTF-8.
    Text(B),
    /// A whole binary message.
    Binary(B),
    /// A ping; the payload (at most 125 bytes) goes back in a [`WsOpcode::Pong`].
    Ping(B),
    /// A pong, asked for or not.
    Pong,
    /// The peer wants to close: answer with a close frame, send nothing after it and read no more.
    Close {
        /// The peer's code, if it gave one.
        code: Option<u16>,
        /// The peer's reason, empty if it gave none (at most 123 bytes).
        reason: String,
    },
    /// A fragment was stored; the message is not complete yet.
    Continued,
}

/// An event whose payload is where it was received, if it came in one frame.
pub type WsEventRef<'a> = WsEvent<Cow<'a, [u8]>>;

impl WsEventRef<'_> {
    /// The same, for longer than the buffer that it was received in.
    #[must_use]
    pub fn into_owned(self) -> WsEvent {
        let owned = |payload: Cow<'_, [u8]>| Bytes::from(payload.into_owned());
        match self {
            Self::Text(payload) => WsEvent::Text(owned(payload)),
            Self::Binary(payload) => WsEvent::Binary(owned(payload)),
            Self::Ping(payload) => WsEvent::Ping(owned(payload)),
            Self::Pong => WsEvent::Pong,
            Self::Close { code, reason } => WsEvent::Close { code, reason },
            Self::Continued => WsEvent::Continued,
        }
    }
}

/// Why a peer's bytes cannot be taken; the connection must be closed with [`WsError::close_code`].
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum WsError {
    /// The message, with the fragments stored before it, is longer than the limit.
    #[error("message longer than the limit")]
    TooLarge,
    /// The peer broke the protocol in the way named.
    #[error("websocket protocol: {0}")]
    Protocol(&'static str),
    /// A text message or a close reason is not UTF-8.
    #[error("text is not utf-8")]
    NotUtf8,
}

impl WsError {
    /// The close code that tells the peer, by RFC 6455 section 7.4.1.
    #[must_use]
    pub const fn close_code(&self) -> u16 {
        match self {
            Self::TooLarge => 1009,
            Self::Protocol(_) => 1002,
            Self::NotUtf8 => 1007,
        }
    }
}

/// Meaning of a frame, by RFC 6455 section 5.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WsOpcode {
    /// A further fragment of a message.
    Continuation,
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
    /// End of the connection.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
}

impl WsOpcode {
    const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

/// Decodes what a client sends.
///
/// Driving order: append received bytes to a buffer, call [`WsDecoder::next`] and drop the consumed
/// bytes from the front until it answers `Ok(None)`, then read again.
/// After an error or a [`WsEvent::Close`] the decoder must not be used again.
/// It holds memory of its own only between the first and the last fragment of a message.
#[derive(Debug, Default)]
pub struct WsDecoder {
    /// Fragments so far; empty and without capacity unless `kind` is set.
    fragments: Vec<u8>,
    kind: Option<Kind>,
}

const _: () = assert!(size_of::<WsDecoder>() < 64);

impl WsDecoder {
    /// A decoder at the beginning of a connection, right after the upgrade.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            fragments: Vec::new(),
            kind: None,
        }
    }

    /// Takes one complete frame from the front of `input`, unmasking it in place.
    ///
    /// Answers how many bytes were consumed and what they meant, or `None` when the frame is not
    /// complete; an incomplete frame is left untouched.
    /// A frame is refused as soon as its header shows the fault, before its payload has arrived.
    ///
    /// # Errors
    /// [`WsError::TooLarge`] when message or fragments together exceed `message_bytes_max`,
    /// [`WsError::NotUtf8`] and [`WsError::Protocol`] as their docs say.
    pub fn next<'a>(
        &mut self,
        input: &'a mut [u8],
        message_bytes_max: usize,
    ) -> Result<Option<(usize, WsEventRef<'a>)>, WsError> {
        let Some(header) = Header::parse(input)? else {
            return Ok(None);
        };
        let payload_bytes = self.admit(&header, message_bytes_max)?;
        let frame_bytes = header.bytes.saturating_add(payload_bytes);
        let Some(payload) = input.get_mut(header.bytes..frame_bytes) else {
            return Ok(None);
        };
        unmask(payload, header.mask);
        let event = self.handle_frame(&header, payload)?;
        Ok(Some((frame_bytes, event)))
    }

    /// What the header alone decides; answers the payload's length.
    fn admit(&self, header: &Header, message_bytes_max: usize) -> Result<usize, WsError> {
        let room = match (header.opcode, self.kind) {
            (WsOpcode::Close | WsOpcode::Ping | WsOpcode::Pong, _) => {
                usize::from(CONTROL_BYTES_MAX)
            }
            (WsOpcode::Continuation, None) => {
                return Err(WsError::Protocol("continuation of nothing"));
            }
            (WsOpcode::Text | WsOpcode::Binary, Some(_)) => {
                return Err(WsError::Protocol("new message inside a fragmented one"));
            }
            // Saturates, since a limit that was lowered may be below what is already stored.
            (WsOpcode::Continuation, Some(_)) | (WsOpcode::Text | WsOpcode::Binary, None) => {
                message_bytes_max.saturating_sub(self.fragments.len())
            }
        };
        match usize::try_from(header.payload_bytes) {
            Ok(payload_bytes) if payload_bytes <= room => Ok(payload_bytes),
            Ok(_) | Err(_) => Err(WsError::TooLarge),
        }
    }

    fn handle_frame<'a>(
        &mut self,
        header: &Header,
        payload: &'a [u8],
    ) -> Result<WsEventRef<'a>, WsError> {
        match (header.opcode, header.fin) {
            (WsOpcode::Close, _) => parse_close(payload),
            (WsOpcode::Ping, _) => Ok(WsEvent::Ping(payload.into())),
            (WsOpcode::Pong, _) => Ok(WsEvent::Pong),
            (WsOpcode::Text, true) => Kind::Text.message(payload.into()),
            (WsOpcode::Binary, true) => Kind::Binary.message(payload.into()),
            (WsOpcode::Text, false) => Ok(self.store(Kind::Text, payload)),
            (WsOpcode::Binary, false) => Ok(self.store(Kind::Binary, payload)),
            (WsOpcode::Continuation, fin) => {
                let Some(kind) = self.kind else {
                    return Err(WsError::Protocol("continuation of nothing"));
                };
                let stored = self.store(kind, payload);
                if !fin {
                    return Ok(stored);
                }
                self.kind = None;
                kind.message(std::mem::take(&mut self.fragments).into())
            }
        }
    }

    fn store<B>(&mut self, kind: Kind, payload: &[u8]) -> WsEvent<B> {
        self.kind = Some(kind);
        self.fragments.extend_from_slice(payload);
        WsEvent::Continued
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Text,
    Binary,
}

impl Kind {
    fn message(self, payload: Cow<'_, [u8]>) -> Result<WsEventRef<'_>, WsError> {
        match self {
            Self::Binary => Ok(WsEvent::Binary(payload)),
            Self::Text if std::str::from_utf8(&payload).is_ok() => Ok(WsEvent::Text(payload)),
            Self::Text => Err(WsError::NotUtf8),
        }
    }
}

struct Header {
    opcode: WsOpcode,
    fin: bool,
    mask: [u8; 4],
    /// Length of the header itself.
    bytes: usize,
    payload_bytes: u64,
}

impl Header {
    fn parse(input: &[u8]) -> Result<Option<Self>, WsError> {
        let Some(&[first, second]) = input.first_chunk::<2>() else {
            return Ok(None);
        };
        let fin = first & 0x80 != 0;
        if first & 0x70 != 0 {
            return Err(WsError::Protocol("reserved bits set"));
        }
        let Some(opcode) = WsOpcode::from_bits(first & 0x0f) else {
            return Err(WsError::Protocol("unknown opcode"));
        };
        if second & 0x80 == 0 {
            return Err(WsError::Protocol("frame not masked"));
        }
        let short = second & 0x7f;
        if opcode.is_control() && !fin {
            return Err(WsError::Protocol("control frame fragmented"));
        }
        if opcode.is_control() && short > CONTROL_BYTES_MAX {
            return Err(WsError::Protocol("control frame too long"));
        }
        let Some((payload_bytes, rest)) = parse_length(short, &input[2..])? else {
            return Ok(None);
        };
        let Some(&mask) = rest.first_chunk::<4>() else {
            return Ok(None);
        };
        Ok(Some(Self {
            opcode,
            fin,
            mask,
            bytes: input.len() - rest.len() + mask.len(),
            payload_bytes,
        }))
    }
}

/// The payload's length and what follows it. Longer forms than needed are refused, as section 5.2 demands.
fn parse_length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, WsError> {
    match short {
        126 => {
            let Some((wide, rest)) = rest.split_first_chunk::<2>() else {
                return Ok(None);
            };
            let length = u16::from_be_bytes(*wide);
            if length < 126 {
                return Err(WsError::Protocol("length not in its shortest form"));
            }
            Ok(Some((u64::from(length), rest)))
        }
        127 => {
            let Some((wide, rest)) = rest.split_first_chunk::<8>() else {
                return Ok(None);
            };
            let length = u64::from_be_bytes(*wide);
            if length >> 63 != 0 {
                return Err(WsError::Protocol("length above 63 bits"));
            }
            if length <= u64::from(u16::MAX) {
                return Err(WsError::Protocol("length not in its shortest form"));
            }
            Ok(Some((length, rest)))
        }
        short => Ok(Some((u64::from(short), rest))),
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, tail) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

fn parse_close<B>(payload: &[u8]) -> Result<WsEvent<B>, WsError> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        if payload.is_empty() {
            let reason = String::new();
            return Ok(WsEvent::Close { code: None, reason });
        }
        return Err(WsError::Protocol("close code cut short"));
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(WsError::Protocol("close code not allowed"));
    }
    let reason = std::str::from_utf8(reason).map_err(|_| WsError::NotUtf8)?;
    Ok(WsEvent::Close {
        code: Some(code),
        reason: reason.to_owned(),
    })
}

/// One whole unmasked frame with `payload`, final fragment, ready to be written to any number of clients.
///
/// Control payloads must be at most 125 bytes ([`ws_close`] sees to it; a ping's payload comes within it).
#[must_use]
pub fn ws_frame(opcode: WsOpcode, payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(payload.len() + header_bytes(payload.len()));
    ws_frame_into(opcode, payload.len(), &mut out);
    out.extend_from_slice(payload);
    Bytes::from(out)
}

/// Appends the header of such a frame to `out`; the payload of `payload_len` bytes must follow it.
pub fn ws_frame_into(opcode: WsOpcode, payload_len: usize, out: &mut Vec<u8>) {
    debug_assert!(!opcode.is_control() || payload_len <= usize::from(CONTROL_BYTES_MAX));
    out.push(0x80 | opcode.bits());
    if let Ok(short @ 0..126) = u8::try_from(payload_len) {
        out.push(short);
    } else if let Ok(wide) = u16::try_from(payload_len) {
        out.push(126);
        out.extend_from_slice(&wide.to_be_bytes());
    } else {
        out.push(127);
        out.extend_from_slice(&(payload_len as u64).to_be_bytes());
    }
}

/// A close frame; `reason` is cut to at most 123 bytes at the end of a character.
#[must_use]
pub fn ws_close(code: u16, reason: &str) -> Bytes {
    let reason_bytes = reason.floor_char_boundary(usize::from(CONTROL_BYTES_MAX) - 2);
    let mut payload = Vec::with_capacity(2 + reason_bytes);
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(&reason.as_bytes()[..reason_bytes]);
    ws_frame(WsOpcode::Close, &payload)
}

const fn header_bytes(payload_len: usize) -> usize {
    match payload_len {
        0..126 => 2,
        126..=0xffff => 4,
        _ => 10,
    }
}

/// Longest payload of a control frame, by RFC 6455 section 5.5.
const CONTROL_BYTES_MAX: u8 = 125;

#[cfg(test)]
mod tests {
    use super::*;
    use tagus_base::Rng;

    /// A client's frame with a mask; `first` is the byte of final bit, reserved bits and opcode.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        ws_frame_into(WsOpcode::Binary, payload.len(), &mut out);
        out[0] = first;
        out[1] |= 0x80;
        out.extend_from_slice(&MASK);
        let at = out.len();
        out.extend_from_slice(payload);
        for (index, byte) in out[at..].iter_mut().enumerate() {
            *byte ^= MASK[index % 4];
        }
        out
    }

    /// Decodes everything in `input`; answers the events and the error that ended it.
    fn decode(mut input: Vec<u8>, message_bytes_max: usize) -> (Vec<WsEvent>, Option<WsError>) {
        let mut decoder = WsDecoder::new();
        let mut events = Vec::new();
        loop {
            match decoder.next(&mut input, message_bytes_max) {
                Ok(Some((consumed, event))) => {
                    events.push(event.into_owned());
                    drop(input.drain(..consumed));
                }
                Ok(None) => return (events, None),
                Err(err) => return (events, Some(err)),
            }
        }
    }

    fn text(text: &str) -> WsEvent {
        WsEvent::Text(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn each_violation_has_its_close_code() {
        let table: [(&str, u16, Vec<u8>); 27] = [
            ("reserved bit 1", 1002, frame(0xc1, b"a")),
            ("reserved bit 2", 1002, frame(0xa1, b"a")),
            ("reserved bit 3", 1002, frame(0x91, b"a")),
            ("data opcode 3", 1002, frame(0x83, b"a")),
            ("data opcode 7", 1002, frame(0x87, b"a")),
            ("control opcode b", 1002, frame(0x8b, b"a")),
            ("control opcode f", 1002, frame(0x8f, b"a")),
            ("not masked", 1002, vec![0x81, 1, b'a']),
            ("not masked, header alone", 1002, vec![0x82, 0x7f]),
            ("fragmented ping", 1002, frame(0x09, b"a")),
            ("fragmented close", 1002, frame(0x08, b"")),
            ("ping of 126", 1002, frame(0x89, &[0; 126])),
            ("close of 126", 1002, frame(0x88, &[3; 126])),
            (
                "ping with a long length, header alone",
                1002,
                vec![0x89, 0xff],
            ),
            ("continuation of nothing", 1002, frame(0x80, b"a")),
            (
                "continuation of nothing, more to come",
                1002,
                frame(0x00, b"a"),
            ),
            (
                "text in a text",
                1002,
                [frame(0x01, b"a"), frame(0x81, b"b")].concat(),
            ),
            (
                "binary in a binary",
                1002,
                [frame(0x02, b"a"), frame(0x02, b"b")].concat(),
            ),
            ("16 bits for 125", 1002, vec![0x82, 0xfe, 0, 125]),
            (
                "64 bits for 65535",
                1002,
                vec![0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
            ),
            (
                "64th bit",
                1002,
                vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0],
            ),
            ("close of one byte", 1002, frame(0x88, &[3])),
            (
                "close code 1005",
                1002,
                frame(0x88, &1005_u16.to_be_bytes()),
            ),
            (
                "close reason not utf-8",
                1007,
                frame(0x88, &[0x03, 0xe8, 0xff]),
            ),
            ("text not utf-8", 1007, frame(0x81, b"a\xff")),
            (
                "text that ends inside a character",
                1007,
                frame(0x81, "\u{20ac}".as_bytes().split_last().unwrap().1),
            ),
            (
                "fragments that end inside a character",
                1007,
                [frame(0x01, b"a\xe2"), frame(0x80, b"\x82")].concat(),
            ),
        ];
        for (name, code, input) in table {
            let (_, err) = decode(input, 4_096);
            assert_eq!(err.map(|err| err.close_code()), Some(code), "{name}");
        }
    }

    #[test]
    fn a_message_may_have_the_maximum_and_not_one_byte_more() {
        for max in [0, 1, 125, 126, 127, 4_096, 65_535, 65_536] {
            let (events, err) = decode(frame(0x82, &vec![7; max]), max);
            assert_eq!(events, [WsEvent::Binary(Bytes::from(vec![7; max]))]);
            assert_eq!(err, None);
            let too_long = frame(0x82, &vec![7; max + 1]);
            let header_only = too_long[..too_long.len() - max - 1].to_vec();
            assert_eq!(
                decode(header_only, max),
                (vec![], Some(WsError::TooLarge)),
                "before the payload"
            );
        }
    }

    #[test]
    fn fragments_together_may_have_the_maximum_and_not_one_byte_more() {
        let start = [frame(0x01, b"abc"), frame(0x89, b"ping"), frame(0x00, b"")].concat();
        let fits = [start.clone(), frame(0x80, b"de")].concat();
        let expected = [
            WsEvent::Continued,
            WsEvent::Ping(Bytes::from_static(b"ping")),
            WsEvent::Continued,
            text("abcde"),
        ];
        assert_eq!(decode(fits, 5), (expected.to_vec(), None));
        let too_long = [start, frame(0x00, b"def")].concat();
        assert_eq!(
            decode(too_long, 5),
            (expected[..3].to_vec(), Some(WsError::TooLarge))
        );
    }

    #[test]
    fn the_greatest_length_that_can_be_written_does_not_overflow() {
        let input = vec![
            0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4,
        ];
        assert_eq!(decode(input.clone(), 4_096).1, Some(WsError::TooLarge));
        assert_eq!(
            decode(input, usize::MAX).1,
            None,
            "waits for it if the caller wants it"
        );
    }

    #[test]
    fn an_incomplete_frame_is_left_untouched() {
        let whole = frame(0x81, "h\u{e9}llo, a text of some length".as_bytes());
        let mut decoder = WsDecoder::new();
        for length in 0..whole.len() {
            let mut part = whole[..length].to_vec();
            assert_eq!(decoder.next(&mut part, 4_096), Ok(None));
            assert_eq!(part, whole[..length]);
        }
        let mut input = whole.clone();
        let (consumed, event) = decoder.next(&mut input, 4_096).unwrap().unwrap();
        assert_eq!(
            (consumed, event.into_owned()),
            (whole.len(), text("h\u{e9}llo, a text of some length"))
        );
    }

    #[test]
    fn memory_is_held_only_while_fragments_wait() {
        let mut decoder = WsDecoder::new();
        decoder.next(&mut frame(0x02, &[1; 100]), 4_096).unwrap();
        assert!(decoder.fragments.capacity() >= 100);
        decoder.next(&mut frame(0x80, &[2; 100]), 4_096).unwrap();
        assert_eq!(decoder.fragments.capacity(), 0);
        decoder.next(&mut frame(0x82, &[3; 100]), 4_096).unwrap();
        assert_eq!(decoder.fragments.capacity(), 0);
    }

    #[test]
    fn close_codes_are_those_that_may_be_sent() {
        for code in 0..=5_000_u16 {
            let (events, err) = decode(frame(0x88, &code.to_be_bytes()), 4_096);
            let allowed = match code {
                1004..=1006 | 1015 => false,
                1000..=1014 | 3000..=4999 => true,
                _ => false,
            };
            assert_eq!(err.is_none(), allowed, "{code}");
            assert_eq!(events.len(), usize::from(allowed));
        }
        let close = |code, reason: &str| WsEvent::Close {
            code,
            reason: reason.to_owned(),
        };
        assert_eq!(decode(frame(0x88, b""), 0).0, [close(None, "")]);
        assert_eq!(
            decode(frame(0x88, b"\x03\xe9bye"), 0).0,
            [close(Some(1001), "bye")]
        );
    }

    #[test]
    fn a_close_reason_is_cut_at_the_end_of_a_character() {
        assert_eq!(ws_close(1000, "")[..], [0x88, 2, 0x03, 0xe8]);
        assert_eq!(ws_close(1000, &"a".repeat(123)).len(), 127);
        assert_eq!(ws_close(1000, &"a".repeat(124)).len(), 127);
        let cut = ws_close(1000, &"\u{20ac}".repeat(50));
        assert_eq!(
            std::str::from_utf8(&cut[4..]),
            Ok("\u{20ac}".repeat(41).as_str())
        );
        let cut = ws_close(1000, &format!("a{}", "\u{20ac}".repeat(50)));
        assert_eq!(cut.len(), 4 + 1 + 40 * 3);
    }

    #[test]
    fn written_headers_have_their_shortest_form() {
        let header = |payload_len| {
            let mut out = Vec::new();
            ws_frame_into(WsOpcode::Text, payload_len, &mut out);
            assert_eq!(out.len(), header_bytes(payload_len));
            out
        };
        assert_eq!(header(0), [0x81, 0]);
        assert_eq!(header(125), [0x81, 125]);
        assert_eq!(header(126), [0x81, 126, 0, 126]);
        assert_eq!(header(65_535), [0x81, 126, 0xff, 0xff]);
        assert_eq!(header(65_536), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn seeded_garbage_never_panics_and_never_stores_more_than_the_limit() {
        for seed in 0..2_000 {
            let mut rng = Rng::new(seed);
            let mut input = Vec::new();
            // Half of the runs are bytes of any kind, half are sound frames with one bit turned.
            if seed % 2 == 0 {
                input.extend((0..rng.below(64)).map(|_| rng.next_u64().to_le_bytes()[0]));
            } else {
                for _ in 0..rng.below(8) {
                    let first =
                        [0x01, 0x02, 0x00, 0x80, 0x81, 0x82, 0x88, 0x89][rng.below(8) as usize];
                    input.extend(frame(first, &vec![b'x'; rng.below(40) as usize]));
                }
                if let Some(byte) = input.get_mut(rng.below(300) as usize) {
                    *byte ^= 1 << rng.below(8);
                }
            }
            let mut decoder = WsDecoder::new();
            while let Ok(Some((consumed, _))) = decoder.next(&mut input, 64) {
                assert!((2..=input.len()).contains(&consumed), "seed {seed}");
                assert!(decoder.fragments.len() <= 64, "seed {seed}");
                drop(input.drain(..consumed));
            }
        }
    }

    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
}
