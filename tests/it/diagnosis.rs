//! A log says the same however it is decorated: line ends, colours, progress bars, time stamps, noise.

use domain_runner::diagnosis::catalogue::ROSTER;
use domain_runner::diagnosis::rule::Example;
use domain_runner::diagnosis::{Log, diagnose_log};
use domain_runner::knowledge::Knowledge;
use domain_runner::observation::Facts;
use domain_runner::workspace::Workspace;

/// Class, subject and line of every finding.
fn told(example: &Example, log: &str) -> Vec<(String, String, Option<usize>)> {
    let workspace = Workspace::of(example.files);
    let facts = Facts { dockerfile_path: "Dockerfile".into(), ..Facts::default() };
    let log = Log::from_reader(log.as_bytes()).expect("a log in memory");
    let found = diagnose_log(&log, &workspace, &facts, &Knowledge::default()).findings;
    found.into_iter().map(|finding| (finding.class, finding.subject, finding.line)).collect()
}

/// The log of every example reads the same when each of its lines is `dressed`.
fn check(dressed: impl Fn(&str) -> String) {
    let mut wrong = Vec::new();
    for rule in ROSTER {
        for (index, example) in rule.examples.iter().enumerate().filter(|(_, example)| !example.log.is_empty()) {
            let log: Vec<String> = example.log.split('\n').map(&dressed).collect();
            let (plain, other) = (told(example, example.log), told(example, &log.join("\n")));
            if plain != other {
                wrong.push(format!("{} #{index}: {plain:?}\n    {other:?}", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn line_ends_of_windows_change_nothing() {
    check(|line| format!("{line}\r"));
}

#[test]
fn colours_change_nothing() {
    check(|line| format!("\u{1b}[0m\u{1b}[91m{line}\u{1b}[0m"));
}

#[test]
fn progress_that_was_overwritten_changes_nothing() {
    check(|line| if line.trim().is_empty() { line.to_owned() } else { format!("  5% error\r 50% error\r{line}") });
}

#[test]
fn time_stamps_change_nothing() {
    check(|line| format!("2026-11-24T19:38:42.123456789Z {line}"));
}

/// What most programs print most of the time.
fn noise(count: usize) -> String {
    (0..count).map(|number| format!("  [{number}] compiled unit {number} of many in a moment\n")).collect()
}

#[test]
fn what_stands_before_changes_nothing_but_the_line_numbers() {
    let lines = 500;
    let mut wrong = Vec::new();
    for rule in ROSTER {
        for (index, example) in rule.examples.iter().enumerate().filter(|(_, example)| !example.log.is_empty()) {
            let plain: Vec<_> = told(example, example.log);
            let moved: Vec<_> = told(example, &format!("{}{}", noise(lines), example.log))
                .into_iter()
                .map(|(class, subject, line)| (class, subject, line.map(|line| line.saturating_sub(lines))))
                .collect();
            if plain != moved {
                wrong.push(format!("{} #{index}: {plain:?}\n    {moved:?}", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
#[ignore = "reads two million lines"]
fn a_million_lines_of_noise_before_and_after_hide_nothing() {
    let noise = noise(1_000_000);
    for id in ["py-conflict", "os-apt-unable-to-locate", "node-eresolve", "go-cgo"] {
        let rule = ROSTER.iter().find(|rule| rule.id == id).expect("a rule");
        let example = &rule.examples[0];
        let first = |log: &str| told(example, log).into_iter().next().map(|(class, subject, _)| (class, subject));
        assert_eq!(first(&format!("{noise}{}\n{noise}", example.log)), first(example.log), "{id}");
    }
}
