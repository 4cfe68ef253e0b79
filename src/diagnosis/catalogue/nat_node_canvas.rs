//! `nat-node-canvas`: node-canvas does not find cairo and its friends.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, compiler, for_command, for_package};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-node-canvas",
    what: "node-canvas cannot be built: cairo is missing",
    why: "This release of canvas has no ready binary for this Node or platform and is compiled against cairo, pango and others.",
    advice: "Install libcairo2-dev libpango1.0-dev libjpeg-dev libgif-dev librsvg2-dev and a compiler; or raise canvas.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "package 'pixman-1'",
        "package pixman-1",
        "package pangocairo was not found",
        "cairo.h: no such file",
        "npm err! canvas@",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "Package 'pixman-1', required by 'virtual:world', not found\ngyp ERR! configure error",
        files: &[(
            "Dockerfile",
            "FROM node:20-slim\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD [\"node\", \"index.js\"]\n",
        )],
        subject: "canvas",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM node:20-slim\nRUN apt-get update && apt-get install -y --no-install-recommends python3 build-essential libcairo2-dev libpango1.0-dev libjpeg-dev libgif-dev librsvg2-dev pkg-config \\\n && rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD [\"node\", \"index.js\"]\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[r"Package '?(?:pixman-1|pangocairo)|fatal error: cairo\.h|npm ERR! canvas@"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let subject = "canvas";
    let why = "canvas is compiled here, and cairo is not installed";
    Some(Hit::at(found.line, subject, why).confidence(0.96))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let needs: Vec<_> =
        [for_command("python3"), Some(compiler()), for_package("canvas")].into_iter().flatten().collect();
    native::prescribe(case, &needs, "canvas is compiled against these libraries")
}
