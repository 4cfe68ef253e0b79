//! `node-eresolve`: packages ask for versions of a third that exclude each other.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{node, toolchain};
use crate::knowledge::{Knowledge, Question, Registry, Release};
use crate::manifest::package_json::PackageJson;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "node-eresolve",
    what: "Packages ask for versions of a third that exclude each other",
    why: "npm 7 and later refuse to install when a package wants another version of its peer than the project \
          has.",
    advice: "Raise or lower the direct dependency so that the peer range holds. `--legacy-peer-deps` only hides \
          the conflict.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["ERESOLVE", "Conflicting peer dependency", "Could not resolve dependency:"],
    detect,
    remedies,
    examples: &[
        Example {
            log: "npm error code ERESOLVE\nnpm error ERESOLVE unable to resolve dependency tree\nnpm error\nnpm error While resolving: web@0.1.0\nnpm error Found: react@19.0.0\nnpm error Could not resolve dependency:\nnpm error peer react@\"^17.0.0\" from react-beautiful-dnd@13.1.1",
            subject: "react-beautiful-dnd@13.1.1",
            ..Example::BLANK
        },
        Example {
            log: "#8 [4/5] RUN npm install\n#8 3.325 npm error code ERESOLVE\n#8 3.335 npm error ERESOLVE unable to resolve dependency tree\n#8 3.336 npm error\n#8 3.336 npm error While resolving: heights@1.0.0\n#8 3.336 npm error Found: graphql@16.15.0\n#8 3.336 npm error node_modules/graphql\n#8 3.336 npm error   graphql@\"^16.8.1\" from the root project\n#8 3.336 npm error\n#8 3.336 npm error Could not resolve dependency:\n#8 3.336 npm error peer graphql@\"^14.7.0 || ^15.3.0\" from express-graphql@0.12.0\n#8 3.336 npm error node_modules/express-graphql\n#8 3.336 npm error   express-graphql@\"^0.12.0\" from the root project\n#8 ERROR: process \"/bin/sh -c npm install\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:22\nCOPY package.json .\nRUN npm install\nCOPY . .\nCMD [\"node\", \"server.js\"]\n",
                ),
                (
                    "package.json",
                    "{\n  \"dependencies\": {\n    \"express-graphql\": \"^0.12.0\",\n    \"graphql\": \"^16.8.1\"\n  }\n}\n",
                ),
            ],
            subject: "express-graphql@0.12.0",
            knowledge: graphql,
            remedy: Some((
                "fit-peer",
                &[(
                    "package.json",
                    "{\n  \"dependencies\": {\n    \"express-graphql\": \"^0.12.0\",\n    \"graphql\": \"^15.10.1\"\n  }\n}\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn graphql() -> Knowledge {
    let release = |version: &str| Release { version: version.into(), has_source: true, ..Release::default() };
    let releases = |versions: &[&str]| versions.iter().map(|version| release(version)).collect::<Vec<_>>();
    Knowledge {
        packages: vec![
            ((Registry::Npm, "graphql".into()), releases(&["14.7.0", "15.10.1", "16.15.0"])),
            ((Registry::Npm, "express-graphql".into()), releases(&["0.11.0", "0.12.0"])),
        ],
        ..Knowledge::default()
    }
}

static SAID: Phrases = Phrases::new(&[
    r#"peer (?:\S+)@"[^"]+" from (\S+@\S+)"#,
    r#"peerOptional (?:\S+)@"[^"]+" from (\S+@\S+)"#,
    r"While resolving: (\S+)",
    r"(?:npm ERR!|npm error) code (ERESOLVE)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    // npm warns in the same words where it goes on.
    if !case
        .log
        .lines
        .iter()
        .any(|line| line.text.contains("ERR! code ERESOLVE") || line.text.contains("error code ERESOLVE"))
    {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a peer range does not hold: `{subject}`");
    Some(Hit::at(found.line, subject, why))
}

/// A conflict as npm tells it: who asks for which range of what, and which version is there.
struct Conflict {
    peer: String,
    found: String,
    ranges: Vec<String>,
    asker: String,
    asker_version: String,
}

fn conflict(case: &Case<'_>) -> Option<Conflict> {
    static FOUND: Phrases = Phrases::new(&[r"(?:ERR!|error) Found: (\S+)@(\d[^\s@]*)$"]);
    static PEER: Phrases = Phrases::new(&[r#"(?:ERR!|error) +peer (\S+)@"([^"]+)" from (\S+)@(\d[^\s@]*)$"#]);
    let lines: Vec<usize> = case.log.failing_range().collect();
    let found = FOUND.first(case, &lines)?;
    let all = PEER.all(case, &lines);
    let mut about = all.iter().filter(|peer| peer.line > found.line && peer.subject() == found.subject());
    let first = about.next()?;
    let mut ranges = vec![first.name(1).to_owned()];
    ranges.extend(about.filter(|peer| peer.name(2) == first.name(2)).map(|peer| peer.name(1).to_owned()));
    ranges.dedup();
    Some(Conflict {
        peer: found.subject().to_owned(),
        found: found.name(1).to_owned(),
        ranges,
        asker: first.name(2).to_owned(),
        asker_version: first.name(3).to_owned(),
    })
}

fn major(version: &str) -> Option<u32> {
    toolchain::numbers(version).first().copied()
}

/// Moves one of the two that package.json itself names: the asker within its major, else the peer, else the asker.
fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let (Some(conflict), Some(package)) = (conflict(case), node::package(case, case.failing_instruction())) else {
        return Prescription::none();
    };
    let mut out = Prescription::none();
    let raised = raised_asker(case, &package, &conflict, &mut out.questions);
    let peer = fitting_peer(case, &package, &conflict, &mut out.questions);
    let (same, other): (Vec<String>, Vec<String>) =
        raised.into_iter().partition(|version| major(version) == major(&conflict.asker_version));
    let asker = |version: &String| move_to(case, &package, "raise-asker", &conflict.asker, version);
    out.remedies.extend(same.first().and_then(asker));
    out.remedies.extend(peer.and_then(|version| move_to(case, &package, "fit-peer", &conflict.peer, &version)));
    out.remedies.extend(other.first().and_then(asker));
    out
}

/// The newest release of the asker that takes the peer as it is.
fn raised_asker(
    case: &Case<'_>,
    package: &PackageJson,
    conflict: &Conflict,
    questions: &mut Vec<Question>,
) -> Option<String> {
    package.requirement(&conflict.asker)?;
    let newest =
        newest(case, &conflict.asker, questions, |_| true).filter(|newest| *newest != conflict.asker_version)?;
    let Some(wants) = case.knowledge.dependencies(Registry::Npm, &conflict.asker, &newest) else {
        questions.push(Question::Dependencies {
            registry: Registry::Npm,
            name: conflict.asker.clone(),
            version: newest,
        });
        return None;
    };
    let peer = format!("peer {}@", conflict.peer);
    let range = wants.iter().find_map(|want| want.strip_prefix(&peer));
    range.is_none_or(|range| toolchain::satisfies(range, &toolchain::numbers(&conflict.found))).then_some(newest)
}

/// The newest release of the peer that the asker takes.
fn fitting_peer(
    case: &Case<'_>,
    package: &PackageJson,
    conflict: &Conflict,
    questions: &mut Vec<Question>,
) -> Option<String> {
    package.requirement(&conflict.peer)?;
    newest(case, &conflict.peer, questions, |version| {
        conflict.ranges.iter().all(|range| toolchain::satisfies(range, &toolchain::numbers(version)))
    })
}

fn newest(case: &Case<'_>, name: &str, questions: &mut Vec<Question>, fits: impl Fn(&str) -> bool) -> Option<String> {
    let Some(releases) = case.knowledge.releases(Registry::Npm, name) else {
        questions.push(Question::Package { registry: Registry::Npm, name: name.to_owned() });
        return None;
    };
    let plain = releases.iter().filter(|release| !release.version.contains('-') && fits(&release.version));
    let all: Vec<&Release> = plain.collect();
    let found = all.iter().rev().find(|release| !release.yanked).or(all.last())?;
    Some(found.version.clone())
}

fn move_to(case: &Case<'_>, package: &PackageJson, id: &str, name: &str, version: &str) -> Option<Remedy> {
    let (_, old) = package.requirement(name)?;
    let range =
        if old.starts_with(|each: char| each.is_ascii_digit()) { version.to_owned() } else { format!("^{version}") };
    let edit = package.set_string(case.workspace, name, old, &range)?;
    let frozen = case.failing_instruction().and_then(|index| node::install_before(case, index));
    let thaw = frozen.filter(|(_, install)| install.frozen).and_then(|(at, install)| node::thaw(case, at, &install));
    Some(Remedy {
        id: id.into(),
        title: format!("Ask for `{name}` {range} in place of {old}"),
        why: "with that version the peer range holds; nothing is forced".into(),
        applicability: Applicability::Rehearse,
        edits: [edit].into_iter().chain(thaw).collect(),
    })
}
