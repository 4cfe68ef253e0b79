//! `st-java-jar`: the jar cannot be started.

use crate::diagnosis::Case;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "st-java-jar",
    what: "The jar cannot be started",
    why: "Its name or path is wrong, or it has no main class in its manifest.",
    advice: "Copy the runnable jar (not `*-plain.jar`) to the path that the start command names.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["Could not find or load main class", "Unable to access jarfile", "no main manifest attribute"],
    detect,
    remedies,
    examples: &[
        Example { log: "Error: Unable to access jarfile /app/app.jar", subject: "/app/app.jar", ..Example::BLANK },
        Example { log: "no main manifest attribute, in app.jar", subject: "app.jar", ..Example::BLANK },
        Example {
            log: "no main manifest attribute, in /app.jar",
            files: &[
                (
                    "Dockerfile",
                    "FROM eclipse-temurin:17 AS build\nRUN javac -d classes src/shop/App.java\nRUN jar --create --file app.jar -C classes .\nFROM eclipse-temurin:17-jre\nCOPY --from=build /app.jar /\nCMD [\"java\", \"-jar\", \"/app.jar\"]\n",
                ),
                (
                    "src/shop/App.java",
                    "package shop;\n\npublic class App {\n    public static void main(String[] args) {}\n}\n",
                ),
                ("src/shop/Tax.java", "package shop;\n\nclass Tax {}\n"),
            ],
            subject: "/app.jar",
            remedy: Some((
                "name-main-class",
                &[(
                    "Dockerfile",
                    "FROM eclipse-temurin:17 AS build\nRUN javac -d classes src/shop/App.java\nRUN jar --create --file app.jar --main-class shop.App -C classes .\nFROM eclipse-temurin:17-jre\nCOPY --from=build /app.jar /\nCMD [\"java\", \"-jar\", \"/app.jar\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Unable to access jarfile (\S+)",
    r"no main manifest attribute, in (\S+)",
    r"Could not find or load main class ([\w.$]+)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if case.log.contains("surefire.booter") || case.log.contains("GradleWrapperMain") {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("java cannot start `{subject}`");
    Some(Hit::at(found.line, subject, why))
}

/// The classes of the repository that can be started.
fn main_classes(case: &Case<'_>) -> Vec<String> {
    let sources = case.workspace.paths().filter(|path| path.ends_with(".java") && !path.contains("/test/"));
    sources
        .filter_map(|path| {
            let text = case.workspace.text(path)?;
            let starts = text.contains("static void main(String");
            let package = text.lines().find_map(|line| line.strip_prefix("package ")?.trim().strip_suffix(';'));
            let class = path.rsplit('/').next()?.strip_suffix(".java")?;
            starts.then(|| package.map_or(class.to_owned(), |package| format!("{package}.{class}")))
        })
        .collect()
}

/// A jar that the Dockerfile packs by hand gets the only class that can be started.
fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let says = hit.line.map_or("", |line| case.text(line));
    let classes = main_classes(case);
    let [class] = classes.as_slice() else { return Prescription::none() };
    if !says.contains("no main manifest") {
        return Prescription::none();
    }
    let instructions = case.dockerfile.instructions();
    let packs = (0..instructions.len()).filter(|at| instructions[*at].keyword == "RUN").find_map(|at| {
        let script = node::script_of(case, at);
        let jar = node::commands(&script).into_iter().find(|command| command.starts_with("jar "))?.to_owned();
        (!jar.contains("--main-class") && !jar.contains("--manifest")).then_some((at, jar))
    });
    let Some((index, jar)) = packs else { return Prescription::none() };
    let words: Vec<&str> = jar.split_whitespace().collect();
    let edit = |from: &str, to: &str| {
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, from, to)
    };
    let edit = match words.as_slice() {
        // The old form packs its options into one word, and their values follow in its order.
        [_, old @ ("cf" | "-cf" | "cvf" | "-cvf"), file, ..] => {
            edit(&format!("jar {old} {file}"), &format!("jar {old}e {file} {class}"))
        }
        _ => words.windows(2).find(|pair| matches!(pair[0], "--file" | "-f")).and_then(|pair| {
            let written = format!("{} {}", pair[0], pair[1]);
            edit(&written, &format!("{written} --main-class {class}"))
        }),
    };
    Prescription::none().with(
        "name-main-class",
        format!("Name `{class}` as the main class of the jar"),
        "it is the only class with a `main`",
        Applicability::Rehearse,
        edit,
    )
}
