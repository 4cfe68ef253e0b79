//! `nat-node-gyp`: an add-on of a Node package does not compile.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, compiler, for_command, for_package};
use crate::diagnosis::node::{addons, lock};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-node-gyp",
    what: "A native add-on of a Node package cannot be compiled",
    why: "A dependency (often of a dependency) brings C++ code that node-gyp compiles. That needs Python, make and a C++ compiler, which slim and Alpine images do not have; or the add-on is older than this Node.",
    advice: "Install python3, make and g++ before npm runs; if they are there, raise the add-on to a release for this Node.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "gyp err!",
        "node-pre-gyp err!",
        "can't find python executable",
        "could not find any python installation to use",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "npm error gyp ERR! find Python Python is not set from command line or npm configuration\nnpm error gyp ERR! stack Error: Could not find any Python installation to use\nnpm error gyp ERR! cwd /app/node_modules/bcrypt\nnpm error gyp ERR! not ok",
            files: &[(
                "Dockerfile",
                "FROM node:20-slim\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD [\"node\", \"index.js\"]\n",
            )],
            subject: "bcrypt",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM node:20-slim\nRUN apt-get update && apt-get install -y --no-install-recommends python3 build-essential \\\n && rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD [\"node\", \"index.js\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "gyp ERR! stack Error: not found: make\ngyp ERR! cwd /app/node_modules/node-expat\ngyp ERR! not ok",
            files: &[(
                "Dockerfile",
                "FROM node:20-slim\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD [\"node\", \"index.js\"]\n",
            )],
            subject: "node-expat",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM node:20-slim\nRUN apt-get update && apt-get install -y --no-install-recommends python3 build-essential \\\n && rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD [\"node\", \"index.js\"]\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"gyp ERR! stack Error: (?:not found: )?(make)\b|(Could not find any Python installation) to use|(Can't find Python) executable|gyp ERR! (find Python)|gyp ERR! (?:cwd) (\S+)|gyp ERR! (build error|configure error|not ok)|node-pre-gyp ERR! (.{1,60})",
]);
static FOLDER: Phrases = Phrases::new(&[r"gyp ERR! cwd \S*node_modules/((?:@[\w.\-]+/)?[\w.\-]+)"]);
static PRE: Phrases = Phrases::new(&[r"node_modules/((?:@[\w.\-]+/)?[\w.\-]+)\b"]);
static CODE: Phrases = Phrases::new(&[
    r"^(?:npm (?:ERR!|error) )?\.\./\S+:\d+:\d+: (?:fatal )?error: |^(?:npm (?:ERR!|error) )?/\S+:\d+:\d+: (?:fatal )?error: ",
]);
static TOOLS: Phrases = Phrases::new(&[
    r"not found: make|Could not find any Python|Can't find Python|find Python|not found: (?:g\+\+|cc|gcc)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let tools = TOOLS.first(case, lines).map(|tool| tool.line);
    let code = CODE.everywhere(case).next().map(|code| code.line).filter(|at| *at < found.line);
    let folder = FOLDER.last(case, lines).or_else(|| PRE.last(case, lines));
    // The last line only says that it failed; the first one that says more says what.
    let said = match found.subject() {
        "build error" | "configure error" | "not ok" => SAYS.first(case, lines)?.subject().to_owned(),
        said => said.to_owned(),
    };
    let line = tools.or(code).unwrap_or(found.line);
    let subject = folder.map_or(said, |folder| folder.subject().to_owned());
    let why = format!("the native add-on `{subject}` cannot be compiled");
    Some(Hit::at(line, subject, why).confidence(0.92))
}

/// Add-ons in the lock file that are always compiled, in images that cannot.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let hit = |install: lock::Frozen| {
        let name = addons::compiled(case, &install)?;
        let why = format!(
            "the native add-on `{name}` is compiled when it is installed, and the image has no Python, make and g++"
        );
        Some(case.foreseen(install.index, name, why))
    };
    lock::frozen(case).into_iter().find_map(hit).into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    // Code that does not fit this Node is not helped by a compiler.
    if hit.line.is_some_and(|line| CODE.fits(case.text(line))) {
        return Prescription::none();
    }
    let mut needs: Vec<_> = for_command("python3").into_iter().collect();
    needs.push(compiler());
    needs.extend(for_package(&hit.subject));
    let why = "node-gyp compiles the add-on with these";
    match case.step(hit) {
        Some(index) => Prescription::of(native::install_remedy(case, index, &needs, why)),
        None => native::prescribe(case, &needs, why),
    }
}
