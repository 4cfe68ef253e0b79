//! Where a run stands: a pure fold over the entries of its journal. The run itself moves on by the same entries.

use crate::attempts::{Attempts, Released};
use crate::diagnosis::Finding;
use crate::mission::RunEnd;
use crate::mission::journal::{Again, Entry, Line};
use crate::service::{Commit, Deploy, DeployId};

/// Where the run stands, for the loop and for the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The commit that shall be live; fixes go on top of it.
    pub head: Commit,
    /// It was found out how `head` stands, or it was shipped.
    pub arrived: bool,
    /// The deploy looked at last.
    pub deploy: Option<Deploy>,
    /// `head` was deployed before, without a verdict that counts: it gets another deploy.
    pub instead_of: Option<DeployId>,
    pub attempts: Attempts,
    pub deploys: u32,
    pub iterations: u32,
    /// The deploy whose failure the last iteration works on.
    examined: Option<DeployId>,
    pub findings: Vec<Finding>,
    /// This run began the deploy looked at last, or saw it unfinished, and it is not on record yet.
    pub ours: bool,
    /// A fix that did not help and is still in `head`; the next commit takes it back.
    pub useless: Option<Released>,
    /// An unknown failure was tried once more.
    pub redeployed: bool,
    /// A commit that is made, and perhaps pushed.
    pub underway: Option<Underway>,
    /// The run has given up, and only tidies up.
    pub concluded: Option<RunEnd>,
}

/// A commit on its way to the remote.
#[derive(Debug, Clone, PartialEq)]
pub enum Underway {
    Fix(Released),
    /// The second takes the first back.
    Withdrawal {
        withdrawn: Commit,
        commit: Commit,
    },
}

impl Underway {
    pub fn commit(&self) -> &Commit {
        match self {
            Self::Fix(released) => &released.commit,
            Self::Withdrawal { commit, .. } => commit,
        }
    }
}

impl Standing {
    /// At the beginning of a run that shall bring `head` to life.
    pub fn at(head: Commit) -> Self {
        Self {
            head,
            arrived: false,
            deploy: None,
            instead_of: None,
            attempts: Attempts::default(),
            deploys: 0,
            iterations: 0,
            examined: None,
            findings: vec![],
            ours: false,
            useless: None,
            redeployed: false,
            underway: None,
            concluded: None,
        }
    }

    /// Where the run of these lines stood; `None` before it had chosen what shall be live.
    pub fn replay(lines: &[Line]) -> Option<Self> {
        let mut standing: Option<Self> = None;
        for line in lines {
            match (&mut standing, &line.entry) {
                (None, Entry::Meant { commit, .. }) => standing = Some(Self::at(commit.clone())),
                (None, _) => {}
                (Some(standing), entry) => standing.apply(entry),
            }
        }
        standing
    }

    /// Moves on by `entry`.
    pub fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Meant { commit, removed } => self.turn_to(commit, *removed),
            Entry::Publish(released) => self.underway = Some(Underway::Fix(released.clone())),
            Entry::Withdraw { commit, withdrawn } => {
                let (commit, withdrawn) = (commit.clone(), withdrawn.clone());
                self.underway = Some(Underway::Withdrawal { withdrawn, commit });
            }
            Entry::Published { commit } => {
                if let Some(Underway::Fix(released)) = self.underway.take() {
                    self.attempts.released(released);
                }
                self.head = commit.clone();
                self.arrived = true;
                (self.deploy, self.instead_of, self.useless) = (None, None, None);
            }
            Entry::Withdrawn { commit } => {
                self.head = commit.clone();
                (self.underway, self.useless) = (None, None);
            }
            Entry::Dropped { .. } => self.underway = None,
            Entry::Push { .. } => self.arrived = true,
            Entry::Found(deploy) => {
                self.arrived = true;
                self.deploy = Some(deploy.clone());
            }
            Entry::Deploying(deploy) => {
                self.deploys += 1;
                self.deploy = Some(deploy.clone());
                (self.instead_of, self.ours) = (None, true);
            }
            Entry::Watch { deploy, ours } => {
                self.deploy = Some(deploy.clone());
                self.ours |= ours;
            }
            Entry::Ended(deploy) => self.deploy = Some(deploy.clone()),
            Entry::Iteration { deploy } => {
                // An iteration that was cut short is the same one when it begins again.
                if self.examined.as_ref() != Some(deploy) {
                    self.iterations += 1;
                    self.examined = Some(deploy.clone());
                }
            }
            Entry::Verdict { healthy, failure, findings, .. } => {
                self.ours = false;
                self.findings.clone_from(findings);
                let heard = match healthy {
                    true => self.attempts.succeeded(),
                    false => self.attempts.failed(failure.as_ref()),
                };
                self.useless = heard.useless.or(self.useless.take());
            }
            Entry::Retry { instead_of, why } => {
                match why {
                    Again::Passing(failure) => self.attempts.retried(failure),
                    Again::Unknown => self.redeployed = true,
                    Again::NoVerdict => {}
                }
                (self.deploy, self.instead_of) = (None, Some(instead_of.clone()));
            }
            Entry::Conclude(end) => self.concluded = Some(end.clone()),
            Entry::Begun(_)
            | Entry::Resumed
            | Entry::Swarm { .. }
            | Entry::Phase { .. }
            | Entry::IncludeChanges { .. }
            | Entry::WorkTree { .. }
            | Entry::Refuted { .. }
            | Entry::RollBack { .. }
            | Entry::StartDeploy { .. }
            | Entry::End { .. } => {}
        }
    }

    /// Another commit shall be live.
    fn turn_to(&mut self, commit: &Commit, removed: bool) {
        if *commit == self.head {
            return;
        }
        self.head = commit.clone();
        // The deploy that showed it is where the run goes on.
        self.deploy = self.deploy.take().filter(|deploy| deploy.commit.as_ref() == Some(commit));
        self.arrived = self.deploy.is_some();
        (self.instead_of, self.concluded) = (None, None);
        if removed {
            self.attempts.removed();
            self.useless = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempts::{Failure, Fix};
    use crate::learning::Lesson;
    use crate::mission::journal::Begun;
    use crate::service::{DeployStatus, ServiceId};

    fn commit(name: &str) -> Commit {
        Commit(name.repeat(40))
    }

    fn deploy(id: &str, of: &str, status: DeployStatus) -> Deploy {
        Deploy {
            id: DeployId(id.into()),
            commit: Some(commit(of)),
            commit_message: None,
            status,
            trigger: None,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            started_at: None,
            finished_at: None,
        }
    }

    fn failure(mark: &str) -> Failure {
        Failure { mark: mark.into(), class: "img-tag-not-found".into(), subject: "python".into(), why: "no tag".into() }
    }

    fn released(of: &str, onto: &str, undoes: Option<Released>) -> Released {
        let fix = Fix { failure: failure("m1"), remedy: format!("tag-{of}"), title: format!("Use {of}"), advice: None };
        Released {
            mark: "m1".into(),
            fixes: vec![fix],
            parent: commit(onto),
            commit: commit(of),
            undoes: undoes.map(Box::new),
        }
    }

    fn verdict(mark: &str) -> Entry {
        let (failure, findings) = (Some(failure(mark)), vec![]);
        Entry::Verdict { healthy: false, failure, findings, lesson: Lesson::default() }
    }

    /// Fails, is mended in vain, and mended again; the second fix takes the first back.
    fn story() -> Vec<Entry> {
        let begun = Begun {
            format: 1,
            service: ServiceId("srv-1".into()),
            name: "shop".into(),
            branch: "main".into(),
            dry_run: false,
            roll_back: false,
        };
        let first = released("b", "a", None);
        vec![
            Entry::Begun(begun),
            Entry::Meant { commit: commit("a"), removed: false },
            Entry::Found(deploy("d1", "a", DeployStatus::BuildFailed)),
            Entry::Watch { deploy: deploy("d1", "a", DeployStatus::BuildFailed), ours: false },
            Entry::Iteration { deploy: DeployId("d1".into()) },
            verdict("m1"),
            Entry::Publish(first.clone()),
            Entry::Published { commit: commit("b") },
            Entry::StartDeploy { commit: commit("b"), instead_of: None },
            Entry::Deploying(deploy("d2", "b", DeployStatus::Created)),
            Entry::Watch { deploy: deploy("d2", "b", DeployStatus::Created), ours: true },
            Entry::Ended(deploy("d2", "b", DeployStatus::BuildFailed)),
            Entry::Iteration { deploy: DeployId("d2".into()) },
            verdict("m1"),
            Entry::Publish(released("c", "b", Some(first))),
            Entry::Published { commit: commit("c") },
        ]
    }

    fn lines(entries: Vec<Entry>) -> Vec<Line> {
        let line = |(seq, entry)| Line { seq, at: jiff::Timestamp::UNIX_EPOCH, entry };
        (1..).zip(entries).map(line).collect()
    }

    #[test]
    fn a_standing_survives_its_journal_at_every_line() {
        let story = lines(story());
        for cut in 0..=story.len() {
            let written: Vec<String> = story[..cut].iter().map(|line| serde_json::to_string(line).unwrap()).collect();
            let read: Vec<Line> = written.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(read, story[..cut]);
            assert_eq!(Standing::replay(&read).is_some(), cut >= 2, "at line {cut}");
        }
    }

    #[test]
    fn a_fix_that_did_not_help_is_known_until_it_is_taken_back() {
        let story = lines(story());
        let before = Standing::replay(&story[..14]).unwrap();
        assert_eq!(before.useless, Some(released("b", "a", None)));
        assert_eq!((before.deploys, before.iterations, before.ours), (1, 2, false));
        assert_eq!(before.attempts.kept, Vec::<String>::new());
        let after = Standing::replay(&story).unwrap();
        assert_eq!((after.useless, after.deploy, after.head), (None, None, commit("c")));
        assert_eq!(after.attempts.kept, ["Use c"]);
        assert_eq!(after.attempts.tried.len(), 2);
    }

    #[test]
    fn an_iteration_that_was_cut_short_counts_once() {
        let mut story = story();
        story.truncate(5);
        story.push(Entry::Resumed);
        story.push(Entry::Iteration { deploy: DeployId("d1".into()) });
        assert_eq!(Standing::replay(&lines(story)).unwrap().iterations, 1);
    }

    #[test]
    fn a_commit_without_a_result_is_underway() {
        let mut story = story();
        story.truncate(7);
        let standing = Standing::replay(&lines(story.clone())).unwrap();
        assert_eq!(standing.underway, Some(Underway::Fix(released("b", "a", None))));
        assert_eq!(standing.head, commit("a"));
        story.push(Entry::Dropped { commit: commit("b") });
        let standing = Standing::replay(&lines(story)).unwrap();
        assert_eq!((standing.underway, standing.attempts.tried.len()), (None, 0));
    }

    #[test]
    fn when_somebody_takes_our_fixes_out_they_neither_stand_nor_wait_for_a_verdict() {
        let mut story = story();
        story.push(Entry::Meant { commit: commit("e"), removed: true });
        let mut standing = Standing::replay(&lines(story)).unwrap();
        assert_eq!((standing.head.clone(), standing.arrived), (commit("e"), false));
        assert_eq!(standing.attempts.kept, Vec::<String>::new());
        assert_eq!(standing.attempts.failed(Some(&failure("m1"))).useless, None);
        assert_eq!(standing.attempts.tried.len(), 2, "what was tried stays tried");
    }
}
