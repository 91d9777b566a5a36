//! Links between the documents of this workspace.

use std::path::Path;

/// One line per link of a document whose file is not there. Links to the network and inside a page are not judged.
pub(crate) fn problems(root: &Path, path: &str, text: &str) -> Vec<String> {
    if !path.ends_with(".md") {
        return Vec::new();
    }
    let folder = root.join(path);
    let mut out = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line) {
            let file = target.split('#').next().unwrap_or_default();
            let is_elsewhere = file.contains("://") || file.starts_with("mailto:");
            let there = || {
                folder
                    .parent()
                    .is_some_and(|folder| folder.join(file).exists())
            };
            if !file.is_empty() && !is_elsewhere && !there() {
                out.push(format!("{path}:{}: {target} is not there", index + 1));
            }
        }
    }
    out
}

/// What `[text](target)`, `![text](target "title")` and `[text]: target` lead to.
fn targets(line: &str) -> Vec<&str> {
    let inline = line.split("](").skip(1).filter_map(|rest| {
        let (target, _) = rest.split_once(')')?;
        target.split_whitespace().next()
    });
    let below = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "))
        .map(|(_, target)| target.trim());
    inline.chain(below).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nothing_is_named() {
        let root = crate::workspace_root();
        let check = |path: &str, text: &str| problems(&root, path, text);
        for good in [
            "[docs](docs/protocol.md#frames) and [more](https://example.org/x)",
            "[here](#there) ![picture](docs/protocol.md \"title\")",
            "[docs]: docs/protocol.md",
            "```\n[gone](gone.md)\n```",
            "an array[3](x",
        ] {
            assert_eq!(check("README.md", good), [""; 0], "{good}");
        }
        assert_eq!(check("docs/server.md", "[up](../README.md)"), [""; 0]);
        assert_eq!(
            check("README.md", "fine\n[a](README.md) [b](gone.md#x)"),
            ["README.md:2: gone.md#x is not there"]
        );
        assert_eq!(check("docs/server.md", "[up](README.md)").len(), 1);
        assert_eq!(check("README.md", "[a]: gone.md").len(), 1);
        assert_eq!(check("lib.rs", "[a](gone.md)"), [""; 0]);
    }
}
