//! What the tests need from the machine: finding it, and getting it when asked to.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::service::{SERVICES, Service};
use crate::tidy;

/// Gets a browser, the services, the npm packages of `tests/js` and the Python ones of `tests/python`. Nothing that is already there is touched.
///
/// # Errors
/// Names the tool that is missing and cannot be got from here, or the command that failed.
pub(crate) fn install(root: &Path) -> Result<()> {
    let mut packages = Vec::new();
    if chromium().is_none() {
        packages.push("chromium");
    }
    let services = services(root)?.into_iter();
    packages.extend(
        services
            .filter(|service| (service.find)().is_none())
            .map(|service| service.package),
    );
    let pip = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .output();
    if !pip.is_ok_and(|output| output.status.success()) {
        packages.push("python3-pip");
    }
    if !packages.is_empty() {
        apt_install(&packages)?;
    }
    if find("npm").is_none() {
        bail!("missing npm: {NODE_HELP}");
    }
    let tests = root.join("tests/js");
    run(Command::new("npm").arg("ci").current_dir(&tests))
        .context("get the npm packages of tests/js")?;
    let packages = root.join(PYTHON_PACKAGES);
    for list in [
        &["-r", "requirements.txt"][..],
        &["--no-deps", "-r", "sdk.txt"],
    ] {
        run(Command::new("python3")
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--root-user-action=ignore", "--upgrade", "--target"])
            .arg(&packages)
            .args(list)
            .current_dir(root.join("tests/python")))
        .context("get the Python packages of tests/python")?;
    }
    Ok(())
}

/// Every tool the steps of `cargo xtask test` need, checked before the first of them runs.
///
/// # Errors
/// Names each missing tool and how to get it.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut missing = Vec::new();
    for component in ["fmt", "clippy"] {
        let found = Command::new("cargo")
            .args([component, "--version"])
            .output();
        if !found.is_ok_and(|output| output.status.success()) {
            missing.push(format!(
                "cargo {component}: `rustup component add rustfmt clippy`"
            ));
        }
    }
    match node_version() {
        Some(version) if version >= NODE_VERSION_MIN => {}
        Some((major, minor)) => {
            missing.push(format!("node: {major}.{minor} is too old, {NODE_HELP}"))
        }
        None => missing.push(format!("node: {NODE_HELP}")),
    }
    if chromium().is_none() {
        missing.push(
            "chromium: `cargo xtask test --install`, or name a browser in CHROMIUM".to_owned(),
        );
    }
    let services = services(root)?.into_iter();
    missing.extend(
        services
            .filter(|service| (service.find)().is_none())
            .map(Service::help),
    );
    // npm writes this file last, so its absence also tells of an installation that was cut off.
    let installed = root.join("tests/js/node_modules/.package-lock.json");
    if !installed.is_file() {
        missing.push("npm packages of tests/js: `cargo xtask test --install`".to_owned());
    }
    if !root.join(PYTHON_PACKAGES).join("nakama").is_dir() {
        missing.push("Python packages of tests/python: `cargo xtask test --install`".to_owned());
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!("missing\n  {}", missing.join("\n  "))
}

/// The services that some test in the workspace names.
///
/// # Errors
/// A file could not be read.
pub(crate) fn services(root: &Path) -> Result<Vec<&'static Service>> {
    let sources = tidy::sources(root)?;
    let is_needed = |service: &&Service| {
        let mark = format!("ignore = \"{}\"", service.reason());
        sources.iter().any(|(_, text)| text.contains(&mark))
    };
    Ok(SERVICES.iter().filter(is_needed).collect())
}

/// Where the Python packages of the tests lie.
pub(crate) const PYTHON_PACKAGES: &str = "tests/python/packages";

/// The browser for the tests: `CHROMIUM` when set, else the first known one in `PATH`.
pub(crate) fn chromium() -> Option<PathBuf> {
    match std::env::var_os("CHROMIUM") {
        Some(path) => Some(PathBuf::from(path)).filter(|path| path.is_file()),
        None => CHROMIUM_NAMES.iter().find_map(|name| find(name)),
    }
}

/// Of the machine's own Node.
pub(crate) fn node_version() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").output().ok()?;
    parse_node_version(&String::from_utf8(output.stdout).ok()?)
}

/// `v20.14.0` is `(20, 14)`.
fn parse_node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix('v')?.split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some((major, minor))
}

fn apt_install(packages: &[&str]) -> Result<()> {
    if find("apt-get").is_none() {
        bail!(
            "missing, and no apt-get to install it: {}",
            packages.join(", ")
        );
    }
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let apt_get = || {
        let mut command = Command::new(if root { "env" } else { "sudo" });
        // At run level 1 a package does not start its server: the tests start one of their own.
        command.args(["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"]);
        command
    };
    run(apt_get().arg("update"))?;
    run(apt_get()
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages))
}

fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    let status = command.status().with_context(|| format!("run `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed: {status}");
    }
    Ok(())
}

/// The first file of this name in `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path)
        .map(|folder| folder.join(&name))
        .find(|file| file.is_file())
}

const CHROMIUM_NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// The first release with `--test-force-exit`; the SDK leaves timers behind that keep a process alive.
const NODE_VERSION_MIN: (u32, u32) = (20, 14);
const NODE_HELP: &str = "20.14 or later is needed, from nodejs.org or your distribution";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_compare_as_numbers() {
        assert_eq!(parse_node_version("v20.14.0\n"), Some((20, 14)));
        assert!(parse_node_version("v20.9.1").unwrap() < NODE_VERSION_MIN);
        assert!(parse_node_version("v22.0.0").unwrap() > NODE_VERSION_MIN);
        for bad in ["", "20.14.0", "v20", "vx.y.z"] {
            assert_eq!(parse_node_version(bad), None, "{bad}");
        }
    }
}
