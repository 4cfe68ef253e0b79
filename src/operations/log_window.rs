//! Which lines of a service's log stream belong to one deploy. Render has no deploy filter (contract §6): time and markers tell.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::render::LogEntry;

/// Where every build begins.
const BUILD_BEGINS: &str = "==> Cloning from";
/// Then it says which commit it builds.
const COMMIT_MARK: &str = "==> Checking out commit ";

/// The build lines of `commit`: from its own beginning to the beginning of the next build.
///
/// Deploys that follow each other within seconds share a time window; without these marks an earlier failure would be read as
/// this one's. Without marks (image services, lost lines) everything is kept.
pub(super) fn of_build(entries: Vec<LogEntry>, commit: Option<&str>) -> Vec<LogEntry> {
    let Some(commit) = commit else { return entries };
    let mark = format!("{COMMIT_MARK}{commit}");
    let Some(marked) = entries.iter().rposition(|entry| entry.message.contains(&mark)) else { return entries };
    let begins = |entry: &LogEntry| entry.message.contains(BUILD_BEGINS);
    let first = entries[..=marked].iter().rposition(begins).unwrap_or(marked);
    let last = entries[marked + 1..].iter().position(begins).map_or(entries.len(), |next| marked + 1 + next);
    entries.into_iter().take(last).skip(first).collect()
}

/// The lines of the instance that appeared last since `since`, and the platform's own lines since then.
///
/// The old instance logs into the same stream for as long as it serves.
pub(super) fn of_newest_instance(entries: Vec<LogEntry>, since: Timestamp) -> Vec<LogEntry> {
    let mut appeared: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for entry in &entries {
        if let Some(instance) = entry.instance.as_deref() {
            appeared.entry(instance).or_insert(entry.timestamp);
        }
    }
    let newest = appeared.iter().filter(|(_, at)| **at >= since).max_by_key(|(_, at)| **at);
    let newest = newest.map(|(instance, _)| (*instance).to_owned());
    entries
        .into_iter()
        .filter(|entry| match (entry.instance.as_deref(), &newest) {
            (Some(instance), Some(newest)) => instance == newest,
            // No new instance: an older one may have been restarted.
            (Some(_), None) => true,
            (None, _) => entry.timestamp >= since,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(second: i64, instance: Option<&str>, message: &str) -> LogEntry {
        LogEntry {
            id: second.to_string(),
            timestamp: Timestamp::from_second(second).expect("a time"),
            message: message.to_owned(),
            kind: None,
            instance: instance.map(str::to_owned),
            level: None,
        }
    }

    fn messages(entries: &[LogEntry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.message.as_str()).collect()
    }

    #[test]
    fn an_earlier_build_in_the_same_window_is_not_this_one() {
        let log = vec![
            entry(1, None, "==> Cloning from x"),
            entry(1, None, "==> Checking out commit aaa in branch main"),
            entry(2, None, "boom"),
            entry(3, None, "(glued ==> Cloning from x"),
            entry(3, None, "==> Checking out commit bbb in branch main"),
            entry(4, None, "bang"),
        ];
        assert_eq!(messages(&of_build(log.clone(), Some("aaa")))[2], "boom");
        assert_eq!(messages(&of_build(log.clone(), Some("bbb"))).last(), Some(&"bang"));
        assert_eq!(of_build(log.clone(), Some("bbb")).len(), 3);
        assert_eq!(of_build(log, Some("ccc")).len(), 6);
    }

    #[test]
    fn the_old_instance_is_not_heard() {
        let log = vec![
            entry(1, Some("old"), "GET /healthz 200"),
            entry(5, Some("new"), "crash"),
            entry(6, Some("old"), "GET /healthz 200"),
            entry(7, None, "==> Exited with status 1"),
        ];
        assert_eq!(
            messages(&of_newest_instance(log, Timestamp::from_second(3).expect("a time"))),
            ["crash", "==> Exited with status 1"]
        );
    }
}
