//! The swarm: five agents as tokio tasks that start together and wake on each other's documents. The conductor leads them.
//!
//! An agent reads a document, calls a pure function, and writes its own document. Fix comes before validate because of the
//! data, not because of a script. Work for an older assignment is dropped.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Barrier, Mutex, mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout};

use crate::choice::{Topology, Tried};
use crate::diagnosis::{Finding, Stage};
use crate::learning::LearningState;
use crate::memory::Store;
use crate::narration::Event;
use crate::observation::Observation;
use crate::operations::Operations;
use crate::remedy::Remedy;
use crate::service::{Commit, Deploy};
use crate::validation::{Cleared, Proof};
use crate::workspace::Workspace;

pub mod conductor;
pub mod documents;
mod members;

use documents::{Board, Header, Writers};

/// A panic ends the panicking agent a moment after those that it lets down.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// An assignment that has produced nothing for this long has stalled: the longest step, questions to a slow package index,
/// is bounded at half of it.
const STALL: Duration = Duration::from_secs(180);

/// The five agents.
pub const AGENTS: [&str; 5] = ["monitor", "analyzer", "optimizer", "fixer", "validator"];

/// What the swarm works on.
#[derive(Debug, Clone)]
pub struct Assignment {
    pub seq: u64,
    pub iteration: u32,
    /// The deploy that failed; `None` when only the files are examined.
    pub deploy: Option<Deploy>,
    /// Instead of looking again, when this deploy was observed before.
    pub observation: Option<Arc<Observation>>,
    pub workspace: Arc<Workspace>,
    /// The commit that `workspace` was read from; a fix that is taken back is already gone from the workspace.
    pub commit: Commit,
    /// Whether trials may build: not in a dry run, nor while it is open whether the last fix helped.
    pub may_try: bool,
    pub tried: Vec<Tried>,
    pub topology: Option<Topology>,
    pub focus: Option<Stage>,
}

/// What the swarm came to.
#[derive(Debug)]
pub enum Proposal {
    /// Cleared remedies, with the files as they are afterwards.
    Release {
        fixes: Vec<(Cleared<Remedy>, Finding)>,
        after: Box<Workspace>,
        proof: Proof,
    },
    Retry(Finding),
    Person(Finding),
    Exhausted,
}

/// The swarm's answer to an assignment.
#[derive(Debug)]
pub struct Answer {
    pub proposal: Proposal,
    pub findings: Vec<Finding>,
    pub foreseen: Vec<Finding>,
    pub observation: Arc<Observation>,
    pub topology: Topology,
    /// `class/remedy` of what the validator refused, and why.
    pub refused: Vec<(String, String)>,
    /// Remedies that trials have shown to be of no use.
    pub refuted: Vec<(Finding, String)>,
}

/// Why the swarm cannot go on. The simple loop takes over.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SwarmFailure {
    #[error("an agent panicked: {0}")]
    Panicked(String),
    #[error("the swarm did nothing for {} s", .0.as_secs())]
    Stalled(Duration),
    #[error("the {agent} failed: {cause}")]
    Failed { agent: &'static str, cause: String },
}

/// What an agent has to say to the conductor.
enum Word {
    /// The answer to assignment `seq`.
    Answer { seq: u64, answer: Box<Answer> },
    /// Trials take their time: nothing has stalled before that time is over.
    Busy { limit: Duration },
}

/// What every agent holds.
#[derive(Clone)]
struct Desk {
    operations: Operations,
    board: Board,
    learning: Arc<Mutex<LearningState>>,
    session: String,
    assignments: watch::Receiver<Option<Arc<Assignment>>>,
    answers: mpsc::UnboundedSender<Result<Word, SwarmFailure>>,
}

impl Desk {
    fn assignment(&self) -> Option<Arc<Assignment>> {
        self.assignments.borrow().clone()
    }

    /// The assignment that `seq` belongs to, if it is still the current one.
    fn current(&self, seq: u64) -> Option<Arc<Assignment>> {
        self.assignment().filter(|assignment| assignment.seq == seq)
    }

    fn header(&self, assignment: &Assignment, based_on: u64) -> Header {
        Header {
            format: documents::FORMAT,
            session: self.session.clone(),
            iteration: assignment.iteration,
            seq: assignment.seq,
            based_on,
            timestamp: crate::world::now(),
        }
    }

    fn tell(&self, agent: &'static str, did: impl Into<String>) {
        self.operations.narrator.tell(Event::Agent { agent, did: did.into() });
    }

    fn fail(&self, agent: &'static str, cause: impl ToString) {
        let _ = self.answers.send(Err(SwarmFailure::Failed { agent, cause: cause.to_string() }));
    }
}

/// The running swarm. Its tasks end with it.
pub struct Swarm {
    tasks: JoinSet<&'static str>,
    assign: watch::Sender<Option<Arc<Assignment>>>,
    answers: mpsc::UnboundedReceiver<Result<Word, SwarmFailure>>,
    seq: u64,
    /// Why it cannot work any more: without one of its members the others would wait for ever.
    broken: Option<SwarmFailure>,
    /// From the first spawn to all five running.
    pub spawned_in: Duration,
}

impl Swarm {
    /// Starts all five agents at once, and returns when all are running.
    pub async fn spawn(
        operations: &Operations,
        store: &Store,
        session: &str,
        learning: &Arc<Mutex<LearningState>>,
    ) -> Self {
        let started = Instant::now();
        let (assign, assignments) = watch::channel(None);
        let (answers_in, answers) = mpsc::unbounded_channel();
        let writers = Writers::new(store, &operations.redactor);
        let desk = Desk {
            operations: operations.clone(),
            board: writers.board(),
            learning: learning.clone(),
            session: session.to_owned(),
            assignments,
            answers: answers_in,
        };
        let all = Arc::new(Barrier::new(AGENTS.len() + 1));
        let mut tasks = JoinSet::new();
        tasks.spawn(gathered(all.clone(), members::monitor(desk.clone(), writers.monitor)));
        tasks.spawn(gathered(all.clone(), members::analyzer(desk.clone(), writers.analyzer)));
        tasks.spawn(gathered(all.clone(), members::optimizer(desk.clone(), writers.optimizer)));
        tasks.spawn(gathered(all.clone(), members::fixer(desk.clone(), writers.fixer)));
        tasks.spawn(gathered(all.clone(), members::validator(desk, writers.validator)));
        all.wait().await;
        Self { tasks, assign, answers, seq: 0, broken: None, spawned_in: started.elapsed() }
    }

    /// Gives the swarm an assignment (its `seq` is set here) and waits for what it comes to.
    ///
    /// # Errors
    /// When an agent panicked or failed, or nothing happened for too long; then and from then on.
    pub async fn work(&mut self, assignment: Assignment) -> Result<Answer, SwarmFailure> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let answer = self.answer_to(assignment).await;
        if let Err(failure) = &answer {
            self.broken = Some(failure.clone());
            self.tasks.abort_all();
        }
        answer
    }

    async fn answer_to(&mut self, mut assignment: Assignment) -> Result<Answer, SwarmFailure> {
        self.seq += 1;
        assignment.seq = self.seq;
        self.assign.send_replace(Some(Arc::new(assignment)));
        let mut patience = STALL;
        loop {
            tokio::select! {
                ended = self.tasks.join_next() => return Err(self.why_ended(ended).await),
                answer = timeout(patience, self.answers.recv()) => match answer {
                    Err(_) => return Err(SwarmFailure::Stalled(patience)),
                    // All have ended, one after the other, and the first had a reason.
                    Ok(None) => {
                        let ended = self.tasks.join_next().await;
                        return Err(self.why_ended(ended).await);
                    }
                    Ok(Some(Err(failure))) => return Err(failure),
                    // An answer to an earlier assignment is yesterday's news.
                    Ok(Some(Ok(Word::Answer { seq, answer }))) if seq == self.seq => return Ok(*answer),
                    Ok(Some(Ok(Word::Answer { .. }))) => {}
                    Ok(Some(Ok(Word::Busy { limit }))) => patience = STALL + limit,
                },
            }
        }
    }

    /// An agent has ended. When a panic is behind it, that is what counts.
    async fn why_ended(&mut self, ended: Option<Result<&'static str, JoinError>>) -> SwarmFailure {
        let early = match ended {
            Some(Ok(agent)) => SwarmFailure::Failed { agent, cause: "it stopped early".into() },
            ended => return panicked(ended).unwrap_or_else(|| SwarmFailure::Panicked("swarm".into())),
        };
        let panic = async {
            loop {
                match self.tasks.join_next().await {
                    None => return None,
                    ended @ Some(Err(_)) => return panicked(ended),
                    Some(Ok(_)) => {}
                }
            }
        };
        timeout(LAST_WORDS, panic).await.ok().flatten().unwrap_or(early)
    }
}

/// Works once all the others are there.
async fn gathered(all: Arc<Barrier>, work: impl Future<Output = &'static str>) -> &'static str {
    all.wait().await;
    work.await
}

fn panicked(ended: Option<Result<&'static str, JoinError>>) -> Option<SwarmFailure> {
    let panic = ended?.err()?.try_into_panic().ok()?;
    Some(SwarmFailure::Panicked(panic_words(panic)))
}

fn panic_words(panic: Box<dyn std::any::Any + Send>) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()))
        .unwrap_or_else(|| "swarm".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answers = mpsc::UnboundedSender<Result<Word, SwarmFailure>>;

    /// A swarm of these tasks, which answers to nothing.
    fn swarm(tasks: JoinSet<&'static str>) -> (Swarm, Answers) {
        let (assign, _) = watch::channel(None);
        let (sender, answers) = mpsc::unbounded_channel();
        (Swarm { tasks, assign, answers, seq: 0, broken: None, spawned_in: Duration::ZERO }, sender)
    }

    fn assignment() -> Assignment {
        Assignment {
            seq: 0,
            iteration: 1,
            deploy: None,
            observation: None,
            workspace: Arc::default(),
            commit: Commit("a".repeat(40)),
            may_try: false,
            tried: vec![],
            topology: None,
            focus: None,
        }
    }

    #[tokio::test]
    async fn a_panicking_agent_breaks_the_swarm_for_good_and_is_named_before_those_it_lets_down() {
        let mut tasks = JoinSet::new();
        let (gone, mut waits) = watch::channel(());
        tasks.spawn(async move {
            let _ = waits.changed().await;
            "fixer"
        });
        tasks.spawn(async move {
            let _held = gone;
            panic!("the analyzer met something strange")
        });
        let (mut swarm, _answers) = swarm(tasks);
        for _ in 0..2 {
            let failure = swarm.work(assignment()).await.map(|_| ()).expect_err("nobody is left");
            assert_eq!(failure.to_string(), "an agent panicked: the analyzer met something strange");
        }
    }

    #[tokio::test]
    async fn an_agent_that_stops_early_is_not_waited_for() {
        let mut tasks = JoinSet::new();
        tasks.spawn(async { "monitor" });
        let (mut swarm, _answers) = swarm(tasks);
        let failure = swarm.work(assignment()).await.map(|_| ()).expect_err("nobody is left");
        assert_eq!(failure.to_string(), "the monitor failed: it stopped early");
    }
}
