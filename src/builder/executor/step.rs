//! RUN, COPY and ADD.

use super::{Build, BuilderError, CopyOrder, Exit, Instruction, Path, Stage, Step, Stop, Vertex, absolute};
use crate::dockerfile::Flag;

/// What `/bin/sh` of a base image is started as.
pub(super) const SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// Archives that ADD unpacks.
const ARCHIVES: &[&str] = &[".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"];

/// Where an archive waits in a root until it is unpacked.
const WAITING: &str = "/tmp/.domain-runner-add";

/// A command is killed by the kernel or us for its memory with this code.
const KILLED: i64 = 137;

impl Build<'_> {
    pub(super) async fn run_step(
        &mut self,
        stage: &Stage,
        index: usize,
        instruction: &Instruction,
        mut vertex: Vertex,
    ) -> Result<(), Stop> {
        for flag in instruction.flags.iter().filter(|flag| flag.name == "mount") {
            self.mount(stage, flag).await?;
        }
        let argv = self.argv(index, instruction);
        let exit = self.command(stage, index, argv.clone(), &mut vertex).await?;
        if exit.code == 0 {
            vertex.done();
            return Ok(());
        }
        let code = exit.code;
        let error = format!("process \"{}\" did not complete successfully: exit code: {code}", argv.join(" "));
        vertex.error(&error);
        self.show_failed(&vertex, instruction, &error);
        Err(if exit.out_of_memory || code == KILLED { Stop::OutOfMemory } else { Stop::Failed })
    }

    async fn command(
        &self,
        stage: &Stage,
        index: usize,
        argv: Vec<String>,
        vertex: &mut Vertex,
    ) -> Result<Exit, BuilderError> {
        let helper = self.ground.start(Step {
            stage: stage.index,
            argv,
            env: self.dockerfile.variables_at(index, &self.spec.build_args),
            workdir: self.dockerfile.workdir_at(index),
            user: self.dockerfile.user_at(index),
            prefix: self.prefix(stage),
        })?;
        Ok(helper.watch(self.spec.memory_bytes, |line| vertex.line(&line)).await)
    }

    /// The command of a RUN: exec form, shell form, or a script that stands in a heredoc.
    fn argv(&self, index: usize, instruction: &Instruction) -> Vec<String> {
        if let Some(argv) = instruction.exec() {
            return argv;
        }
        let mut script = instruction.args.clone();
        let only_heredoc = instruction.args.starts_with("<<") && !instruction.args.contains(char::is_whitespace);
        match instruction.heredocs.as_slice() {
            [heredoc] if only_heredoc => script = body(heredoc),
            heredocs => {
                for heredoc in heredocs {
                    script.push_str(&format!("\n{}{}", heredoc.body, heredoc.name));
                }
            }
        }
        let interpreter = script.strip_prefix("#!").filter(|_| only_heredoc).and_then(|rest| rest.lines().next());
        let mut argv = match interpreter {
            // Every interpreter that stands in such a line also takes a script by `-c` or `-e`.
            Some(line) => {
                let mut argv: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
                let takes_e = argv.iter().any(|word| ["node", "perl", "ruby"].iter().any(|name| word.ends_with(name)));
                argv.push(if takes_e { "-e" } else { "-c" }.to_owned());
                argv
            }
            None => shell_at(&self.dockerfile, index),
        };
        argv.push(script);
        argv
    }

    /// Does what comes closest to a mount: files that are bound are copied, caches start empty.
    async fn mount(&self, stage: &Stage, flag: &Flag) -> Result<(), Stop> {
        let value = flag.value.as_deref().unwrap_or_default();
        let field = |name: &str| mount_field(value, name);
        let Some(target) = field("target").or_else(|| field("dst")).or_else(|| field("destination")) else {
            return Ok(());
        };
        let target = absolute("/", target);
        let broken = |said: String| Stop::Broken(BuilderError::Refused { said });
        match field("type").unwrap_or("bind") {
            "cache" => self.ground.make_folder(stage.index, &target).await.map_err(broken),
            "bind" => {
                let source = field("source").or_else(|| field("src")).unwrap_or(".").to_owned();
                let order = self.order(stage, field("from"), vec![source], target);
                self.ground.copy(order).await.map_err(broken)
            }
            _ => Ok(()),
        }
    }

    fn order(&self, stage: &Stage, from: Option<&str>, sources: Vec<String>, to: String) -> CopyOrder {
        let from = match from {
            None => self.context.clone(),
            Some(from) => match self.dockerfile.stage_named(from, stage.index) {
                Some(other) => self.ground.root(other),
                // Another image: this host stands in for that one as well.
                None => Path::new("/").to_owned(),
            },
        };
        let root = self.ground.root(stage.index);
        CopyOrder { from, sources, texts: Vec::new(), root, to, chown: None, chmod: None, keeps_owner: false }
    }

    pub(super) async fn copy_step(
        &mut self,
        stage: &Stage,
        index: usize,
        instruction: &Instruction,
        mut vertex: Vertex,
    ) -> Result<(), Stop> {
        let Some((sources, to)) = instruction.copy_paths() else {
            return self.settled(Err("no source and destination".to_owned()), instruction, vertex);
        };
        let sources: Vec<String> = sources.iter().map(|source| self.expanded(index, source)).collect();
        if let Some(url) = sources.iter().find(|source| source.contains("://")) {
            let said = format!("without an engine nothing can be added from `{url}`");
            return Err(Stop::Broken(BuilderError::Refused { said }));
        }
        let to = absolute(&self.dockerfile.workdir_at(index), &self.expanded(index, &to));
        let from = instruction.flag("from").map(|from| self.expanded(index, from));
        let is_archive = |source: &String| ARCHIVES.iter().any(|ending| source.ends_with(ending));
        let (archives, plain): (Vec<String>, Vec<String>) =
            sources.into_iter().partition(|source| instruction.keyword == "ADD" && is_archive(source));
        let mut order = self.order(stage, from.as_deref(), plain, to.clone());
        order.chown = instruction.flag("chown").map(|owner| self.expanded(index, owner));
        order.chmod = instruction.flag("chmod").and_then(|mode| u32::from_str_radix(mode, 8).ok());
        let text = |heredoc: &crate::dockerfile::Heredoc| {
            let body = body(heredoc);
            (heredoc.name.clone(), if heredoc.expand { self.expanded_text(index, &body) } else { body })
        };
        order.texts = instruction.heredocs.iter().map(text).collect();
        let mut copied = Ok(());
        if !order.sources.is_empty() || !order.texts.is_empty() {
            copied = self.ground.copy(order).await;
        }
        if copied.is_ok() && !archives.is_empty() {
            copied = self.unpack(stage, index, archives, &to, &mut vertex).await?;
        }
        self.settled(copied, instruction, vertex)
    }

    async fn unpack(
        &self,
        stage: &Stage,
        index: usize,
        archives: Vec<String>,
        to: &str,
        vertex: &mut Vertex,
    ) -> Result<Result<(), String>, Stop> {
        let waiting = self.order(stage, None, archives, format!("{WAITING}/"));
        if let Err(error) = self.ground.copy(waiting).await {
            return Ok(Err(error));
        }
        let script = format!(
            "mkdir -p \"$0\" && for file in {WAITING}/*; do tar -xf \"$file\" -C \"$0\" || exit 1; done; rm -r {WAITING}"
        );
        let argv = vec!["/bin/sh".to_owned(), "-c".to_owned(), script, to.to_owned()];
        let exit = self.command(stage, index, argv, vertex).await?;
        Ok(if exit.code == 0 { Ok(()) } else { Err("failed to unpack archive".to_owned()) })
    }

    /// Expands variables line by line: quotes are ordinary characters in a heredoc.
    fn expanded_text(&self, index: usize, text: &str) -> String {
        let variables = self.dockerfile.variables_at(index, &self.spec.build_args);
        variables.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
        })
    }
}

/// The shell in force at an instruction.
pub(super) fn shell_at(dockerfile: &crate::dockerfile::Dockerfile, index: usize) -> Vec<String> {
    let before = dockerfile.instructions().get(..index).unwrap_or_default();
    let own_stage = before.iter().rev().take_while(|each| each.keyword != "FROM");
    own_stage
        .filter(|each| each.keyword == "SHELL")
        .find_map(Instruction::exec)
        .unwrap_or_else(|| SHELL.map(str::to_owned).to_vec())
}

/// A field of `type=bind,source=a,target=b`.
pub(super) fn mount_field<'a>(mount: &'a str, name: &str) -> Option<&'a str> {
    mount.split(',').find_map(|field| field.split_once('=').filter(|(key, _)| *key == name)).map(|(_, value)| value)
}

fn body(heredoc: &crate::dockerfile::Heredoc) -> String {
    if !heredoc.chomp {
        return heredoc.body.clone();
    }
    heredoc.body.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
}
