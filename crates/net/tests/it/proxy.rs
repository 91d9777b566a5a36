//! PROXY headers as proxies send them, cut short, and as nobody should send them.

use std::net::SocketAddr;

use tagus_base::Rng;
use tagus_net::{PROXY_HEADER_BYTES_MAX, ProxyError, ProxyHeader, ProxyReader, proxy_parse};

use crate::bodies::proxy_header;

#[test]
fn sound_headers_are_understood_whole_and_asked_for_when_cut() {
    let tlv = [0x04, 0x00, 0x02, 0xaa, 0xbb];
    let table: [(Vec<u8>, Option<&str>); 13] = [
        (
            v1("TCP4 192.0.2.7 10.0.0.1 51000 7352"),
            Some("192.0.2.7:51000"),
        ),
        (
            v1("TCP4 255.255.255.255 255.255.255.255 65535 65535"),
            Some("255.255.255.255:65535"),
        ),
        (v1("TCP4 192.0.2.7 10.0.0.1 0 0"), Some("192.0.2.7:0")),
        (
            v1("TCP6 2001:db8::7 ::1 51000 7352"),
            Some("[2001:db8::7]:51000"),
        ),
        (v1("UNKNOWN"), None),
        (
            v1("UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535"),
            None,
        ),
        (v2(0x21, 0x11, &TCP4), Some("192.0.2.7:51000")),
        (
            v2(0x21, 0x11, &[&TCP4[..], &tlv].concat()),
            Some("192.0.2.7:51000"),
        ),
        (v2(0x21, 0x21, &TCP6), Some("[2001:db8::7]:51000")),
        (v2(0x20, 0x00, &[]), None),
        (v2(0x20, 0x11, &TCP4), None),
        (v2(0x21, 0x00, &[]), None),
        (v2(0x21, 0x31, &[7; 216]), None),
    ];
    for (header, source) in table {
        let source = source.map(|text| text.parse::<SocketAddr>().unwrap());
        for length in 0..header.len() {
            assert_eq!(
                proxy_parse(&header[..length]),
                Ok(None),
                "{length} of {header:?}"
            );
        }
        let expected = Ok(Some((header.len(), ProxyHeader { source })));
        assert_eq!(proxy_parse(&header), expected, "{header:?}");
        let followed = [&header[..], b"PROXY \r\n and what the client says"].concat();
        assert_eq!(proxy_parse(&followed), expected, "{header:?}");
    }
}

#[test]
fn hostile_headers_are_refused() {
    let malformed = [
        "",
        "TCP4",
        "TCP5 1.2.3.4 1.2.3.4 1 1",
        "tcp4 1.2.3.4 1.2.3.4 1 1",
    ]
    .into_iter()
    .chain([
        "TCP4 1.2.3.4 1.2.3.4 1",
        "TCP4 1.2.3.4 1.2.3.4 1 1 ",
        "TCP4  1.2.3.4 1.2.3.4 1 1",
    ])
    .chain([
        "TCP4 ::1 ::1 1 1",
        "TCP6 1.2.3.4 1.2.3.4 1 1",
        "TCP4 1.2.3.4 1.2.3.04 1 1",
    ])
    .chain([
        "TCP4 1.2.3.4 1.2.3.4 65536 1",
        "TCP4 1.2.3.4 1.2.3.4 +1 1",
        "TCP4 1.2.3.4 1.2.3.4 1 01",
    ])
    .chain([
        "TCP4 1.2.3.4 1.2.3.4 -1 1",
        "TCP4 1.2.3.4 1.2.3.4  1",
        "\u{e9}",
    ]);
    for line in malformed {
        let got = proxy_parse(&v1(line));
        assert!(
            matches!(got, Err(ProxyError::Malformed(_))),
            "{line:?}: {got:?}"
        );
    }
    let short = |command, family, body: &[u8]| proxy_parse(&v2(command, family, body));
    for (command, family, body) in [
        (0x11, 0x11, &TCP4[..]),
        (0x31, 0x11, &TCP4[..]),
        (0x22, 0x11, &TCP4[..]),
        (0x21, 0x11, &TCP4[..11]),
        (0x21, 0x11, &[]),
        (0x21, 0x21, &TCP6[..35]),
    ] {
        let got = short(command, family, body);
        assert!(
            matches!(got, Err(ProxyError::Malformed(_))),
            "{command:x} {family:x}: {got:?}"
        );
    }
    for other in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"PROXZ",
        b"PROXYTCP4",
        b"\r\n\r\n\0\r\nQUIT\r",
        b"\x16\x03\x01",
    ] {
        assert_eq!(proxy_parse(other), Err(ProxyError::Missing), "{other:?}");
    }
}

#[test]
fn lengths_at_their_maximum_are_taken_and_one_more_is_refused() {
    let body_max = PROXY_HEADER_BYTES_MAX - 16;
    let whole = v2(0x20, 0, &vec![0; body_max]);
    assert_eq!(
        proxy_parse(&whole),
        Ok(Some((PROXY_HEADER_BYTES_MAX, ProxyHeader { source: None })))
    );
    let more = v2(0x20, 0, &vec![0; body_max + 1]);
    assert_eq!(
        proxy_parse(&more[..16]),
        Err(ProxyError::TooLong),
        "from the fixed part alone"
    );

    // 107 bytes in all: "PROXY ", the line and its end.
    let longest = format!("UNKNOWN {}", "x".repeat(107 - 6 - 8 - 2));
    assert_eq!(
        proxy_parse(&v1(&longest)),
        Ok(Some((107, ProxyHeader { source: None })))
    );
    assert_eq!(
        proxy_parse(&v1(&format!("{longest}x"))),
        Err(ProxyError::TooLong)
    );
}

#[test]
fn seeded_garbage_is_read_the_same_however_it_is_cut() {
    let headers = [
        v1("TCP4 192.0.2.7 10.0.0.1 51000 7352"),
        v2(0x21, 0x11, &TCP4),
        v2(0x21, 0x21, &TCP6),
    ];
    for seed in 0..20_000 {
        let mut rng = Rng::new(seed);
        let mut input = headers[rng.below(3) as usize].clone();
        for _ in 0..rng.below(4) {
            let at = rng.below(u32::try_from(input.len()).unwrap()) as usize;
            input[at] = rng.next_u64().to_le_bytes()[0];
        }
        input.truncate(rng.below(80) as usize);
        proxy_header(&input);
    }
}

#[test]
fn a_stream_is_read_to_the_headers_end_and_no_further() {
    let headers = [
        v1("TCP4 192.0.2.7 10.0.0.1 51000 7352"),
        v2(0x21, 0x21, &TCP6),
        v2(0x20, 0, &[0; PROXY_HEADER_BYTES_MAX - 16]),
    ];
    for header in headers {
        let (_, expected) = proxy_parse(&header).unwrap().unwrap();
        let stream = [&header[..], b"PROXY TCP4 is what the client says"].concat();
        for piece in [1, 2, 7, header.len() - 1, header.len(), stream.len()] {
            let mut reader = ProxyReader::default();
            let mut rest = &stream[..];
            let got = loop {
                // What was peeked at and not taken is there again.
                let (take, got) = reader
                    .handle_peeked(&rest[..piece.min(rest.len())])
                    .unwrap();
                rest = &rest[take..];
                if let Some(got) = got {
                    break got;
                }
            };
            assert_eq!(got, expected, "pieces of {piece}");
            assert_eq!(rest, &stream[header.len()..], "pieces of {piece}");
        }
    }
    let mut reader = ProxyReader::default();
    assert_eq!(reader.handle_peeked(b"PROX"), Ok((4, None)));
    assert_eq!(reader.handle_peeked(b"I"), Err(ProxyError::Missing));
}

fn v1(line: &str) -> Vec<u8> {
    format!("PROXY {line}\r\n").into_bytes()
}

fn v2(version_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut out = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    out.extend([version_command, family]);
    out.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    out.extend(body);
    out
}

const TCP4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0xc7, 0x38, 0x1c, 0xb8];
const TCP6: [u8; 36] = {
    let mut out = [0; 36];
    let source = [0x20, 0x01, 0x0d, 0xb8];
    out.split_at_mut(4).0.copy_from_slice(&source);
    out[15] = 7;
    out[31] = 1;
    out[32] = 0xc7;
    out[33] = 0x38;
    out
};
