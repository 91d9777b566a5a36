//! The method table: `methods.txt` to one type per method and one table of all.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};
use protox::prost_reflect::DescriptorPool;

/// The module `method`: a type for each method, and the table.
pub(super) fn module(table: &str, pool: &DescriptorPool) -> Result<String> {
    let mut methods: Vec<(Binding<'_>, Vec<String>)> = Vec::new();
    for line in lines(table) {
        let binding = Binding::parse(line)?;
        for name in [binding.request, binding.response] {
            let known = name == "Empty"
                || pool
                    .get_message_by_name(&format!("nakama.api.{name}"))
                    .is_some();
            ensure!(known, "no message {name}: {line}");
        }
        let route = binding
            .route(pool)
            .with_context(|| format!("in the line: {line}"))?;
        match methods.last_mut() {
            Some((first, routes)) if first.name == binding.name => {
                ensure!(first.same_method(&binding), "bindings disagree: {line}");
                routes.push(route);
            }
            _ => methods.push((binding, vec![route])),
        }
    }

    let mut out = String::from(
        "use crate::table::{Auth, Body, Method, MethodInfo, Route, Segment, Verb};\nuse crate::api;\n\n",
    );
    let mut entries = String::new();
    for (method, routes) in &methods {
        let Binding {
            name,
            request,
            response,
            auth,
            ..
        } = method;
        let routes = routes.concat();
        writeln!(
            out,
            "/// The method `{name}`.
            #[derive(Clone, Copy, Debug)]
            pub struct {name};

            impl Method for {name} {{
                const NAME: &'static str = \"{name}\";
                const INFO: &'static MethodInfo = &MethodInfo {{
                    name: \"{name}\",
                    routes: &[{routes}],
                    auth: Auth::{},
                    request: \"{request}\",
                    response: \"{response}\",
                }};
                type Request = {};
                type Response = {};
            }}\n",
            super::json::camel(auth),
            rust_type(request),
            rust_type(response),
        )?;
        writeln!(entries, "*{name}::INFO,")?;
    }
    writeln!(
        out,
        "/// Every method of the API, in the order of the table file.\npub static METHODS: &[MethodInfo] = &[\n{entries}];"
    )?;
    Ok(out)
}

/// The lines of the table that say something.
fn lines(table: &str) -> impl Iterator<Item = &str> {
    table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// The table's bindings, in its order.
pub(super) fn bindings(table: &str) -> Result<Vec<Binding<'_>>> {
    lines(table).map(Binding::parse).collect()
}

/// One line of the table.
pub(super) struct Binding<'a> {
    pub(super) name: &'a str,
    pub(super) verb: &'a str,
    pub(super) path: &'a str,
    pub(super) body: &'a str,
    pub(super) request: &'a str,
    pub(super) response: &'a str,
    pub(super) auth: &'a str,
}

impl<'a> Binding<'a> {
    fn parse(line: &'a str) -> Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[name, verb, path, body, request, response, auth] = words.as_slice() else {
            bail!("seven words expected: {line}");
        };
        Ok(Self {
            name,
            verb,
            path,
            body,
            request,
            response,
            auth,
        })
    }

    fn same_method(&self, other: &Self) -> bool {
        self.request == other.request && self.response == other.response && self.auth == other.auth
    }

    /// A `Route` expression. Fields it names must be in the request.
    fn route(&self, pool: &DescriptorPool) -> Result<String> {
        let field = |name: &str| -> Result<()> {
            pool.get_message_by_name(&format!("nakama.api.{}", self.request))
                .and_then(|message| message.get_field_by_name(name))
                .map(|_| ())
                .with_context(|| format!("{} has no field {name}", self.request))
        };
        let path = self
            .path
            .strip_prefix('/')
            .context("a path begins with a slash")?;
        let mut segments = String::new();
        for segment in path.split('/') {
            match segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
            {
                Some(name) => {
                    field(name)?;
                    write!(segments, "Segment::Param(\"{name}\"),")?;
                }
                None => write!(segments, "Segment::Literal(\"{segment}\"),")?,
            }
        }
        let body = match self.body {
            "-" => "Body::None".to_owned(),
            "*" => "Body::Whole".to_owned(),
            name => {
                field(name)?;
                format!("Body::Field(\"{name}\")")
            }
        };
        let verb = super::json::camel(&self.verb.to_lowercase());
        Ok(format!(
            "Route {{ verb: Verb::{verb}, path: &[{segments}], body: {body} }},"
        ))
    }
}

fn rust_type(message: &str) -> String {
    if message == "Empty" {
        "()".to_owned()
    } else {
        format!("api::{message}")
    }
}
