//! What the decoders promise for any bytes. Run on seeds by these tests, and by the targets of `fuzz/`.

use std::fmt::Debug;

use bytes::Bytes;
use tagus_wire::tcp::{HEADER_BYTES_MAX, split_frame, write_frame};
use tagus_wire::{
    Format, Json, Method, MethodInfo, decode_envelope, decode_rest, encode_envelope, from_json,
    method, to_json,
};

/// The first byte chooses the method and the second its route; then come the query, a line feed and the body.
pub(crate) fn rest_body(input: &[u8]) {
    let [method, route, rest @ ..] = input else {
        return;
    };
    let (_, decode) = METHODS[usize::from(*method) % METHODS.len()];
    let (query, body) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (&[][..], rest),
    };
    let query = std::str::from_utf8(query).unwrap_or_default();
    decode(usize::from(*route), query, body);
}

/// Decodes what a client may send of JSON, and decodes what is written of it again.
pub(crate) fn json_envelope(input: &[u8]) {
    envelope(Format::Json, input);
}

/// The same with protobuf.
pub(crate) fn protobuf_envelope(input: &[u8]) {
    envelope(Format::Protobuf, input);
}

fn envelope(format: Format, input: &[u8]) {
    let Ok(envelope) = decode_envelope(format, &Bytes::copy_from_slice(input)) else {
        return;
    };
    for format in [Format::Json, Format::Protobuf] {
        let mut again = Vec::new();
        encode_envelope(format, &envelope, &mut again);
        let second = decode_envelope(format, &again.into()).unwrap();
        // Not-a-number is not equal to itself, so what is compared is the printed form.
        assert_eq!(format!("{envelope:?}"), format!("{second:?}"), "{format:?}");
    }
}

/// Splits a stream into frames. The first byte is the limit of a frame; a cut never changes what is found.
pub(crate) fn tcp_framing(input: &[u8]) {
    let Some((frame_bytes_max, mut rest)) = input.split_first() else {
        return;
    };
    let frame_bytes_max = usize::from(*frame_bytes_max);
    while let Ok(Some((header, payload))) = split_frame(rest, frame_bytes_max) {
        assert!(payload <= frame_bytes_max && header <= HEADER_BYTES_MAX);
        let (frame, behind) = rest.split_at(header + payload);
        for cut in 0..frame.len() {
            assert_eq!(split_frame(&frame[..cut], frame_bytes_max), Ok(None));
        }
        let mut again = Vec::new();
        write_frame(&frame[header..], &mut again);
        // A prefix may be longer than it needs to be, but ours never is.
        assert!(again.len() <= frame.len());
        assert_eq!(
            split_frame(&again, frame_bytes_max),
            Ok(Some((again.len() - payload, payload)))
        );
        rest = behind;
    }
}

fn rest<M: Method<Request: Debug>>(route: usize, query: &str, body: &[u8]) {
    let route = &M::INFO.routes[route % M::INFO.routes.len()];
    if let Ok(request) = decode_rest::<M>(route, &[], query, body) {
        again(&request);
    }
}

fn again<M: Debug + Default + Json>(request: &M) {
    let second: M = from_json(&to_json(request)).unwrap();
    assert_eq!(format!("{request:?}"), format!("{second:?}"));
}

type Decode = fn(usize, &str, &[u8]);

macro_rules! table {
    ($($name:ident),* $(,)?) => {
        /// Every method, with the decoder of its request.
        pub(crate) const METHODS: &[(&MethodInfo, Decode)] =
            &[$((method::$name::INFO, rest::<method::$name>)),*];
    };
}

table!(
    AddFriends,
    AddGroupUsers,
    SessionRefresh,
    SessionLogout,
    AuthenticateApple,
    AuthenticateCustom,
    AuthenticateDevice,
    AuthenticateEmail,
    AuthenticateFacebook,
    AuthenticateFacebookInstantGame,
    AuthenticateGameCenter,
    AuthenticateGoogle,
    AuthenticateSteam,
    BanGroupUsers,
    BlockFriends,
    CreateGroup,
    DeleteAccount,
    DeleteFriends,
    DeleteGroup,
    DeleteLeaderboardRecord,
    DeleteNotifications,
    DeleteTournamentRecord,
    DeleteStorageObjects,
    Event,
    GetAccount,
    GetUsers,
    GetSubscription,
    GetMatchmakerStats,
    Healthcheck,
    ImportFacebookFriends,
    ImportSteamFriends,
    JoinGroup,
    JoinTournament,
    KickGroupUsers,
    LeaveGroup,
    LinkApple,
    LinkCustom,
    LinkDevice,
    LinkEmail,
    LinkFacebook,
    LinkFacebookInstantGame,
    LinkGameCenter,
    LinkGoogle,
    LinkSteam,
    ListChannelMessages,
    ListFriends,
    ListFriendsOfFriends,
    ListGroups,
    ListGroupUsers,
    ListLeaderboardRecords,
    ListLeaderboardRecordsAroundOwner,
    ListMatches,
    ListParties,
    ListNotifications,
    ListStorageObjects,
    ListSubscriptions,
    ListTournaments,
    ListTournamentRecords,
    ListTournamentRecordsAroundOwner,
    ListUserGroups,
    PromoteGroupUsers,
    DemoteGroupUsers,
    ReadStorageObjects,
    RpcFunc,
    UnlinkApple,
    UnlinkCustom,
    UnlinkDevice,
    UnlinkEmail,
    UnlinkFacebook,
    UnlinkFacebookInstantGame,
    UnlinkGameCenter,
    UnlinkGoogle,
    UnlinkSteam,
    UpdateAccount,
    UpdateGroup,
    ValidatePurchaseApple,
    ValidateSubscriptionApple,
    ValidatePurchaseGoogle,
    ValidateSubscriptionGoogle,
    ValidatePurchaseHuawei,
    ValidatePurchaseFacebookInstant,
    ValidatePurchaseSamsung,
    WriteLeaderboardRecord,
    WriteStorageObjects,
    WriteTournamentRecord,
);
