//! `nat-prisma-engine`: Prisma's engine does not fit the image.

use crate::diagnosis::Case;
use crate::diagnosis::native::{Family, family, install_before};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "nat-prisma-engine",
    what: "Prisma does not find its engine or OpenSSL",
    why: "Prisma's engine is a binary for one platform and one OpenSSL. The image has another, or none.",
    advice: "Install openssl in the image that runs; add the platform to binaryTargets; copy the generated client into the final stage.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "prisma failed to detect the libssl/openssl version",
        "prisma client could not locate the query engine",
        "libquery_engine-",
        "error loading shared library libssl.so.1.1",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "prisma:warn Prisma failed to detect the libssl/openssl version to use, and may not work as expected. Defaulting to \"openssl-1.1.x\".\nPrismaClientInitializationError: Unable to require(`/app/node_modules/.prisma/client/libquery_engine-debian-openssl-1.1.x.so.node`).",
        files: &[(
            "Dockerfile",
            "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"index.js\"]\n",
        )],
        subject: "libquery_engine-debian-openssl-1.1.x.so.node",
        remedy: Some((
            "install-openssl",
            &[(
                "Dockerfile",
                "FROM node:20-slim\nRUN apt-get update && apt-get install -y --no-install-recommends openssl ca-certificates \\\n && rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"index.js\"]\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"Prisma Client could not locate the (Query Engine)|(libquery_engine-[\w.-]+)|Error loading shared library (libssl\.so\.1\.1)|Prisma failed to detect the (libssl)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    // The warning alone also stands in logs of services that work.
    if found.get(4).is_some() {
        return None;
    }
    let subject = found.subject();
    let why = format!("Prisma's engine does not find what it needs: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.9))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let stages = case.dockerfile.stages();
    let Some(last) = stages.last() else { return Prescription::none() };
    let has_openssl =
        case.dockerfile.instructions()[last.instructions.clone()].iter().any(|each| each.args.contains("openssl"));
    let Some(family) = family(case, last.from).filter(|_| !has_openssl) else { return Prescription::none() };
    let packages: &[&str] = if family == Family::Debian { &["openssl", "ca-certificates"] } else { &["openssl"] };
    let run = last
        .instructions
        .clone()
        .find(|at| case.dockerfile.instructions()[*at].keyword == "RUN")
        .unwrap_or(last.from + 1);
    let edit = install_before(case, run, family, packages);
    Prescription::of(edit.map(|edit| Remedy {
        id: "install-openssl".into(),
        title: "Install openssl".into(),
        why: "Prisma looks at it to choose its engine, and the engine is linked against it".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
