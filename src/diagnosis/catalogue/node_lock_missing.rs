//! `node-lock-missing`: an installation that keeps to a lock file finds none.

use crate::diagnosis::Case;
use crate::diagnosis::node::{self, Manager, lock};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-lock-missing",
    what: "An installation that keeps to a lock file finds none",
    why: "`npm ci` and `--frozen-lockfile` install exactly what the lock file says. It was not committed, not copied \
          before this step, or is ignored by .dockerignore.",
    advice: "Copy the lock file beside package.json. If there is none, make one with `npm install --package-lock-only` \
             and commit it.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "can only install with an existing package-lock.json",
        "npm-shrinkwrap.json with lockfileVersion",
        "This command requires an existing lockfile",
        "ENOLOCK",
        "ERR_PNPM_NO_LOCKFILE",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#8 [4/5] RUN npm ci --omit=dev\n#8 0.52 npm error code EUSAGE\n#8 0.52 npm error\n#8 0.52 npm error The `npm ci` command can only install with an existing package-lock.json or\n#8 0.52 npm error npm-shrinkwrap.json with lockfileVersion >= 1. Run an install with npm@5 or\n#8 ERROR: process \"/bin/sh -c npm ci --omit=dev\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20-slim\nWORKDIR /app\nCOPY package.json ./\nRUN npm ci --omit=dev\nCOPY . .\nCMD [\"node\", \"index.js\"]\n",
                ),
                ("package.json", "{\"dependencies\": {\"express\": \"^4.18.0\"}}\n"),
                ("package-lock.json", "{\"lockfileVersion\": 3, \"packages\": {\"node_modules/express\": {}}}\n"),
            ],
            subject: "package-lock.json",
            remedy: Some((
                "copy-lock",
                &[(
                    "Dockerfile",
                    "FROM node:20-slim\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci --omit=dev\nCOPY . .\nCMD [\"node\", \"index.js\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Step 4/6 : RUN npm ci --no-audit\n ---> Running in 1\nnpm ERR! cipm can only install packages with an existing package-lock.json or npm-shrinkwrap.json with lockfileVersion >= 1. Run an install with npm@5 or later to generate it, then try again.\nThe command '/bin/sh -c npm ci --no-audit' returned a non-zero code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:12\nWORKDIR /app\nCOPY . .\nRUN npm ci --no-audit\nCMD [\"npm\", \"start\"]\n",
                ),
                ("package.json", "{\"dependencies\": {\"express\": \"^4.18.0\"}}\n"),
            ],
            subject: "package-lock.json",
            remedy: Some((
                "install-unfrozen",
                &[(
                    "Dockerfile",
                    "FROM node:12\nWORKDIR /app\nCOPY . .\nRUN npm install --no-audit\nCMD [\"npm\", \"start\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#8 [4/5] RUN npm ci\n#8 0.5 npm error The `npm ci` command can only install with an existing package-lock.json or\n#8 0.5 npm error npm-shrinkwrap.json with lockfileVersion >= 1.\n#8 ERROR: process \"/bin/sh -c npm ci\" did not complete successfully: exit code: 1",
            files: &[
                ("Dockerfile", "FROM node:20-slim\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\n"),
                (".dockerignore", "node_modules\npackage-lock.json\n"),
                ("package.json", "{}\n"),
                ("package-lock.json", "{}\n"),
            ],
            subject: "package-lock.json",
            remedy: Some(("let-lock-through", &[(".dockerignore", "node_modules\n")])),
            ..Example::BLANK
        },
        Example {
            log: "",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20-slim\nCOPY package.json ./\nRUN npm install -g pnpm@9 && pnpm install --frozen-lockfile\n",
                ),
                ("package.json", "{}\n"),
            ],
            subject: "pnpm-lock.yaml",
            remedy: Some((
                "install-unfrozen",
                &[(
                    "Dockerfile",
                    "FROM node:20-slim\nCOPY package.json ./\nRUN npm install -g pnpm@9 && pnpm install --no-frozen-lockfile\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"can only install (?:packages )?with an existing (package-lock\.json)",
    r"npm-shrinkwrap\.json with lockfileVersion >= 1",
    r"This command requires an existing lockfile",
    r"ERR_PNPM_NO_LOCKFILE.*(pnpm-lock\.yaml)",
    r"(?:code|errno) ENOLOCK",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    // pnpm says the same of a lock file whose format it does not know: that is another class.
    if case.log.contains("Ignoring not compatible lockfile") {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = if found.subject().is_empty() { "package-lock.json" } else { found.subject() };
    Some(
        Hit::at(found.line, subject, format!("the installation keeps to `{subject}`, but finds none")).confidence(0.97),
    )
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    lock::frozen(case)
        .into_iter()
        .filter(|frozen| frozen.lock.is_none() && frozen.install.manager != Manager::Yarn)
        .map(|frozen| {
            let (name, line) =
                (frozen.install.manager.locks()[0], case.dockerfile.instructions()[frozen.index].first_line);
            let why = format!("`{}` keeps to `{name}`, but none was copied before it", frozen.install.text);
            Hit::in_file(case.dockerfile_path, line, name, why).confidence(0.97)
        })
        .collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let named = hit.place.as_ref().and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index);
    let Some(index) = named.or_else(|| case.failing_instruction()).or_else(|| node::last_install(case)) else {
        return Prescription::none();
    };
    Prescription::of(lock::remedies_for_missing(case, index))
}
