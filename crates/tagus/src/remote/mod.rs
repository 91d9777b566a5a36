//! RPC functions and hooks that a studio's own service answers: signed HTTP calls with limits.
//! The contract is docs/server-code.md.

mod breaker;
mod client;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode, Uri, header};
use ring::hmac;
use serde_json::{Map, Value, json};
use tagus_base::Uuid;
use tagus_telemetry::metrics::{Counter, Family, Registry};
use tagus_wire::realtime::Envelope;
use tagus_wire::realtime::envelope::Message;
use tagus_wire::{Json, MessageKind, from_json, to_json};
use tokio::sync::Semaphore;

use crate::api::ApiError;
use crate::config::RemoteConfig;
use crate::gateway::{random_bytes, unix_now};
use crate::hooks::Caller;
use breaker::Breaker;
use client::{Client, ClientError};

/// Who answers what.
#[derive(Default)]
pub(crate) struct Remotes {
    /// By id in lower case; with whether it may be asked twice.
    rpcs: HashMap<String, (Arc<Remote>, bool)>,
    /// By the name of the API method or socket message.
    before: HashMap<String, Arc<Remote>>,
    after: HashMap<String, Arc<Remote>>,
    metrics: RemoteMetrics,
}

/// One service.
pub(crate) struct Remote {
    url: Uri,
    host: String,
    key: hmac::Key,
    timeout: Duration,
    retries: u32,
    calls: Semaphore,
    breaker: Mutex<Breaker>,
    client: Client,
    metrics: RemoteMetrics,
}

/// Calls by what came of them.
#[derive(Clone, Default)]
struct RemoteMetrics {
    /// Does the service answer? Alert on `failed` and `paused`.
    calls: Family<[(&'static str, &'static str); 1], Counter>,
}

impl RemoteMetrics {
    fn register(&self, registry: &mut Registry) {
        let sub = registry.sub_registry_with_prefix("tagus_remote");
        sub.register(
            "calls",
            "Calls to services of the studio, by outcome",
            self.calls.clone(),
        );
    }

    fn count(&self, outcome: &'static str) {
        self.calls.get_or_create(&[("outcome", outcome)]).inc();
    }
}

impl Remotes {
    pub(crate) fn new(configs: &[RemoteConfig]) -> anyhow::Result<Self> {
        let mut remotes = Self::default();
        let metrics = &remotes.metrics.clone();
        for config in configs {
            let remote = Remote::new(config, metrics.clone());
            let remote = remote.with_context(|| format!("set up the service {}", config.url))?;
            let remote = Arc::new(remote);
            for id in &config.rpcs {
                let twice = config.idempotent.contains(id);
                remotes
                    .rpcs
                    .insert(id.to_lowercase(), (remote.clone(), twice));
            }
            let hooks = [
                (&mut remotes.before, &config.before),
                (&mut remotes.after, &config.after),
            ];
            for (hooks, names) in hooks {
                hooks.extend(names.iter().map(|name| (name.clone(), remote.clone())));
            }
        }
        Ok(remotes)
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// The ids of all its RPC functions.
    pub(crate) fn rpc_ids(&self) -> impl Iterator<Item = &str> {
        self.rpcs.keys().map(String::as_str)
    }

    pub(crate) fn has_rpc(&self, id: &str) -> bool {
        self.rpcs.contains_key(id)
    }

    /// Whether a service hears of these messages.
    pub(crate) fn intercepts(&self, kind: MessageKind) -> bool {
        self.before.contains_key(kind.name()) || self.after.contains_key(kind.name())
    }

    pub(crate) fn has_after(&self, name: &str) -> bool {
        self.after.contains_key(name)
    }

    /// Asks the service that has this function; none where no service has it.
    pub(crate) async fn rpc(
        &self,
        id: &str,
        caller: &Caller,
        payload: &str,
        query: &[(String, String)],
    ) -> Option<Result<String, ApiError>> {
        let (remote, twice) = self.rpcs.get(id)?;
        let mut head = question("rpc", id, caller);
        head.insert("payload".to_owned(), payload.into());
        if !query.is_empty() {
            let pairs = query.iter().map(|(key, value)| json!([key, value]));
            head.insert("query".to_owned(), pairs.collect());
        }
        let body = Value::Object(head).to_string();
        let retry = if *twice { Retry::Always } else { Retry::Unsent };
        let asked = remote.ask(body, retry).await;
        Some(asked.map(|mut answer| match answer.remove("payload") {
            Some(Value::String(payload)) => payload,
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        }))
    }

    /// Asks about an API call before it is done; none where it is not to be done.
    pub(crate) async fn before<R: Json>(
        &self,
        name: &str,
        caller: &Caller,
        request: R,
    ) -> Result<Option<R>, ApiError> {
        let Some(remote) = self.before.get(name) else {
            return Ok(Some(request));
        };
        let body = with_json(question("before", name, caller), "request", &request);
        let mut answer = remote.ask(body, Retry::Unsent).await?;
        match answer.remove("request") {
            None => Ok(Some(request)),
            Some(Value::Null) => Ok(None),
            Some(changed) => remote.read(name, &changed).map(Some),
        }
    }

    /// Tells about an API call that was done. Whatever comes of that, the call was done, and is answered so.
    pub(crate) async fn after<R: Json, A: Json>(
        &self,
        name: &str,
        caller: &Caller,
        request: &R,
        response: A,
    ) -> A {
        let Some(remote) = self.after.get(name) else {
            return response;
        };
        let body = with_json(question("after", name, caller), "request", request);
        let body = append(body, "response", &response);
        let changed = match remote.ask(body, Retry::Unsent).await {
            Ok(mut answer) => answer.remove("response"),
            Err(error) => {
                tracing::warn!(name, %error, "a service did not hear of a call that was done");
                None
            }
        };
        match changed.map(|changed| remote.read(name, &changed)) {
            Some(Ok(changed)) => changed,
            _ => response,
        }
    }

    /// As [`Self::before`], for a socket message.
    pub(crate) async fn before_message(
        &self,
        caller: &Caller,
        message: Message,
    ) -> Result<Option<Message>, ApiError> {
        let name = MessageKind::of(&message).name();
        if !self.before.contains_key(name) {
            return Ok(Some(message));
        }
        let changed = self.before(name, caller, enveloped(message)).await?;
        match changed.map(|envelope| envelope.message) {
            None => Ok(None),
            Some(Some(message)) if MessageKind::of(&message).name() == name => Ok(Some(message)),
            Some(_) => {
                tracing::warn!(name, "a service answered with another message");
                Err(ApiError::internal())
            }
        }
    }

    /// As [`Self::after`], for a socket message; its answer cannot be changed.
    pub(crate) async fn after_message(
        &self,
        caller: &Caller,
        message: Message,
        answer: Option<Message>,
    ) {
        let name = MessageKind::of(&message).name();
        if self.after.contains_key(name) {
            let answer = Envelope {
                cid: String::new(),
                message: answer,
            };
            self.after(name, caller, &enveloped(message), answer).await;
        }
    }
}

/// When a call that failed is tried again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Retry {
    /// While the service has certainly seen nothing of it.
    Unsent,
    /// Also when it may have acted on it.
    Always,
}

/// Why a try gave no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("call a service")]
    Client(#[from] ClientError),
    #[error("a service answered {0}")]
    Status(StatusCode),
    #[error("a service's answer is no JSON object")]
    Malformed,
}

impl Failure {
    fn may_retry(&self, retry: Retry) -> bool {
        match self {
            Self::Client(ClientError::Connect(_)) => true,
            Self::Client(ClientError::Exchange(_)) => retry == Retry::Always,
            Self::Status(status) => retry == Retry::Always && status.is_server_error(),
            Self::Malformed => false,
        }
    }
}

impl Remote {
    fn new(config: &RemoteConfig, metrics: RemoteMetrics) -> anyhow::Result<Self> {
        let url: Uri = config.url.parse()?;
        let host = url.authority().context("the url has no host")?;
        let millis = |millis: u32| Duration::from_millis(millis.into());
        Ok(Self {
            client: Client::new(config, &url)?,
            host: host.to_string(),
            key: hmac::Key::new(hmac::HMAC_SHA256, config.secret.expose()),
            timeout: millis(config.timeout_ms),
            retries: config.retries,
            calls: Semaphore::new(config.calls_max as usize),
            breaker: Mutex::new(Breaker::new(config.failures_max, millis(config.pause_ms))),
            metrics,
            url,
        })
    }

    /// Asks, within the time limit, and again where that is allowed. The answer is a JSON object without an error.
    async fn ask(&self, body: String, retry: Retry) -> Result<Map<String, Value>, ApiError> {
        if let Err(wait) = self.breaker().admit(Instant::now()) {
            self.metrics.count("paused");
            let mut error = ApiError::unavailable("The service is not available.");
            error.retry_ms = u64::try_from(wait.as_millis()).ok();
            return Err(error);
        }
        let body = Bytes::from(body);
        let answered = match tokio::time::timeout(self.timeout, self.tries(body, retry)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure)) => {
                let error = &failure as &dyn std::error::Error;
                tracing::warn!(host = self.host, error, "a call to a service failed");
                Err(ApiError::unavailable("The service is not available."))
            }
            Err(_) => {
                tracing::warn!(host = self.host, "a call to a service took too long");
                Err(ApiError::unavailable("The service did not answer in time."))
            }
        };
        let Ok(mut answer) = answered else {
            self.metrics.count("failed");
            if self.breaker().handle_failure(Instant::now()) {
                tracing::error!(
                    host = self.host,
                    "a service is left alone after failures in a row"
                );
            }
            return answered;
        };
        self.breaker().handle_success();
        match answer.remove("error") {
            None | Some(Value::Null) => {
                self.metrics.count("answered");
                Ok(answer)
            }
            Some(error) => {
                self.metrics.count("refused");
                Err(refusal(&error))
            }
        }
    }

    async fn tries(&self, body: Bytes, retry: Retry) -> Result<Map<String, Value>, Failure> {
        // It is never closed.
        let _permit = self.calls.acquire().await;
        let mut pause = RETRY_PAUSE;
        let mut left = self.retries;
        loop {
            match self.once(body.clone()).await {
                Err(failure) if left > 0 && failure.may_retry(retry) => {
                    tracing::debug!(host = self.host, error = %failure, "a call to a service is tried again");
                }
                done => return done,
            }
            left -= 1;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn once(&self, body: Bytes) -> Result<Map<String, Value>, Failure> {
        let timestamp = unix_now().as_secs().to_string();
        let signature = sign(&self.key, &timestamp, &body);
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::post(path)
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-tagus-timestamp", timestamp)
            .header("x-tagus-signature", signature)
            .body(Full::new(body))
            .map_err(|error| ClientError::Exchange(error.into()))?;
        let (status, body) = self.client.exchange(request).await?;
        if status != StatusCode::OK {
            return Err(Failure::Status(status));
        }
        serde_json::from_slice(&body).map_err(|_| Failure::Malformed)
    }

    /// A message that the service put into its answer.
    fn read<R: Json>(&self, name: &str, value: &Value) -> Result<R, ApiError> {
        from_json(value.to_string().as_bytes()).map_err(|error| {
            tracing::warn!(host = self.host, name, %error, "a service's answer is no such message");
            ApiError::internal()
        })
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `v1=` and the HMAC-SHA256 of the timestamp, a dot and the body, in hexadecimal digits.
fn sign(key: &hmac::Key, timestamp: &str, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(timestamp.as_bytes());
    context.update(b".");
    context.update(body);
    let tag = context.sign();
    let digits = tag.as_ref().iter().map(|byte| format!("{byte:02x}"));
    format!("v1={}", digits.collect::<String>())
}

/// What every call tells. The call's id is the same one in each of its tries.
fn question(kind: &str, id: &str, caller: &Caller) -> Map<String, Value> {
    let mut head = Map::new();
    let call_id = Uuid::from_random(random_bytes()).to_string();
    head.insert("kind".to_owned(), kind.into());
    head.insert("id".to_owned(), id.into());
    head.insert("call_id".to_owned(), call_id.into());
    let caller = json!({
        "user_id": caller.user_id.map(|id| id.to_string()),
        "username": caller.username,
        "session_id": caller.session_id.map(|id| id.to_string()),
        "vars": caller.vars,
        "lang": caller.lang,
    });
    head.insert("caller".to_owned(), caller);
    head
}

fn with_json(head: Map<String, Value>, member: &str, message: &impl Json) -> String {
    append(Value::Object(head).to_string(), member, message)
}

/// A JSON object, not empty, with one more member.
fn append(mut object: String, member: &str, message: &impl Json) -> String {
    object.pop();
    object.push_str(",\"");
    object.push_str(member);
    object.push_str("\":");
    object.push_str(&String::from_utf8_lossy(&to_json(message)));
    object.push('}');
    object
}

fn enveloped(message: Message) -> Envelope {
    Envelope {
        cid: String::new(),
        message: Some(message),
    }
}

/// The error that a service answered, within the protocol's codes.
fn refusal(error: &Value) -> ApiError {
    let code = error["code"]
        .as_i64()
        .filter(|code| (1..=16).contains(code));
    let code = code.and_then(|code| i32::try_from(code).ok());
    let message = error["message"].as_str().unwrap_or_default();
    ApiError::new(code.unwrap_or(crate::api::CODE_INTERNAL), message)
}

/// Pause before the first further try; it doubles.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_documented_one() {
        // printf '1700000000.{"kind":"rpc"}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"0123456789abcdef");
        let signature = sign(&key, "1700000000", br#"{"kind":"rpc"}"#);
        assert_eq!(signature, SIGNED);
        assert_ne!(sign(&key, "1700000001", br#"{"kind":"rpc"}"#), SIGNED);
    }

    const SIGNED: &str = "v1=069dddb28fdcf28e16e6b9c4f371fe78e9ece1c57807ce57d17d20e15c9bf99c";

    #[test]
    fn what_may_have_been_done_is_not_done_twice() {
        let connect = || Failure::Client(ClientError::Connect(std::io::Error::other("refused")));
        let exchange = || Failure::Client(ClientError::Exchange("reset".into()));
        let status = |code| Failure::Status(StatusCode::from_u16(code).unwrap());
        for (failure, unsent, always) in [
            (connect(), true, true),
            (exchange(), false, true),
            (status(500), false, true),
            (status(503), false, true),
            (status(401), false, false),
            (Failure::Malformed, false, false),
        ] {
            assert_eq!(failure.may_retry(Retry::Unsent), unsent, "{failure}");
            assert_eq!(failure.may_retry(Retry::Always), always, "{failure}");
        }
    }

    #[test]
    fn a_service_speaks_in_the_protocols_codes() {
        let found = |value: Value| {
            let error = refusal(&value);
            (error.code, error.message)
        };
        let said = || "no".to_owned();
        assert_eq!(found(json!({"code": 7, "message": "no"})), (7, said()));
        assert_eq!(found(json!({"code": 0, "message": "no"})), (13, said()));
        assert_eq!(found(json!({"code": 17, "message": "no"})), (13, said()));
        assert_eq!(found(json!("no")), (13, String::new()));
    }
}
