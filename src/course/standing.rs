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
