use std::path::PathBuf;

use super::*;
use crate::sandbox::Builds;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn platform(overlap: Overlap) -> Platform {
    let settings = SandboxSettings { overlap, ..SandboxSettings::new(PathBuf::new(), "shop", Builds::Fake) };
    Platform::new(&settings, "/remote.git".to_owned(), "http://127.0.0.1:1".to_owned(), 7, at(0))
}

fn commit(message: &str) -> CommitInfo {
    CommitInfo { id: "b".repeat(40), message: message.to_owned(), created_at: at(0) }
}

fn ask(platform: &mut Platform, second: i64) -> Triggered {
    let request = DeployRequest { commit: commit("x"), trigger: Trigger::Api, clear_cache: false, reuse: None };
    platform.trigger(request, at(second))
}

fn started(triggered: Triggered) -> String {
    match triggered {
        Triggered::Started(id) => id,
        other => panic!("not started: {other:?}"),
    }
}

fn statuses(platform: &Platform) -> Vec<&str> {
    platform.deploys().iter().map(|deploy| deploy.status.as_str()).collect()
}

fn make_live(platform: &mut Platform, second: i64) -> String {
    let id = started(ask(platform, second));
    platform.begin_next(at(second)).unwrap();
    platform.built(&id, at(second)).unwrap();
    platform.went_live(&id, (Some("srv-1-aaaaa"), Some(10_000)), at(second)).unwrap();
    id
}

#[test]
fn under_wait_only_the_newest_waiting_deploy_runs() {
    let mut platform = platform(Overlap::Wait);
    let first = started(ask(&mut platform, 1));
    platform.begin_next(at(1)).unwrap();
    assert!(matches!(ask(&mut platform, 2), Triggered::Queued(_)));
    assert!(matches!(ask(&mut platform, 3), Triggered::Queued(_)));
    assert_eq!(statuses(&platform), ["build_in_progress", "canceled", "queued"]);
    assert!(platform.next().is_none());
    platform.build_failed(&first, FailureReason::NonZeroExit(1), at(4)).unwrap();
    platform.begin_next(at(5)).unwrap();
    assert_eq!(statuses(&platform), ["build_failed", "canceled", "build_in_progress"]);
}

#[test]
fn under_override_the_newer_deploy_cancels_the_older_and_says_so() {
    let mut platform = platform(Overlap::Override);
    let first = started(ask(&mut platform, 1));
    platform.begin_next(at(1)).unwrap();
    let second = started(ask(&mut platform, 2));
    assert_eq!(statuses(&platform), ["canceled", "created"]);
    let end = platform.events().last().unwrap();
    assert_eq!(end.details["deployId"], json!(first));
    assert_eq!(end.details["deployStatus"], json!("canceled"));
    assert_eq!(end.details["reason"]["newDeploy"]["id"], json!(second));
}

#[test]
fn a_finished_deploy_hears_nothing_more() {
    let mut platform = platform(Overlap::Wait);
    let id = started(ask(&mut platform, 1));
    platform.begin_next(at(1)).unwrap();
    assert!(platform.cancel(&id, None, at(2)));
    let events = platform.events().len();
    assert!(platform.built(&id, at(3)).is_err());
    assert!(platform.build_failed(&id, FailureReason::BuildFailed, at(3)).is_err());
    assert!(platform.went_live(&id, (Some("srv-1-aaaaa"), Some(1)), at(3)).is_err());
    assert!(!platform.cancel(&id, None, at(3)));
    assert_eq!((statuses(&platform), platform.events().len()), (vec!["canceled"], events));
}

#[test]
fn a_newer_live_deploy_deactivates_the_older_and_a_failed_one_does_not() {
    let mut platform = platform(Overlap::Wait);
    make_live(&mut platform, 1);
    let failing = started(ask(&mut platform, 2));
    platform.begin_next(at(2)).unwrap();
    platform.built(&failing, at(2)).unwrap();
    platform.update_failed(&failing, FailureReason::EarlyExit, at(3)).unwrap();
    assert_eq!(statuses(&platform), ["live", "update_failed"]);
    make_live(&mut platform, 4);
    assert_eq!(statuses(&platform), ["deactivated", "update_failed", "live"]);
}

#[test]
fn a_push_deploys_unless_its_message_asks_to_be_skipped() {
    for (message, deploys) in [
        ("Fix", 1),
        ("Fix [skip render]", 0),
        ("[render skip] Fix", 0),
        ("Fix [skip deploy]", 0),
        ("Fix [CD skip]", 0),
        ("Fix [skip ci]", 1),
    ] {
        let mut platform = platform(Overlap::Wait);
        platform.pushed(commit(message), at(1));
        assert_eq!(platform.deploys().len(), deploys, "{message}");
        let ignored = platform.events().iter().filter(|event| event.kind == "commit_ignored").count();
        assert_eq!(ignored, 1 - deploys, "{message}");
    }
}

#[test]
fn a_resumed_service_runs_its_last_good_deploy_again() {
    let mut platform = platform(Overlap::Wait);
    let good = make_live(&mut platform, 1);
    platform.suspend(at(2));
    assert_eq!(ask(&mut platform, 3), Triggered::Suspended);
    platform.resume(at(4));
    let deploy = platform.begin_next(at(5)).unwrap();
    assert_eq!((deploy.request.reuse, deploy.status), (Some(good), DeployStatus::UpdateInProgress));
}

#[test]
fn unfinished_deploys_have_no_finish_time_unless_nulls_are_wanted() {
    let mut platform = platform(Overlap::Wait);
    ask(&mut platform, 1);
    let deploy = &platform.deploys()[0];
    assert!(deploy.wire(false).get("finishedAt").is_none());
    assert_eq!(deploy.wire(true).get("finishedAt"), Some(&Value::Null));
}
