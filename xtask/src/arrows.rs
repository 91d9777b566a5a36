//! Which crate of ours may name which other.

use serde_json::Value;

/// One line per arrow that `cargo metadata` shows and the table below does not.
pub(crate) fn problems(metadata: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for package in list(&metadata["packages"]) {
        let from = text(&package["name"]);
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == from) else {
            out.push(format!(
                "package {from}: not in the table of arrows (xtask/src/arrows.rs)"
            ));
            continue;
        };
        for dependency in list(&package["dependencies"]) {
            let to = text(&dependency["name"]);
            let ours = ARROWS.iter().any(|(name, _)| *name == to);
            let in_tests = dependency["kind"] == "dev" && TEST_ARROWS.contains(&(from, to));
            if ours && !in_tests && !allowed.contains(&to) {
                out.push(format!("package {from}: must not depend on {to}"));
            }
        }
    }
    out
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A package and the packages of ours it may name; lowest first, so nothing points up.
const ARROWS: &[(&str, &[&str])] = &[
    ("tagus-base", &[]),
    ("tagus-physics", &[]),
    ("tagus-physics-wasm", &["tagus-physics"]),
    ("tagus-wire", &["tagus-base"]),
    ("tagus-datagram", &["tagus-base"]),
    ("tagus-replication", &["tagus-base"]),
    ("tagus-telemetry", &["tagus-base"]),
    ("tagus-room", &["tagus-telemetry", "tagus-base"]),
    ("tagus-load", &["tagus-telemetry", "tagus-base"]),
    (
        "tagus-trust",
        &["tagus-load", "tagus-telemetry", "tagus-base"],
    ),
    ("tagus-store", &["tagus-telemetry", "tagus-base"]),
    ("tagus-bus", &["tagus-telemetry", "tagus-base"]),
    (
        "tagus-net",
        &[
            "tagus-load",
            "tagus-wire",
            "tagus-datagram",
            "tagus-telemetry",
            "tagus-base",
        ],
    ),
    (
        "tagus-players",
        &[
            "tagus-store",
            "tagus-bus",
            "tagus-load",
            "tagus-trust",
            "tagus-telemetry",
            "tagus-base",
        ],
    ),
    ("tagus-control", &["tagus-telemetry", "tagus-base"]),
    (
        "tagus-shard",
        &[
            "tagus-room",
            "tagus-net",
            "tagus-wire",
            "tagus-replication",
            "tagus-load",
            "tagus-telemetry",
            "tagus-base",
        ],
    ),
    (
        "tagus-arena",
        &[
            "tagus-room",
            "tagus-replication",
            "tagus-physics",
            "tagus-base",
        ],
    ),
    (
        "tagus-open-world",
        &["tagus-room", "tagus-replication", "tagus-base"],
    ),
    ("tagus-duel", &["tagus-room", "tagus-physics", "tagus-base"]),
    (
        "tagus-pool",
        &["tagus-duel", "tagus-room", "tagus-physics", "tagus-base"],
    ),
    (
        "tagus-soccer",
        &["tagus-duel", "tagus-room", "tagus-physics", "tagus-base"],
    ),
    (
        "tagus-client",
        &[
            "tagus-wire",
            "tagus-datagram",
            "tagus-replication",
            "tagus-base",
        ],
    ),
    (
        "tagus",
        &[
            "tagus-arena",
            "tagus-open-world",
            "tagus-duel",
            "tagus-pool",
            "tagus-soccer",
            "tagus-client",
            "tagus-players",
            "tagus-control",
            "tagus-shard",
            "tagus-net",
            "tagus-store",
            "tagus-bus",
            "tagus-room",
            "tagus-load",
            "tagus-trust",
            "tagus-wire",
            "tagus-datagram",
            "tagus-replication",
            "tagus-telemetry",
            "tagus-base",
            "tagus-physics",
        ],
    ),
    (
        "tagus-sim",
        &[
            "tagus-arena",
            "tagus-open-world",
            "tagus-duel",
            "tagus-pool",
            "tagus-soccer",
            "tagus-players",
            "tagus-store",
            "tagus-bus",
            "tagus-room",
            "tagus-load",
            "tagus-trust",
            "tagus-wire",
            "tagus-datagram",
            "tagus-replication",
            "tagus-base",
            "tagus-physics",
        ],
    ),
    ("xtask", &[]),
];

/// What tests alone may name besides: the client is tested against the server it speaks to.
const TEST_ARROWS: &[(&str, &str)] = &[("tagus-client", "tagus")];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_points_down_only() {
        for (index, (from, allowed)) in ARROWS.iter().enumerate() {
            for to in *allowed {
                let below = ARROWS[..index].iter().any(|(name, _)| name == to);
                assert!(below, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn an_arrow_outside_the_table_is_named() {
        let check = |from: &str, to: &str, kind: Option<&str>| {
            problems(&json!({"packages": [
                {"name": from, "dependencies": [{"name": to, "kind": kind}, {"name": "bytes", "kind": null}]},
            ]}))
        };
        assert_eq!(check("tagus-shard", "tagus-room", None), [""; 0]);
        assert_eq!(
            check("tagus-room", "tagus-wire", None),
            ["package tagus-room: must not depend on tagus-wire"]
        );
        assert_eq!(check("tagus-room", "tagus-wire", Some("dev")).len(), 1);
        assert_eq!(check("tagus-client", "tagus", Some("dev")), [""; 0]);
        assert_eq!(check("tagus-client", "tagus", None).len(), 1);
        assert_eq!(check("newcomer", "bytes", None).len(), 1);
    }
}
