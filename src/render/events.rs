//! Events: what happened to a service, and the reason a deploy failed for. The deploy itself carries none.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::wire::{decode, lenient, unwrap};
use crate::service::{Commit, DeployId, FailureReason};

/// One event of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub id: String,
    pub timestamp: Timestamp,
    /// `deploy_ended` and the like, as Render spells it.
    pub kind: String,
    pub details: Details,
}

/// What an event tells. On the wire a union without tags: read by the event's kind (contract §7).
#[derive(Debug, Clone, PartialEq)]
pub enum Details {
    DeployStarted {
        deploy: DeployId,
        /// The push that started it.
        pushed: Option<Commit>,
    },
    DeployEnded {
        deploy: DeployId,
        outcome: String,
        reason: Reason,
    },
    PreDeployEnded {
        deploy: DeployId,
        outcome: String,
        reason: Reason,
    },
    BuildEnded {
        build: String,
        outcome: String,
        reason: Reason,
    },
    ServerFailed {
        instance: Option<String>,
        failure: Option<FailureReason>,
    },
    ImagePullFailed {
        message: String,
    },
    CommitIgnored {
        commit: Commit,
    },
    /// Any other kind, or one that did not look as expected.
    Other(Value),
}

/// Why a build or a deploy ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason {
    /// The deploy failed because this build did.
    pub build_failed: Option<String>,
    /// Cancelled in favour of a newer build or deploy.
    pub superseded: bool,
    pub failure: Option<FailureReason>,
}

impl Event {
    /// An event, inside its envelope or not.
    pub(super) fn from_wire(value: Value) -> Option<Self> {
        let wire: EventWire = decode(unwrap(value, "event"))?;
        let details = wire.details.unwrap_or_default();
        let kind = wire.kind.unwrap_or_default();
        let details = read(&kind, &details).unwrap_or(Details::Other(details));
        Some(Self { id: wire.id, timestamp: wire.timestamp, kind, details })
    }
}

/// What Render made of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushFate {
    /// Nothing yet.
    Unknown,
    /// No deploy will come of it: a build filter, or `[skip render]` in its message.
    Ignored,
    Deploys(DeployId),
}

/// What Render made of a push of `commit`, as far as `events` tell.
pub fn push_fate(events: &[Event], commit: &Commit) -> PushFate {
    let fate = |event: &Event| match &event.details {
        Details::CommitIgnored { commit: ignored } if ignored == commit => Some(PushFate::Ignored),
        Details::DeployStarted { deploy, pushed } if pushed.as_ref() == Some(commit) => {
            Some(PushFate::Deploys(deploy.clone()))
        }
        _ => None,
    };
    events.iter().rev().find_map(fate).unwrap_or(PushFate::Unknown)
}

/// Why `deploy` failed, as far as `events` tell.
///
/// What ended the deploy counts first. A failed build is looked up, as only its own event knows of time and memory.
/// Then come the command before the deploy and failures of instances while the deploy ran.
pub fn failure_reason(events: &[Event], deploy: &DeployId) -> Option<FailureReason> {
    let mut newest_first: Vec<&Event> = events.iter().collect();
    newest_first.sort_by_key(|event| std::cmp::Reverse(event.timestamp));
    let ended = newest_first.iter().find_map(|event| match &event.details {
        Details::DeployEnded { deploy: id, reason, .. } if id == deploy => Some((event.timestamp, reason)),
        _ => None,
    });
    if let Some((_, reason)) = ended {
        if let Some(build) = &reason.build_failed {
            return Some(build_failure(&newest_first, build));
        }
        if reason.superseded {
            return Some(FailureReason::Superseded);
        }
        if reason.failure.is_some() {
            return reason.failure.clone();
        }
    }
    let before_deploy = newest_first.iter().find_map(|event| match &event.details {
        Details::PreDeployEnded { deploy: id, reason, .. } if id == deploy => reason.failure.clone(),
        _ => None,
    });
    let started = newest_first.iter().find_map(|event| match &event.details {
        Details::DeployStarted { deploy: id, .. } if id == deploy => Some(event.timestamp),
        _ => None,
    });
    let ran = |at: Timestamp| started.is_none_or(|from| from <= at) && ended.is_none_or(|(until, _)| at <= until);
    before_deploy.or_else(|| {
        newest_first.iter().find_map(|event| match &event.details {
            Details::ServerFailed { failure, .. } if ran(event.timestamp) => failure.clone(),
            _ => None,
        })
    })
}

/// An exit code of a build says nothing that its log does not say better; time and memory are told nowhere else.
fn build_failure(events: &[&Event], build: &str) -> FailureReason {
    let failure = events.iter().find_map(|event| match &event.details {
        Details::BuildEnded { build: id, reason, .. } if id == build => reason.failure.clone(),
        _ => None,
    });
    match failure {
        None | Some(FailureReason::NonZeroExit(_) | FailureReason::EarlyExit) => FailureReason::BuildFailed,
        Some(other) => other,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventWire {
    id: String,
    timestamp: Timestamp,
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    details: Option<Value>,
}

fn read(kind: &str, details: &Value) -> Option<Details> {
    let text = |name: &str| details[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let deploy = || text("deployId").map(DeployId);
    let outcome = |name: &str| text(name).unwrap_or_default();
    let reason = || reason(&details["reason"]);
    Some(match kind {
        "deploy_started" => {
            let pushed = details["trigger"]["newCommit"].as_str().filter(|id| !id.is_empty());
            Details::DeployStarted { deploy: deploy()?, pushed: pushed.map(|id| Commit(id.to_lowercase())) }
        }
        "deploy_ended" => {
            Details::DeployEnded { deploy: deploy()?, outcome: outcome("deployStatus"), reason: reason() }
        }
        "pre_deploy_ended" => {
            Details::PreDeployEnded { deploy: deploy()?, outcome: outcome("preDeployStatus"), reason: reason() }
        }
        "build_ended" => {
            Details::BuildEnded { build: text("buildId")?, outcome: outcome("buildStatus"), reason: reason() }
        }
        // Here `reason` is the failure itself.
        "server_failed" => Details::ServerFailed { instance: text("instanceID"), failure: failure(&details["reason"]) },
        "image_pull_failed" => Details::ImagePullFailed { message: outcome("message") },
        "commit_ignored" => Details::CommitIgnored { commit: Commit(text("id")?.to_lowercase()) },
        _ => return None,
    })
}

fn reason(value: &Value) -> Reason {
    Reason {
        build_failed: value
            .get("buildFailed")
            .filter(|it| it.is_object())
            .map(|it| it["id"].as_str().unwrap_or_default().to_owned()),
        superseded: value["newBuild"].is_object() || value["newDeploy"].is_object(),
        failure: failure(&value["failure"]),
    }
}

/// Decodes `failure`. Several members can be set: the one that names a cause wins over the exit code it led to.
fn failure(value: &Value) -> Option<FailureReason> {
    let text = |name: &str| value[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let flag = |name: &str| value[name].as_bool().unwrap_or(false);
    let out_of_memory = &value["oomKilled"];
    if out_of_memory.is_object() || out_of_memory.as_bool().unwrap_or(false) {
        let memory_limit = out_of_memory["memoryLimit"].as_str().unwrap_or_default().to_owned();
        return Some(FailureReason::OomKilled { memory_limit });
    }
    if flag("evicted") {
        return Some(FailureReason::Evicted(text("evictionReason")));
    }
    if let Some(seconds) = value["timedOutSeconds"].as_i64().filter(|seconds| *seconds != 0) {
        return Some(FailureReason::TimedOut { seconds, reason: text("timedOutReason") });
    }
    if let Some(unhealthy) = text("unhealthy") {
        return Some(FailureReason::Unhealthy(unhealthy));
    }
    match value["nonZeroExit"].as_i64() {
        Some(code) if code != 0 => Some(FailureReason::NonZeroExit(code)),
        _ => flag("earlyExit").then_some(FailureReason::EarlyExit),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(second: u8, kind: &str, details: Value) -> Event {
        let timestamp = format!("2026-11-22T10:00:{second:02}Z");
        let wire = json!({"id": format!("evt-{second}"), "timestamp": timestamp, "type": kind, "details": details});
        Event::from_wire(json!({"event": wire, "cursor": "c"})).unwrap()
    }

    fn check(events: Vec<Event>, expected: Option<FailureReason>) {
        assert_eq!(failure_reason(&events, &"dep-1".into()), expected, "{events:#?}");
    }

    fn ended(reason: Value) -> Event {
        event(50, "deploy_ended", json!({"deployId": "dep-1", "deployStatus": "failed", "status": 4, "reason": reason}))
    }

    #[test]
    fn the_end_of_the_deploy_names_the_reason() {
        let oom = |limit: &str| Some(FailureReason::OomKilled { memory_limit: limit.to_owned() });
        for (failure, expected) in [
            (json!({"evicted": false, "nonZeroExit": 3}), Some(FailureReason::NonZeroExit(3))),
            (json!({"evicted": false, "nonZeroExit": 137, "oomKilled": {"memoryLimit": "512Mi"}}), oom("512Mi")),
            (json!({"evicted": false, "earlyExit": true}), Some(FailureReason::EarlyExit)),
            (json!({"evicted": true, "evictionReason": null}), Some(FailureReason::Evicted(None))),
            (json!({"unhealthy": "no open port"}), Some(FailureReason::Unhealthy("no open port".to_owned()))),
            (json!({"timedOutSeconds": 900}), Some(FailureReason::TimedOut { seconds: 900, reason: None })),
            (json!({"evicted": false}), None),
            (json!(null), None),
        ] {
            check(vec![ended(json!({"failure": failure}))], expected);
        }
        check(vec![ended(json!({"newDeploy": {"id": "dep-2"}}))], Some(FailureReason::Superseded));
    }

    #[test]
    fn a_failed_build_is_looked_up() {
        let build = |failure| {
            event(
                40,
                "build_ended",
                json!({"buildId": "bld-1", "buildStatus": "failed", "reason": {"failure": failure}}),
            )
        };
        let failed = || ended(json!({"buildFailed": {"id": "bld-1"}}));
        check(vec![failed()], Some(FailureReason::BuildFailed));
        check(vec![failed(), build(json!({"nonZeroExit": 1}))], Some(FailureReason::BuildFailed));
        let oom = build(json!({"oomKilled": {"memoryLimit": "8Gi"}}));
        check(vec![oom, failed()], Some(FailureReason::OomKilled { memory_limit: "8Gi".to_owned() }));
    }

    #[test]
    fn an_instance_that_failed_during_the_deploy_tells_the_reason() {
        let failed = |second, code| event(second, "server_failed", json!({"reason": {"nonZeroExit": code}}));
        let started = || event(10, "deploy_started", json!({"deployId": "dep-1", "trigger": {}}));
        check(vec![failed(5, 1), started(), failed(55, 2), ended(json!({}))], None);
        check(vec![failed(5, 1), started(), failed(20, 3)], Some(FailureReason::NonZeroExit(3)));
    }

    #[test]
    fn unknown_kinds_and_shapes_are_kept_as_they_came() {
        let odd = event(1, "deploy_ended", json!({"status": 4}));
        assert_eq!(odd.details, Details::Other(json!({"status": 4})));
        assert_eq!(event(1, "moon_landing", json!({})).details, Details::Other(json!({})));
        let ignored = event(1, "commit_ignored", json!({"id": "ABC", "url": "https://x"}));
        assert_eq!(push_fate(&[ignored], &"abc".into()), PushFate::Ignored);
    }

    #[test]
    fn the_deploy_that_a_push_started_is_named() {
        let started = |trigger| event(1, "deploy_started", json!({"deployId": "dep-1", "trigger": trigger}));
        for (trigger, expected) in [
            (json!({"newCommit": "ABC"}), PushFate::Deploys("dep-1".into())),
            (json!({"newCommit": "def"}), PushFate::Unknown),
            (json!({"manual": true}), PushFate::Unknown),
        ] {
            assert_eq!(push_fate(&[started(trigger)], &"abc".into()), expected);
        }
    }
}
