//! Any log with any files is diagnosed without a panic; line numbers exist; every remedy fits the files it is for.
//!
//! The input is a log, then (after NUL bytes) a Dockerfile, requirements.txt, package.json and a source file.
#![no_main]

use domain_runner::diagnosis::{diagnose, foresee};
use domain_runner::knowledge::Knowledge;
use domain_runner::observation::{Facts, Observation};
use domain_runner::remedy::{Refused, apply};
use domain_runner::workspace::Workspace;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut parts = text.split('\0');
    let log = parts.next().unwrap_or_default();
    let names = ["Dockerfile", "requirements.txt", "package.json", "app.py"];
    let files: Vec<(&str, &str)> = names.into_iter().zip(parts).collect();
    let workspace = Workspace::of(&files);
    let facts = Facts { dockerfile_path: "Dockerfile".into(), ..Facts::default() };
    let build_log: Vec<String> = log.split('\n').map(str::to_owned).collect();
    let lines = build_log.len();
    let observation = Observation { build_log, facts: facts.clone(), ..Observation::default() };
    let knowledge = Knowledge::default();
    let told = diagnose(&observation, &workspace, &knowledge).findings;
    for finding in told.iter().chain(&foresee(&workspace, &facts, &knowledge).findings) {
        assert!(finding.line.is_none_or(|line| (1..=lines).contains(&line)), "{finding:?}");
        assert!((0.0..=1.0).contains(&finding.confidence), "{finding:?}");
        let _ = finding.fingerprint();
        for remedy in &finding.remedies {
            match apply(&remedy.edits, &workspace) {
                Ok(after) => assert!(!workspace.changed(&after).is_empty(), "a remedy changes nothing: {remedy:?}"),
                Err(Refused::Forbidden { .. }) => {}
                Err(refused) => panic!("{}: {refused}\n{remedy:?}", finding.class),
            }
        }
    }
});
