//! Lists the files of the pages, so that the binary embeds them. Debug and release builds embed the same bytes.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root =
        PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../..");
    let mut files = Vec::new();
    if env::var_os("CARGO_FEATURE_ARCADE").is_some() {
        for (folder, prefix) in FOLDERS {
            let folder = root.join(folder);
            println!("cargo::rerun-if-changed={}", folder.display());
            collect(&folder, prefix, &mut files)?;
        }
    }
    files.sort();
    let mut code = String::from(
        "/// Path, bytes, entity tag; sorted by path.\nstatic ASSETS: &[(&str, &[u8], &str)] = &[\n",
    );
    for (path, file) in files {
        let mut hash = DefaultHasher::new();
        fs::read(&file)?.hash(&mut hash);
        let (file, etag) = (file.canonicalize()?, format!("\"{:016x}\"", hash.finish()));
        code.push_str(&format!(
            "    ({path:?}, include_bytes!({file:?}), {etag:?}),\n"
        ));
    }
    code.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("assets.rs"), code)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if path.is_dir() {
            if !matches!(name, "test" | "node_modules") {
                collect(&path, &format!("{prefix}{name}/"), files)?;
            }
        } else if path
            .extension()
            .is_some_and(|kind| SERVED.iter().any(|served| kind == *served))
        {
            files.push((format!("{prefix}{name}"), path));
        }
    }
    Ok(())
}

/// Folder in the workspace, and where it is served. The arcade's own page is at the root. Seen from `/games/NAME/` the
/// modules that games share lie where they lie seen from `games/NAME/client`, so that tests find them without a server.
const FOLDERS: [(&str, &str); 8] = [
    ("web/arcade", "/"),
    ("web/arcade", "/arcade/"),
    ("clients/js", "/sdk/"),
    ("games/arena/client", "/games/arena/"),
    ("games/pool/client", "/games/pool/"),
    ("games/soccer/client", "/games/soccer/"),
    ("games/duel/client", "/duel/client/"),
    ("crates/physics-wasm", "/physics/"),
];
const SERVED: [&str; 7] = ["html", "js", "css", "svg", "png", "wasm", "webmanifest"];
