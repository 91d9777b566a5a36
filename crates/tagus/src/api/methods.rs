//! Handlers of the API's methods, by name.

use std::future::Future;
use std::sync::Arc;

use tagus_players::{
    Account, AccountUpdate, Authenticated, EmailLogin, IdentityLogin, Login, User,
};
use tagus_wire::api;
use tagus_wire::{Method, MethodInfo, Route, Timestamp, decode_rest, method, to_json};

use crate::api::ApiError;
use crate::directory::{RoomFilter, RoomListing};
use crate::gateway::{Gateway, unix_now};
use crate::hooks::{BoxFuture, Caller};
use crate::tagus::Tagus;

/// One call over REST, after routing and authentication.
pub(crate) struct Call {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) login: Option<Login>,
    pub(crate) address: std::net::IpAddr,
    pub(crate) route: &'static Route,
    pub(crate) params: Vec<(&'static str, String)>,
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
}

/// What a handler is given beside its request.
pub(crate) struct Scope {
    gateway: Arc<Gateway>,
    login: Option<Login>,
    address: std::net::IpAddr,
}

impl Scope {
    fn login(&self) -> Result<&Login, ApiError> {
        self.login
            .as_ref()
            .ok_or_else(|| ApiError::unauthenticated("Auth token invalid"))
    }
}

/// Answers a call with the body.
pub(crate) type Handler = fn(Call) -> BoxFuture<Result<Vec<u8>, ApiError>>;

/// The handler of a method, or none when it is not built yet.
pub(crate) fn handler(info: &MethodInfo) -> Option<Handler> {
    Some(match info.name {
        method::Healthcheck::NAME => {
            |call| run::<method::Healthcheck, _>(call, |_, ()| async { Ok(()) })
        }
        method::AuthenticateDevice::NAME => {
            |call| run::<method::AuthenticateDevice, _>(call, authenticate_device)
        }
        method::AuthenticateCustom::NAME => {
            |call| run::<method::AuthenticateCustom, _>(call, authenticate_custom)
        }
        method::AuthenticateEmail::NAME => {
            |call| run::<method::AuthenticateEmail, _>(call, authenticate_email)
        }
        method::SessionRefresh::NAME => {
            |call| run::<method::SessionRefresh, _>(call, session_refresh)
        }
        method::SessionLogout::NAME => |call| run::<method::SessionLogout, _>(call, session_logout),
        method::GetAccount::NAME => |call| run::<method::GetAccount, _>(call, get_account),
        method::UpdateAccount::NAME => |call| run::<method::UpdateAccount, _>(call, update_account),
        method::DeleteAccount::NAME => |call| run::<method::DeleteAccount, _>(call, delete_account),
        method::GetUsers::NAME => |call| run::<method::GetUsers, _>(call, get_users),
        method::ListMatches::NAME => |call| run::<method::ListMatches, _>(call, list_matches),
        _ => return None,
    })
}

/// Decodes, runs the hooks around the handler, encodes.
fn run<M, Fut>(
    call: Call,
    handle: fn(Scope, M::Request) -> Fut,
) -> BoxFuture<Result<Vec<u8>, ApiError>>
where
    M: Method,
    M::Request: Clone + Send + Sync + 'static,
    M::Response: Send + 'static,
    Fut: Future<Output = Result<M::Response, ApiError>> + Send + 'static,
{
    Box::pin(async move {
        let params: Vec<(&str, String)> = call.params;
        let mut request = decode_rest::<M>(call.route, &params, &call.query, &call.body)
            .map_err(|error| ApiError::invalid(error.to_string()))?;
        let gateway = call.gateway.clone();
        let caller = caller_of(call.login.as_ref());
        if let Some(hook) = gateway.hooks.before::<M>() {
            let tagus = Tagus {
                gateway: gateway.clone(),
            };
            match hook(tagus, caller.clone(), request).await? {
                Some(changed) => request = changed,
                None => return Err(ApiError::not_found("Requested resource was not found.")),
            }
        }
        let scope = Scope {
            gateway: gateway.clone(),
            login: call.login,
            address: call.address,
        };
        let Some(hook) = gateway.hooks.after::<M>() else {
            return Ok(to_json(&handle(scope, request).await?));
        };
        let response = handle(scope, request.clone()).await?;
        let tagus = Tagus {
            gateway: gateway.clone(),
        };
        let response = hook(tagus, caller, Arc::new(request), response).await;
        Ok(to_json(&response))
    })
}

pub(crate) fn caller_of(login: Option<&Login>) -> Caller {
    login.map_or_else(Caller::default, |login| Caller {
        user_id: Some(login.user_id),
        username: login.username.to_string(),
        vars: login.vars.clone(),
    })
}

async fn authenticate_device(
    scope: Scope,
    request: api::AuthenticateDeviceRequest,
) -> Result<api::Session, ApiError> {
    let account = request
        .account
        .ok_or_else(|| ApiError::invalid("Device ID is required."))?;
    let username = (!request.username.is_empty()).then_some(request.username.as_str());
    let login = IdentityLogin {
        id: &account.id,
        create: request.create.unwrap_or(true),
        username,
    };
    let who = scope
        .gateway
        .accounts
        .authenticate_device(unix_now(), login)
        .await?;
    session(&scope, who, account.vars)
}

async fn authenticate_custom(
    scope: Scope,
    request: api::AuthenticateCustomRequest,
) -> Result<api::Session, ApiError> {
    let account = request
        .account
        .ok_or_else(|| ApiError::invalid("Custom ID is required."))?;
    let username = (!request.username.is_empty()).then_some(request.username.as_str());
    let login = IdentityLogin {
        id: &account.id,
        create: request.create.unwrap_or(true),
        username,
    };
    let who = scope
        .gateway
        .accounts
        .authenticate_custom(unix_now(), login)
        .await?;
    session(&scope, who, account.vars)
}

async fn authenticate_email(
    scope: Scope,
    request: api::AuthenticateEmailRequest,
) -> Result<api::Session, ApiError> {
    let account = request
        .account
        .ok_or_else(|| ApiError::invalid("Email address is required."))?;
    let username = (!request.username.is_empty()).then_some(request.username.as_str());
    let login = EmailLogin {
        email: &account.email,
        password: &account.password,
        create: request.create.unwrap_or(true),
        username,
        address: Some(scope.address),
    };
    let who = scope
        .gateway
        .accounts
        .authenticate_email(unix_now(), login)
        .await?;
    session(&scope, who, account.vars)
}

fn session(
    scope: &Scope,
    who: Authenticated,
    vars: std::collections::BTreeMap<String, String>,
) -> Result<api::Session, ApiError> {
    let pair = scope.gateway.accounts.sessions(unix_now(), &who, vars)?;
    Ok(api::Session {
        created: who.created,
        token: pair.token,
        refresh_token: pair.refresh_token,
    })
}

async fn session_refresh(
    scope: Scope,
    request: api::SessionRefreshRequest,
) -> Result<api::Session, ApiError> {
    let pair = scope
        .gateway
        .accounts
        .refresh(unix_now(), &request.token, request.vars)
        .await?;
    Ok(api::Session {
        created: false,
        token: pair.token,
        refresh_token: pair.refresh_token,
    })
}

async fn session_logout(scope: Scope, request: api::SessionLogoutRequest) -> Result<(), ApiError> {
    let user_id = scope.login()?.user_id;
    let token = (!request.token.is_empty()).then_some(request.token.as_str());
    let refresh = (!request.refresh_token.is_empty()).then_some(request.refresh_token.as_str());
    let revoked = scope
        .gateway
        .logins
        .logout(user_id, token, refresh, unix_now())
        .await?;
    scope.gateway.close_revoked(&revoked);
    Ok(())
}

async fn get_account(scope: Scope, (): ()) -> Result<api::Account, ApiError> {
    let account = scope
        .gateway
        .accounts
        .get_account(scope.login()?.user_id)
        .await?;
    Ok(account_out(account))
}

async fn update_account(scope: Scope, request: api::UpdateAccountRequest) -> Result<(), ApiError> {
    let update = AccountUpdate {
        username: request.username,
        display_name: request.display_name,
        avatar_url: request.avatar_url,
        lang_tag: request.lang_tag,
        location: request.location,
        timezone: request.timezone,
    };
    scope
        .gateway
        .accounts
        .update_account(unix_now(), scope.login()?.user_id, update)
        .await?;
    Ok(())
}

async fn delete_account(scope: Scope, (): ()) -> Result<(), ApiError> {
    let user_id = scope.login()?.user_id;
    let revoked = scope
        .gateway
        .accounts
        .delete_account(unix_now(), user_id)
        .await?;
    scope.gateway.close_revoked(&[revoked]);
    Ok(())
}

async fn get_users(scope: Scope, request: api::GetUsersRequest) -> Result<api::Users, ApiError> {
    scope.login()?;
    let parsed: Result<Vec<_>, _> = request.ids.iter().map(|id| id.parse()).collect();
    let ids = parsed.map_err(|_| ApiError::invalid("ID must be a valid UUID."))?;
    let users = scope
        .gateway
        .accounts
        .users(&ids, &request.usernames)
        .await?;
    Ok(api::Users {
        users: users.into_iter().map(user_out).collect(),
    })
}

async fn list_matches(
    scope: Scope,
    request: api::ListMatchesRequest,
) -> Result<api::MatchList, ApiError> {
    scope.login()?;
    let limit = request.limit.unwrap_or(1);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::invalid(
            "Invalid limit - limit must be between 1 and 100.",
        ));
    }
    let size = |value: Option<i32>, what| match value.map(u32::try_from).transpose() {
        Ok(size) => Ok(size),
        Err(_) => Err(ApiError::invalid(format!(
            "Invalid {what} size - must be >= 0."
        ))),
    };
    if request
        .query
        .is_some_and(|query| !query.is_empty() && query != "*")
    {
        return Err(ApiError::unimplemented(
            "Match listing by query is not available on this server.",
        ));
    }
    let filter = RoomFilter {
        limit: limit.unsigned_abs() as usize,
        authoritative: request.authoritative,
        label: request.label,
        size_min: size(request.min_size, "minimum")?,
        size_max: size(request.max_size, "maximum")?,
    };
    let rooms = scope.gateway.directory.list(&filter);
    Ok(api::MatchList {
        matches: rooms.into_iter().map(match_out).collect(),
    })
}

fn match_out(room: RoomListing) -> api::Match {
    api::Match {
        match_id: room.id.to_string(),
        authoritative: room.label.is_some(),
        label: room.label.map(|label| label.to_string()),
        size: i32::try_from(room.size).unwrap_or(i32::MAX),
        tick_rate: i32::from(room.tick_rate_hz),
        handler_name: room.game.to_string(),
    }
}

fn account_out(account: Account) -> api::Account {
    let devices = account.devices.into_iter();
    api::Account {
        wallet: "{}".to_owned(),
        email: account.email.unwrap_or_default(),
        devices: devices
            .map(|id| api::AccountDevice {
                id,
                ..Default::default()
            })
            .collect(),
        custom_id: account.custom_id.unwrap_or_default(),
        verify_time: None,
        disable_time: account.disabled_at.map(Timestamp::from),
        user: Some(user_out(account.user)),
    }
}

fn user_out(user: User) -> api::User {
    api::User {
        id: user.id.to_string(),
        username: user.username,
        display_name: user.display_name,
        avatar_url: user.avatar_url,
        lang_tag: user.lang_tag,
        location: user.location,
        timezone: user.timezone,
        metadata: user.metadata,
        create_time: Some(user.created_at.into()),
        update_time: Some(user.updated_at.into()),
        ..Default::default()
    }
}
