//! `app-openssl-legacy`: webpack 4 on a Node with OpenSSL 3.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "app-openssl-legacy",
    what: "webpack 4 on a Node with OpenSSL 3",
    why: "webpack 4 hashes with MD4, which OpenSSL 3 of Node 17 and later refuses.",
    advice: "Raise webpack or react-scripts to 5; until then let the build step use the old algorithms, or Node 16.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["ERR_OSSL_EVP_UNSUPPORTED", "digital envelope routines"],
    detect,
    remedies,
    examples: &[Example {
        log: "#10 [6/6] RUN npm run build\n#10 2.1 Error: error:0308010C:digital envelope routines::unsupported\n#10 2.1     at new Hash (node:internal/crypto/hash:71:19)\n#10 2.1   code: 'ERR_OSSL_EVP_UNSUPPORTED'\n#10 ERROR: process \"/bin/sh -c npm run build\" did not complete successfully: exit code: 1",
        files: &[("Dockerfile", "FROM node:18\nCOPY . .\nRUN npm run build\n")],
        subject: "openssl",
        remedy: Some((
            "legacy-provider",
            &[("Dockerfile", "FROM node:18\nCOPY . .\nRUN NODE_OPTIONS=--openssl-legacy-provider npm run build\n")],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases =
    Phrases::new(&[r"digital envelope routines::?(?:unsupported|initialization error)?", r"ERR_OSSL_EVP_UNSUPPORTED"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    Some(Hit::at(found.line, "openssl", "the bundler uses a hash that OpenSSL 3 of this Node refuses").confidence(0.97))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    let instruction = &case.dockerfile.instructions()[index];
    if instruction.keyword != "RUN" || instruction.exec().is_some() || instruction.args.contains("NODE_OPTIONS") {
        return Prescription::none();
    }
    let tools = ["npm run", "yarn run", "pnpm run", "yarn build", "pnpm build", "npx ", "yarn --silent"];
    let edit = tools.iter().find(|tool| instruction.args.matches(*tool).count() == 1).and_then(|tool| {
        let to = format!("NODE_OPTIONS=--openssl-legacy-provider {tool}");
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, tool, &to)
    });
    Prescription::of(edit.map(|edit| Remedy {
        id: "legacy-provider".into(),
        title: "Let this build step use the old hash".into(),
        why: "only the build hashes with it; the service keeps OpenSSL's defaults".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
