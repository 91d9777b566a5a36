//! The list of socket messages, and who may send them.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};
use protox::prost_reflect::{DescriptorPool, FieldDescriptor};

/// The enum `MessageKind`, from the Envelope's members and the table of who sends them.
pub(super) fn module(table: &str, pool: &DescriptorPool) -> Result<String> {
    let envelope = pool
        .get_message_by_name("nakama.realtime.Envelope")
        .context("no Envelope")?;
    let oneof = envelope
        .oneofs()
        .next()
        .context("the Envelope has no oneof")?;
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            line.split_once(' ')
                .with_context(|| format!("two words expected: {line}"))
        })
        .collect::<Result<_>>()?;
    ensure!(
        rows.len() == oneof.fields().len(),
        "{} rows for {} members",
        rows.len(),
        oneof.fields().len()
    );

    let (mut variants, mut all, mut of, mut names, mut client, mut typed) =
        <(String, String, String, String, String, String)>::default();
    for field in oneof.fields() {
        let name = field.name();
        let (_, sender) = rows
            .iter()
            .find(|row| row.0 == name)
            .with_context(|| format!("no row for {name}"))?;
        let variant = super::json::camel(name);
        writeln!(variants, "/// `{name}`.\n{variant},")?;
        writeln!(all, "Self::{variant},")?;
        writeln!(of, "Message::{variant}(_) => Self::{variant},")?;
        writeln!(names, "Self::{variant} => \"{name}\",")?;
        match *sender {
            "client" | "both" => {
                let or = if client.is_empty() { "" } else { "|" };
                writeln!(client, "{or}Self::{variant}")?;
                let message = rust_type(&field).with_context(|| format!("{name}: no message"))?;
                writeln!(typed, "client_message!({message}, {variant});")?;
            }
            "server" => {}
            other => bail!("unknown sender {other} of {name}"),
        }
    }
    Ok(format!(
        "use crate::realtime::envelope::Message;
        use crate::table::ClientMessage;

        /// The members of the socket's Envelope.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum MessageKind {{ {variants} }}

        impl MessageKind {{
            /// Every kind, in the order of the protocol file.
            pub const ALL: &'static [Self] = &[{all}];

            /// The kind of a message.
            #[must_use]
            pub fn of(message: &Message) -> Self {{ match message {{ {of} }} }}

            /// The member's name on the wire.
            #[must_use]
            pub fn name(self) -> &'static str {{ match self {{ {names} }} }}

            /// Whether a client may send it.
            #[must_use]
            pub fn from_client(self) -> bool {{ matches!(self, {client}) }}
        }}

        macro_rules! client_message {{
            ($type:ty, $variant:ident) => {{
                impl ClientMessage for $type {{
                    const KIND: MessageKind = MessageKind::$variant;

                    fn from_message(message: Message) -> Option<Self> {{
                        if let Message::$variant(message) = message {{ Some(message) }} else {{ None }}
                    }}

                    fn into_message(self) -> Message {{
                        Message::$variant(self)
                    }}
                }}
            }};
        }}

        {typed}\n"
    ))
}

/// The type of a member, as the generated modules name it.
fn rust_type(field: &FieldDescriptor) -> Option<String> {
    let kind = field.kind();
    let message = kind.as_message()?;
    let module = match message.parent_file().package_name() {
        "nakama.api" => "api",
        "nakama.realtime" => "realtime",
        "tagus" => "tagus",
        _ => return None,
    };
    Some(format!(
        "crate::generated::{module}::{}",
        super::json::camel(message.name())
    ))
}
