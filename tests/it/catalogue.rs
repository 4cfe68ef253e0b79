//! Every rule over every example: first answer to its own, remedies that fit byte for byte and never twice.

use domain_runner::diagnosis::catalogue::ROSTER;
use domain_runner::diagnosis::log::{Log, template};
use domain_runner::diagnosis::rule::Example;
use domain_runner::diagnosis::{Rule, diagnose, foresee};
use domain_runner::observation::{Facts, Observation};
use domain_runner::remedy::apply;
use domain_runner::service::{Deploy, DeployStatus};
use domain_runner::workspace::{File, Workspace};

fn workspace(example: &Example) -> Workspace {
    let mut workspace = Workspace::of(example.files);
    for path in example.executable {
        let file = workspace.file(path).expect("executable names a file").clone();
        workspace.insert(path, File { executable: true, ..file });
    }
    workspace
}

fn facts(example: &Example) -> Facts {
    Facts {
        dockerfile_path: "Dockerfile".into(),
        health_path: example.health_path.map(str::to_owned),
        ..Facts::default()
    }
}

fn observation(example: &Example) -> Observation {
    let lines: Vec<String> = example.log.split('\n').map(str::to_owned).collect();
    let status: Option<DeployStatus> = (!example.status.is_empty())
        .then(|| serde_json::from_value(serde_json::Value::from(example.status)).expect("a status"));
    let at_runtime = matches!(status, Some(DeployStatus::UpdateFailed | DeployStatus::Live));
    let deploy = status.map(|status| Deploy {
        id: "dep-x".into(),
        commit: None,
        commit_message: None,
        status,
        trigger: None,
        created_at: "2026-01-01T00:00:00Z".parse().expect("a time"),
        started_at: None,
        finished_at: None,
    });
    let (build_log, app_log) = if at_runtime { (vec![], lines) } else { (lines, vec![]) };
    Observation { deploy, build_log, app_log, facts: facts(example), ..Observation::default() }
}

fn examples() -> impl Iterator<Item = (&'static Rule, usize, &'static Example)> {
    ROSTER
        .iter()
        .flat_map(|rule| rule.examples.iter().enumerate().map(move |(number, example)| (*rule, number, example)))
}

#[test]
fn every_rule_is_the_first_answer_to_its_own_examples() {
    let mut wrong = Vec::new();
    for (rule, number, example) in examples() {
        let found = if example.log.is_empty() {
            foresee(&workspace(example), &facts(example), &(example.knowledge)())
        } else {
            diagnose(&observation(example), &workspace(example), &(example.knowledge)())
        };
        let said = found.findings.first().map(|first| (first.class.as_str(), first.subject.as_str()));
        if said != Some((rule.id, example.subject)) {
            wrong.push(format!("{} #{number}: wanted subject `{}`, got {said:?}", rule.id, example.subject));
            continue;
        }
        let first = &found.findings[0];
        match (&example.remedy, first.remedies.first()) {
            (None, None) => {}
            (None, Some(remedy)) if remedy.applicability == domain_runner::remedy::Applicability::Suggest => {}
            (None, Some(remedy)) => wrong.push(format!("{} #{number}: unexpected remedy {}", rule.id, remedy.id)),
            (Some((id, _)), None) => wrong.push(format!("{} #{number}: no remedy, wanted {id}", rule.id)),
            (Some((id, after)), Some(remedy)) => {
                // A remedy is remembered as tried by its id: two with one id would be tried as one.
                let mut ids: Vec<&str> = first.remedies.iter().map(|remedy| remedy.id.as_str()).collect();
                ids.sort_unstable();
                if ids.windows(2).any(|pair| pair[0] == pair[1]) {
                    wrong.push(format!("{} #{number}: two remedies of one finding share an id: {ids:?}", rule.id));
                }
                if remedy.id != *id {
                    wrong.push(format!("{} #{number}: first remedy is {}, wanted {id}", rule.id, remedy.id));
                    continue;
                }
                let before = workspace(example);
                let result = match apply(&remedy.edits, &before) {
                    Ok(result) => result,
                    Err(refused) => {
                        wrong.push(format!("{} #{number}: {refused}", rule.id));
                        continue;
                    }
                };
                for (path, text) in *after {
                    if result.text(path) != Some(*text) {
                        let got = result.text(path).unwrap_or("(absent)");
                        wrong.push(format!("{} #{number}: {path} became\n{got}\nwanted\n{text}", rule.id));
                    }
                }
                let touched: Vec<String> = before
                    .changed(&result)
                    .into_iter()
                    .filter(|path| !after.iter().any(|(named, _)| named == path))
                    .collect();
                if !touched.is_empty() {
                    wrong.push(format!("{} #{number}: also touched {touched:?}", rule.id));
                }
                if apply(&remedy.edits, &result).is_ok() {
                    wrong.push(format!("{} #{number}: {} applies twice", rule.id, remedy.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn every_rule_explains_itself_and_has_examples() {
    for rule in ROSTER {
        assert!(
            !rule.what.is_empty() && !rule.why.is_empty() && !rule.advice.is_empty(),
            "{} explains nothing",
            rule.id
        );
        assert!(!rule.examples.is_empty(), "{} has no example", rule.id);
    }
    let mut ids: Vec<_> = ROSTER.iter().map(|rule| rule.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), ROSTER.len(), "two rules share an id");
}

/// What a remedy leaves behind must not look broken to the files-only rules.
#[test]
fn files_after_a_remedy_no_longer_show_the_fault() {
    let mut wrong = Vec::new();
    for (rule, number, example) in examples() {
        if example.remedy.is_none() {
            continue;
        }
        let (before, knowledge) = (workspace(example), (example.knowledge)());
        let found = match example.log {
            "" => foresee(&before, &facts(example), &knowledge),
            _ => diagnose(&observation(example), &before, &knowledge),
        };
        let remedy =
            found.findings.iter().find(|found| found.class == rule.id).and_then(|found| found.remedies.first());
        let Some(mended) = remedy.and_then(|remedy| apply(&remedy.edits, &before).ok()) else { continue };
        let still = foresee(&mended, &facts(example), &(example.knowledge)());
        if let Some(fault) =
            still.findings.iter().find(|fault| fault.class == rule.id && fault.subject == example.subject)
        {
            wrong.push(format!("{} #{number}: {}", rule.id, fault.why));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The log of a good deploy holds all that this one printed before its failing step, and harmless lines.
#[test]
fn a_good_deploy_before_it_never_changes_what_is_found() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (rule, number, example) in examples().filter(|(.., example)| !example.log.is_empty()) {
        let mut seen = observation(example);
        let log = Log::of(&seen);
        let before = log.failing_range().start;
        let passed = log.lines.iter().take(before).filter(|line| line.step.is_some());
        // Step headers and the commands that a shell echoes stand in every log.
        let headers = log.lines.iter().filter(|line| line.text.starts_with('[') && line.step.is_some());
        seen.seen_before = passed.chain(headers).map(|line| template(&line.text)).collect();
        compared += usize::from(!seen.seen_before.is_empty());
        let found = diagnose(&seen, &workspace(example), &(example.knowledge)());
        let said = found.findings.first().map(|first| (first.class.as_str(), first.subject.as_str()));
        if said != Some((rule.id, example.subject)) {
            wrong.push(format!("{} #{number}: wanted subject `{}`, got {said:?}", rule.id, example.subject));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 80, "only {compared} examples have such lines");
}
