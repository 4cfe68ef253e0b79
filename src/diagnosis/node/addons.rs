//! Native add-ons: which packages of a lock file are compiled whenever they are installed, where nothing can compile them.

use serde_json::Value;

use super::lock::Frozen;
use super::{history, script_of};
use crate::diagnosis::{Case, base};

/// What a package with C++ in it depends on.
const HEADERS: &[&str] = &["nan", "node-addon-api"];
/// What fetches or brings a ready binary, so that nothing is compiled.
const READY: &[&str] = &[
    "@discordjs/node-pre-gyp",
    "@mapbox/node-pre-gyp",
    "@mongodb-js/saslprep",
    "cmake-js",
    "detect-libc",
    "install-artifact-from-github",
    "napi-macros",
    "node-gyp-build",
    "node-gyp-build-optional-packages",
    "node-pre-gyp",
    "pkg-prebuilds",
    "prebuild",
    "prebuild-install",
    "prebuildify",
];
/// Those that fetch or hold a binary by themselves.
const BY_THEMSELVES: &[&str] = &["@newrelic/native-metrics", "deasync", "node-sass", "sharp", "ssh2", "swisseph"];
/// What brings the tools, or may.
const TOOLS: &[&str] = &["python", "g++", "gcc", "build-essential", "build-base", "make", ".sh", "xargs", "$("];

/// The first package of the lock file that the installation has to compile, in an official image without the tools for it.
pub fn compiled(case: &Case<'_>, frozen: &Frozen) -> Option<String> {
    let base = base::of(case, frozen.index).filter(|base| base.image.official() == Some("node"))?;
    let bare = ["slim", "alpine"].iter().any(|mark| base.image.tag.contains(mark));
    let steps = history(case, frozen.index).into_iter().chain([frozen.index]);
    let scripts = steps.filter(|at| case.dockerfile.instructions()[*at].keyword == "RUN").map(|at| script_of(case, at));
    let settled = scripts
        .into_iter()
        .any(|script| TOOLS.iter().any(|tool| script.contains(tool)) || script.contains("ignore-scripts"));
    let configured =
        case.workspace.text(&case.in_repository(".npmrc")).is_some_and(|text| text.contains("ignore-scripts"));
    if !bare || settled || configured {
        return None;
    }
    let text = case.workspace.text(&case.in_repository(frozen.lock.as_deref()?))?;
    let lock: Value = serde_json::from_str(text).ok()?;
    let packages = lock.get("packages")?.as_object()?;
    let is = |package: &Value, key: &str| package.get(key).and_then(Value::as_bool) == Some(true);
    packages.iter().find_map(|(path, package)| {
        let (_, name) = path.rsplit_once("node_modules/")?;
        let needs = |names: &[&str]| {
            let needs = package.get("dependencies").and_then(Value::as_object);
            needs.is_some_and(|needs| names.iter().any(|name| needs.contains_key(*name)))
        };
        let is_installed =
            !is(package, "optional") && !is(package, "devOptional") && !is(package, "peer") && !is(package, "dev");
        // A package with a binding.gyp is compiled without a script of its own; who asks for `nan` has one.
        let asks = is(package, "hasInstallScript") && needs(HEADERS) || needs(&["nan"]);
        let builds = asks && !needs(READY) && package.get("os").is_none();
        (builds && is_installed && !BY_THEMSELVES.contains(&name)).then(|| name.to_owned())
    })
}
