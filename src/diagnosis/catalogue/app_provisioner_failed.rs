//! `app-provisioner-failed`: a provisioning tool fails inside the build.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-provisioner-failed",
    what: "A provisioning tool fails inside the build",
    why: "Ansible, Chef, Puppet or Salt rejects its instructions, or one of its tasks fails.",
    advice: "Read the failed task; pin the tool to the version the playbook was written for.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "PLAY RECAP",
        "fatal: [",
        "failed: [",
        "Error retrieving versions of cookbook",
        "Error: Could not",
        "An exception occurred during task execution",
        "Recipe Compile Error",
    ],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN ansible-playbook site.yml\n#6 0.5 TASK [common : install cron job] ***\n#6 0.5 fatal: [localhost]: FAILED! => {\"changed\": false, \"msg\": \"Destination directory does not exist\"}\n#6 0.5 PLAY RECAP **********\n#6 ERROR: process \"/bin/sh -c ansible-playbook site.yml\" did not complete successfully: exit code: 2",
        subject: "common : install cron job",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"An exception occurred during task execution",
    r"^(?:fatal|failed): \[[^\]]+\](?: \(item=(?P<item>[^)]+)\))?",
    r"Error retrieving versions of cookbook '(?P<book>[^']+)'",
    r"(?P<chef>Recipe Compile Error)",
    r"^Error: (?P<puppet>Could not .*) on node",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = match seen.named(&["item", "book", "chef", "puppet"]) {
        "" => task_before(case, seen.line),
        named => named.to_owned(),
    };
    let why = format!("a provisioning tool fails: {subject}");
    Some(Hit::at(seen.line, subject, why).confidence(0.9))
}

/// The path or task that the failure is about.
fn task_before(case: &Case<'_>, at: usize) -> String {
    static PATH: Phrases =
        Phrases::new(&[r#"(?:No such file or directory: |destination |dest[^\w/]+)[ub]*['"\\]*(/[\w./-]+)"#]);
    static TASK: Phrases = Phrases::new(&[r"^TASK:? \[([^\]]+)\]"]);
    let path =
        (at..case.log.lines.len().min(at + 4)).find_map(|each| PATH.on(case, each).map(|found| found[1].to_owned()));
    path.or_else(|| (0..at).rev().find_map(|each| TASK.on(case, each).map(|found| found[1].to_owned())))
        .unwrap_or_default()
}
