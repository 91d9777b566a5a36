//! Tokens: what is signed, what is believed.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use ring::hmac;
use tagus_base::{RoomId, UnixMillis, UserId, Uuid};
use tagus_players::{Keys, Login, Secret, TOKEN_BYTES_MAX, TokenError, Tokens};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn tokens() -> Tokens {
    Tokens::new(&Keys {
        session: Secret::new("session key"),
        refresh: Secret::new("refresh key"),
    })
}

fn login() -> Login {
    Login {
        token_id: Uuid([1; 16]),
        user_id: UserId(Uuid([2; 16])),
        username: "ann".into(),
        vars: BTreeMap::new(),
        issued_at: NOW,
        expires_at: NOW.plus_secs(60),
    }
}

/// A token of any text, rightly signed.
fn forge(key: &str, header: &str, claims: &str) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn claims_of(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const CLAIMS: &str = concat!(
    r#"{"tid":"01010101-0101-0101-0101-010101010101","uid":"02020202-0202-0202-0202-020202020202","#,
    r#""usn":"ann","exp":1700000060,"iat":1700000000}"#
);

#[test]
fn claims_have_the_protocols_names_and_vars_only_when_there_are_any() {
    let token = tokens().sign_session(&login());
    assert_eq!(claims_of(&token), CLAIMS);
    assert_eq!(token, forge("session key", HEADER, CLAIMS));
    let vars = BTreeMap::from([("k".to_owned(), "v\"".to_owned())]);
    let token = tokens().sign_session(&Login { vars, ..login() });
    assert!(claims_of(&token).contains(r#""vrs":{"k":"v\""}"#));
}

#[test]
fn a_token_says_what_was_signed_until_it_expires() {
    let vars = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    let login = Login { vars, ..login() };
    let token = tokens().sign_session(&login);
    assert_eq!(tokens().verify_session(&token, NOW), Ok(login.clone()));
    let last = UnixMillis(login.expires_at.0 - 1);
    assert_eq!(tokens().verify_session(&token, last), Ok(login.clone()));
    assert_eq!(
        tokens().verify_session(&token, login.expires_at),
        Err(TokenError::Expired)
    );
}

#[test]
fn each_kind_of_token_has_its_own_use() {
    let room: RoomId = "03030303-0303-0303-0303-030303030303.".parse().unwrap();
    let (session, refresh) = (
        tokens().sign_session(&login()),
        tokens().sign_refresh(&login()),
    );
    let matched = tokens().sign_match_token(&room, NOW.plus_secs(30));
    assert_eq!(tokens().verify_match_token(&matched, NOW), Ok(room));
    let expired = tokens().verify_match_token(&matched, NOW.plus_secs(30));
    assert_eq!(expired, Err(TokenError::Expired));
    assert_eq!(
        claims_of(&matched),
        format!(r#"{{"mid":"{room}","exp":1700000030}}"#)
    );
    assert_eq!(tokens().verify_refresh(&refresh, NOW), Ok(login()));
    assert_eq!(
        tokens().verify_session(&refresh, NOW),
        Err(TokenError::BadSignature)
    );
    assert_eq!(
        tokens().verify_refresh(&session, NOW),
        Err(TokenError::BadSignature)
    );
    assert_eq!(
        tokens().verify_session(&matched, NOW),
        Err(TokenError::Malformed)
    );
    assert_eq!(
        tokens().verify_match_token(&session, NOW),
        Err(TokenError::Malformed)
    );
    assert_eq!(
        tokens().verify_match_token(&refresh, NOW),
        Err(TokenError::BadSignature)
    );
}

#[test]
fn nothing_but_the_exact_form_is_believed() {
    let good = forge("session key", HEADER, CLAIMS);
    let (signed, tag) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let with_claims = |claims: &str| forge("session key", HEADER, claims);
    let with_header = |header: &str| forge("session key", header, CLAIMS);
    let cases = [
        (String::new(), TokenError::Malformed),
        ("..".to_owned(), TokenError::Malformed),
        (signed.to_owned(), TokenError::Malformed),
        (format!("{good}."), TokenError::BadSignature),
        (format!("{good}.x"), TokenError::Malformed),
        (format!("{signed}."), TokenError::BadSignature),
        (format!("{signed}.{tag}="), TokenError::Malformed),
        (
            format!("{signed}.{}", &tag[..tag.len() - 3]),
            TokenError::BadSignature,
        ),
        (format!("{header}x.{claims}.{tag}"), TokenError::Malformed),
        (
            format!("{header}.{}.{tag}", claims.to_lowercase()),
            TokenError::BadSignature,
        ),
        (forge("other key", HEADER, CLAIMS), TokenError::BadSignature),
        (with_header(r#"{"alg":"none"}"#), TokenError::Malformed),
        (with_header(r#"{"alg":"hs256"}"#), TokenError::Malformed),
        (with_header(r#"{"alg":"HS512"}"#), TokenError::Malformed),
        (
            with_header(r#"{"alg":"HS256","alg":"none"}"#),
            TokenError::Malformed,
        ),
        (with_header(r#"{"typ":"JWT"}"#), TokenError::Malformed),
        (with_header("HS256"), TokenError::Malformed),
        (with_claims("{}"), TokenError::Malformed),
        (with_claims("[]"), TokenError::Malformed),
        (with_claims(""), TokenError::Malformed),
        (
            with_claims(&CLAIMS.replace("01010101-", "")),
            TokenError::Malformed,
        ),
        (
            with_claims(&CLAIMS.replace("02020202-", "x")),
            TokenError::Malformed,
        ),
        (
            with_claims(&CLAIMS.replace("1700000060", "-1")),
            TokenError::Malformed,
        ),
        (
            with_claims(&CLAIMS.replace("1700000060", "1e400")),
            TokenError::Malformed,
        ),
        (
            with_claims(&CLAIMS.replace("\"ann\"", "null")),
            TokenError::Malformed,
        ),
        (
            with_claims(&CLAIMS.replace("1700000060", "1699999999")),
            TokenError::Expired,
        ),
        (
            with_claims(
                &CLAIMS.replace("\"ann\"", &format!("\"{}\"", "a".repeat(TOKEN_BYTES_MAX))),
            ),
            TokenError::Malformed,
        ),
    ];
    for (token, refusal) in cases {
        assert_eq!(
            tokens().verify_session(&token, NOW),
            Err(refusal),
            "{token}"
        );
    }
    let other_order = with_header(r#"{ "typ":"JWT", "alg":"HS256", "kid":"1" }"#);
    assert_eq!(tokens().verify_session(&other_order, NOW), Ok(login()));
    let with_extra = with_claims(&CLAIMS.replace('{', r#"{"extra":[1],"#));
    assert_eq!(tokens().verify_session(&with_extra, NOW), Ok(login()));
}

#[test]
fn a_secret_matches_itself_alone() {
    let long = "k".repeat(65);
    for secret in ["", "k", "key", "key\0", &long] {
        for candidate in ["", "k", "key", "key\0", "keY", &long, &"k".repeat(64)] {
            let same = secret == candidate;
            assert_eq!(
                Secret::new(secret).matches(candidate.as_bytes()),
                same,
                "{candidate}"
            );
        }
    }
}

#[test]
fn secrets_are_not_shown() {
    let keys = Keys {
        session: Secret::new("alpha"),
        refresh: Secret::new("omega"),
    };
    let shown = format!("{keys:?} {:?}", Tokens::new(&keys));
    assert!(!shown.contains("alpha") && !shown.contains("omega") && shown.contains("***"));
}

proptest! {
    #[test]
    fn garbage_is_refused_and_never_panics(text in ".{0,200}", parts in "[A-Za-z0-9_.=-]{0,300}") {
        for token in [text, parts] {
            prop_assert!(tokens().verify_session(&token, NOW).is_err());
            prop_assert!(tokens().verify_refresh(&token, NOW).is_err());
            prop_assert!(tokens().verify_match_token(&token, NOW).is_err());
        }
    }

    #[test]
    fn signed_garbage_never_panics(header in ".{0,40}", claims in ".{0,100}") {
        prop_assert!(tokens().verify_session(&forge("session key", &header, &claims), NOW).is_err());
        prop_assert!(tokens().verify_session(&forge("session key", HEADER, &claims), NOW).is_err());
    }

    #[test]
    fn any_changed_character_is_noticed(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.-]") {
        let token = tokens().sign_session(&login());
        let at = at.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != token);
        prop_assert!(tokens().verify_session(&changed, NOW).is_err());
    }

    #[test]
    fn what_is_signed_is_read(
        ids in any::<[[u8; 16]; 2]>(),
        username in ".{0,40}",
        vars in prop::collection::btree_map(".{0,10}", ".{0,20}", 0..5),
        secs in any::<[u32; 2]>(),
    ) {
        let at = |secs| UnixMillis(0).plus_secs(u64::from(secs));
        let login = Login {
            token_id: Uuid(ids[0]),
            user_id: UserId(Uuid(ids[1])),
            username: username.into(),
            vars,
            issued_at: at(secs[0]),
            expires_at: at(secs[1]).plus_secs(1),
        };
        let token = tokens().sign_refresh(&login);
        prop_assert_eq!(tokens().verify_refresh(&token, at(secs[1])), Ok(login));
    }
}
