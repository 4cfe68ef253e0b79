//! `node-optional-native`: the native part of a package is for another system.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-optional-native",
    what: "The native part of a package is for another system",
    why: "The lock file or a copied node_modules holds the binary of another operating system, processor or C \
          library.",
    advice: "Keep node_modules out of the build context; write the lock file on Linux, or so that it holds all \
          platforms.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "for another platform",
        "Failed to load SWC binary",
        "bug related to optional dependencies",
        "rollup-linux",
        "module using the linux",
        "@esbuild/linux",
        "lightningcss.linux",
        "oxide-linux",
        "@next/swc-linux",
        "invalid ELF header",
        ".node'",
        "was compiled against a different Node.js version",
    ],
    detect,
    examples: &[
        Example {
            log: "Error: Cannot find module @rollup/rollup-linux-x64-musl. npm has a bug related to optional dependencies (https://github.com/npm/cli/issues/4828). Please try `npm i` again after removing both package-lock.json and node_modules directory.",
            subject: "@rollup/rollup-linux-x64-musl",
            ..Example::BLANK
        },
        Example {
            log: "Error: \nYou installed esbuild for another platform than the one you're currently using.\nThis won't work because esbuild is written with native code",
            subject: "esbuild",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"You installed (\w+) for another platform",
    r"Cannot find module '?(@rollup/rollup-linux[\w-]+)",
    r"Failed to load (SWC) binary",
    r#"Could not load the "(sharp)" module using the linux"#,
    r#"The package "(@esbuild/linux-[\w-]+)" could not be found"#,
    r"Cannot find module '[^']*(lightningcss\.linux[\w-]+)",
    r"Cannot find module '?(@tailwindcss/oxide-linux[\w-]+)",
    r"/([\w.-]+\.node): invalid ELF header",
    r"The module '\S*node_modules/((?:@[\w.-]+/)?[\w.-]+)/\S*'",
    r"Cannot find module '(?:\.{1,2}/)+build/(?:Release|Debug)/([\w-]+\.node)'",
    r"(npm) has a bug related to optional dependencies",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the native part of `{subject}` is missing, or made for another system or another Node");
    Some(Hit::at(found.line, subject, why))
}
