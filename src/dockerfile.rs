//! A Dockerfile: its exact text, and what BuildKit understands by it.
//!
//! Parsing never fails and loses nothing: [`Dockerfile::text`] gives back the same bytes, every [`Instruction`] knows
//! its lines, and what BuildKit would refuse is a [`Problem`], so that a broken file can be mended like any other.

use std::ops::Range;

mod apt;
mod glob;
mod instruction;
mod parse;
mod problems;
mod scope;
mod shell;

pub mod edit;

pub use instruction::KEYWORDS;
use parse::Piece;

/// A parsed Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    text: String,
    /// Where in `text` each line begins.
    line_starts: Vec<usize>,
    instructions: Vec<Instruction>,
    directives: Vec<Directive>,
    escape: char,
    problems: Vec<Problem>,
}

/// One instruction, from its keyword to the end of its last heredoc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// In capitals, also when it is unknown.
    pub keyword: String,
    /// The keyword as it stands in the file.
    pub written: String,
    /// Lines count from 1; both ends belong to the instruction.
    pub first_line: usize,
    pub last_line: usize,
    pub flags: Vec<Flag>,
    /// The arguments as BuildKit sees them: continuations joined, comment lines and flags removed.
    pub args: String,
    pub heredocs: Vec<Heredoc>,
    logical: String,
    pieces: Vec<Piece>,
    args_at: usize,
    escape: char,
}

/// `--name=value` in front of the arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    pub name: String,
    pub value: Option<String>,
}

/// A text that follows its instruction, up to a line that reads `name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    pub name: String,
    /// With line ends and leading tabs, as in the file.
    pub body: String,
    /// Whether variables in the body are expanded: the name was not quoted.
    pub expand: bool,
    /// Whether leading tabs are cut: `<<-`.
    pub chomp: bool,
    /// Where the body starts.
    pub line: usize,
}

/// `# syntax=…`, `# escape=…` or `# check=…` at the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// In small letters.
    pub name: String,
    pub value: String,
    pub line: usize,
}

/// Something BuildKit would refuse, in BuildKit's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub line: usize,
    pub message: String,
}

/// One `FROM` and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    pub index: usize,
    /// After `AS`, in small letters as BuildKit compares it.
    pub name: Option<String>,
    /// The reference as written, variables and all.
    pub image: String,
    pub platform: Option<String>,
    /// The index of the `FROM` instruction.
    pub from: usize,
    /// The instructions after `FROM`.
    pub instructions: Range<usize>,
    pub base: StageBase,
}

/// What a stage starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageBase {
    /// A reference to pull, expanded with the defaults of the global `ARG`s.
    Image(String),
    /// An earlier stage.
    Stage(usize),
    Scratch,
}

/// What the built image runs, as indices of instructions. `None` leaves it to the base image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Command {
    pub entrypoint: Option<usize>,
    pub cmd: Option<usize>,
}

/// One `name=value` of ENV, LABEL or ARG, quotes and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub name: String,
    /// `None` for an ARG without default.
    pub value: Option<String>,
    /// `name=value`; otherwise the old form `name value`.
    pub equals: bool,
}

/// What a COPY or ADD names, quotes removed and variables as written.
pub type CopyPaths = (Vec<String>, String);

impl Dockerfile {
    /// Reads any text. What BuildKit would refuse is in [`Self::problems`].
    pub fn parse(text: &str) -> Self {
        let parsed = parse::parse(text);
        let mut dockerfile = Self {
            text: text.to_owned(),
            line_starts: text
                .split_inclusive('\n')
                .scan(0, |next, line| Some(std::mem::replace(next, *next + line.len())))
                .collect(),
            instructions: parsed.instructions,
            directives: parsed.directives,
            escape: parsed.escape,
            problems: Vec::new(),
        };
        dockerfile.problems = problems::of(&dockerfile, parsed.problems, parsed.lines);
        dockerfile
    }

    /// The text it was parsed from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line `number` (from 1) without its end, as `Workspace::lines` has it.
    pub fn line(&self, number: usize) -> Option<&str> {
        let at = number.checked_sub(1)?;
        let start = *self.line_starts.get(at)?;
        let end = self.line_starts.get(at + 1).copied().unwrap_or(self.text.len());
        let line = &self.text[start..end];
        let line = line.strip_suffix('\n').unwrap_or(line);
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// What BuildKit would refuse. BuildKit stops at the first of them; the others would follow once it is mended.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub fn directives(&self) -> &[Directive] {
        &self.directives
    }

    /// The escape character: a backslash unless `# escape=` says otherwise.
    pub fn escape(&self) -> char {
        self.escape
    }

    /// The instruction that `line` (from 1) belongs to.
    pub fn at_line(&self, line: usize) -> Option<(usize, &Instruction)> {
        let found = |instruction: &Instruction| (instruction.first_line..=instruction.last_line).contains(&line);
        self.instructions.iter().enumerate().find(|(_, instruction)| found(instruction))
    }
}
