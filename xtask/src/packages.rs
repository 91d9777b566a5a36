//! What the packages of others must be: their licences, their versions and their number.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::tidy;

/// One line per breach of `deny.toml` or of the budget.
///
/// # Errors
/// When cargo fails or `deny.toml` cannot be read.
pub(crate) fn problems(root: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(root.join("deny.toml")).context("read deny.toml")?;
    let policy = Policy::parse(&text).context("read deny.toml")?;
    let packages = packages(root, None)?;
    let mut out = policy.problems(&packages);
    out.extend(over_budget(count(root)?));
    let decisions = fs::read_to_string(root.join("DESIGN.md")).context("read DESIGN.md")?;
    out.extend(undecided(&tidy::metadata(root)?, &decisions));
    Ok(out)
}

/// Packages of others that one of ours names, and the table of `DESIGN.md` does not.
fn undecided(metadata: &Value, decisions: &str) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let names: BTreeSet<&str> = packages
        .filter_map(|package| package["dependencies"].as_array())
        .flatten()
        // Ours are known by their path.
        .filter(|dependency| dependency["path"].is_null())
        .filter_map(|dependency| dependency["name"].as_str())
        .collect();
    let is_missing = |name: &&str| !decisions.contains(&format!("\n| {name} |"));
    names
        .into_iter()
        .filter(is_missing)
        .map(|name| format!("DESIGN.md: no row for the dependency {name}"))
        .collect()
}

/// Packages that a build on this platform may need, ours and those of tests included.
///
/// # Errors
/// When cargo fails.
pub(crate) fn count(root: &Path) -> Result<usize> {
    Ok(packages(root, Some(&host()?))?.len())
}

fn over_budget(count: usize) -> Option<String> {
    (count > PACKAGES_MAX)
        .then(|| format!("Cargo.lock: {count} packages for this platform, at most {PACKAGES_MAX}"))
}

struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

/// All of `Cargo.lock`, or what one platform needs of it.
fn packages(root: &Path, platform: Option<&str>) -> Result<Vec<Package>> {
    let mut command = Command::new("cargo");
    command.args(["metadata", "--locked", "--all-features"]);
    command.args(["--format-version", "1"]).current_dir(root);
    if let Some(platform) = platform {
        command.args(["--filter-platform", platform]);
    }
    let output = command.output().context("start cargo metadata")?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        bail!("cargo metadata: {why}");
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("read the answer of cargo metadata")?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Ok(packages
        .iter()
        .map(|package| Package {
            name: text(&package["name"]).unwrap_or_default(),
            version: text(&package["version"]).unwrap_or_default(),
            license: text(&package["license"]),
        })
        .collect())
}

/// The platform that is compiled on, and here also for.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output();
    let text = String::from_utf8(output.context("start rustc")?.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// The part of `deny.toml` that is checked here.
struct Policy {
    licenses: Vec<String>,
    banned: Vec<String>,
    /// Names and versions, or the beginnings of versions.
    skipped: Vec<(String, String)>,
}

impl Policy {
    fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = text.parse()?;
        let list = |section: &str, key: &str| -> Result<Vec<toml::Value>> {
            let list = table.get(section).and_then(|section| section.get(key));
            let list = list.and_then(toml::Value::as_array);
            Ok(list
                .with_context(|| format!("no list {section}.{key}"))?
                .clone())
        };
        let licenses = list("licenses", "allow")?;
        let mut skipped = Vec::new();
        for entry in list("bans", "skip")? {
            let spec = field(&entry, "crate")?;
            let (name, version) = spec
                .split_once('@')
                .with_context(|| format!("bans.skip: {spec} has no version"))?;
            field(&entry, "reason")?;
            skipped.push((name.to_owned(), version.to_owned()));
        }
        Ok(Self {
            licenses: licenses
                .iter()
                .filter_map(|name| Some(name.as_str()?.to_owned()))
                .collect(),
            banned: list("bans", "deny")?
                .iter()
                .map(|entry| field(entry, "crate"))
                .collect::<Result<_>>()?,
            skipped,
        })
    }

    fn problems(&self, packages: &[Package]) -> Vec<String> {
        let mut out = Vec::new();
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for Package {
            name,
            version,
            license,
        } in packages
        {
            if self.banned.contains(name) {
                out.push(format!("package {name}: banned by deny.toml"));
            }
            match license {
                None => out.push(format!("package {name}: names no licence")),
                Some(license) if !self.allows(license) => {
                    out.push(format!("package {name}: {license} is not allowed"));
                }
                Some(_) => {}
            }
            if !self.skips(name, version) {
                versions.entry(name).or_default().push(version);
            }
        }
        for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
            let versions = versions.join(" and ");
            out.push(format!("package {name}: {versions} are both in Cargo.lock"));
        }
        for (name, version) in &self.skipped {
            let wanted = |package: &Package| is_version(package, name, version);
            if !packages.iter().any(wanted) {
                out.push(format!("deny.toml: nobody wants {name} {version} any more"));
            }
        }
        out
    }

    fn skips(&self, name: &str, version: &str) -> bool {
        let package = Package {
            name: name.to_owned(),
            version: version.to_owned(),
            license: None,
        };
        self.skipped
            .iter()
            .any(|(name, version)| is_version(&package, name, version))
    }

    /// Whether an SPDX expression can be satisfied with allowed licences.
    fn allows(&self, license: &str) -> bool {
        let spaced = license
            .replace('(', " ( ")
            .replace(')', " ) ")
            .replace('/', " OR ");
        let mut words = Words {
            rest: spaced.split_whitespace().collect(),
        };
        let allowed = self.either(&mut words);
        allowed == Some(true) && words.rest.is_empty()
    }

    /// `A OR B`; none when it is no expression.
    fn either(&self, words: &mut Words<'_>) -> Option<bool> {
        let mut allowed = self.both(words)?;
        while words.skip("OR") {
            allowed |= self.both(words)?;
        }
        Some(allowed)
    }

    /// `A AND B`.
    fn both(&self, words: &mut Words<'_>) -> Option<bool> {
        let mut allowed = self.single(words)?;
        while words.skip("AND") {
            allowed &= self.single(words)?;
        }
        Some(allowed)
    }

    fn single(&self, words: &mut Words<'_>) -> Option<bool> {
        if words.skip("(") {
            let allowed = self.either(words)?;
            return words.skip(")").then_some(allowed);
        }
        let mut name = words.next()?.to_owned();
        if words.skip("WITH") {
            name = format!("{name} WITH {}", words.next()?);
        }
        Some(self.licenses.contains(&name))
    }
}

fn field(entry: &toml::Value, key: &str) -> Result<String> {
    let value = entry.get(key).and_then(toml::Value::as_str);
    Ok(value
        .with_context(|| format!("{entry} has no `{key}`"))?
        .to_owned())
}

/// Whether `version` is the package's, or the beginning of it.
fn is_version(package: &Package, name: &str, version: &str) -> bool {
    let rest = package.version.strip_prefix(version);
    package.name == name && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The words of an expression, first one first.
struct Words<'a> {
    rest: VecDeque<&'a str>,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.rest.pop_front()
    }

    fn skip(&mut self, word: &str) -> bool {
        let found = self.rest.front() == Some(&word);
        if found {
            self.rest.pop_front();
        }
        found
    }
}

/// A house rule: what is compiled from others stays countable.
pub(crate) const PACKAGES_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
        [licenses]
        allow = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]
        [bans]
        deny = [{ crate = "openssl" }]
        skip = [{ crate = "syn@2", reason = "derives" }]
    "#;

    fn check(packages: &[(&str, &str, &str)]) -> Vec<String> {
        let package = |(name, version, license): &(&str, &str, &str)| Package {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            license: Some((*license).to_owned()).filter(|license| !license.is_empty()),
        };
        let packages: Vec<Package> = packages.iter().map(package).collect();
        Policy::parse(POLICY).unwrap().problems(&packages)
    }

    #[test]
    fn licences_are_read_as_expressions() {
        let policy = Policy::parse(POLICY).unwrap();
        for good in [
            "MIT",
            "GPL-3.0 OR MIT",
            "GPL-3.0/MIT",
            "MIT AND ISC",
            "(GPL-3.0 OR MIT) AND ISC",
            "GPL-3.0 OR (MIT AND ISC)",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(policy.allows(good), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR ISC) AND GPL-3.0",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT ISC",
            "Apache-2.0",
            "MIT WITH exception",
        ] {
            assert!(!policy.allows(bad), "{bad}");
        }
    }

    #[test]
    fn each_rule_can_be_broken() {
        let syn = ("syn", "2.0.119", "MIT");
        assert_eq!(check(&[syn, ("syn", "3.0.1", "MIT")]), [""; 0]);
        assert_eq!(
            check(&[syn, ("a", "1.0.0", "GPL-3.0")]),
            ["package a: GPL-3.0 is not allowed"]
        );
        assert_eq!(
            check(&[syn, ("a", "1.0.0", "")]),
            ["package a: names no licence"]
        );
        assert_eq!(
            check(&[syn, ("openssl", "1.0.0", "MIT")]),
            ["package openssl: banned by deny.toml"]
        );
        assert_eq!(
            check(&[syn, ("a", "1.0.0", "MIT"), ("a", "2.0.0", "MIT")]),
            ["package a: 1.0.0 and 2.0.0 are both in Cargo.lock"]
        );
        assert_eq!(
            check(&[("syn", "20.0.0", "MIT")]),
            ["deny.toml: nobody wants syn 2 any more"]
        );
    }

    #[test]
    fn an_exception_needs_a_version_and_a_reason() {
        assert!(Policy::parse(&POLICY.replace("syn@2", "syn")).is_err());
        assert!(Policy::parse(&POLICY.replace("reason", "note")).is_err());
    }

    #[test]
    fn a_dependency_needs_a_decision() {
        let metadata = serde_json::json!({"packages": [
            {"dependencies": [{"name": "ours", "path": "x"}, {"name": "mio"}, {"name": "tokio"}]},
            {"dependencies": [{"name": "mio", "path": null}]},
        ]});
        assert_eq!(
            undecided(&metadata, "## 8\n| tokio | 1 | x |\n"),
            ["DESIGN.md: no row for the dependency mio"]
        );
        assert_eq!(undecided(&metadata, "\n| tokio |\n| mio |"), [""; 0]);
    }

    #[test]
    fn the_budget_ends_at_its_maximum() {
        assert_eq!(over_budget(PACKAGES_MAX), None);
        assert!(over_budget(PACKAGES_MAX + 1).is_some());
    }
}
