//! `nat-openssl-rust`: a Rust build does not find OpenSSL.

use crate::diagnosis::Case;
use crate::diagnosis::base;
use crate::diagnosis::native::{self, for_pkg_config};
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-openssl-rust",
    what: "openssl-sys does not find OpenSSL",
    why: "The crate openssl-sys links against the system's OpenSSL, whose headers are not in the image.",
    advice: "Install pkg-config and libssl-dev (Alpine: openssl-dev), or use the rustls feature of the crate that pulls it in.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "failed to run custom build command for `openssl-sys",
        "could not find directory of openssl installation",
        "could not find openssl",
    ],
    detect,
    foresee,
    remedies,
    examples: &[Example {
        log: "error: failed to run custom build command for `openssl-sys v0.9.102`\n  Could not find directory of OpenSSL installation, and this `-sys` crate cannot",
        files: &[("Dockerfile", "FROM rust:1.80-slim\nCOPY . .\nRUN cargo build --release\n")],
        subject: "openssl-sys",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM rust:1.80-slim\nRUN apt-get update && apt-get install -y --no-install-recommends libssl-dev pkg-config \\\n && rm -rf /var/lib/apt/lists/*\nCOPY . .\nRUN cargo build --release\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"failed to run custom build command for `openssl-sys|Could not find directory of OpenSSL installation|Could not find openssl via pkg-config",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let subject = "openssl-sys";
    let why = "the crate openssl-sys does not find OpenSSL";
    Some(Hit::at(found.line, subject, why).confidence(0.97))
}

/// A lock file with openssl-sys and not its sources, built in an image without OpenSSL's headers.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let hit = |index: usize| {
        let script = node::script_of(case, index);
        let builds = node::commands(&script)
            .iter()
            .any(|command| command.starts_with("cargo build") || command.starts_with("cargo install --path"));
        if !builds {
            return None;
        }
        let bare = base::of(case, index).is_some_and(|base| {
            base.image.official() == Some("rust") && ["slim", "alpine"].iter().any(|mark| base.image.tag.contains(mark))
        });
        let has = node::history(case, index).into_iter().chain([index]).any(|at| {
            let each = &case.dockerfile.instructions()[at];
            ["ssl", "pkg-config", "pkgconf", ".sh", "xargs"].iter().any(|word| each.args.contains(word))
                || each.flag("from").is_some()
        });
        let lock = case.workspace.text(&case.in_repository("Cargo.lock"))?;
        let locked = |name: &str| lock.contains(&format!("name = \"{name}\""));
        // A dependency of the project's own that is optional may be in the lock without being built.
        let manifests = || case.workspace.paths().filter(|path| path.ends_with("Cargo.toml"));
        let optional = manifests()
            .filter_map(|path| case.workspace.text(path))
            .any(|text| text.contains("optional = true") || text.contains("vendored"));
        let copied = node::copied(case, index).iter().any(|(_, path)| path == "Cargo.lock");
        (bare && !has && copied && locked("openssl-sys") && !locked("openssl-src") && !optional).then(|| {
            case.foreseen(
                index,
                "openssl-sys",
                "the crate openssl-sys is linked against OpenSSL, which the image does not have",
            )
        })
    };
    case.runs().find_map(hit).into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let needs: Vec<_> = for_pkg_config("openssl").into_iter().collect();
    let why = "openssl-sys is linked against it";
    match case.step(hit) {
        Some(index) => Prescription::of(native::install_remedy(case, index, &needs, why)),
        None => native::prescribe(case, &needs, why),
    }
}
