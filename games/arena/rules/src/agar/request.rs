//! What a client of the Agar protocol says once it is let in.

use super::dialect::Dialect;

/// A request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Request {
    /// Play under this name.
    Spawn {
        name: String,
    },
    /// Watch the largest player.
    Spectate,
    /// Head for this point, in units.
    Pointer {
        x: i32,
        y: i32,
    },
    Split,
    Eject,
    QDown,
    QUp,
    /// How the server is.
    Statistics,
    /// Known, and without an effect here.
    Ignored,
}

impl Request {
    /// None for what breaks the protocol.
    pub(super) fn decode(dialect: Dialect, frame: &[u8]) -> Option<Self> {
        let (op, rest) = frame.split_first()?;
        Some(match (op, rest) {
            (0, name) => Self::Spawn {
                name: name_of(dialect.text(name)),
            },
            (1, _) => Self::Spectate,
            (16, rest) => pointer(rest)?,
            (17, _) => Self::Split,
            (18, _) => Self::QDown,
            (19, _) => Self::QUp,
            (21, _) => Self::Eject,
            (99, rest) => chat(rest)?,
            (254, _) => Self::Statistics,
            (op, _) if dialect.ignores(*op) => Self::Ignored,
            _ => return None,
        })
    }
}

/// The form is told by the length alone. Behind the coordinates are four bytes without a meaning.
fn pointer(rest: &[u8]) -> Option<Request> {
    let whole = |value: f64| value as i32;
    let (x, y) = match *rest {
        [x0, x1, y0, y1, _, _, _, _] => (
            i16::from_le_bytes([x0, x1]).into(),
            i16::from_le_bytes([y0, y1]).into(),
        ),
        [x0, x1, x2, x3, y0, y1, y2, y3, _, _, _, _] => (
            i32::from_le_bytes([x0, x1, x2, x3]),
            i32::from_le_bytes([y0, y1, y2, y3]),
        ),
        _ => {
            let (x, rest) = rest.split_first_chunk()?;
            let (y, rest) = rest.split_first_chunk()?;
            if rest.len() != 4 {
                return None;
            }
            let finite = |bytes: &[u8; 8]| {
                let value = f64::from_le_bytes(*bytes);
                whole(if value.is_finite() { value } else { 0.0 })
            };
            (finite(x), finite(y))
        }
    };
    Some(Request::Pointer { x, y })
}

/// Chat is checked and not passed on.
fn chat(rest: &[u8]) -> Option<Request> {
    let (flags, rest) = rest.split_first()?;
    let skipped = [(2, 4), (4, 8), (8, 16)]
        .into_iter()
        .filter(|(flag, _)| flags & flag != 0)
        .map(|(_, bytes)| bytes)
        .sum();
    rest.get(skipped..).map(|_| Request::Ignored)
}

/// The name without the skin that may stand before it.
fn name_of(text: String) -> String {
    match (text.find('<'), text.rfind('>')) {
        (Some(begin), Some(end)) if begin < end => text[end + 1..].to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_version_has_other_texts_and_two_more_keys() {
        let decode = |frame: &[u8]| Request::decode(Dialect::Utf16, frame);
        let spawn = |name: &str| Some(Request::Spawn { name: name.into() });
        let cases: [(&[u8], Option<Request>); 8] = [
            (b"\0", spawn("")),
            (b"\0A\0n\0n\0", spawn("Ann")),
            (b"\0A\0n\0n\0\0\0x\0", spawn("Ann")),
            (b"\0<\0s\0>\0\x3d\xd8\x00\xde", spawn("\u{1f600}")),
            (b"\x50key", Some(Request::Ignored)),
            (b"\x66account", Some(Request::Ignored)),
            (
                &[16, 1, 0, 0xff, 0xff, 9, 9, 9, 9],
                Some(Request::Pointer { x: 1, y: -1 }),
            ),
            (b"\x51", None),
        ];
        for (frame, expected) in cases {
            assert_eq!(decode(frame), expected, "{frame:?}");
        }
    }

    #[test]
    fn requests_are_as_the_protocol_says() {
        let spawn = |name: &str| Some(Request::Spawn { name: name.into() });
        let point = |x, y| Some(Request::Pointer { x, y });
        let nan = [
            &[16][..],
            &f64::NAN.to_le_bytes(),
            &(-2.9_f64).to_le_bytes(),
            &[0; 4],
        ]
        .concat();
        let cases: Vec<(Vec<u8>, Option<Request>)> = vec![
            (b"\0Ann\0".to_vec(), spawn("Ann")),
            (b"\0".to_vec(), spawn("")),
            (b"\0x<skin>Ann\0rest".to_vec(), spawn("Ann")),
            (b"\0a>b<c\0".to_vec(), spawn("a>b<c")),
            (b"\0\xff\0".to_vec(), spawn("\u{fffd}")),
            (vec![1], Some(Request::Spectate)),
            (vec![16, 1, 0, 0xff, 0xff, 9, 9, 9, 9], point(1, -1)),
            (
                vec![16, 0, 1, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0, 0, 0, 0],
                point(256, -2),
            ),
            (nan, point(0, -2)),
            (vec![16; 12], None),
            (vec![16; 14], None),
            (vec![16; 20], None),
            (vec![16; 22], None),
            (vec![16], None),
            (vec![17], Some(Request::Split)),
            (vec![18], Some(Request::QDown)),
            (vec![19], Some(Request::QUp)),
            (vec![21], Some(Request::Eject)),
            (vec![25], Some(Request::Ignored)),
            (vec![99], None),
            (vec![99, 0, b'a', 0], Some(Request::Ignored)),
            (vec![99, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], None),
            (
                vec![99, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                Some(Request::Ignored),
            ),
            (vec![254], Some(Request::Statistics)),
            (vec![255, 1, 0, 0, 0], None),
            (vec![2], None),
            (vec![20], None),
            (vec![80, 1], None),
            (vec![102, 1], None),
        ];
        for (frame, expected) in cases {
            let decoded = Request::decode(Dialect::Utf8, &frame);
            assert_eq!(decoded, expected, "{frame:?}");
        }
    }
}
