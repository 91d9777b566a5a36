//! HTTP/1.1 with hyper: routing, authentication, limits, and what every answer carries.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method as Verb, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tagus_net::Permit;
use tagus_players::Login;
use tagus_wire::{Auth, Method as _, MethodInfo, Route, RouteError, api, method, route};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::api::methods::{Call, around, caller_of, handler};
use crate::api::metrics::{HttpMetrics, OTHER, PAGE, ROUTE, WS};
use crate::api::socket::SocketRefusal;
use crate::api::{ApiError, CODE_RESOURCE_EXHAUSTED, extensions, openapi, run_rpc, socket};
use crate::assets;
use crate::doors::{Admission, Newcomer, Reason};
use crate::entry::VERSION_HEADER;
use crate::gateway::Gateway;
use crate::hooks::{Caller, caught};
use crate::routes::{Found, HttpCall, RouteFn};
use crate::tagus::Tagus;

/// What serves the connections of port 7350.
pub(crate) struct HttpDoor {
    pub(crate) gateway: Arc<Gateway>,
    /// None: in the clear.
    pub(crate) tls: Option<tokio_rustls::TlsAcceptor>,
    pub(crate) draining: watch::Receiver<bool>,
    pub(crate) admission: Admission,
    pub(crate) metrics: HttpMetrics,
}

type Answer = Response<Full<Bytes>>;
/// What the method table says about a request.
type Routed = (
    &'static MethodInfo,
    &'static Route,
    Vec<(&'static str, String)>,
);

/// One connection's state that a request may take with it.
struct Place {
    address: IpAddr,
    permit: Mutex<Option<Permit>>,
}

impl HttpDoor {
    /// Serves one connection until it closes, upgrades or the server drains.
    pub(crate) async fn serve(self: Arc<Self>, newcomer: Newcomer) {
        let mut stream = match TcpStream::from_std(newcomer.stream) {
            Ok(stream) => stream,
            Err(error) => return tracing::debug!(%error, "take over a connection"),
        };
        drop(stream.set_nodelay(true));
        let limits = &self.gateway.config.limits;
        let header_timeout = Duration::from_millis(limits.http_header_timeout_ms.into());
        let deadline = tokio::time::Instant::now() + header_timeout;
        let mut permit = newcomer.permit;
        let identified =
            self.admission
                .identify(&mut stream, newcomer.address, &mut permit, deadline);
        let Some(address) = identified.await else {
            return;
        };
        let place = Arc::new(Place {
            address,
            permit: Mutex::new(Some(permit)),
        });
        match self.tls.clone() {
            None => self.serve_io(TokioIo::new(stream), place).await,
            Some(tls) => match tokio::time::timeout_at(deadline, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.serve_io(TokioIo::new(stream), place).await,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "TLS handshake");
                    self.admission.refuse(Reason::Tls);
                }
                Err(_) => {
                    tracing::debug!("TLS handshake timed out");
                    self.admission.refuse(Reason::HandshakeTimeout);
                }
            },
        }
    }

    async fn serve_io<I>(self: Arc<Self>, io: I, place: Arc<Place>)
    where
        I: hyper::rt::Read + hyper::rt::Write + Send + Unpin + 'static,
    {
        let limits = &self.gateway.config.limits;
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(limits.idle_http_ms.into()))
            .max_buf_size((limits.http_headers_bytes_max as usize).max(8_192))
            .half_close(false)
            .writev(false);
        let mut draining = self.draining.clone();
        let service = service_fn(move |request| {
            let (door, place) = (self.clone(), place.clone());
            async move { Ok::<_, Infallible>(door.handle(request, &place).await) }
        });
        let mut connection = std::pin::pin!(builder.serve_connection(io, service).with_upgrades());
        tokio::select! {
            ended = connection.as_mut() => log_end(ended),
            _ = draining.changed() => {
                connection.as_mut().graceful_shutdown();
                log_end(connection.await);
            }
        }
    }

    async fn handle(self: Arc<Self>, request: Request<Incoming>, place: &Place) -> Answer {
        let started = Instant::now();
        let (method, answer) = self.answer(request, place).await;
        self.metrics
            .answered(method, answer.status(), started.elapsed());
        answer
    }

    /// Answers a request, and says what it was for the metrics.
    async fn answer(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        place: &Place,
    ) -> (&'static str, Answer) {
        let forwarded = forwarded_for(request.headers());
        let proxies = &self.gateway.config.trusted;
        let address = proxies.client_address(place.address, Some(&forwarded));
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        if request.method() == Verb::OPTIONS {
            return (OTHER, preflight());
        }
        if path == "/ws" && request.method() == Verb::GET {
            return (WS, self.upgrade(&mut request, &query, address, place));
        }
        #[cfg(feature = "arcade")]
        if path == "/agar" && request.method() == Verb::GET {
            return (WS, self.upgrade_agar(&mut request, address, place));
        }
        if let Some(found) = extensions::find(request.method().as_str(), &path) {
            return self.extension(request, found).await;
        }
        let verb = request.method().clone();
        let studio = self.studio_route(verb.as_str(), &path);
        if let Some(Found::Handler(handler, params)) = studio {
            let answer = self.studio(request, handler, params, &query).await;
            return (
                ROUTE,
                answer.unwrap_or_else(|error| refuse(&error, error.body())),
            );
        }
        if let Some(answer) = self.page(&request, &path) {
            return (PAGE, answer);
        }
        if let Some(id) = path.strip_prefix("/v2/rpc/") {
            let answer = self.rpc(request, &id.to_lowercase(), &query).await;
            return (method::RpcFunc::NAME, answer);
        }
        let (method, answered) = match route(request.method().as_str(), &path) {
            Ok(routed) => (
                routed.0.name,
                self.call(request, routed, query, address).await,
            ),
            Err(RouteError::NotFound) if studio.is_none() => {
                (OTHER, Err(ApiError::not_found("Not Found")))
            }
            Err(_) => (OTHER, Err(ApiError::unimplemented("Method Not Allowed"))),
        };
        let answer = answered.unwrap_or_else(|error| refuse(&error, error.body()));
        (method, answer)
    }

    /// What the path is to server code; none where it is the API's own or nothing.
    fn studio_route(&self, verb: &str, path: &str) -> Option<Found<'_>> {
        let found = match self.gateway.hooks.code.routes.find(verb, path) {
            Found::Nothing => return None,
            found => found,
        };
        let is_api = path.starts_with("/v2/rpc/") || route(verb, path) != Err(RouteError::NotFound);
        (!is_api).then_some(found)
    }

    /// Answers for server code.
    async fn studio(
        &self,
        request: Request<Incoming>,
        handler: &RouteFn,
        params: BTreeMap<String, String>,
        query: &str,
    ) -> Result<Answer, ApiError> {
        let headers = request.headers();
        let login = bearer(headers).and_then(|token| self.gateway.verify(token).ok());
        let texts = headers.iter().filter_map(|(name, value)| {
            let value = value.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        });
        let call = HttpCall {
            tagus: Tagus::of(&self.gateway),
            caller: login.map(|login| caller_of(Some(&login))),
            params,
            query: parse_query(query),
            headers: texts.collect(),
            body: self.body(request).await?,
        };
        let handler = handler.clone();
        let reply = caught(async move { handler(call).await }).await??;
        reply.into_answer()
    }

    fn page(&self, request: &Request<Incoming>, path: &str) -> Option<Answer> {
        if request.method() != Verb::GET && request.method() != Verb::HEAD {
            return None;
        }
        if path == "/" && !wants_html(request.headers()) {
            // The old protocol's empty answer: clients ask for it to see whether anybody is there.
            return Some(Response::new(Full::default()));
        }
        if let Some(answer) = assets::serve_page(&self.gateway.pages, path) {
            return Some(answer);
        }
        let if_none_match = request.headers().get(header::IF_NONE_MATCH);
        if path == "/openapi.json" {
            return Some(openapi::serve(if_none_match));
        }
        assets::serve(path, if_none_match)
    }

    fn upgrade(
        self: &Arc<Self>,
        request: &mut Request<Incoming>,
        query: &str,
        address: IpAddr,
        place: &Place,
    ) -> Answer {
        let pairs = parse_query(query);
        let bearer = bearer(request.headers()).map(str::to_owned);
        match socket::check(&self.gateway, request, &pairs, bearer.as_deref()) {
            Err(SocketRefusal::NotLetIn(error)) => refuse(&error, error.body()),
            Err(SocketRefusal::Text(status, sentence)) => {
                let mut answer = text(status, sentence);
                if status == 426 {
                    let version = HeaderValue::from_static("13");
                    answer
                        .headers_mut()
                        .insert(header::SEC_WEBSOCKET_VERSION, version);
                }
                answer
            }
            Ok(accepted) => {
                let permit = match self.named_permit(address, place) {
                    Ok(permit) => permit,
                    Err(refusal) => return *refusal,
                };
                let answer = socket::switching(&accepted.accept).body(Full::default());
                let upgrade = hyper::upgrade::on(request);
                let door = self.clone();
                // Ends with the upgrade or with the connection, whose task the door keeps.
                drop(tokio::spawn(socket::hand_over(
                    door, upgrade, accepted, address, permit,
                )));
                answer.unwrap_or_else(|_| text(500, "Internal server error"))
            }
        }
    }

    #[cfg(feature = "arcade")]
    fn upgrade_agar(
        self: &Arc<Self>,
        request: &mut Request<Incoming>,
        address: IpAddr,
        place: &Place,
    ) -> Answer {
        let accept = match crate::agar::check(&self.gateway, request) {
            Ok(accept) => accept,
            Err((status, sentence)) => return text(status, sentence),
        };
        let permit = match self.named_permit(address, place) {
            Ok(permit) => permit,
            Err(refusal) => return *refusal,
        };
        let answer = socket::switching(&accept).body(Full::default());
        let upgrade = hyper::upgrade::on(request);
        let door = self.clone();
        // Ends with the connection, or when the server drains.
        drop(tokio::spawn(crate::agar::play(
            door, upgrade, address, permit,
        )));
        answer.unwrap_or_else(|_| text(500, "Internal server error"))
    }

    /// The connection's own permit under its client's address; or the answer that refuses its upgrade.
    fn named_permit(&self, address: IpAddr, place: &Place) -> Result<Permit, Box<Answer>> {
        let mut slot = place.permit.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut permit) = slot.take() else {
            return Err(Box::new(text(400, "This connection was upgraded already")));
        };
        if let Err(refused) = self.admission.name(&mut permit, address) {
            *slot = Some(permit);
            let error = ApiError::new(CODE_RESOURCE_EXHAUSTED, refused.to_string());
            return Err(Box::new(refuse(&error, error.body())));
        }
        Ok(permit)
    }

    /// What is no call of the method table: see [`extensions`].
    async fn extension(
        &self,
        request: Request<Incoming>,
        found: Result<extensions::Found, ApiError>,
    ) -> (&'static str, Answer) {
        let (name, answered) = match found {
            Ok(found) => (found.name(), self.extended(&request, found).await),
            Err(error) => (OTHER, Err(error)),
        };
        let answer = answered.map(|body| json(200, body));
        (
            name,
            answer.unwrap_or_else(|error| refuse(&error, error.body())),
        )
    }

    async fn extended(
        &self,
        request: &Request<Incoming>,
        found: extensions::Found,
    ) -> Result<Vec<u8>, ApiError> {
        let login = self.authorize(found.auth(), request.headers())?;
        found.answer(self.gateway.clone(), login).await
    }

    async fn call(
        &self,
        request: Request<Incoming>,
        (info, route, params): Routed,
        query: String,
        address: IpAddr,
    ) -> Result<Answer, ApiError> {
        let login = self.authorize(info.auth, request.headers())?;
        let client_version = version_header(request.headers());
        let Some(handle) = handler(info) else {
            return Err(ApiError::unimplemented(format!(
                "{} is not available on this server.",
                info.name
            )));
        };
        let body = self.body(request).await?;
        let gateway = self.gateway.clone();
        let answer = handle(Call {
            gateway,
            login,
            address,
            client_version,
            route,
            params,
            query,
            body,
        })
        .await?;
        Ok(json(200, answer))
    }

    fn authorize(&self, auth: Auth, headers: &HeaderMap) -> Result<Option<Login>, ApiError> {
        match auth {
            Auth::None => Ok(None),
            Auth::ServerKey => {
                let given = basic(headers)
                    .ok_or_else(|| ApiError::unauthenticated("Server key required"))?;
                if !self.gateway.config.keys.server.matches(given.as_bytes()) {
                    return Err(ApiError::unauthenticated("Server key invalid"));
                }
                Ok(None)
            }
            Auth::Bearer | Auth::BearerOrHttpKey => {
                let token = bearer(headers)
                    .ok_or_else(|| ApiError::unauthenticated("Auth token required"))?;
                let login = self.gateway.verify(token);
                Ok(Some(login.map_err(|_| {
                    ApiError::unauthenticated("Auth token invalid")
                })?))
            }
        }
    }

    /// `/v2/rpc/{id}`, whose errors have a member more than all others.
    async fn rpc(&self, request: Request<Incoming>, id: &str, query: &str) -> Answer {
        if request.method() != Verb::GET && request.method() != Verb::POST {
            let error = ApiError::unimplemented("Method Not Allowed");
            return refuse(&error, error.rpc_body());
        }
        match self.rpc_checked(request, id, query).await {
            Ok(answer) => answer,
            Err(error) => refuse(&error, error.rpc_body()),
        }
    }

    async fn rpc_checked(
        &self,
        request: Request<Incoming>,
        id: &str,
        query: &str,
    ) -> Result<Answer, ApiError> {
        let mut pairs = parse_query(query);
        let caller = self.rpc_caller(request.headers(), &pairs)?;
        pairs.retain(|(key, _)| key != "http_key");
        let unwrap = pairs.iter().any(|(key, _)| key == "unwrap");
        let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
        let is_get = request.method() == Verb::GET;
        let body = self.body(request).await?;
        let text = String::from_utf8(body.into())
            .map_err(|_| ApiError::invalid("The body is not UTF-8."))?;
        let payload = if is_get {
            pairs
                .iter()
                .find(|(key, _)| key == "payload")
                .map(|(_, value)| value.clone())
                .unwrap_or_default()
        } else if unwrap || text.is_empty() {
            text
        } else {
            serde_json::from_str(&text)
                .map_err(|_| ApiError::invalid("The body must be a JSON string."))?
        };
        let (gateway, asked) = (&self.gateway, caller.clone());
        let request = api::Rpc {
            id: id.to_owned(),
            payload,
            http_key: String::new(),
        };
        let run = async |mut rpc: api::Rpc| {
            let id = rpc.id.to_lowercase();
            rpc.payload = run_rpc(gateway, asked, &id, rpc.payload, pairs).await?;
            Ok(rpc)
        };
        let answered = around::<method::RpcFunc, _>(gateway, caller, request, run).await?;
        let result = answered.payload;
        if unwrap {
            let mut answer = json(200, result.into_bytes());
            let kind =
                content_type.unwrap_or(HeaderValue::from_static("text/plain; charset=utf-8"));
            answer.headers_mut().insert(header::CONTENT_TYPE, kind);
            return Ok(answer);
        }
        let body = if result.is_empty() {
            serde_json::json!({})
        } else {
            serde_json::json!({ "payload": result })
        };
        Ok(json(200, body.to_string().into_bytes()))
    }

    fn rpc_caller(
        &self,
        headers: &HeaderMap,
        query: &[(String, String)],
    ) -> Result<Caller, ApiError> {
        if let Some(token) = bearer(headers) {
            let login = self.gateway.verify(token);
            return Ok(caller_of(Some(
                &login.map_err(|_| ApiError::unauthenticated("Auth token invalid"))?,
            )));
        }
        let in_query = query
            .iter()
            .find(|(key, _)| key == "http_key")
            .map(|(_, value)| value.clone());
        let Some(key) = in_query.or_else(|| basic(headers)) else {
            return Err(ApiError::unauthenticated("Auth token or HTTP key required"));
        };
        if !self.gateway.config.keys.http.matches(key.as_bytes()) {
            return Err(ApiError::unauthenticated("HTTP key invalid"));
        }
        Ok(Caller::default())
    }

    async fn body(&self, request: Request<Incoming>) -> Result<Bytes, ApiError> {
        let limit = self.gateway.config.limits.request_body_bytes_max as usize;
        match Limited::new(request.into_body(), limit).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(ApiError::invalid(
                format!("request body too large, at most {limit} bytes"),
            )),
            Err(_) => Err(ApiError::invalid("request body could not be read")),
        }
    }
}

/// What all proxies on the way have written; some add a line of their own.
fn forwarded_for(headers: &HeaderMap) -> String {
    let lines = headers.get_all("x-forwarded-for").iter();
    let lines: Vec<&str> = lines
        // What is no text is no address either.
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    lines.join(",")
}

/// Whether a browser asks, and not a program that only wants an answer.
fn wants_html(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::ACCEPT).iter();
    lines.any(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.to_ascii_lowercase().contains("text/html"))
    })
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "HTTP connection ended");
    }
}

/// The client's version.
pub(super) fn version_header(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(VERSION_HEADER)?;
    Some(value.to_str().unwrap_or("?").to_owned())
}

/// `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The user name of `Authorization: Basic`: a key.
fn basic(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    Some(
        pair.split_once(':')
            .map_or(pair.as_str(), |(user, _)| user)
            .to_owned(),
    )
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    tagus_wire::query_pairs(query).unwrap_or_default()
}

pub(crate) fn json(status: u16, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    answer.headers_mut().clone_from(&JSON_HEADERS);
    answer
}

/// The headers of every JSON answer.
static JSON_HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store, no-cache, must-revalidate"),
        (
            HeaderName::from_static("grpc-metadata-content-type"),
            "application/grpc",
        ),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    HeaderMap::from_iter(headers)
});

fn refuse(error: &ApiError, body: Vec<u8>) -> Answer {
    let mut answer = json(error.status(), body);
    if error.code == 16
        && let Ok(value) = HeaderValue::from_str(&error.message)
    {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    if let Some(retry_ms) = error.retry_ms {
        answer.headers_mut().insert(
            header::RETRY_AFTER,
            HeaderValue::from(retry_ms.div_ceil(1_000)),
        );
    }
    answer
}

fn text(status: u16, body: &'static str) -> Answer {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

fn preflight() -> Answer {
    let mut answer = Response::new(Full::default());
    let headers = answer.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    let verbs = HeaderValue::from_static("GET,HEAD,POST,PUT,DELETE");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, verbs);
    let allowed =
        HeaderValue::from_static("Authorization,Content-Type,User-Agent,X-Client-Version");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("86400"),
    );
    answer
}
