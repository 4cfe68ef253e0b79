//! `df-exec-form`: a command is written as a list, but not as the JSON that Docker wants.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::Instruction;
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "df-exec-form",
    what: "A command is written as a list that is no JSON",
    why: "Docker takes `[\"program\", \"argument\"]` for a list only when it is JSON: double quotes, commas between, none at the \
          end. Anything else it hands to a shell, which looks for a program named `[program,`.",
    advice: "Write the list with double quotes and commas, or leave the brackets out.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[",: not found", "]: not found", ",: command not found", "]: command not found"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "/bin/sh: 1: [gunicorn,: not found\n==> Exited with status 127",
            files: &[(
                "Dockerfile",
                "FROM python:3.12\nCOPY . .\nCMD ['gunicorn', '-b', '0.0.0.0:10000', 'app:app']\n",
            )],
            subject: "CMD",
            remedy: Some((
                "json-list",
                &[(
                    "Dockerfile",
                    "FROM python:3.12\nCOPY . .\nCMD [\"gunicorn\", \"-b\", \"0.0.0.0:10000\", \"app:app\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "",
            files: &[("Dockerfile", "FROM node:20\nCOPY . .\nCMD [\"node\", \"server.js\",]\n")],
            subject: "CMD",
            remedy: Some(("json-list", &[("Dockerfile", "FROM node:20\nCOPY . .\nCMD [\"node\", \"server.js\"]\n")])),
            ..Example::BLANK
        },
        Example {
            log: "/bin/sh: [node: not found\n/bin/sh: [node,: not found\n==> Exited with status 127",
            files: &[("Dockerfile", "FROM node:20-alpine\nCOPY . .\nENTRYPOINT [node, server.js]\n")],
            subject: "ENTRYPOINT",
            remedy: Some((
                "json-list",
                &[("Dockerfile", "FROM node:20-alpine\nCOPY . .\nENTRYPOINT [\"node\", \"server.js\"]\n")],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[r"(?:sh|bash|ash): (?:(?:line )?\d+: )?\[[^\s]*: (?:command )?not found"]);

/// One item: in quotes of any kind, or bare.
static ITEM: Phrases =
    Phrases::new(&[r#"^\s*(?:"([^"]*)"|'([^']*)'|[“”]([^“”]*)[“”]|[‘’]([^‘’]*)[‘’]|([^\s,\[\]"'“”‘’]+))\s*(,?)"#]);

/// The start commands that look like a list and are none, with their items.
fn broken<'a>(case: &'a Case<'_>) -> Vec<(&'a Instruction, Vec<String>)> {
    let starts =
        case.dockerfile.instructions().iter().filter(|each| matches!(each.keyword.as_str(), "CMD" | "ENTRYPOINT"));
    starts.filter(|each| each.exec().is_none()).filter_map(|each| Some((each, items(each.args.trim())?))).collect()
}

/// `None` when it is no list, or one that cannot be read in one way only.
fn items(text: &str) -> Option<Vec<String>> {
    let mut rest = text.strip_prefix('[')?.strip_suffix(']')?;
    let mut out = Vec::new();
    while !rest.trim().is_empty() {
        let found = ITEM.read(rest)?;
        let item = (1..=5).find_map(|group| found.get(group))?;
        // `[ -f a ]` is a test of the shell.
        let bare = found.get(5).is_some();
        rest = &rest[found.range().end..];
        if item.contains(['\\', '$']) || bare && found[6].is_empty() && !rest.trim().is_empty() {
            return None;
        }
        out.push(item.to_owned());
    }
    (!out.is_empty() && !text.starts_with("[ -")).then_some(out)
}

fn why(instruction: &Instruction) -> String {
    format!(
        "`{}` in line {} is written as a list, but is no JSON, so a shell gets it",
        instruction.keyword, instruction.first_line
    )
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SAID.last(case, lines)?;
    let (instruction, _) = broken(case).into_iter().next_back()?;
    let hit = Hit::at(seen.line, &instruction.keyword, why(instruction)).confidence(0.97);
    Some(hit.place(case.dockerfile_path, instruction.first_line))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let path = case.dockerfile_path;
    let hit =
        |(each, _): (&Instruction, _)| Hit::in_file(path, each.first_line, &each.keyword, why(each)).confidence(0.97);
    broken(case).into_iter().map(hit).collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let at = hit.place.as_ref().map(|place| place.line);
    let broken = broken(case);
    let Some((instruction, items)) = broken.iter().find(|(each, _)| Some(each.first_line) == at) else {
        return Prescription::none();
    };
    let list: Vec<String> = items.iter().map(|item| serde_json::Value::from(item.as_str()).to_string()).collect();
    let line = format!("{} [{}]", instruction.written, list.join(", "));
    let (path, first, last) = (case.dockerfile_path, instruction.first_line, instruction.last_line);
    Prescription::none().with(
        "json-list",
        format!("Write the list of `{}` as JSON", instruction.keyword),
        "the words stay; only their quotes and commas change",
        Applicability::Apply,
        Edit::replace(case.workspace, path, first, last, &[&line]),
    )
}
