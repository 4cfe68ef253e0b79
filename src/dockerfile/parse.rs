//! From text to instructions: directives, comments, continuations and heredocs, line by line as BuildKit reads them.

use super::shell::Reading;
use super::{Directive, Flag, Heredoc, Instruction, Problem};

/// What one pass over the lines yields. The problems are those BuildKit's own line reader would stop at.
pub(super) struct Parsed {
    pub(super) instructions: Vec<Instruction>,
    pub(super) directives: Vec<Directive>,
    pub(super) escape: char,
    pub(super) problems: Vec<Problem>,
    pub(super) lines: usize,
}

/// A stretch of an instruction's logical text and where it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) logical: usize,
    pub(super) physical: usize,
    pub(super) len: usize,
}

pub(super) fn parse(text: &str) -> Parsed {
    let mut reader = Reader::of(text);
    let mut instructions = Vec::new();
    while let Some(instruction) = reader.instruction() {
        instructions.push(instruction);
    }
    Parsed {
        instructions,
        directives: reader.directives,
        escape: reader.escape,
        problems: reader.problems,
        lines: reader.lines.len(),
    }
}

struct Reader<'a> {
    /// Where each line starts, and its text without terminator or byte order mark.
    lines: Vec<(usize, &'a str)>,
    text: &'a str,
    at: usize,
    escape: char,
    directives: Vec<Directive>,
    directives_over: bool,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn of(text: &'a str) -> Self {
        let mut start = 0;
        let mut lines: Vec<(usize, &str)> = Vec::new();
        for line in text.split_inclusive('\n') {
            let body = line.trim_end_matches(['\r', '\n']);
            let marked = if start == 0 { body.strip_prefix('\u{feff}') } else { None };
            lines.push((start + body.len() - marked.unwrap_or(body).len(), marked.unwrap_or(body)));
            start += line.len();
        }
        Self { lines, text, at: 0, escape: '\\', directives: Vec::new(), directives_over: false, problems: Vec::new() }
    }

    fn instruction(&mut self) -> Option<Instruction> {
        loop {
            let (start, line) = *self.lines.get(self.at)?;
            let body = line.trim_start();
            self.directive(body);
            self.at += 1;
            let (piece, continues) = self.without_continuation(body);
            if !body.starts_with('#') && (continues || !piece.is_empty()) {
                return Some(self.instruction_from(start + line.len() - body.len(), piece, continues));
            }
        }
    }

    /// Directives must come before anything else, even before an ordinary comment or an empty line.
    fn directive(&mut self, body: &str) {
        if self.directives_over {
            return;
        }
        let Some((name, value)) = body.strip_prefix('#').and_then(directive_of) else {
            self.directives_over = true;
            return;
        };
        let line = self.at + 1;
        if self.directives.iter().any(|earlier| earlier.name == name) {
            self.problem(line, format!("only one {name} parser directive can be used"));
            return;
        }
        if name == "escape" {
            match value {
                "\\" => self.escape = '\\',
                "`" => self.escape = '`',
                _ => self.problem(line, format!("invalid escape token '{value}' does not match ` or \\")),
            }
        }
        self.directives.push(Directive { name, value: value.to_owned(), line });
    }

    fn instruction_from(&mut self, physical: usize, piece: &str, mut continues: bool) -> Instruction {
        let first_line = self.at;
        let mut logical = piece.to_owned();
        let mut pieces = vec![Piece { logical: 0, physical, len: piece.len() }];
        while continues && let Some((start, line)) = self.lines.get(self.at).copied() {
            self.at += 1;
            let body = line.trim_start();
            if body.is_empty() || body.starts_with('#') {
                continue;
            }
            let (piece, more) = self.without_continuation(line);
            continues = more;
            pieces.push(Piece { logical: logical.len(), physical: start, len: piece.len() });
            logical.push_str(piece);
        }
        let mut instruction = Instruction::of(logical, pieces, self.escape);
        (instruction.first_line, instruction.last_line) = (first_line, self.at);
        if instruction.may_hold_heredocs() {
            self.heredocs(&mut instruction);
        }
        instruction
    }

    fn heredocs(&mut self, instruction: &mut Instruction) {
        let words = Reading::verbatim('\\').read(&instruction.logical).map(|read| read.words).unwrap_or_default();
        for mut heredoc in words.iter().filter_map(|word| heredoc_of(word)) {
            heredoc.line = self.at + 1;
            let from = self.start_of(self.at);
            let end = (self.at..self.lines.len()).find(|at| {
                let line = self.lines[*at].1;
                let line = if heredoc.chomp { line.trim_start_matches('\t') } else { line };
                line == heredoc.name
            });
            let closing = end.unwrap_or(self.lines.len());
            self.text.get(from..self.start_of(closing)).unwrap_or_default().clone_into(&mut heredoc.body);
            self.at = (closing + 1).min(self.lines.len());
            instruction.last_line = self.at;
            instruction.heredocs.push(heredoc);
            if end.is_none() {
                self.problem(instruction.first_line, "unterminated heredoc".to_owned());
                return;
            }
        }
    }

    fn start_of(&self, line: usize) -> usize {
        self.lines.get(line).map_or(self.text.len(), |(start, _)| *start)
    }

    /// A single escape at the end continues the line; a doubled one is itself.
    fn without_continuation<'l>(&self, line: &'l str) -> (&'l str, bool) {
        match line.trim_end_matches([' ', '\t']).strip_suffix(self.escape) {
            Some(before) if !before.ends_with(self.escape) => (before, true),
            _ => (line, false),
        }
    }

    fn problem(&mut self, line: usize, message: String) {
        self.problems.push(Problem { line, message });
    }
}

fn directive_of(comment: &str) -> Option<(String, &str)> {
    let (name, value) = comment.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let known = ["syntax", "escape", "check"];
    let name = name.to_ascii_lowercase();
    (known.contains(&name.as_str()) && !value.is_empty()).then_some((name, value))
}

/// `<<EOF`, `3<<-'EOF'`: the heredoc a word announces, still without a body.
pub(super) fn heredoc_of(word: &str) -> Option<Heredoc> {
    let after = word.trim_start_matches(|character: char| character.is_ascii_digit()).strip_prefix("<<")?;
    let (chomp, rest) = match after.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, after),
    };
    if rest.contains('<') {
        return None;
    }
    let name = only_word(Reading::plain('\\'), rest)?;
    let written = only_word(Reading { keep_quotes: true, ..Reading::plain('\\') }, rest)?;
    let quotes = |text: &str| text.matches(['\'', '"']).count();
    let expand = quotes(&name) == quotes(&written);
    (!name.is_empty()).then_some(Heredoc { name, body: String::new(), expand, chomp, line: 0 })
}

fn only_word(reading: Reading<'_>, text: &str) -> Option<String> {
    let mut words = reading.read(text).ok()?.words;
    (words.len() == 1).then(|| words.pop()).flatten()
}

impl Instruction {
    /// Reads one logical line.
    pub(super) fn of(logical: String, pieces: Vec<Piece>, escape: char) -> Self {
        let trimmed = logical.trim();
        let keyword_at = logical.len() - logical.trim_start().len();
        let (written, rest) = match trimmed.find(BLANK) {
            Some(end) => (&trimmed[..end], trimmed[end..].trim_start_matches(BLANK)),
            None => (trimmed, ""),
        };
        let (flags, args) = flags_of(rest);
        let args_at = keyword_at + trimmed.len() - args.len();
        let args = args.trim_end();
        let lead = args.len() - args.trim_start().len();
        Self {
            keyword: written.to_uppercase(),
            written: written.to_owned(),
            first_line: 0,
            last_line: 0,
            flags,
            args: args.trim_start().to_owned(),
            heredocs: Vec::new(),
            args_at: args_at + lead,
            pieces,
            escape,
            logical,
        }
    }
}

/// What separates a keyword from its arguments.
pub(super) const BLANK: [char; 5] = ['\t', '\x0b', '\x0c', '\r', ' '];

/// The `--flags` in front, and what follows them. Quotes and backslashes count, whatever the escape directive says.
fn flags_of(text: &str) -> (Vec<Flag>, &str) {
    let mut flags = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if !rest.starts_with("--") {
            return (flags, rest);
        }
        let (word, after) = flag_word(rest);
        rest = after;
        if word == "--" {
            return (flags, rest);
        }
        let bare = word.strip_prefix("--").unwrap_or(&word);
        flags.push(match bare.split_once('=') {
            Some((name, value)) => Flag { name: name.to_owned(), value: Some(value.to_owned()) },
            None => Flag { name: bare.to_owned(), value: None },
        });
    }
}

fn flag_word(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, character)) = chars.next() {
        match quote {
            None if character.is_whitespace() => return (word, &text[at..]),
            None if character == '\'' || character == '"' => quote = Some(character),
            Some(open) if character == open => quote = None,
            _ if character == '\\' => word.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => word.push(character),
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use super::super::Dockerfile;
    use super::*;

    fn lines(text: &str) -> Vec<(String, usize, usize)> {
        let dockerfile = Dockerfile::parse(text);
        let line = |each: &Instruction| (each.args.clone(), each.first_line, each.last_line);
        dockerfile.instructions().iter().map(line).collect()
    }

    fn line(args: &str, first: usize, last: usize) -> (String, usize, usize) {
        (args.to_owned(), first, last)
    }

    #[test]
    fn a_continuation_skips_comments_and_empty_lines() {
        assert_eq!(lines("RUN a \\\n# no \\\n\n  b\nRUN c\n"), [line("a   b", 1, 4), line("c", 5, 5)]);
        assert_eq!(lines("RUN a \\ \t\r\n  b\r\n"), [line("a   b", 1, 2)]);
        assert_eq!(lines("RUN a \\"), [line("a", 1, 1)]);
        assert_eq!(lines("RUN a\\\\\nRUN b\n"), [line("a\\\\", 1, 1), line("b", 2, 2)]);
        assert_eq!(lines("# escape=`\nRUN a `\n b\\\nRUN c"), [line("a  b\\", 2, 3), line("c", 4, 4)]);
        assert_eq!(lines("\u{feff}# escape=`\nRUN a`\nb"), [line("ab", 2, 3)]);
        assert_eq!(lines("\n# escape=`\nRUN a`\nb c"), [line("a`", 3, 3), line("c", 4, 4)]);
    }

    #[test]
    fn heredocs_belong_to_their_instruction() {
        let text = "RUN <<-A cat 3<<\"B\" && x\n\ta $X\n\tA\nb\n\tB\nB\nCOPY <<C <<'D_E' /d/\nC\nd\nD_E\nCMD x\n";
        let dockerfile = Dockerfile::parse(text);
        let heredocs: Vec<(usize, &str, &str, bool, bool)> = dockerfile
            .instructions()
            .iter()
            .enumerate()
            .flat_map(|(index, each)| {
                each.heredocs
                    .iter()
                    .map(move |doc| (index, doc.name.as_str(), doc.body.as_str(), doc.expand, doc.chomp))
            })
            .collect();
        assert_eq!(
            heredocs,
            [
                (0, "A", "\ta $X\n", true, true),
                (0, "B", "b\n\tB\n", false, false),
                (1, "C", "", true, false),
                (1, "D_E", "d\n", false, false),
            ]
        );
        assert_eq!(dockerfile.instructions()[1].copy_paths(), Some((vec![], "/d/".to_owned())));
        assert_eq!(dockerfile.at_line(9).map(|(index, _)| index), Some(1));
        assert_eq!(dockerfile.instructions()[2].first_line, 11);
    }

    #[test]
    fn what_only_looks_like_a_heredoc_is_none() {
        for text in ["RUN cat <<<EOF\nRUN b", "ENV A=<<EOF\nRUN b", "RUN [\"<<EOF\"]\nRUN b", "RUN '<<EOF'\nRUN b"] {
            assert_eq!(Dockerfile::parse(text).instructions().len(), 2, "{text}");
        }
        let onbuild = Dockerfile::parse("ONBUILD RUN <<EOF\nx\nEOF\n");
        assert_eq!(onbuild.instructions()[0].heredocs[0].body, "x\n");
    }

    #[test]
    fn directives_are_read_until_anything_else() {
        let dockerfile = Dockerfile::parse("#Syntax = docker/dockerfile:1\n# check=skip=all\n# x\n# escape=`\nFROM a");
        let found: Vec<(&str, &str, usize)> =
            dockerfile.directives().iter().map(|each| (each.name.as_str(), each.value.as_str(), each.line)).collect();
        assert_eq!(found, [("syntax", "docker/dockerfile:1", 1), ("check", "skip=all", 2)]);
        assert_eq!(dockerfile.escape(), '\\');
    }

    #[test]
    fn flags_stand_before_the_arguments() {
        let dockerfile = Dockerfile::parse("COPY --from=b --link  --chown=\"a b\" -- --x /y\nRUN echo --no\n");
        let copy = &dockerfile.instructions()[0];
        assert_eq!((copy.flag("from"), copy.flag("link"), copy.flag("chown")), (Some("b"), Some(""), Some("a b")));
        assert_eq!(copy.copy_paths(), Some((vec!["--x".to_owned()], "/y".to_owned())));
        assert_eq!(dockerfile.instructions()[1].args, "echo --no");
    }
}
