//! `df-expose-invalid`: EXPOSE names no port.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "df-expose-invalid",
    what: "EXPOSE names no port",
    why: "EXPOSE takes port numbers of the container, optionally with /tcp or /udp. A mapping like 80:8080 or an empty variable is refused.",
    advice: "Write only the port of the container.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "invalid containerPort",
        "invalid hostPort",
        "invalid port range",
        "invalid proto:",
        "host-port mapping should not be used",
        "Invalid containerPort",
        "invalid start port",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "Dockerfile:2\n--------------------\n   2 | >>> EXPOSE 80:http\n--------------------\nERROR: failed to solve: invalid containerPort: http",
            files: &[("Dockerfile", "FROM debian\nEXPOSE http\n")],
            subject: "http",
            remedy: Some(("drop-expose", &[("Dockerfile", "FROM debian\n")])),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: failed to solve: IP address and host-port mapping should not be used in EXPOSE statement. Found 8080:80",
            files: &[("Dockerfile", "FROM debian\nEXPOSE 8080:80\n")],
            subject: "",
            remedy: Some(("container-port", &[("Dockerfile", "FROM debian\nEXPOSE 80\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r#"[Ii]nvalid (?:containerPort|hostPort|port range|proto|start port)[^:]*: "?(?P<port>[^"\s]+)"#,
    r"host-port mapping should not be used in EXPOSE",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["port"]).to_owned();
    let why = format!("EXPOSE cannot read `{subject}` as a port");
    Some(Hit::at(seen.line, subject, why).confidence(0.97))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let is_port =
        |word: &str| word.split('/').next().is_some_and(|port| port.split('-').all(|part| part.parse::<u16>().is_ok()));
    let instructions = case.dockerfile.instructions();
    let wrong = instructions
        .iter()
        .position(|each| {
            each.keyword == "EXPOSE" && each.words().iter().any(|word| !is_port(word) && !word.starts_with('$'))
        })
        .or_else(|| {
            instructions
                .iter()
                .position(|each| each.keyword == "EXPOSE" && !hit.subject.is_empty() && each.args.contains('$'))
        });
    let Some(index) = wrong else { return Prescription::none() };
    let words = instructions[index].words();
    let ports: Vec<String> = words
        .iter()
        .filter_map(|word| word.rsplit(':').next().filter(|port| is_port(port)).map(str::to_owned))
        .collect();
    let (path, dockerfile, workspace) = (case.dockerfile_path, case.dockerfile, case.workspace);
    if ports.is_empty() {
        return Prescription::none().with(
            "drop-expose",
            "Delete the EXPOSE line",
            "the platform finds the port by itself; the line only documents one",
            Applicability::Rehearse,
            edit::delete_instruction(workspace, path, dockerfile, index),
        );
    }
    let line = format!("{} {}", instructions[index].written, ports.join(" "));
    Prescription::none().with(
        "container-port",
        format!("Write `EXPOSE {}`", ports.join(" ")),
        "EXPOSE names the port inside the container; mappings belong to docker run",
        Applicability::Rehearse,
        edit::set_command(workspace, path, dockerfile, index, &line),
    )
}
