//! Straight-line JSON code for each message: one line to write a field, one arm to read it.

use std::fmt::Write;

use anyhow::{Result, bail};
use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

/// `impl Json` for every message of a package.
pub(super) fn impls(pool: &DescriptorPool, package: &str) -> Result<String> {
    let mut out = String::new();
    for message in pool.all_messages() {
        if message.package_name() == package && !message.is_map_entry() {
            message_impl(&message, &mut out)?;
        }
    }
    Ok(out)
}

fn message_impl(message: &MessageDescriptor, out: &mut String) -> Result<()> {
    let mut write = String::new();
    let mut read = String::new();
    for field in message.fields() {
        if field.containing_oneof().is_none() {
            plain_field(&field, &mut write, &mut read)?;
        }
    }
    for oneof in message.oneofs() {
        let holder = rust_name(oneof.name());
        let path = format!("{}::{}", snake(message.name()), camel(oneof.name()));
        let mut arms = String::new();
        for field in oneof.fields() {
            let variant = format!("{path}::{}", camel(field.name()));
            let name = field.name();
            // A member of a oneof is written even when it holds its type's default.
            let (put, take) = match shape(&field)? {
                Shape::Message => (
                    format!("object.message(\"{name}\", value)"),
                    "reader.message()?",
                ),
                Shape::Scalar("string") => (
                    format!("object.set_string(\"{name}\", value)"),
                    "reader.string()?",
                ),
                _ => bail!("no code for {} in a oneof", field.full_name()),
            };
            writeln!(arms, "Some({variant}(value)) => {put},")?;
            writeln!(
                read,
                "{} => if let Some(value) = {take} {{ self.{holder} = Some({variant}(value)); }},",
                keys(&field)
            )?;
        }
        writeln!(write, "match &self.{holder} {{ {arms} None => {{}} }}")?;
    }

    let path = rust_path(message);
    let (object, reader) = if message.fields().len() == 0 {
        (
            "crate::json::ObjectWriter::new(out).end();".to_owned(),
            "let _ = (key, reader); Ok(false)".to_owned(),
        )
    } else {
        (
            format!("let mut object = crate::json::ObjectWriter::new(out);\n{write}object.end();"),
            format!("match key {{ {read} _ => return Ok(false), }} Ok(true)"),
        )
    };
    writeln!(
        out,
        "impl crate::json::Json for {path} {{
            fn write_json(&self, out: &mut Vec<u8>) {{ {object} }}
            fn merge_field(&mut self, key: &str, reader: &mut crate::json::JsonReader<'_>)
                -> Result<bool, crate::json::JsonError> {{ {reader} }}
        }}\n"
    )?;
    Ok(())
}

fn plain_field(field: &FieldDescriptor, write: &mut String, read: &mut String) -> Result<()> {
    let name = field.name();
    let place = format!("self.{}", rust_name(name));
    let (put, take) = match shape(field)? {
        Shape::Scalar(word) => {
            let value = match word {
                "string" | "bytes" => format!("&{place}"),
                _ => place.clone(),
            };
            (
                format!("object.{word}(\"{name}\", {value})"),
                format!("reader.{word}()?.unwrap_or_default()"),
            )
        }
        Shape::Enum(path) => (
            format!("object.int32(\"{name}\", {place})"),
            format!(
                "reader.enumeration(|name| {path}::from_str_name(name).map(i32::from))?.unwrap_or_default()"
            ),
        ),
        Shape::Wrapper(word) => {
            let value = if word == "string" {
                format!("{place}.as_deref()")
            } else {
                place.clone()
            };
            (
                format!("object.{word}_value(\"{name}\", {value})"),
                format!("reader.{word}()?"),
            )
        }
        Shape::Timestamp => (
            format!("object.timestamp(\"{name}\", {place}.as_ref())"),
            "reader.timestamp()?".to_owned(),
        ),
        Shape::Message => (
            format!("if let Some(value) = &{place} {{ object.message(\"{name}\", value); }}"),
            "reader.message()?".to_owned(),
        ),
        Shape::Strings => (
            format!("object.strings(\"{name}\", &{place})"),
            "reader.strings()?".to_owned(),
        ),
        Shape::Messages => (
            format!("object.messages(\"{name}\", &{place})"),
            "reader.messages()?".to_owned(),
        ),
        Shape::Map(word) => (
            format!("object.{word}_map(\"{name}\", &{place})"),
            format!("reader.{word}_map()?"),
        ),
    };
    writeln!(write, "{put};")?;
    writeln!(read, "{} => {place} = {take},", keys(field))?;
    Ok(())
}

/// How a field looks in JSON. The word names the reader's and the writer's function.
enum Shape {
    Scalar(&'static str),
    Enum(String),
    Wrapper(&'static str),
    Timestamp,
    Message,
    Strings,
    Messages,
    Map(&'static str),
}

fn shape(field: &FieldDescriptor) -> Result<Shape> {
    let kind = field.kind();
    if let (true, Kind::Message(entry)) = (field.is_map(), &kind) {
        return match (
            entry.map_entry_key_field().kind(),
            entry.map_entry_value_field().kind(),
        ) {
            (Kind::String, Kind::String) => Ok(Shape::Map("string")),
            (Kind::String, Kind::Double) => Ok(Shape::Map("double")),
            _ => bail!("no code for the map {}", field.full_name()),
        };
    }
    let shape = match &kind {
        Kind::String if field.is_list() => Shape::Strings,
        Kind::Message(message)
            if field.is_list() && !message.full_name().starts_with("google.") =>
        {
            Shape::Messages
        }
        _ if field.is_list() => bail!("no code for the list {}", field.full_name()),
        Kind::String => Shape::Scalar("string"),
        Kind::Bytes => Shape::Scalar("bytes"),
        Kind::Bool => Shape::Scalar("bool"),
        Kind::Int32 => Shape::Scalar("int32"),
        Kind::Int64 => Shape::Scalar("int64"),
        Kind::Uint32 => Shape::Scalar("uint32"),
        Kind::Enum(kind) => Shape::Enum(match kind.parent_message() {
            Some(parent) => format!("{}::{}", snake(parent.name()), kind.name()),
            None => kind.name().to_owned(),
        }),
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.BoolValue" => Shape::Wrapper("bool"),
            "google.protobuf.DoubleValue" => Shape::Wrapper("double"),
            "google.protobuf.StringValue" => Shape::Wrapper("string"),
            "google.protobuf.Int32Value" => Shape::Wrapper("int32"),
            "google.protobuf.Int64Value" => Shape::Wrapper("int64"),
            "google.protobuf.UInt32Value" => Shape::Wrapper("uint32"),
            "google.protobuf.Timestamp" => Shape::Timestamp,
            name if name.starts_with("google.") => bail!("no code for {}", field.full_name()),
            _ => Shape::Message,
        },
        _ => bail!("no code for {}", field.full_name()),
    };
    Ok(shape)
}

/// The match pattern of a field's names: as declared, and in camel case where that differs.
fn keys(field: &FieldDescriptor) -> String {
    let (name, camel) = (field.name(), field.json_name());
    if name == camel {
        format!("\"{name}\"")
    } else {
        format!("\"{name}\" | \"{camel}\"")
    }
}

/// Path of a message type as seen from its package's module.
fn rust_path(message: &MessageDescriptor) -> String {
    let mut path = message.name().to_owned();
    let mut parent = message.parent_message();
    while let Some(outer) = parent {
        path = format!("{}::{path}", snake(outer.name()));
        parent = outer.parent_message();
    }
    path
}

fn rust_name(field: &str) -> String {
    match field {
        "self" => "self_".to_owned(),
        "type" | "match" => format!("r#{field}"),
        _ => field.to_owned(),
    }
}

/// `MatchJoin` to `match_join`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// `match_join` to `MatchJoin`.
pub(super) fn camel(name: &str) -> String {
    let mut out = String::new();
    for word in name.split('_') {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}
