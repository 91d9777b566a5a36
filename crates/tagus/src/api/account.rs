//! Logins, the caller's account, and users.

use std::collections::BTreeMap;

use tagus_players::{Account, AccountUpdate, Authenticated, EmailLogin, IdentityLogin, User};
use tagus_wire::{Timestamp, api};

use crate::api::ApiError;
use crate::api::methods::{Scope, handlers};
use crate::entry::VERSION_VARIABLE;
use crate::gateway::{Gateway, unix_now};
use crate::tagus::Tagus;

handlers! {
    Healthcheck => |_, ()| async { Ok(()) },
    AuthenticateDevice => authenticate_device,
    AuthenticateCustom => authenticate_custom,
    AuthenticateEmail => authenticate_email,
    SessionRefresh => session_refresh,
    SessionLogout => session_logout,
    GetAccount => get_account,
    UpdateAccount => update_account,
    DeleteAccount => delete_account,
    GetUsers => get_users,
    LinkCustom => link_custom,
    LinkDevice => link_device,
    LinkEmail => link_email,
    UnlinkCustom => unlink_custom,
    UnlinkDevice => unlink_device,
    UnlinkEmail => unlink_email,
}

async fn authenticate_device(
    scope: Scope,
    request: api::AuthenticateDeviceRequest,
) -> Result<api::Session, ApiError> {
    let account = request
        .account
        .ok_or_else(|| ApiError::invalid("Device ID is required."))?;
    scope.gateway.entry.check(version(&scope, &account.vars))?;
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
    session(&scope, who, account.vars).await
}

async fn authenticate_custom(
    scope: Scope,
    request: api::AuthenticateCustomRequest,
) -> Result<api::Session, ApiError> {
    let account = request
        .account
        .ok_or_else(|| ApiError::invalid("Custom ID is required."))?;
    scope.gateway.entry.check(version(&scope, &account.vars))?;
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
    session(&scope, who, account.vars).await
}

async fn authenticate_email(
    scope: Scope,
    request: api::AuthenticateEmailRequest,
) -> Result<api::Session, ApiError> {
    let account = request
        .account
        .ok_or_else(|| ApiError::invalid("Email address is required."))?;
    scope.gateway.entry.check(version(&scope, &account.vars))?;
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
    session(&scope, who, account.vars).await
}

async fn session(
    scope: &Scope,
    who: Authenticated,
    vars: BTreeMap<String, String>,
) -> Result<api::Session, ApiError> {
    let gateway = &scope.gateway;
    let (pair, ended) = gateway.accounts.enter(unix_now(), &who, vars).await?;
    // Where a login meanwhile has ended this one, it closes all that this one would.
    if !gateway.logins.is_logged_out(&pair.login) {
        gateway.close_revoked(ended.as_slice());
    }
    Ok(api::Session {
        created: who.created,
        token: pair.token,
        refresh_token: pair.refresh_token,
    })
}

/// The client's version: what the login tells, or else the header.
fn version<'a>(scope: &'a Scope, vars: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let told = vars.get(VERSION_VARIABLE).map(String::as_str);
    told.or(scope.client_version.as_deref())
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
    let version = version(&scope, &pair.login.vars);
    scope.gateway.entry.check_version(version)?;
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
    Ok(account_out(&scope.gateway, account))
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
    let tagus = Tagus::of(&scope.gateway);
    tagus.account_delete(user_id).await
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
        users: users
            .into_iter()
            .map(|user| user_out(&scope.gateway, user))
            .collect(),
    })
}

async fn link_device(scope: Scope, request: api::AccountDevice) -> Result<(), ApiError> {
    let (accounts, user_id) = (&scope.gateway.accounts, scope.login()?.user_id);
    let changed = accounts.link_device(unix_now(), user_id, &request.id);
    Ok(changed.await?)
}

async fn unlink_device(scope: Scope, request: api::AccountDevice) -> Result<(), ApiError> {
    let (accounts, user_id) = (&scope.gateway.accounts, scope.login()?.user_id);
    let changed = accounts.unlink_device(unix_now(), user_id, &request.id);
    Ok(changed.await?)
}

async fn link_custom(scope: Scope, request: api::AccountCustom) -> Result<(), ApiError> {
    let (accounts, user_id) = (&scope.gateway.accounts, scope.login()?.user_id);
    let changed = accounts.link_custom(unix_now(), user_id, &request.id);
    Ok(changed.await?)
}

async fn unlink_custom(scope: Scope, request: api::AccountCustom) -> Result<(), ApiError> {
    let (accounts, user_id) = (&scope.gateway.accounts, scope.login()?.user_id);
    let changed = accounts.unlink_custom(unix_now(), user_id, &request.id);
    Ok(changed.await?)
}

async fn link_email(scope: Scope, request: api::AccountEmail) -> Result<(), ApiError> {
    let (accounts, user_id) = (&scope.gateway.accounts, scope.login()?.user_id);
    let changed = accounts.link_email(unix_now(), user_id, &request.email, &request.password);
    Ok(changed.await?)
}

async fn unlink_email(scope: Scope, request: api::AccountEmail) -> Result<(), ApiError> {
    let (accounts, user_id) = (&scope.gateway.accounts, scope.login()?.user_id);
    let changed = accounts.unlink_email(unix_now(), user_id, &request.email);
    Ok(changed.await?)
}

/// An account as its owner sees it.
pub(crate) fn account_out(gateway: &Gateway, account: Account) -> api::Account {
    let devices = account.devices.into_iter();
    api::Account {
        wallet: account.wallet,
        email: account.email.unwrap_or_default(),
        devices: devices
            .map(|id| api::AccountDevice {
                id,
                ..Default::default()
            })
            .collect(),
        custom_id: account.custom_id.unwrap_or_default(),
        verify_time: account.verified_at.map(Timestamp::from),
        disable_time: account.disabled_at.map(Timestamp::from),
        user: Some(user_out(gateway, account.user)),
    }
}

/// A user as others see them; online is who shows a status.
pub(crate) fn user_out(gateway: &Gateway, user: User) -> api::User {
    api::User {
        id: user.id.to_string(),
        online: gateway.live.is_online(user.id),
        edge_count: user.edge_count,
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
