//! What a rule is: one failure class with detection, remedies and examples in one value.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Case;
use crate::knowledge::{Knowledge, Question};
use crate::remedy::{Applicability, Edit, Remedy};

/// Where on the way from commit to healthy service a failure lies, in the order in which they are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    DockerfileParse,
    ContextCopy,
    BaseImage,
    OsPackage,
    DepResolution,
    NativeToolchain,
    AppBuild,
    Resource,
    Startup,
    PortHealth,
    RuntimeDb,
    Platform,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DockerfileParse => "dockerfile-parse",
            Self::ContextCopy => "context-copy",
            Self::BaseImage => "base-image",
            Self::OsPackage => "os-package",
            Self::DepResolution => "dep-resolution",
            Self::NativeToolchain => "native-toolchain",
            Self::AppBuild => "app-build",
            Self::Resource => "resource",
            Self::Startup => "startup",
            Self::PortHealth => "port-health",
            Self::RuntimeDb => "runtime-db",
            Self::Platform => "platform",
        })
    }
}

/// How bad a failure is for the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

/// Who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// An edit of files.
    Fix,
    /// Nothing is wrong with the files: try once more, never commit.
    Retry,
    /// Only a person: a secret, an account, a decision.
    Human,
}

/// How much a class explains. Ordered: a cause outranks what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// What is said when no class fits; never beside another finding.
    Fallback,
    /// What every failure prints, whatever the cause: `exit code: 1`.
    Wrapper,
    /// What a cause brings about: "no open ports" after a crash.
    Symptom,
    /// The cause as a tool names it, perhaps one of several.
    Typical,
    /// The cause itself, beyond doubt.
    Root,
}

/// A place in the repository, lines from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub path: String,
    pub line: usize,
}

/// A rule that recognised its class.
#[derive(Debug, Clone, Default)]
pub struct Hit {
    /// Index into `log.lines` of the decisive line.
    pub line: Option<usize>,
    pub subject: String,
    /// One sentence with the names of this case.
    pub why: String,
    /// 0 to 1.
    pub confidence: f32,
    pub place: Option<Place>,
    /// Instead of the rule's own, where this case is clearer or vaguer than most.
    pub weight: Option<Weight>,
    /// Instead of the rule's own, where this case can (not) be mended by an edit.
    pub policy: Option<Policy>,
    /// Instead of the rule's own, for classes that are met at more than one.
    pub stage: Option<Stage>,
}

impl Hit {
    /// Recognised at log line `line` (an index), about `subject`.
    pub fn at(line: usize, subject: impl Into<String>, why: impl Into<String>) -> Self {
        Self { line: Some(line), subject: subject.into(), why: why.into(), confidence: 0.9, ..Self::default() }
    }

    /// Recognised from the files alone, at `line` (from 1) of `path`.
    pub fn in_file(path: &str, line: usize, subject: impl Into<String>, why: impl Into<String>) -> Self {
        let place = Some(Place { path: path.to_owned(), line });
        Self { place, subject: subject.into(), why: why.into(), confidence: 0.9, ..Self::default() }
    }

    pub fn confidence(mut self, confidence: f32) -> Self {
        self.confidence = confidence;
        self
    }

    pub fn weight(mut self, weight: Weight) -> Self {
        self.weight = Some(weight);
        self
    }

    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    pub fn place(mut self, path: &str, line: usize) -> Self {
        self.place = Some(Place { path: path.to_owned(), line });
        self
    }
}

/// Remedies, best first, and what would have to be known for more of them.
#[derive(Debug, Default)]
pub struct Prescription {
    pub remedies: Vec<Remedy>,
    pub questions: Vec<Question>,
}

impl Prescription {
    /// Nothing that an edit could do.
    pub fn none() -> Self {
        Self::default()
    }

    pub fn of(remedies: impl IntoIterator<Item = Remedy>) -> Self {
        Self { remedies: remedies.into_iter().collect(), questions: vec![] }
    }

    /// And a remedy of one edit; nothing when the edit could not be made.
    #[must_use]
    pub fn with(
        mut self,
        id: &str,
        title: impl Into<String>,
        why: impl Into<String>,
        applicability: Applicability,
        edit: Option<Edit>,
    ) -> Self {
        if let Some(edit) = edit {
            let (id, title, why) = (id.to_owned(), title.into(), why.into());
            self.remedies.push(Remedy { id, title, why, applicability, edits: vec![edit] });
        }
        self
    }

    pub fn asking(question: Question) -> Self {
        Self { remedies: vec![], questions: vec![question] }
    }
}

/// One failure class.
pub struct Rule {
    /// The id in the failure taxonomy.
    pub id: &'static str,
    /// What happened, in a few words: the title of `explain`.
    pub what: &'static str,
    /// Why it happens, for someone who meets it for the first time.
    pub why: &'static str,
    /// What a person can do about it.
    pub advice: &'static str,
    pub stage: Stage,
    pub severity: Severity,
    pub policy: Policy,
    pub weight: Weight,
    /// Classes that this one explains: when both are found in one log, this one stands first.
    pub before: &'static [&'static str],
    /// Literal fragments (any letter case) of which a log must hold at least one before `detect` is asked.
    /// Without any, `detect` is asked always: only for rules about settings and files.
    pub needles: &'static [&'static str],
    /// Gets the indices of the log lines that hold a needle, ascending.
    pub detect: fn(&Case<'_>, &[usize]) -> Option<Hit>,
    /// What the files alone show before any build. Must be silent on services that work.
    pub foresee: fn(&Case<'_>) -> Vec<Hit>,
    /// What has to be looked up before `foresee` can tell.
    pub wonder: fn(&Case<'_>) -> Vec<Question>,
    pub remedies: fn(&Case<'_>, &Hit) -> Prescription,
    pub examples: &'static [Example],
}

impl Rule {
    /// The parts most rules leave alone.
    pub const BLANK: Self = Self {
        id: "",
        what: "",
        why: "",
        advice: "",
        stage: Stage::AppBuild,
        severity: Severity::High,
        policy: Policy::Human,
        weight: Weight::Typical,
        before: &[],
        needles: &[],
        detect: |_, _| None,
        foresee: |_| vec![],
        wonder: |_| vec![],
        remedies: |_, _| Prescription { remedies: vec![], questions: vec![] },
        examples: &[],
    };

    pub(super) fn apply_to(&self, case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
        if !self.needles.is_empty() && lines.is_empty() {
            return None;
        }
        (self.detect)(case, lines)
    }
}

/// A failure as it really happens, with what mends it: fixture, documentation and proof in one value.
pub struct Example {
    /// What real tools printed, shortened to the lines that matter.
    pub log: &'static str,
    /// Path and text of each file that matters. The Dockerfile is `Dockerfile`.
    pub files: &'static [(&'static str, &'static str)],
    /// Paths of `files` that are executable.
    pub executable: &'static [&'static str],
    pub subject: &'static str,
    /// The first remedy's id and the files it changes, as they read afterwards. `None`: no edit is offered.
    pub remedy: Option<(&'static str, &'static [(&'static str, &'static str)])>,
    /// What has been looked up.
    pub knowledge: fn() -> Knowledge,
    /// `update_failed` and the like; empty when only a log is given.
    pub status: &'static str,
    pub health_path: Option<&'static str>,
}

impl Example {
    pub const BLANK: Self = Self {
        log: "",
        files: &[],
        executable: &[],
        subject: "",
        remedy: None,
        knowledge: Knowledge::default,
        status: "",
        health_path: None,
    };
}
