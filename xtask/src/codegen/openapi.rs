//! The OpenAPI document: every binding of the method table with its messages, for people's tools and other languages.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use protox::prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor,
};
use serde_json::{Map, Value, json};

use super::methods::{Binding, bindings};

/// The document, as text that ends with a line feed.
pub(super) fn document(table: &str, pool: &DescriptorPool) -> Result<String> {
    let mut document = Document {
        pool,
        schemas: fixed_schemas(),
    };
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for binding in bindings(table)? {
        let count = seen.entry(binding.name).or_default();
        *count += 1;
        // An id is unique in the document, and a method may have several bindings.
        let id = match *count {
            1 => binding.name.to_owned(),
            more => format!("{}{more}", binding.name),
        };
        let operation = document
            .operation(&binding, &id)
            .with_context(|| format!("describe {id}"))?;
        let verbs = paths.entry(binding.path).or_default();
        verbs.insert(binding.verb.to_lowercase(), operation);
    }
    let text = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tagus",
            "description": INFO,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": document.schemas,
            "responses": {
                "Error": error_response("Error"),
                "RpcError": error_response("RpcError"),
            },
            "securitySchemes": security_schemes(),
        },
    });
    Ok(format!("{text:#}\n"))
}

struct Document<'a> {
    pool: &'a DescriptorPool,
    /// The schemas that something refers to, by name.
    schemas: BTreeMap<String, Value>,
}

impl Document<'_> {
    fn operation(&mut self, binding: &Binding<'_>, id: &str) -> Result<Value> {
        let request = self.message(binding.request)?;
        let fields: Vec<FieldDescriptor> = request.iter().flat_map(|it| it.fields()).collect();
        let in_path = |field: &FieldDescriptor| {
            let name = format!("{{{}}}", field.name());
            binding.path.split('/').any(|segment| segment == name)
        };
        let (in_path, rest): (Vec<_>, Vec<_>) = fields.into_iter().partition(in_path);
        let mut parameters: Vec<Value> = Vec::new();
        for field in &in_path {
            parameters.push(parameter(field, "path")?);
        }
        let mut body = None;
        if binding.body == "*" {
            body = Some(self.whole_body(binding.request, &rest, !in_path.is_empty())?);
        } else {
            for field in &rest {
                if field.name() == binding.body {
                    body = Some(self.field(field)?);
                } else if !is_key(binding, field) {
                    parameters.push(parameter(field, "query")?);
                }
            }
        }
        let answer = match self.message(binding.response)? {
            Some(message) => self.reference(&message)?,
            None => reference("schemas", "Empty"),
        };
        let mut content = json!({ "application/json": { "schema": answer } });
        let mut accepted = body.map(|schema| json!({ "application/json": { "schema": schema } }));
        if is_rpc(binding) {
            parameters.push(unwrap_parameter());
            // What the function answered, under the content type of the request.
            content["*/*"] = json!({});
            if let Some(accepted) = &mut accepted {
                accepted["*/*"] = json!({});
            }
        }
        let mut operation = json!({
            "operationId": id,
            "summary": sentence(binding.name),
            "tags": [binding.path.split('/').find(|part| !matches!(*part, "" | "v2"))],
            "security": security(binding.auth)?,
            "responses": {
                "200": { "description": "What was asked for.", "content": content },
                "default": reference("responses", if is_rpc(binding) { "RpcError" } else { "Error" }),
            },
        });
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if let Some(content) = accepted {
            operation["requestBody"] = json!({ "content": content });
        }
        Ok(operation)
    }

    /// A message of the table; none for its `Empty`.
    fn message(&self, name: &str) -> Result<Option<MessageDescriptor>> {
        if name == "Empty" {
            return Ok(None);
        }
        let message = self
            .pool
            .get_message_by_name(&format!("{PACKAGE}{name}"))
            .with_context(|| format!("no message {name}"))?;
        Ok(Some(message))
    }

    /// The request as a body. Fields of the path are not asked for twice.
    fn whole_body(&mut self, name: &str, rest: &[FieldDescriptor], is_part: bool) -> Result<Value> {
        match self.message(name)? {
            Some(message) if !is_part => self.reference(&message),
            _ => self.object(rest),
        }
    }

    /// Refers to a message's schema, which is made when it is not there yet.
    fn reference(&mut self, message: &MessageDescriptor) -> Result<Value> {
        let name = message.full_name();
        let name = name.strip_prefix(PACKAGE).unwrap_or(name).to_owned();
        if !self.schemas.contains_key(&name) {
            // It stands before it is made, for a message that holds itself.
            self.schemas.insert(name.clone(), Value::Null);
            let fields: Vec<FieldDescriptor> = message.fields().collect();
            let schema = self.object(&fields)?;
            self.schemas.insert(name.clone(), schema);
        }
        Ok(reference("schemas", &name))
    }

    fn object(&mut self, fields: &[FieldDescriptor]) -> Result<Value> {
        let mut properties = Map::new();
        for field in fields {
            properties.insert(field.name().to_owned(), self.field(field)?);
        }
        Ok(json!({ "type": "object", "properties": properties }))
    }

    fn field(&mut self, field: &FieldDescriptor) -> Result<Value> {
        let kind = field.kind();
        if let (true, Kind::Message(entry)) = (field.is_map(), &kind) {
            let value = self.field(&entry.map_entry_value_field())?;
            return Ok(json!({ "type": "object", "additionalProperties": value }));
        }
        let schema = match (&kind, wrapped(&kind)) {
            (_, Some(word)) => {
                let mut schema = scalar(word);
                schema["type"] = json!([schema["type"], "null"]);
                let parent = field.parent_message();
                let meaning = parent
                    .child_enums()
                    .find(|it| it.name().to_lowercase() == field.name());
                if let Some(meaning) = meaning {
                    schema["description"] = meanings(&meaning).into();
                }
                schema
            }
            (Kind::Message(message), None) if !message.full_name().starts_with("google.") => {
                self.reference(message)?
            }
            _ => single(field)?,
        };
        Ok(if field.is_list() {
            json!({ "type": "array", "items": schema })
        } else {
            schema
        })
    }
}

/// A field in the path or in the query.
fn parameter(field: &FieldDescriptor, place: &str) -> Result<Value> {
    let schema = match wrapped(&field.kind()) {
        Some(word) => scalar(word),
        None => single(field)?,
    };
    let mut parameter = json!({ "name": field.name(), "in": place, "schema": schema });
    if place == "path" {
        parameter["required"] = true.into();
        parameter["schema"]["minLength"] = 1.into();
    } else if field.is_list() {
        parameter["schema"] = json!({ "type": "array", "items": parameter["schema"] });
        parameter["style"] = "form".into();
        parameter["explode"] = true.into();
    }
    Ok(parameter)
}

/// One value of a field that holds neither a message of ours nor a wrapper.
fn single(field: &FieldDescriptor) -> Result<Value> {
    Ok(match &field.kind() {
        Kind::String => scalar("String"),
        Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::Bool => scalar("Bool"),
        Kind::Int32 => scalar("Int32"),
        Kind::Int64 => scalar("Int64"),
        Kind::Uint32 => scalar("UInt32"),
        Kind::Double => json!({ "type": "number", "format": "double" }),
        Kind::Enum(kind) => json!({
            "type": "integer",
            "enum": kind.values().map(|value| value.number()).collect::<Vec<i32>>(),
            "description": meanings(kind),
        }),
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
            json!({ "type": "string", "format": "date-time" })
        }
        _ => bail!("no schema for {}", field.full_name()),
    })
}

/// The word before `Value` in the name of a wrapper.
fn wrapped(kind: &Kind) -> Option<&'static str> {
    let message = kind.as_message()?;
    let words = ["Bool", "String", "Int32", "Int64", "UInt32"];
    let name = message.full_name().strip_prefix("google.protobuf.")?;
    words
        .into_iter()
        .find(|word| name.strip_suffix("Value") == Some(word))
}

fn scalar(word: &str) -> Value {
    match word {
        "Bool" => json!({ "type": "boolean" }),
        "Int32" => json!({ "type": "integer", "format": "int32" }),
        "UInt32" => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        "Int64" => json!({ "type": "string", "format": "int64", "pattern": "^-?[0-9]+$" }),
        _ => json!({ "type": "string" }),
    }
}

/// What the numbers of an enumeration are called.
fn meanings(kind: &EnumDescriptor) -> String {
    let values: Vec<String> = kind
        .values()
        .map(|value| format!("{} {}", value.number(), value.name()))
        .collect();
    format!("{}.", values.join(", "))
}

/// `ListGroupUsers` to `List group users.`
fn sentence(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push(' ');
            out.push(letter.to_ascii_lowercase());
        } else {
            out.push(letter);
        }
    }
    out.push('.');
    out
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn is_rpc(binding: &Binding<'_>) -> bool {
    binding.request == "Rpc"
}

/// The HTTP key in the query is a way to prove who calls, and no argument.
fn is_key(binding: &Binding<'_>, field: &FieldDescriptor) -> bool {
    binding.auth == "bearer_or_http_key" && field.name() == "http_key"
}

fn unwrap_parameter() -> Value {
    json!({
        "name": "unwrap",
        "in": "query",
        "allowEmptyValue": true,
        "description": "When present, body and answer are the payload itself, and not JSON strings that hold it.",
        "schema": { "type": "string" },
    })
}

/// The ways to prove who calls, of which one is enough.
fn security(auth: &str) -> Result<Value> {
    let schemes: &[&str] = match auth {
        "none" => &[],
        "server_key" => &["server_key"],
        "bearer" => &["session"],
        "bearer_or_http_key" => &["session", "http_key", "http_key_basic"],
        other => bail!("unknown authentication {other}"),
    };
    Ok(schemes
        .iter()
        .map(|scheme| json!({ *scheme: [] }))
        .collect())
}

fn security_schemes() -> Value {
    json!({
        "server_key": {
            "type": "http",
            "scheme": "basic",
            "description": "The server key is the user name; the password is empty.",
        },
        "session": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The token of a session.",
        },
        "http_key": {
            "type": "apiKey",
            "in": "query",
            "name": "http_key",
            "description": "The HTTP key: a call of another server, without a user.",
        },
        "http_key_basic": {
            "type": "http",
            "scheme": "basic",
            "description": "The HTTP key as the user name; the password is empty.",
        },
    })
}

/// The schemas that are not messages of the protocol file.
fn fixed_schemas() -> BTreeMap<String, Value> {
    let error = json!({
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": { "type": "integer", "minimum": 1, "maximum": 16, "description": CODES },
            "message": { "type": "string", "description": "A sentence for the developer." },
        },
    });
    let mut rpc_error = error.clone();
    rpc_error["required"] = json!(["code", "error", "message"]);
    rpc_error["properties"]["error"] = json!({ "type": "string", "description": "The same." });
    BTreeMap::from([
        ("Empty".to_owned(), json!({ "type": "object" })),
        ("Error".to_owned(), error),
        ("RpcError".to_owned(), rpc_error),
    ])
}

fn error_response(schema: &str) -> Value {
    json!({
        "description": format!("What went wrong. {CODES}"),
        "headers": {
            "Retry-After": {
                "description": "Seconds to wait before the next attempt, where waiting helps.",
                "schema": { "type": "integer", "minimum": 0 },
            },
        },
        "content": { "application/json": { "schema": reference("schemas", schema) } },
    })
}

const PACKAGE: &str = "nakama.api.";
const INFO: &str = "The client API over HTTP. \
Members that hold their type's default are left out of answers, integers of 64 bits are text, and times are RFC 3339 in UTC. \
Requests may also name members in camelCase, write such integers as numbers and enumerations by name, and use null for unset.";
/// Code, meaning and HTTP status.
const CODES: &str = "Code and HTTP status: \
1 cancelled (499), 2 unknown (500), 3 invalid argument (400), 4 deadline exceeded (504), 5 not found (404), \
6 already exists (409), 7 permission denied (403), 8 resource exhausted (429), 9 failed precondition (400), \
10 aborted (409), 11 out of range (400), 12 not implemented (501), 13 internal (500), 14 unavailable (503), \
15 data loss (500), 16 unauthenticated (401).";
