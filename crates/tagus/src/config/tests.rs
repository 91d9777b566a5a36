//! Tests of the whole tree: files, environment, errors, what is printed.

use std::collections::BTreeSet;

use super::keys::{keys, variable};
use super::setting::Kind;
use super::*;

fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(None, variables)
}

fn load_file(text: &str, variables: &[(&str, &str)]) -> Result<(Config, Origins), ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tagus.toml");
    std::fs::write(&path, text).unwrap();
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load_with_origins(Some(&path), variables)
}

fn refusal(text: &str) -> String {
    let loaded = load_file(text, &[]).and_then(|(config, _)| config.check());
    loaded.unwrap_err().to_string()
}

#[test]
fn the_environment_reaches_every_kind_of_key() {
    let config = load(&[
        ("TAGUS_HTTP_PORT", "9000"),
        ("TAGUS_KEYS__SERVER", "123"),
        ("TAGUS_LIMITS__MESSAGE_BYTES_MAX", "512"),
        ("TAGUS_PROXY_PROTOCOL", "true"),
        ("TAGUS_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1"),
        ("TAGUS_ROOMS", r#"[{ name = "hall", game = "arena" }]"#),
        ("TAGUS_TEST_POSTGRES", "of the tests"),
        ("HOME", "/nowhere"),
    ])
    .unwrap();
    assert_eq!(config.http_port, 9_000);
    assert_eq!(config.keys.server.expose(), b"123");
    assert_eq!(config.limits.message_bytes_max, 512);
    assert!(config.proxy_protocol);
    assert!(config.trusted.contains("10.1.2.3".parse().unwrap()));
    assert!(config.trusted.contains("127.0.0.1".parse().unwrap()));
    assert_eq!(config.rooms[0].name, "hall");
}

#[test]
fn modes_are_read_shown_and_checked() {
    let duel = r#"[{ name = "duel", team_count = 2, rated = true }, { name = "cards", game = "cards", params = "{}", private = true, gather_ms = 0 }]"#;
    let settings = [
        ("TAGUS_MATCHMAKER__MODES", duel),
        ("TAGUS_MATCHMAKER__REGIONS", "east, west"),
    ];
    let config = load(&settings).unwrap();
    config.check().unwrap();
    assert_eq!(config.matchmaker.regions, ["east", "west"]);
    let duel = config.matchmaker.mode("duel").unwrap();
    assert_eq!(
        (duel.team_count, duel.rated, duel.gather_ms),
        (2, true, None)
    );
    let cards = config.matchmaker.mode("cards").unwrap();
    assert_eq!((cards.private, cards.gather_ms), (true, Some(0)));
    assert_eq!(config.matchmaker.mode("Duel"), None);

    let long = "x".repeat(65);
    let long = format!("[[matchmaker.modes]]\nname = \"{long}\"");
    let regions = "[matchmaker]\nregions = [\"a\", \"a\"]";
    let cases = [
        ("[[matchmaker.modes]]\ngame = \"x\"", "missing field `name`"),
        (
            "[[matchmaker.modes]]\nname = \"\"",
            "must have a name of 1 to 64 bytes",
        ),
        (&long, "must have a name of 1 to 64 bytes"),
        (
            "[[matchmaker.modes]]\nname = \"a\"\nteam_count = 1",
            "has team_count 1, which must be 0 or from 2 to 64",
        ),
        (
            "[[matchmaker.modes]]\nname = \"a\"\nteam_count = 65",
            "has team_count 65, which must be 0 or from 2 to 64",
        ),
        (
            "[[matchmaker.modes]]\nname = \"a\"\ngather_ms = 3600001",
            "has gather_ms 3600001, which must be at most 3600000",
        ),
        (
            "[[matchmaker.modes]]\nname = \"a\"\nprivate = true",
            "is private and has no game",
        ),
        (
            "[[matchmaker.modes]]\nname = \"a\"\nparams = \"1\"",
            "has params and no game",
        ),
        (
            "[[matchmaker.modes]]\nname = \"a\"\n[[matchmaker.modes]]\nname = \"a\"",
            "has \"a\" twice",
        ),
        (
            "[[matchmaker.modes]]\nname = \"a\"\nmode = 1",
            "unknown field `mode`",
        ),
        (regions, "has \"a\" twice"),
        ("[matchmaker]\nregions = [\"\"]", "must have 1 to 64 bytes"),
        ("[matchmaker]\nregions = \"a\"", "must be a list of texts"),
        ("[matchmaker]\ninterval_ms = 0", "must be from 1 to 3600000"),
        ("[matchmaker]\nreserve_ms = 0", "must be from 1 to 120000"),
    ];
    for (text, expected) in cases {
        let reason = refusal(text);
        assert!(reason.contains(expected), "{text}: {reason}");
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let text = "http_port = 1\ntcp_port = 2\n[session]\ntoken_secs = 3\n";
    let (config, origins) = load_file(text, &[("TAGUS_HTTP_PORT", "9")]).unwrap();
    assert_eq!((config.http_port, config.tcp_port), (9, 2));
    assert_eq!((config.admin_port, config.session_secs), (7_351, 3));
    assert_eq!(origins["tcp_port"], Origin::File);
    assert_eq!(
        origins["http_port"],
        Origin::Variable("TAGUS_HTTP_PORT".to_owned())
    );
    assert!(!origins.contains_key("admin_port"));
}

#[test]
fn every_kind_of_error_says_what_to_do() {
    let cases = [
        (
            "[limits]\nmesage_bytes_max = 1",
            "unknown key limits.mesage_bytes_max; did you mean limits.message_bytes_max?",
        ),
        (
            "queue_bytes_max = 1",
            "unknown key queue_bytes_max; did you mean limits.queue_bytes_max?",
        ),
        (
            "blue = 1",
            "unknown key blue; docs/configuration.md has all keys",
        ),
        (
            "[blue]\nx = 1",
            "unknown key blue; docs/configuration.md has all keys",
        ),
        (
            "limits = 1",
            "parse configuration: limits is a section; write its keys under [limits]",
        ),
        (
            "http_port = 65536",
            "http_port is 65536 and must be from 0 to 65535 (from the file)",
        ),
        (
            "http_port = \"a\"",
            "http_port is \"a\" and must be an integer (from the file)",
        ),
        (
            "proxy_protocol = 1",
            "proxy_protocol is 1 and must be true or false (from the file)",
        ),
        (
            "proxy_protocol = true",
            "proxy_protocol needs trusted_proxies: the header of anybody else is not believed",
        ),
        (
            "log_format = \"xml\"",
            "log_format is \"xml\" and must be auto, human or json (from the file)",
        ),
        (
            "address = \"here\"",
            "address is \"here\" and must be an IP address such as 127.0.0.1 (from the file)",
        ),
        (
            "node = \"A B\"",
            "node is \"A B\" and must be 1 to 16 of a-z, 0-9 and -",
        ),
        (
            "[tls]\nkey = \"k\"",
            "tls.certificate is not set; TLS needs tls.certificate and tls.key",
        ),
        (
            "[limits]\npong_wait_ms = 15000",
            "limits.pong_wait_ms is 15000 and must be more than limits.ping_interval_ms, which is 15000",
        ),
        (
            "[store]\nurl = \"mysql://x\"",
            "store.url must begin with sqlite: or postgres://, for example sqlite:data/tagus.db (from the file)",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), expected, "{text}");
    }
    assert!(refusal("log = \"infos\"").starts_with("log cannot be read: unknown log level"));
    assert!(refusal("[[rooms]]\nname = \"a\"").starts_with("rooms missing field `game`"));
    assert!(
        refusal("trusted_proxies = [\"10.0.0.1/8\"]").starts_with("trusted_proxies `10.0.0.1/8`")
    );
    let unknown = load(&[("TAGUS_HTTP_PROT", "1")]).unwrap_err().to_string();
    assert_eq!(
        unknown,
        "unknown key http_prot (from TAGUS_HTTP_PROT); did you mean http_port?"
    );
}

#[test]
fn a_malformed_file_is_located_and_not_repeated() {
    let text = "data = \"d\"\n[keys]\nsession = \"hunter2\n";
    let refusal = refusal(text);
    assert!(refusal.contains("line 3"), "{refusal}");
    assert!(!refusal.contains("hunter2"), "{refusal}");
}

#[test]
fn secrets_are_never_shown() {
    let text = "[keys]\nserver = \"hunter2a\"\nhttp = \"hunter2b\"\nsession = \"hunter2c\"\nrefresh = \"hunter2d\"\n\
                [store]\nurl = \"postgres://me:hunter2e@host/tagus\"\n";
    let (config, origins) = load_file(text, &[]).unwrap();
    assert!(!format!("{config:#?}").contains("hunter2"));
    let tree = tree(&config, &origins);
    assert!(!tree.contains("hunter2"), "{tree}");
    assert!(
        tree.contains("# session = \"***\" # set; from the file"),
        "{tree}"
    );
    for bad in [
        "[keys]\nserver = [\"hunter2\"]",
        "[store]\nurl = \"hunter2\"",
    ] {
        assert!(!refusal(bad).contains("hunter2"), "{bad}");
    }
    assert!(refusal("[keys]\nserver = \"***\"").contains("put the secret itself"));
}

#[test]
fn the_printed_tree_can_be_fed_back() {
    let text = "data = \"C:\\\\games \\\"x\\\"\"\nnode = \"n-1\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n\
                [limits]\nidle_http_ms = 1234\n[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n\
                [[rooms]]\nname = \"hall\"\ngame = \"arena\"\nparams = '{\"pellets\":3}'\n";
    let (config, origins) = load_file(text, &[]).unwrap();
    let printed = tree(&config, &origins);
    assert!(
        printed.contains("idle_http_ms = 1234 # default: 60000; from the file"),
        "{printed}"
    );
    let (again, _) = load_file(&printed, &[]).unwrap();
    for key in keys() {
        assert_eq!((key.show)(&config), (key.show)(&again), "{}", key.name);
    }
    let lone = tree(&Config::default(), &Origins::new());
    assert!(!lone.contains("# default:"), "{lone}");
}

#[test]
fn numbers_pass_inside_of_their_range_and_fail_outside() {
    // A fixed walk over the numbers: every run tries the same ones.
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33).cast_signed()
    };
    for key in keys().iter().filter(|key| key.kind == Kind::Integer) {
        let (min, max) = key.range.expect("every number has a range");
        let inside = (0..50).map(|_| min + next() % (max - min + 1));
        for number in inside.chain([min, max]) {
            let mut config = Config::default();
            let value = toml::Value::from(number);
            key.put(&mut config, &value).unwrap();
            assert_eq!((key.show)(&config), Some(value), "{}", key.name);
            key.check(&config).unwrap();
        }
        let outside = (0..50).flat_map(|_| [min - 1 - next(), max + 1 + next()]);
        for number in outside.chain([min - 1, max + 1, i64::MIN, i64::MAX]) {
            let refusal = key.put(&mut Config::default(), &number.into()).unwrap_err();
            assert_eq!(
                refusal.to_string(),
                format!("{} is {number} and must be from {min} to {max}", key.name)
            );
        }
    }
}

#[test]
fn a_value_set_by_code_is_checked_as_well() {
    let mut config = Config {
        shards: 257,
        ..Config::default()
    };
    assert_eq!(
        config.check().unwrap_err().to_string(),
        "shards is 257 and must be from 1 to 256"
    );
    config.shards = 256;
    config.session_secs = u64::MAX;
    assert!(
        config
            .check()
            .unwrap_err()
            .to_string()
            .starts_with("session.token_secs is ")
    );
}

#[test]
fn the_table_of_keys_is_sound() {
    let keys = keys();
    let names: BTreeSet<_> = keys.iter().map(|key| key.name).collect();
    assert_eq!(names.len(), keys.len());
    for key in &keys {
        assert!(
            key.doc.ends_with('.') && !key.doc.contains('|'),
            "{}",
            key.name
        );
        assert_eq!(
            key.range.is_some(),
            key.kind == Kind::Integer,
            "{}",
            key.name
        );
    }
    // Each key's variable leads back to that key.
    for key in &keys {
        let outcome = load(&[(&variable(key.name), "[")]);
        assert!(
            !matches!(outcome, Err(ConfigError::Unknown { .. })),
            "{}",
            key.name
        );
    }
}

#[test]
fn the_reference_is_fresh_and_whole() {
    let reference = configuration_reference();
    for key in keys() {
        assert!(
            reference.contains(&format!("| `{}` |", key.name)),
            "{}",
            key.name
        );
    }
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = std::fs::read_to_string(page).unwrap().replace("\r\n", "\n");
    assert!(
        page == reference,
        "docs/configuration.md is stale: run `cargo xtask codegen`"
    );
}

#[test]
fn default_keys_stay_on_loopback() {
    let open = Config {
        address: "0.0.0.0".parse().unwrap(),
        ..Config::default()
    };
    assert!(Config::default().check().is_ok());
    let refusal = open.check().unwrap_err().to_string();
    assert!(refusal.contains("TAGUS_KEYS__SERVER"), "{refusal}");
    assert!(open.for_lan().check().is_ok());
}

#[test]
fn the_default_admin_key_stays_on_a_loopback_admin_port() {
    let open = |key: Option<&str>| {
        let mut variables = vec![("TAGUS_ADMIN_ADDRESS", "0.0.0.0")];
        variables.extend(key.map(|key| ("TAGUS_KEYS__ADMIN", key)));
        load(&variables).unwrap()
    };
    let refusal = open(None).check().unwrap_err().to_string();
    assert!(refusal.contains("TAGUS_KEYS__ADMIN"), "{refusal}");
    assert!(open(Some("an own key")).check().is_ok());
    assert!(open(None).for_lan().check().is_err());
}

#[test]
fn settings_of_players_fit_together() {
    for (name, value, key) in [
        ("PASSWORDS__WAIT_MS_MAX", "999", "passwords.wait_ms_max"),
        ("PASSWORDS__FORGET_MS", "60000", "passwords.forget_ms"),
        ("CLIENT__VERSION_MIN", "1.x", "client.version_min"),
        (
            "CLIENT__VERSION_REQUIRED",
            "true",
            "client.version_required",
        ),
        ("CODES__ALPHABET", "ABC", "codes.alphabet"),
        (
            "CODES__ALPHABET",
            "BCDFGHJKMNPQRSTVWXYZb3456789",
            "codes.alphabet",
        ),
    ] {
        let config = load(&[(&format!("TAGUS_{name}"), value)]).unwrap();
        let refusal = config.check().unwrap_err().to_string();
        assert!(refusal.starts_with(key), "{refusal}");
    }
    for (name, value) in [
        ("PASSWORDS__WAIT_MS_MAX", "1000"),
        ("PASSWORDS__FORGET_MS", "60001"),
        ("CLIENT__VERSION_MIN", "1.4.2"),
        ("CODES__ALPHABET", "98765432ZYXWVTSRQPNMKJHGFDCB"),
    ] {
        let config = load(&[(&format!("TAGUS_{name}"), value)]).unwrap();
        assert!(config.check().is_ok(), "{name}");
    }
}

#[test]
fn one_key_for_both_tokens_is_refused() {
    let config = load(&[
        ("TAGUS_KEYS__SESSION", "same"),
        ("TAGUS_KEYS__REFRESH", "same"),
    ])
    .unwrap();
    assert!(matches!(
        config.check(),
        Err(ConfigError::Value {
            key: "keys.refresh",
            ..
        })
    ));
}

#[test]
fn the_store_is_where_its_url_says() {
    let path = |config: &Config| match config.store.database(&config.data).unwrap() {
        tagus_store::Config::Sqlite(sqlite) => Some((sqlite.path, sqlite.readers)),
        _ => None,
    };
    let config = load(&[("TAGUS_STORE__READERS", "7")]).unwrap();
    assert_eq!(path(&config), Some((PathBuf::from("data/tagus.db"), 7)));
    let config = load(&[("TAGUS_STORE__URL", "sqlite:x/y.db")]).unwrap();
    assert_eq!(path(&config), Some((PathBuf::from("x/y.db"), 4)));
    let config = load(&[("TAGUS_STORE__URL", "postgres://me:pw@host/tagus")]).unwrap();
    assert_eq!(path(&config), None);
}
