//! What is not the same in all versions of the protocol: how texts are written, what a record says of a body behind its
//! size, and how the ids that are gone are counted.

/// How a client speaks, by the version that it named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Dialect {
    /// Version 5: texts are UTF-16, and every record has a colour and a name.
    Utf16,
    /// Versions 6 to 10: texts are UTF-8, and a record has what its flags say.
    Utf8,
}

/// What a record says of a body behind its size.
#[derive(Debug)]
pub(super) struct Looks<'a> {
    /// What kind of body it is: none or one of [`IS_SPIKED`] and [`IS_EJECTED`].
    pub(super) kind: u8,
    /// Red, green and blue.
    pub(super) colour: [u8; 3],
    /// The client was not told of the body before.
    pub(super) is_new: bool,
    /// None where the client knows it.
    pub(super) name: Option<&'a str>,
}

impl Dialect {
    /// None for a version that is not spoken here.
    pub(super) const fn of_version(version: u32) -> Option<Self> {
        match version {
            5 => Some(Self::Utf16),
            6..=10 => Some(Self::Utf8),
            _ => None,
        }
    }

    /// Whether a message with this code is known, and without an effect here: minions, and a key of one client that
    /// nobody knows; in the old version also the keys of a server and of an account.
    pub(super) const fn ignores(self, op: u8) -> bool {
        match self {
            Self::Utf16 => matches!(op, 22..=25 | 80 | 102),
            Self::Utf8 => matches!(op, 22..=25),
        }
    }

    /// The text up to its end, which need not be marked. What is not of the encoding is replaced.
    pub(super) fn text(self, bytes: &[u8]) -> String {
        match self {
            Self::Utf16 => {
                let (units, _) = bytes.as_chunks();
                let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
                let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
                String::from_utf16_lossy(&units)
            }
            Self::Utf8 => {
                let end = bytes.iter().position(|byte| *byte == 0);
                let text = &bytes[..end.unwrap_or(bytes.len())];
                String::from_utf8_lossy(text).into_owned()
            }
        }
    }

    /// A text and the zero that ends it.
    pub(super) fn put_text(self, out: &mut Vec<u8>, text: &str) {
        let text = text.chars().filter(|character| *character != '\0');
        match self {
            Self::Utf16 => {
                for character in text.chain(['\0']) {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        out.extend_from_slice(&unit.to_le_bytes());
                    }
                }
            }
            Self::Utf8 => {
                for character in text.chain(['\0']) {
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
    }

    /// What a record has behind the size of the body. Nobody has a skin.
    pub(super) fn put_looks(self, out: &mut Vec<u8>, looks: &Looks<'_>) {
        match self {
            // An empty name is that of a body without one, and otherwise what was told before.
            Self::Utf16 => {
                out.extend_from_slice(&looks.colour);
                out.push(looks.kind);
                self.put_text(out, looks.name.unwrap_or_default());
            }
            Self::Utf8 => {
                let mut flags = looks.kind;
                if looks.is_new {
                    flags |= HAS_COLOUR | HAS_SKIN;
                }
                if looks.name.is_some() {
                    flags |= HAS_NAME;
                }
                out.push(flags);
                if looks.is_new {
                    out.extend_from_slice(&looks.colour);
                    self.put_text(out, "");
                }
                if let Some(name) = looks.name {
                    self.put_text(out, name);
                }
            }
        }
    }

    /// How many ids follow that are gone.
    pub(super) fn put_gone_count(self, out: &mut Vec<u8>, count: u16) {
        match self {
            Self::Utf16 => out.extend_from_slice(&u32::from(count).to_le_bytes()),
            Self::Utf8 => out.extend_from_slice(&count.to_le_bytes()),
        }
    }
}

pub(super) const IS_SPIKED: u8 = 0x01;
pub(super) const IS_EJECTED: u8 = 0x20;
const HAS_COLOUR: u8 = 0x02;
const HAS_SKIN: u8 = 0x04;
const HAS_NAME: u8 = 0x08;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_with_known_layouts() {
        let spoken = |version| Dialect::of_version(version);
        assert_eq!([0, 4, 11, 0x0100_0006].map(spoken), [None; 4]);
        assert_eq!(spoken(5), Some(Dialect::Utf16));
        assert_eq!([6, 10].map(spoken), [Some(Dialect::Utf8); 2]);
    }

    #[test]
    fn texts_come_back_as_they_went() {
        for text in ["", "Zo\u{eb}", "\u{1f980} crab", "\u{100}\u{1}"] {
            for dialect in [Dialect::Utf16, Dialect::Utf8] {
                let mut out = Vec::new();
                dialect.put_text(&mut out, text);
                assert_eq!(dialect.text(&out), text);
                // The end need not be marked, and what stands behind it is not read.
                let zero = [2, 1][dialect as usize];
                assert_eq!(dialect.text(&out[..out.len() - zero]), text);
                out.extend_from_slice(b"rest");
                assert_eq!(dialect.text(&out), text);
            }
        }
        let put = |dialect: Dialect, text| {
            let mut out = Vec::new();
            dialect.put_text(&mut out, text);
            out
        };
        assert_eq!(put(Dialect::Utf16, "\u{eb}\0x"), b"\xeb\0x\0\0\0");
        assert_eq!(put(Dialect::Utf8, "\u{eb}\0x"), b"\xc3\xabx\0");
        // Half a pair, and half a unit.
        assert_eq!(Dialect::Utf16.text(b"a\0\0\xd8b\0c"), "a\u{fffd}b");
        assert_eq!(Dialect::Utf8.text(b"a\xff"), "a\u{fffd}");
    }

    #[test]
    fn looks_are_as_each_version_says() {
        let looks = |is_new, name| Looks {
            kind: IS_SPIKED,
            colour: [7, 8, 9],
            is_new,
            name,
        };
        let cases: [(_, &[u8], &[u8]); 4] = [
            (
                looks(true, Some("Ann")),
                b"\x07\x08\x09\x01A\0n\0n\0\0\0",
                b"\x0f\x07\x08\x09\0Ann\0",
            ),
            (
                looks(true, Some("")),
                b"\x07\x08\x09\x01\0\0",
                b"\x0f\x07\x08\x09\0\0",
            ),
            (
                looks(false, Some("B")),
                b"\x07\x08\x09\x01B\0\0\0",
                b"\x09B\0",
            ),
            (looks(false, None), b"\x07\x08\x09\x01\0\0", b"\x01"),
        ];
        for (looks, old, new) in cases {
            for (dialect, expected) in [(Dialect::Utf16, old), (Dialect::Utf8, new)] {
                let mut out = Vec::new();
                dialect.put_looks(&mut out, &looks);
                assert_eq!(out, expected, "{dialect:?} {looks:?}");
            }
        }
        let mut out = Vec::new();
        Dialect::Utf16.put_gone_count(&mut out, 0x0102);
        Dialect::Utf8.put_gone_count(&mut out, 0x0102);
        assert_eq!(out, [2, 1, 0, 0, 2, 1]);
    }
}
