//! Hooks of a studio's own server.

use std::sync::Arc;

use tagus::wire::api::{Account, UpdateAccountRequest};
use tagus::wire::method;
use tagus::wire::realtime::MatchCreate;
use tagus::wire::realtime::envelope::Message;
use tagus::{ApiError, Caller, Tagus};

use crate::server::{Server, bearer};
use crate::socket::{Client, Kind};

fn start(data: &std::path::Path) -> Server {
    Server::own(data, |server| {
        server
            .before::<method::UpdateAccount, _, _>(
                async |_: Tagus, _: Caller, mut request: UpdateAccountRequest| {
                    if request.location.as_deref() == Some("nowhere") {
                        return Err(ApiError::invalid("there is no nowhere"));
                    }
                    if request.location.as_deref() == Some("secret") {
                        return Ok(None);
                    }
                    request.display_name = Some("renamed by the hook".to_owned());
                    Ok(Some(request))
                },
            )
            .after::<method::GetAccount, _, _>(
                async |_: Tagus, caller: Caller, _: Arc<()>, mut account: Account| {
                    account.custom_id = format!("seen by {}", caller.username);
                    account
                },
            )
            .before_message(
                async |_, _, mut create: MatchCreate| match create.name.as_str() {
                    "refused" => Err(ApiError::invalid("not this name")),
                    "disabled" => Ok(None),
                    _ => {
                        create.name = "the one".to_owned();
                        Ok(Some(create))
                    }
                },
            )
    })
}

#[test]
fn hooks_change_refuse_and_disable() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let token = server.token("device-of-hooks-1");
    let update = |body: &[u8]| server.call("PUT", "/v2/account", &bearer(&token), body);
    assert_eq!(update(b"{}").status, 200);
    let refused = update(br#"{"location":"nowhere"}"#);
    assert_eq!(
        (refused.status, refused.text("message").as_str()),
        (400, "there is no nowhere")
    );
    assert_eq!(update(br#"{"location":"secret"}"#).status, 404);
    let account = server
        .call("GET", "/v2/account", &bearer(&token), b"")
        .json();
    assert_eq!(account["user"]["display_name"], "renamed by the hook");
    let name = account["user"]["username"].as_str().unwrap();
    assert_eq!(account["custom_id"], format!("seen by {name}"));

    let mut client = Client::open(&server, Kind::Json, &token);
    let create = |name: &str| {
        Message::MatchCreate(MatchCreate {
            name: name.to_owned(),
        })
    };
    client.ask("1", create("one"));
    let one = client.until(|message| match message {
        Message::Match(joined) => Some(joined.match_id),
        _ => None,
    });
    client.ask("2", create("another"));
    let another = client.until(|message| match message {
        Message::Match(joined) => Some(joined.match_id),
        _ => None,
    });
    assert_eq!(one, another, "the hook gives every match the same name");
    client.ask("3", create("refused"));
    let error = client.until(|message| match message {
        Message::Error(error) => Some((error.code, error.message)),
        _ => None,
    });
    assert_eq!(error, (7, "not this name".to_owned()));
    client.ask("4", create("disabled"));
    let code = client.until(|message| match message {
        Message::Error(error) => Some(error.code),
        _ => None,
    });
    assert_eq!(code, 1);
}
