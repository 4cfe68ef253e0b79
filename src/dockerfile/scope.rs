//! What is in force at an instruction: stages, variables, working folder, user, command.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::shell::Reading;
use super::{Command, Dockerfile, Instruction, Stage, StageBase};
use crate::workspace::path;

/// The variables BuildKit sets for `FROM`, with the values of Render's builders.
const PLATFORM: [(&str, &str); 8] = [
    ("BUILDARCH", "amd64"),
    ("BUILDOS", "linux"),
    ("BUILDPLATFORM", "linux/amd64"),
    ("BUILDVARIANT", ""),
    ("TARGETARCH", "amd64"),
    ("TARGETOS", "linux"),
    ("TARGETPLATFORM", "linux/amd64"),
    ("TARGETVARIANT", ""),
];

/// Linux starts no program with a longer variable (`MAX_ARG_STRLEN` is 128 KiB), and `ENV A=$A$A`, repeated, doubles each time.
const VALUE_BYTES_MAX: usize = 16 << 10;

type Variables = BTreeMap<String, String>;

/// What a stage has accumulated at some point.
#[derive(Default, Clone)]
struct State {
    env: Variables,
    /// All that can be referred to: ENV wins over ARG of the same name, whichever comes first. Kept beside `env`, because
    /// making it anew at every instruction costs more than all the rest.
    variables: Variables,
    workdir: String,
    user: Option<String>,
}

impl Dockerfile {
    /// The stages in order.
    pub fn stages(&self) -> Vec<Stage> {
        let globals = self.globals(&Variables::new());
        let froms: Vec<usize> =
            (0..self.instructions.len()).filter(|at| self.instructions[*at].keyword == "FROM").collect();
        let mut stages: Vec<Stage> = Vec::new();
        for (index, from) in froms.iter().copied().enumerate() {
            let end = froms.get(index + 1).copied().unwrap_or(self.instructions.len());
            let instruction = &self.instructions[from];
            let words = instruction.list();
            let image = words.first().cloned().unwrap_or_default();
            let name = match words.as_slice() {
                [_, keyword, name] if keyword.eq_ignore_ascii_case("as") => Some(name.to_lowercase()),
                _ => None,
            };
            let expanded = expanded(&image, self.escape, &globals);
            let base = match named(&stages, &expanded) {
                Some(stage) => StageBase::Stage(stage),
                None if expanded == "scratch" => StageBase::Scratch,
                None => StageBase::Image(expanded),
            };
            let platform = instruction.flag("platform").map(str::to_owned);
            stages.push(Stage { index, name, image, platform, from, instructions: from + 1..end, base });
        }
        stages
    }

    /// The stage an instruction belongs to, its `FROM` included.
    pub fn stage_of(&self, instruction: usize) -> Option<usize> {
        let upto = self.instructions.get(..=instruction)?;
        upto.iter().filter(|each| each.keyword == "FROM").count().checked_sub(1)
    }

    /// The stage that `--from=reference` means when seen from stage `before`: by name, or by number.
    pub fn stage_named(&self, reference: &str, before: usize) -> Option<usize> {
        let stages = self.stages();
        let earlier = stages.get(..before.min(stages.len()))?;
        named(earlier, reference).or_else(|| reference.parse().ok().filter(|index| *index < earlier.len()))
    }

    /// The stage that instruction `index` copies from; `None` for the build context and for other images.
    pub fn stage_copied_from(&self, index: usize) -> Option<usize> {
        self.stage_named(self.instructions().get(index)?.flag("from")?, self.stage_of(index)?)
    }

    /// `text` as BuildKit reads it at `instruction`: variables expanded, quotes and escapes resolved.
    ///
    /// `given` are build arguments; they replace the defaults of declared ARGs and nothing else. What is unknown
    /// becomes empty. An unclosed quote is taken as an ordinary character.
    pub fn expand(&self, instruction: usize, text: &str, given: &Variables) -> String {
        expanded(text, self.escape, &self.variables_at(instruction, given))
    }

    /// Every name declared by an ARG, in order of appearance.
    pub fn arg_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for instruction in self.instructions.iter().filter(|each| each.keyword == "ARG") {
            for (name, _) in instruction.pairs() {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The environment set by ENV before `instruction`, without that of the base image.
    ///
    /// One past the last instruction asks for what the built image has.
    pub fn env_at(&self, instruction: usize) -> Variables {
        self.state_at(instruction, &Variables::new()).env
    }

    /// Every variable that can be used at `instruction`: ARGs and ENVs, and for `FROM` the global ARGs.
    pub fn variables_at(&self, instruction: usize, given: &Variables) -> Variables {
        let is_global = self.instructions.get(instruction).is_some_and(|each| each.keyword == "FROM")
            || self.stage_of(instruction.min(self.instructions.len().saturating_sub(1))).is_none();
        if is_global { self.globals_before(instruction, given) } else { self.state_at(instruction, given).variables }
    }

    /// The working folder before `instruction`, absolute. That of the base image is not known and taken as `/`.
    pub fn workdir_at(&self, instruction: usize) -> String {
        match self.state_at(instruction, &Variables::new()).workdir {
            workdir if workdir.is_empty() => "/".to_owned(),
            workdir => workdir,
        }
    }

    /// The last USER before `instruction`; `None` leaves it to the base image.
    pub fn user_at(&self, instruction: usize) -> Option<String> {
        self.state_at(instruction, &Variables::new()).user
    }

    /// What the built image runs.
    ///
    /// A stage that sets its own ENTRYPOINT drops the CMD it would have inherited.
    pub fn final_command(&self) -> Command {
        let stages = self.stages();
        let mut command = Command::default();
        let mut next = stages.len().checked_sub(1);
        let mut inherits_cmd = true;
        while let Some(stage) = next.map(|index| &stages[index]) {
            let last = |keyword: &str| {
                stage.instructions.clone().rev().find(|index| self.instructions[*index].keyword == keyword)
            };
            if inherits_cmd {
                command.cmd = command.cmd.or_else(|| last("CMD"));
            }
            command.entrypoint = command.entrypoint.or_else(|| last("ENTRYPOINT"));
            inherits_cmd &= last("ENTRYPOINT").is_none();
            next = match stage.base {
                StageBase::Stage(index) => Some(index),
                StageBase::Image(_) | StageBase::Scratch => None,
            };
        }
        command
    }

    pub(super) fn globals(&self, given: &Variables) -> Variables {
        self.globals_before(self.instructions.len(), given)
    }

    /// The ARGs before the first `FROM`, as far as `instruction`.
    fn globals_before(&self, instruction: usize, given: &Variables) -> Variables {
        let mut globals: Variables = PLATFORM.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let upto = self.instructions.get(..instruction).unwrap_or(&self.instructions);
        for each in upto.iter().take_while(|each| each.keyword != "FROM").filter(|each| each.keyword == "ARG") {
            let values = declared(each, &globals, |name, _| given.get(name).cloned());
            globals.extend(values);
        }
        globals
    }

    fn state_at(&self, instruction: usize, given: &Variables) -> State {
        let instruction = instruction.min(self.instructions.len());
        let stages = self.stages();
        let index = self.stage_of(instruction).or_else(|| {
            // One past the end: what the last stage leaves.
            (instruction == self.instructions.len()).then(|| stages.len().checked_sub(1)).flatten()
        });
        let Some(last) = index.and_then(|index| stages.get(index)) else { return State::default() };
        let mut chain = vec![(last, instruction)];
        let mut stage = last;
        while let StageBase::Stage(base) = stage.base {
            stage = &stages[base];
            chain.push((stage, stage.instructions.end));
        }
        let globals = self.globals(given);
        let mut state = State { workdir: "/".to_owned(), ..State::default() };
        for (stage, end) in chain.into_iter().rev() {
            let range = stage.instructions.start..end.clamp(stage.instructions.start, stage.instructions.end);
            for instruction in &self.instructions[range] {
                self.absorb(instruction, &mut state, &globals, given);
            }
        }
        state
    }

    fn absorb(&self, instruction: &Instruction, state: &mut State, globals: &Variables, given: &Variables) {
        match instruction.keyword.as_str() {
            "ARG" => {
                let declared = declared(instruction, &state.variables, |name, has_default| {
                    given.get(name).or_else(|| globals.get(name).filter(|_| !has_default)).cloned()
                });
                state.variables.extend(declared.into_iter().filter(|(name, _)| !state.env.contains_key(name)));
            }
            "ENV" => {
                // All values of one ENV see the environment before it.
                let variables = &state.variables;
                let set = instruction.written_pairs().into_iter().map(|pair| {
                    let value = expanded(&pair.value.unwrap_or_default(), self.escape, variables);
                    (expanded(&pair.name, self.escape, variables), value)
                });
                let set: Vec<(String, String)> = set.collect();
                state.variables.extend(set.clone());
                state.env.extend(set);
            }
            "WORKDIR" => {
                let folder = expanded(&instruction.args, self.escape, &state.variables);
                state.workdir = path::rooted(&state.workdir, &folder);
            }
            "USER" => state.user = Some(expanded(&instruction.args, self.escape, &state.variables)),
            _ => {}
        }
    }
}

/// The values the ARGs of `instruction` get. `outer` knows those that win over a default, given whether there is one.
fn declared(
    instruction: &Instruction,
    scope: &Variables,
    outer: impl Fn(&str, bool) -> Option<String>,
) -> Vec<(String, String)> {
    let mut values = Vec::new();
    let mut scope = Cow::Borrowed(scope);
    let mut pairs = instruction.written_pairs().into_iter().peekable();
    while let Some(pair) = pairs.next() {
        let default = pair.value.map(|value| expanded(&value, instruction.escape, &scope));
        let Some(value) = outer(&pair.name, default.is_some()).or(default) else { continue };
        // Only what follows in the same instruction sees it from here.
        if pairs.peek().is_some() {
            scope.to_mut().insert(pair.name.clone(), value.clone());
        }
        values.push((pair.name, value));
    }
    values
}

fn named(stages: &[Stage], reference: &str) -> Option<usize> {
    let reference = reference.to_lowercase();
    stages.iter().rposition(|stage| stage.name.as_ref() == Some(&reference))
}

fn expanded(text: &str, escape: char, variables: &Variables) -> String {
    let reading = Reading::expanding(escape, variables);
    let read = reading.read(text).or_else(|_| Reading { ignore_quotes: true, ..reading }.read(text));
    let mut value = read.map_or_else(|_| text.to_owned(), |read| read.text);
    if value.len() > VALUE_BYTES_MAX {
        let end = (0..=VALUE_BYTES_MAX).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
        value.truncate(end);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const FILE: &str = "\
ARG VERSION=3.11
ARG FLAVOUR=slim
FROM python:${VERSION}-$FLAVOUR AS Base
ARG VERSION
ARG FLAVOUR=fat
ENV ROOT=/srv APP=$ROOT/x
WORKDIR $ROOT
WORKDIR app
USER nobody
CMD [\"a\"]
FROM base
ENV FLAVOUR=env
ARG FLAVOUR=arg
ENTRYPOINT [\"b\"]
";

    #[test]
    fn an_image_reference_sees_the_global_arguments() {
        let dockerfile = Dockerfile::parse(FILE);
        let stages = dockerfile.stages();
        assert_eq!(stages[0].base, StageBase::Image("python:3.11-slim".into()));
        assert_eq!((stages[0].image.as_str(), stages[0].name.as_deref()), ("python:${VERSION}-$FLAVOUR", Some("base")));
        assert_eq!((stages[1].base.clone(), stages[1].instructions.clone()), (StageBase::Stage(0), 11..14));
        assert_eq!(dockerfile.expand(2, "$VERSION", &given(&[("VERSION", "3.12"), ("OTHER", "x")])), "3.12");
        assert_eq!(dockerfile.expand(2, "$OTHER$TARGETARCH", &given(&[("OTHER", "x")])), "amd64");
    }

    #[test]
    fn a_stage_sees_what_it_declares_and_what_its_base_stage_had() {
        let dockerfile = Dockerfile::parse(FILE);
        let at = |index: usize, text: &str| dockerfile.expand(index, text, &Variables::new());
        assert_eq!(at(3, "[$VERSION]"), "[]");
        assert_eq!(at(5, "$VERSION $FLAVOUR"), "3.11 fat");
        assert_eq!(dockerfile.expand(5, "$FLAVOUR", &given(&[("FLAVOUR", "x")])), "x");
        assert_eq!(dockerfile.env_at(6), given(&[("ROOT", "/srv"), ("APP", "/x")]));
        assert_eq!(at(13, "$FLAVOUR $ROOT $VERSION"), "env /srv 3.11");
        assert_eq!(dockerfile.workdir_at(7), "/srv");
        assert_eq!(dockerfile.workdir_at(13), "/srv/app");
        assert_eq!((dockerfile.user_at(8), dockerfile.user_at(13)), (None, Some("nobody".into())));
        assert_eq!(dockerfile.arg_names(), ["VERSION", "FLAVOUR"]);
        assert_eq!(dockerfile.env_at(14).get("FLAVOUR").map(String::as_str), Some("env"));
    }

    #[test]
    fn an_own_entrypoint_drops_the_inherited_cmd() {
        let command = |text: &str| Dockerfile::parse(text).final_command();
        assert_eq!(Dockerfile::parse(FILE).final_command(), Command { entrypoint: Some(13), cmd: None });
        assert_eq!(command("FROM a\nCMD x\nENTRYPOINT y\n"), Command { entrypoint: Some(2), cmd: Some(1) });
        assert_eq!(
            command("FROM a AS b\nENTRYPOINT x\nCMD y\nFROM c\nFROM b\nCMD z\n"),
            Command { entrypoint: Some(1), cmd: Some(5) }
        );
        assert_eq!(command("FROM a AS b\nCMD y\nFROM c\n"), Command::default());
    }

    #[test]
    fn a_stage_is_found_by_name_and_by_number() {
        let dockerfile = Dockerfile::parse("FROM a AS Build\nFROM b\nCOPY --from=build /x /\n");
        assert_eq!((dockerfile.stage_named("BUILD", 1), dockerfile.stage_named("0", 1)), (Some(0), Some(0)));
        assert_eq!((dockerfile.stage_named("1", 1), dockerfile.stage_named("nginx", 1)), (None, None));
        assert_eq!(dockerfile.stage_of(2), Some(1));
        assert_eq!(dockerfile.at_line(3).map(|(index, _)| index), Some(2));
        assert_eq!(dockerfile.at_line(4), None);
    }
}
