//! What the metrics count.

use tagus_base::{SessionId, Uuid};
use tagus_players::{
    IdentityLogin, LoginMethod, LoginOutcome, PlayersMetrics, Presence, SharedStreams, StreamId,
    StreamLimits, StreamMode,
};

use crate::house::{House, NOW, device, email};

#[tokio::test]
async fn logins_are_counted_by_what_came_of_them() {
    let house = House::new();
    house.device("device-0001").await;
    let ann = house.device("device-0001").await;
    let stranger = IdentityLogin {
        create: false,
        ..device("device-0002")
    };
    let accounts = &house.accounts;
    for login in [stranger, device("short")] {
        assert!(accounts.authenticate_device(NOW, login).await.is_err());
    }
    let link = email("ann@host.example", "password");
    accounts.authenticate_email(NOW, link).await.unwrap();
    let wrong = email("ann@host.example", "not-the-password");
    for _ in 0..20 {
        assert!(accounts.authenticate_email(NOW, wrong).await.is_err());
    }
    let pair = accounts.sessions(NOW, &ann, [].into()).unwrap();
    let refreshed = accounts.refresh(NOW, &pair.refresh_token, [].into()).await;
    assert!(refreshed.is_ok());
    assert!(accounts.refresh(NOW, "no token", [].into()).await.is_err());

    let metrics = &house.metrics;
    let got = |method| {
        use LoginOutcome::{Created, Entered, Failed, Refused};
        [Created, Entered, Refused, Failed].map(|outcome| metrics.logins.get(method, outcome))
    };
    assert_eq!(got(LoginMethod::Device), [1, 1, 2, 0]);
    assert_eq!(got(LoginMethod::Custom), [0; 4]);
    assert_eq!(got(LoginMethod::Password), [1, 0, 20, 0]);
    assert_eq!(got(LoginMethod::Refresh), [0, 1, 1, 0]);
    let refusals = metrics.password_refusals.get();
    assert!((1..20).contains(&refusals), "{refusals}");
    assert_eq!(metrics.passwords_waiting.get(), 0);
}

#[test]
fn streams_are_counted_while_they_have_members() {
    let metrics = PlayersMetrics::default();
    let streams = SharedStreams::new(StreamLimits::default(), &metrics);
    let stream = |label: &str| StreamId {
        mode: StreamMode(130),
        subject: Uuid::NIL,
        subcontext: Uuid::NIL,
        label: label.to_owned(),
    };
    let presence = |number| Presence {
        session_id: SessionId(Uuid([number; 16])),
        user_id: tagus_base::UserId(Uuid([number; 16])),
        username: "ann".into(),
        persistence: false,
        status: None,
        hidden: false,
    };
    let mut streams = streams.lock();
    for (label, number) in [("a", 1), ("a", 2), ("b", 1), ("a", 1)] {
        streams.join(&stream(label), presence(number)).unwrap();
    }
    let counts = || (metrics.streams.get(), metrics.stream_members.get());
    assert_eq!(counts(), (2, 3));
    streams.leave(&stream("a"), SessionId(Uuid([2; 16])));
    streams.leave(&stream("a"), SessionId(Uuid([2; 16])));
    assert_eq!(counts(), (2, 2));
    streams.leave_all(SessionId(Uuid([1; 16])));
    assert_eq!(counts(), (0, 0));
}
