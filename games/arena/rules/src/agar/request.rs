//! What a client of the Agar protocol says once it is let in.

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
    pub(super) fn decode(frame: &[u8]) -> Option<Self> {
        let (op, rest) = frame.split_first()?;
        Some(match (op, rest) {
            (0, name) => Self::Spawn {
                name: name_of(name),
            },
            (1, _) => Self::Spectate,
            (16, rest) => pointer(rest)?,
            (17, _) => Self::Split,
            (18, _) => Self::QDown,
            (19, _) => Self::QUp,
            (21, _) => Self::Eject,
            // Minions, and a key that one client sends although nobody knows it.
            (22..=25, _) => Self::Ignored,
            (99, rest) => chat(rest)?,
            (254, _) => Self::Statistics,
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

/// The text up to its end, without the skin that may stand before it.
fn name_of(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    let text = String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]);
    match (text.find('<'), text.rfind('>')) {
        (Some(begin), Some(end)) if begin < end => text[end + 1..].to_owned(),
        _ => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ];
        for (frame, expected) in cases {
            assert_eq!(Request::decode(&frame), expected, "{frame:?}");
        }
    }
}
