//! What a built root runs, and with what.

use super::step::{SHELL, shell_at};
use super::{BTreeMap, Dockerfile, Prefix, Stage, StageBase, Step};
use crate::builder::{BuilderError, RunSpec};

/// Commands that base images bring, for Dockerfiles without one of their own.
const COMMANDS_OF_BASE_IMAGES: &[(&str, &[&str])] = &[
    ("python", &["python3"]),
    ("node", &["node"]),
    ("nginx", &["nginx", "-g", "daemon off;"]),
    ("ruby", &["irb"]),
    ("httpd", &["httpd-foreground"]),
];

/// The configuration of an image.
#[derive(Debug, Clone)]
pub(in crate::builder) struct Launch {
    stage: usize,
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    workdir: String,
    user: Option<String>,
    prefix: Option<Prefix>,
}

impl Launch {
    pub(super) fn of(dockerfile: &Dockerfile, given: &BTreeMap<String, String>, prefix: Option<Prefix>) -> Self {
        let end = dockerfile.instructions().len();
        let variables = dockerfile.variables_at(end, given);
        // Only ENV lasts; its values may have come from an ARG.
        let env = dockerfile.env_at(end).into_iter().map(|(name, value)| {
            let value = variables.get(&name).cloned().unwrap_or(value);
            (name, value)
        });
        let stages = dockerfile.stages();
        Self {
            stage: stages.len().saturating_sub(1),
            argv: argv(dockerfile, &stages),
            env: env.collect(),
            workdir: dockerfile.workdir_at(end),
            user: dockerfile.user_at(end),
            prefix,
        }
    }

    /// The command to start, with what the platform sets.
    pub(in crate::builder) fn step(&self, run: &RunSpec) -> Result<Step, BuilderError> {
        let argv = match &run.command {
            Some(line) => [SHELL.map(str::to_owned).to_vec(), vec![line.clone()]].concat(),
            None => self.argv.clone(),
        };
        if argv.is_empty() {
            return Err(BuilderError::Refused { said: "no command specified".to_owned() });
        }
        let mut env = self.env.clone();
        env.extend(run.env.clone());
        env.insert("PORT".to_owned(), run.port.to_string());
        Ok(Step {
            stage: self.stage,
            argv,
            env,
            workdir: self.workdir.clone(),
            user: self.user.clone(),
            prefix: self.prefix.clone(),
        })
    }
}

fn argv(dockerfile: &Dockerfile, stages: &[Stage]) -> Vec<String> {
    let command = dockerfile.final_command();
    let of = |index: usize| {
        let instruction = &dockerfile.instructions()[index];
        let in_shell = || [shell_at(dockerfile, index), vec![instruction.args.clone()]].concat();
        (instruction.exec().unwrap_or_else(in_shell), instruction.exec().is_some())
    };
    let cmd = command.cmd.map(|index| of(index).0).unwrap_or_default();
    match command.entrypoint.map(of) {
        // A shell has no use for further arguments.
        Some((argv, false)) => argv,
        Some((argv, true)) => [argv, cmd].concat(),
        None if cmd.is_empty() => of_base_image(stages),
        None => cmd,
    }
}

fn of_base_image(stages: &[Stage]) -> Vec<String> {
    let mut stage = stages.last();
    while let Some(StageBase::Stage(base)) = stage.map(|stage| &stage.base) {
        stage = stages.get(*base);
    }
    let Some(StageBase::Image(image)) = stage.map(|stage| &stage.base) else { return Vec::new() };
    let name = image.rsplit('/').next().unwrap_or(image).split([':', '@']).next().unwrap_or_default();
    let known = COMMANDS_OF_BASE_IMAGES.iter().find(|(known, _)| *known == name);
    known.map(|(_, argv)| argv.iter().map(|word| (*word).to_owned()).collect()).unwrap_or_default()
}
