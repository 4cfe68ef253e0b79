//! `--trial`: whether fixes are built and started on this machine before they are pushed.

use std::time::Duration;

use super::duration;
use super::sandbox::{BuilderArg, RehearsalArgs, variable};
use crate::builder::BuilderChoice;
use crate::operations::{TrialChoice, TrialSettings, Trials};

/// What a trial is and may do.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Trial")]
pub struct TrialArgs {
    /// Build and start a fix on this machine before it is pushed
    ///
    /// A trial runs what your Dockerfile and your service do on this machine, as `docker build` and `docker run` would: in a
    /// container, or in Linux namespaces, and without isolation only with --allow-unisolated. It gets none of the service's
    /// variables. A fix that fails as before is not used; a fault that shows up behind it is mended, too, and goes out with it.
    /// What may be this machine's fault never holds a fix back. In a rehearsal (--sandbox, demo) auto means off.
    #[arg(long, env = "DOMAIN_RUNNER_TRIAL", value_enum, default_value_t = TrialArg::Auto)]
    pub trial: TrialArg,
    /// For the build of a trial, and again for its start
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "10m")]
    pub trial_timeout: Duration,
    /// A variable for trials, as build argument and at the start; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    pub trial_env: Vec<(String, String)>,
    #[arg(skip)]
    builder: BuilderChoice,
    #[arg(skip)]
    allow_unisolated: bool,
}

/// `--trial`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TrialArg {
    /// Where an engine or Linux namespaces can build
    Auto,
    Off,
    /// What no trial has proved is not pushed
    Require,
}

impl TrialArgs {
    /// No trials, but what the sandbox does itself.
    pub fn off() -> Self {
        Self {
            trial: TrialArg::Off,
            trial_timeout: Duration::ZERO,
            trial_env: vec![],
            builder: BuilderChoice::Auto,
            allow_unisolated: false,
        }
    }

    /// As the other arguments have it: what builds, and that a rehearsal builds the same thing seconds later anyway.
    pub fn beside(&mut self, rehearsal: &RehearsalArgs, sandbox: bool) {
        self.builder = match rehearsal.builder {
            BuilderArg::Auto | BuilderArg::Fake => BuilderChoice::Auto,
            BuilderArg::Engine => BuilderChoice::Engine,
            BuilderArg::Namespaces => BuilderChoice::Namespaces,
            BuilderArg::Plain => BuilderChoice::Plain,
        };
        self.allow_unisolated = rehearsal.allow_unisolated;
        if sandbox && self.trial == TrialArg::Auto {
            self.trial = TrialArg::Off;
        }
    }

    pub fn bench(&self) -> Trials {
        Trials::new(TrialSettings {
            choice: match self.trial {
                TrialArg::Auto => TrialChoice::Auto,
                TrialArg::Off => TrialChoice::Off,
                TrialArg::Require => TrialChoice::Require,
            },
            builder: self.builder,
            allow_unisolated: self.allow_unisolated,
            timeout: self.trial_timeout,
            env: self.trial_env.iter().cloned().collect(),
        })
    }
}
