//! `py-conflict`: two requirements want versions of one package that exclude each other.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::outlook::{self, Clash};
use crate::diagnosis::python::{self, minor_at, pins};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::knowledge::{Knowledge, Question, Resolution};
use crate::manifest::requirements::{normalise, requirement};
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "py-conflict",
    what: "Two requirements exclude each other",
    why: "Two of the wanted packages need different versions of a third one (or a constraint forbids the one that is needed), \
          so that no set of versions satisfies all lines.",
    advice: "Raise or lower the pin that is named in the conflict and matters least; keep the framework and what others depend on.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "because these package versions have conflicting dependencies",
        "the conflict is caused by:",
        "resolutionimpossible",
        "no solution found when resolving dependencies",
        "version solving failed",
        "are unsatisfiable",
        "double requirement given",
    ],
    detect,
    foresee,
    wonder: outlook::needs_wanted,
    remedies,
    examples: &[
        Example {
            log: "ERROR: Cannot install -r requirements.txt (line 3) and urllib3==2.8.0 because these package versions have conflicting dependencies.\n\nThe conflict is caused by:\n    The user requested urllib3==2.8.0\n    google-auth 2.22.0 depends on urllib3<2.0\n\nTo fix this you could try to:\n1. loosen the range of package versions you've specified\n\nERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/#dealing-with-dependency-conflicts",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.13\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
                ),
                ("requirements.txt", "fastapi==0.115.12\nurllib3==2.8.0\ngoogle-auth==2.22.0\n"),
            ],
            subject: "urllib3",
            knowledge: || {
                answered(
                    "3.13",
                    &["fastapi==0.115.12", "urllib3==2.8.0", "google-auth==2.22.0"],
                    "google-auth",
                    "2.40.3",
                )
            },
            remedy: Some((
                "free-google-auth",
                &[("requirements.txt", "fastapi==0.115.12\nurllib3==2.8.0\ngoogle-auth==2.40.3\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: Cannot install -r requirements/web.txt (line 1) because these package versions have conflicting dependencies.\n\nThe conflict is caused by:\n    flask 3.0.3 depends on Werkzeug>=3.0.0\n    The user requested (constraint) werkzeug==2.2.3\n\nERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/#dealing-with-dependency-conflicts",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.11-slim\nWORKDIR /app\nCOPY requirements/ requirements/\nRUN pip install -r requirements/web.txt -c requirements/constraints.txt\n",
                ),
                ("requirements/web.txt", "flask>=3\n"),
                ("requirements/constraints.txt", "flask==3.0.3\nwerkzeug==2.2.3\n"),
            ],
            subject: "werkzeug",
            knowledge: || answered("3.11", &["flask>=3", "flask==3.0.3", "werkzeug==2.2.3"], "werkzeug", "3.0.6"),
            remedy: Some(("free-werkzeug", &[("requirements/constraints.txt", "flask==3.0.3\nwerkzeug==3.0.6\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  × No solution found when resolving dependencies:\n  ╰─▶ Because flask==3.0.3 depends on werkzeug>=3.0.0 and you require\n      flask==3.0.3, we can conclude that you require werkzeug>=3.0.0.\n      And because you require werkzeug==2.2.3, we can conclude that your\n      requirements are unsatisfiable.",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN pip install uv\nCOPY requirements.txt .\nRUN uv pip install --system -r requirements.txt\n",
                ),
                ("requirements.txt", "flask==3.0.3\nwerkzeug==2.2.3\n"),
            ],
            subject: "werkzeug",
            knowledge: || answered("3.12", &["flask==3.0.3", "werkzeug==2.2.3"], "werkzeug", "3.0.6"),
            remedy: Some(("free-werkzeug", &[("requirements.txt", "flask==3.0.3\nwerkzeug==3.0.6\n")])),
            ..Example::BLANK
        },
        Example {
            log: "Resolving dependencies...\n\nBecause shop depends on flask (^3.0) which depends on werkzeug (>=3.0.0), werkzeug is required.\nSo, because shop depends on werkzeug (^2.2), version solving failed.",
            files: &[("Dockerfile", "FROM python:3.12-slim\nRUN poetry install\n")],
            subject: "werkzeug",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn answered(python: &str, requirements: &[&str], name: &str, version: &str) -> Knowledge {
    let question = Question::PythonResolution {
        python: python.into(),
        requirements: requirements.iter().map(|line| (*line).into()).collect(),
        free: vec![name.into()],
    };
    let solved = Resolution::Solved([(name.to_owned(), version.to_owned())].into());
    Knowledge { resolutions: vec![(question, solved)], ..Knowledge::default() }
}

static CANNOT: Phrases =
    Phrases::new(&[r"Cannot install (.+?) because these package versions have conflicting dependencies"]);
static DEPENDS: Phrases =
    Phrases::new(&[r"^\s+([\w.\-]+)(?:\[[^\]]*\])? (\S+) depends on ([\w.\-]+)(?:\[[^\]]*\])?(.*)$"]);
static USER: Phrases = Phrases::new(&[r"^\s+The user requested (?:\(constraint\) )?([\w.\-]+)(?:\[[^\]]*\])?(.*)$"]);
static SOLVER: Phrases = Phrases::new(&[
    r"[Bb]ecause (?:.*? )?depends? on (?:both )?([\w.\-]+).*version solving failed|No solution found when resolving|version solving failed",
]);
static UNSATISFIABLE: Phrases =
    Phrases::new(&[r"and (?:you require )?([\w.\-]+)[=<>~!]\S*.*(?:are unsatisfiable|cannot be used)"]);
static UV_PARTY: Phrases = Phrases::new(&[
    r"([\w.\-]+?)(?:==\S+)? depends on ([\w.\-]+?)((?:[<>=!~]\S*)?)(?:[ ,.]|$)|you require ([\w.\-]+?)((?:[<>=!~]\S*)?)(?:[ ,.]|$)",
]);
static DOUBLE: Phrases = Phrases::new(&[r"Double requirement given: ([\w.\-]+)"]);

/// One line of pip's account of the conflict.
struct Party {
    /// What depends; `None` for the user's own line.
    depender: Option<String>,
    on: String,
    /// `<2.0`
    range: String,
}

/// The lines under the last "The conflict is caused by:", and the place of "Cannot install".
fn parties(case: &Case<'_>, start: usize) -> Vec<Party> {
    let lines = &case.log.lines;
    let mut out = Vec::new();
    let Some(head) =
        (start..lines.len().min(start + 12)).find(|at| lines[*at].text.contains("The conflict is caused by:"))
    else {
        return out;
    };
    for line in lines.iter().skip(head + 1).take(40) {
        if let Some(found) = DEPENDS.read(&line.text) {
            out.push(Party {
                depender: Some(normalise(&found[1])),
                on: normalise(&found[3]),
                range: found[4].trim().into(),
            });
        } else if let Some(found) = USER.read(&line.text) {
            out.push(Party { depender: None, on: normalise(&found[1]), range: found[2].trim().into() });
        } else if line.text.trim().is_empty() || line.text.starts_with("Additionally") {
            break;
        }
    }
    out
}

/// The same from uv's account, which is one long sentence over several lines.
fn parties_of_uv(case: &Case<'_>, line: usize) -> Vec<Party> {
    let end = case.log.lines.len().min(line + 14);
    let account = case.log.lines.get(line..end).unwrap_or_default().iter().map(|line| line.text.trim());
    let account = account.take_while(|text| !text.starts_with("ERROR")).collect::<Vec<_>>().join(" ");
    let mut out: Vec<Party> = Vec::new();
    for found in UV_PARTY.each(&account) {
        let depender = found.get(1).map(normalise);
        let on = found.get(2).or(found.get(4)).map(normalise).unwrap_or_default();
        let range = found.get(3).or(found.get(5)).unwrap_or_default().trim_end_matches([',', '.']).to_owned();
        out.push(Party { depender, on, range });
    }
    out
}

/// The package that the parties cannot agree on.
fn contested(parties: &[Party]) -> Option<&str> {
    let count = |name: &str| parties.iter().filter(|party| party.on == name).count();
    parties.iter().map(|party| party.on.as_str()).max_by_key(|name| count(name))
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if let Some(found) = CANNOT.last(case, lines) {
        let parties = parties(case, found.line);
        let subject = contested(&parties)
            .map_or_else(|| found[1].split([',', ' ']).next().unwrap_or_default().to_owned(), str::to_owned);
        return Some(Hit::at(found.line, subject, told(&parties, &found[1])).confidence(0.98));
    }
    if let Some(found) = DOUBLE.last(case, lines) {
        let why = format!("`{}` is asked for twice, in different versions", &found[1]);
        return Some(Hit::at(found.line, normalise(&found[1]), why).confidence(0.95));
    }
    let found = SOLVER.last(case, lines)?;
    let near: Vec<usize> = (found.line..case.log.lines.len().min(found.line + 12)).collect();
    let text: String = near.iter().map(|at| case.text(*at)).collect::<Vec<_>>().join("\n");
    // What does not exist at all is no conflict.
    let absent = [
        "there is no version of",
        "there are no versions of",
        "was not found in",
        "doesn't match any versions",
        "not satisfy Python",
    ];
    let before = case.text(found.line.saturating_sub(1));
    if absent.iter().any(|mark| text.contains(mark) || before.contains(mark)) {
        return None;
    }
    let accounted = parties_of_uv(case, found.line);
    if let Some(subject) = contested(&accounted).filter(|_| case.text(found.line).contains("No solution found")) {
        return Some(Hit::at(found.line, subject, told(&accounted, subject)).confidence(0.95));
    }
    let named = found.get(1).map(normalise);
    let subject = named.or_else(|| UNSATISFIABLE.read(&text).map(|found| normalise(&found[1]))).unwrap_or_default();
    Some(Hit::at(found.line, subject, "the wanted versions exclude each other").confidence(0.85))
}

fn told(parties: &[Party], asked: &str) -> String {
    if parties.is_empty() {
        return format!("{asked} cannot be installed together");
    }
    let mut said: Vec<String> = Vec::new();
    for party in parties {
        let text = match &party.depender {
            Some(depender) => format!("{depender} needs {}{}", party.on, party.range),
            None => format!("the requirements ask for {}{}", party.on, party.range),
        };
        if !said.contains(&text) && said.len() < 4 {
            said.push(text);
        }
    }
    said.join(", ")
}

/// Packages that a project is built around, or that many others stand on: their pins are the last to be freed.
const PILLARS: &[&str] = &[
    "django",
    "flask",
    "fastapi",
    "starlette",
    "pydantic",
    "sqlalchemy",
    "celery",
    "tornado",
    "aiohttp",
    "numpy",
    "pandas",
    "torch",
    "tensorflow",
    "boto3",
    "requests",
    "djangorestframework",
];

/// The pins worth freeing, the one that matters least first: who depends on the contested package, then that package, then
/// pillars.
fn candidates(case: &Case<'_>, parties: &[Party]) -> Vec<String> {
    let is_ours = |name: &str| !python::entries_for(case, name).is_empty() || pins::pin_of(case, name).is_some();
    let mut out: Vec<(u8, String)> = Vec::new();
    let mut push = |rank: u8, name: &str| {
        if is_ours(name) && !out.iter().any(|(_, known)| known == name) {
            out.push((rank, name.to_owned()));
        }
    };
    for party in parties {
        let pillar = |name: &str| u8::from(PILLARS.contains(&name)) * 4;
        if let Some(depender) = &party.depender {
            // An upper bound ages; a lower bound or an exact one belongs to a newer release.
            push(u8::from(!party.range.starts_with('<')) + pillar(depender), depender);
        }
        push(2 + pillar(&party.on), &party.on);
    }
    out.sort();
    out.into_iter().map(|(_, name)| name).collect()
}

/// Single pins that are tried; more questions than this would cost the index more than they bring.
const CANDIDATES_MAX: usize = 4;

/// Pins of which one is known to exclude the other.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let hit = |clash: Clash| {
        let parties: Vec<Party> = clash.sides.into_iter().map(Party::from).collect();
        let (subject, why) = (parties[0].on.clone(), told(&parties, &parties[0].on));
        Hit::in_file(&clash.path, clash.line, subject, why).confidence(0.95)
    };
    outlook::clashes(case).into_iter().map(hit).collect()
}

impl From<outlook::Demand> for Party {
    fn from(demand: outlook::Demand) -> Self {
        Self { depender: demand.by, on: demand.on, range: demand.range }
    }
}

/// What excludes what, as the log tells it or the files, and the step, where it is known.
fn contest(case: &Case<'_>, hit: &Hit) -> (Vec<Party>, Option<usize>) {
    let Some(line) = hit.line else {
        let found = outlook::clashes(case).into_iter().find(|clash| clash.sides[0].on == hit.subject);
        let index = found.as_ref().map(|clash| clash.index);
        let sides = found.into_iter().flat_map(|clash| clash.sides);
        return (sides.map(Party::from).collect(), index);
    };
    let mut parties = parties(case, line);
    if parties.is_empty() && case.text(line).contains("No solution found") {
        parties = parties_of_uv(case, line);
    }
    (parties, case.failing_instruction())
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let (parties, index) = contest(case, hit);
    let installs = python::installs(case);
    let of_step = |install: &&python::Install| index.is_none_or(|index| install.index == index);
    let entries = |install: &python::Install| python::entries_of(case, install);
    let holds = |install: &&python::Install| {
        parties.iter().any(|party| {
            entries(install).iter().filter_map(|entry| entry.requirement()).any(|found| {
                let name = found.normal_name();
                name == party.on || Some(&name) == party.depender.as_ref()
            }) || install.named.iter().any(|word| normalise(word).starts_with(&party.on))
        })
    };
    let Some(install) = installs.iter().filter(of_step).find(holds) else { return Prescription::none() };
    let Some(minor) = minor_at(case, Some(install.index)) else { return Prescription::none() };
    let mut requirements: Vec<String> =
        entries(install).into_iter().filter(|entry| entry.requirement().is_some()).map(|entry| entry.text).collect();
    requirements.extend(install.named.iter().cloned());
    let names = candidates(case, &parties);
    let mut frees: Vec<Vec<String>> = names.iter().take(CANDIDATES_MAX).map(|name| vec![name.clone()]).collect();
    let ask = |free: &[String]| Question::PythonResolution {
        python: minor.to_string(),
        requirements: requirements.clone(),
        free: free.to_vec(),
    };
    let unsolvable =
        |free: &Vec<String>| matches!(case.knowledge.resolution(&ask(free)), Some(Resolution::Unsolvable(_)));
    if names.len() > 1 && frees.iter().all(unsolvable) {
        frees.push(names.clone());
    }
    if !frees.is_empty() && frees.iter().all(unsolvable) {
        frees.push(all_that_may_move(&requirements, &parties, &names));
    }
    let mut out = Prescription::none();
    for free in &frees {
        match case.knowledge.resolution(&ask(free)) {
            None => out.questions.push(ask(free)),
            Some(Resolution::Unsolvable(_)) => {}
            Some(Resolution::Solved(versions)) => out.remedies.extend(free_remedy(case, free, versions)),
        }
    }
    out
}

/// What may move when another conflict stands behind this one (pip tells only of the first it meets): every pin but the
/// pillars and what the user's own lines insist on. The resolver moves as little of it as it can.
fn all_that_may_move(requirements: &[String], parties: &[Party], names: &[String]) -> Vec<String> {
    let stands = |name: &str| {
        PILLARS.contains(&name) || parties.iter().any(|party| party.depender.is_none() && party.on == name)
    };
    let mut out: Vec<String> = names.first().cloned().into_iter().collect();
    let lines = requirements.iter().filter_map(|line| requirement(line)).filter(|found| found.pin().is_some());
    for name in lines.map(|found| found.normal_name()) {
        if !stands(&name) && !out.contains(&name) {
            out.push(name);
        }
    }
    out
}

fn free_remedy(
    case: &Case<'_>,
    free: &[String],
    versions: &std::collections::BTreeMap<String, String>,
) -> Option<Remedy> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut told = Vec::new();
    for (name, version) in versions.iter().filter(|(name, _)| free.contains(name)) {
        if pins::pin_of(case, name).as_deref() == Some(version) {
            continue;
        }
        edits.extend(pins::repin_edits(case, name, version));
        told.push(format!("{name} to {version}"));
    }
    (!edits.is_empty()).then(|| Remedy {
        id: if free.len() > 2 { "free-several".to_owned() } else { format!("free-{}", free.join("-")) },
        title: format!("Pin {}", told.join(" and ")),
        why: "the resolver finds this the nearest version that fits beside all other lines".into(),
        applicability: Applicability::Rehearse,
        edits,
    })
}
