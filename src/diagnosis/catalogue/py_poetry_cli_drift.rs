//! `py-poetry-cli-drift`: an unpinned Poetry has moved on.

use crate::diagnosis::Case;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python;
use crate::diagnosis::python::version::Minor;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "py-poetry-cli-drift",
    what: "Poetry's command line has changed",
    why: "The Dockerfile installs the newest Poetry, which is a new major: `export` is a plugin of its own, `--no-dev` is called `--only main`, and a project without a package folder says `--no-root`.",
    advice: "Use the new spelling, install poetry-plugin-export, or pin Poetry to the major that wrote the lock.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "get-poetry.py",
        "the option \"--no-dev\" does not exist",
        "the requested command export does not exist",
        "either [project.name] or [tool.poetry.name] is required",
        "no file/folder found for package",
        "the current project could not be installed",
        "the option \"--without-hashes\" does not exist",
        "the command \"export\" does not exist",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "The requested command export does not exist.\n\nDocumentation: https://python-poetry.org/docs/cli/",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim\nRUN pip install --no-cache-dir poetry\nCOPY pyproject.toml poetry.lock ./\nRUN poetry export --no-dev -f requirements.txt --output requirements.txt\n",
            )],
            subject: "export",
            remedy: Some((
                "new-spelling",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN pip install --no-cache-dir poetry poetry-plugin-export\nCOPY pyproject.toml poetry.lock ./\nRUN poetry export --only main -f requirements.txt --output requirements.txt\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "The option \"--no-dev\" does not exist",
            files: &[(
                "Dockerfile",
                "FROM python:3.12\nRUN pip install poetry\nCOPY . .\nRUN poetry install --no-dev --no-interaction\n",
            )],
            subject: "--no-dev",
            remedy: Some((
                "new-spelling",
                &[(
                    "Dockerfile",
                    "FROM python:3.12\nRUN pip install poetry\nCOPY . .\nRUN poetry install --only main --no-interaction\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Error: The current project could not be installed: No file/folder found for package shop",
            files: &[("Dockerfile", "FROM python:3.12\nRUN pip install poetry\nCOPY . .\nRUN poetry install\n")],
            subject: "shop",
            remedy: Some((
                "no-root",
                &[("Dockerfile", "FROM python:3.12\nRUN pip install poetry\nCOPY . .\nRUN poetry install --no-root\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"The option \"(--[\w-]+)\" does not exist|The (?:requested )?command \"?(export)\"? does not exist|(?:The current project could not be installed: )?No file/folder found for package ([\w.-]+)|(get-poetry\.py)|Either \[project\.name\] or \[(tool\.poetry\.name)\] is required|(The current project could not be installed)"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the installed Poetry does not know `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.97))
}

/// What Poetry 2 no longer knows, where the newest Poetry is installed.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let text = case.dockerfile.text();
    let project = case.workspace.text(&case.in_repository("pyproject.toml")).unwrap_or_default();
    let newest = |index: usize| {
        let script = node::script_of(case, index);
        // Poetry 2 needs Python 3.9; on older ones pip takes the last of its first major.
        let recent = || python::minor_at(case, Some(index)).is_some_and(|minor| minor >= Minor(3, 9));
        python::commands(&script)
            .iter()
            .any(|words| words.iter().any(|word| word.starts_with("pip")) && words.iter().any(|word| word == "poetry"))
            && recent()
    };
    let Some(at) = case.runs().find(|index| newest(*index)) else { return vec![] };
    let plugin = text.contains("poetry-plugin-export")
        || project.contains("poetry-plugin-export")
        || text.contains("poetry self");
    let gone = case.runs().filter(|index| *index >= at).find_map(|index| {
        let script = node::script_of(case, index);
        let commands = node::commands(&script);
        let called = |verb: &str| commands.iter().find(|command| command.contains(&format!("poetry {verb}")));
        if called("export").is_some() && !plugin {
            return Some((index, "export"));
        }
        ["install", "export"]
            .iter()
            .filter_map(|verb| called(verb))
            .find(|command| command.contains(" --no-dev"))
            .map(|_| (index, "--no-dev"))
    });
    let hit = gone.map(|(index, what)| case.foreseen(index, what, format!("the newest Poetry does not know `{what}`")));
    hit.into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let instructions = case.dockerfile.instructions();
    let calls = |at: &usize| instructions[*at].keyword == "RUN" && instructions[*at].args.contains("poetry ");
    let named = (0..instructions.len())
        .filter(calls)
        .find(|at| ["poetry install", "poetry export"].iter().any(|verb| instructions[*at].args.contains(verb)));
    let Some(index) = case.step(hit).or(named) else { return Prescription::none() };
    let change = |at: usize, from: &str, to: &str| {
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, at, from, to)
    };
    let told = hit.line.map_or("", |line| case.text(line));
    if told.contains("No file/folder") || told.contains("current project") {
        return remedy(
            "no-root",
            "Install the dependencies only",
            "the project is run from its folder and is no package",
            change(index, "poetry install", "poetry install --no-root").into_iter().collect(),
        );
    }
    let mut edits: Vec<Edit> = Vec::new();
    if hit.subject == "export" {
        let installs = (0..index).rev().filter(calls).chain((0..index).rev()).find(|at| {
            instructions[*at].keyword == "RUN"
                && instructions[*at].args.contains("pip")
                && instructions[*at].words().iter().any(|word| word == "poetry")
        });
        let with_plugin = installs.and_then(|at| plugin(case, at));
        let Some(with_plugin) = with_plugin else { return Prescription::none() };
        edits.push(with_plugin);
    }
    edits.extend(change(index, "--no-dev", "--only main"));
    remedy(
        "new-spelling",
        "Speak to Poetry as its present major wants it",
        "`--no-dev` is called `--only main` since Poetry 2, and `export` is a plugin",
        edits,
    )
}

/// The edit that installs the export plugin beside Poetry.
fn plugin(case: &Case<'_>, index: usize) -> Option<Edit> {
    let args = &case.dockerfile.instructions()[index].args;
    let from = if args.trim_end().ends_with(" poetry") { " poetry" } else { " poetry " };
    let to = format!("{from} poetry-plugin-export{}", if from.ends_with(' ') { " " } else { "" }).replace("  ", " ");
    edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, from, &to)
}

fn remedy(id: &str, title: &str, why: &str, edits: Vec<Edit>) -> Prescription {
    let made = (!edits.is_empty()).then(|| Remedy {
        id: id.into(),
        title: title.into(),
        why: why.into(),
        applicability: Applicability::Rehearse,
        edits,
    });
    Prescription::of(made)
}
