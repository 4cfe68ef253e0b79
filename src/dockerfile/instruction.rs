//! What one instruction says: exec form, words, `name=value` pairs, the paths of a COPY.

use std::ops::Range;

use super::parse::{BLANK, heredoc_of};
use super::shell::Reading;
use super::{CopyPaths, Instruction, Pair};

/// Everything BuildKit knows.
pub const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// The reading of arguments that may be a JSON array.
pub(super) enum Json {
    /// No JSON array: BuildKit takes it as ordinary text, however much it looks like one.
    Not,
    Strings(Vec<String>),
    /// A JSON array that holds something else than strings: BuildKit refuses it.
    Mixed,
}

impl Instruction {
    /// Whether BuildKit knows the keyword.
    pub fn is_known(&self) -> bool {
        KEYWORDS.contains(&self.keyword.as_str())
    }

    /// The JSON form of the arguments; for HEALTHCHECK, of its command.
    pub fn exec(&self) -> Option<Vec<String>> {
        match self.json() {
            Json::Strings(strings) => Some(strings),
            Json::Not | Json::Mixed => None,
        }
    }

    /// The arguments as words: JSON form as it is, otherwise split as a shell would, quotes removed and variables as
    /// written.
    pub fn words(&self) -> Vec<String> {
        if let Some(words) = self.exec() {
            return words;
        }
        match Reading::plain(self.escape).read(&self.args) {
            Ok(read) => read.words,
            Err(_) => self.args.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// The value of `--name=value`; empty when the flag stands alone.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags.iter().find(|flag| flag.name == name).map(|flag| flag.value.as_deref().unwrap_or_default())
    }

    /// Sources and destination of a COPY or ADD, in both forms. Heredocs are no sources here.
    pub fn copy_paths(&self) -> Option<CopyPaths> {
        if !matches!(self.keyword.as_str(), "COPY" | "ADD") {
            return None;
        }
        let mut paths = self.list();
        if paths.len() < 2 {
            return None;
        }
        let destination = self.unquoted(&paths.pop()?);
        let sources = paths.iter().filter(|path| heredoc_of(path).is_none()).map(|path| self.unquoted(path)).collect();
        Some((sources, destination))
    }

    /// Names and values of ENV, ARG and LABEL, quotes removed and variables as written.
    pub fn pairs(&self) -> Vec<(String, Option<String>)> {
        let plain = |text: String| self.unquoted(&text);
        self.written_pairs().into_iter().map(|pair| (plain(pair.name), pair.value.map(plain))).collect()
    }

    /// Names and values of ENV, ARG and LABEL exactly as written. Malformed ones are left out.
    pub fn written_pairs(&self) -> Vec<Pair> {
        let words = written_words(&self.args, self.escape);
        let split = |word: &String| match word.split_once('=') {
            Some((name, value)) => Pair { name: name.to_owned(), value: Some(value.to_owned()), equals: true },
            None => Pair { name: word.clone(), value: None, equals: false },
        };
        match (self.keyword.as_str(), words.first()) {
            ("ARG", _) => words.iter().map(split).collect(),
            ("ENV" | "LABEL", Some(first)) if !first.contains('=') => match self.args.find(BLANK) {
                Some(end) => vec![Pair {
                    name: self.args[..end].to_owned(),
                    value: Some(self.args[end..].trim_start_matches(BLANK).to_owned()),
                    equals: false,
                }],
                None => Vec::new(),
            },
            ("ENV" | "LABEL", _) => words.iter().map(split).filter(|pair| pair.equals).collect(),
            _ => Vec::new(),
        }
    }

    /// The instruction an ONBUILD keeps for later.
    pub fn onbuild(&self) -> Option<Self> {
        if self.keyword != "ONBUILD" || self.args.is_empty() {
            return None;
        }
        let mut inner = Self::of(self.args.clone(), Vec::new(), self.escape);
        (inner.first_line, inner.last_line) = (self.first_line, self.last_line);
        inner.heredocs.clone_from(&self.heredocs);
        inner.pieces = self
            .pieces
            .iter()
            .filter_map(|piece| {
                let cut = self.args_at.saturating_sub(piece.logical).min(piece.len);
                let logical = (piece.logical + cut).checked_sub(self.args_at)?;
                Some(super::parse::Piece { logical, physical: piece.physical + cut, len: piece.len - cut })
            })
            .collect();
        Some(inner)
    }

    pub(super) fn json(&self) -> Json {
        match self.keyword.as_str() {
            "HEALTHCHECK" => match self.args.split_once(char::is_whitespace) {
                Some((_, command)) => json_of(command.trim_start()),
                None => Json::Not,
            },
            "ADD" | "CMD" | "COPY" | "ENTRYPOINT" | "RUN" | "SHELL" | "VOLUME" => json_of(&self.args),
            _ => Json::Not,
        }
    }

    /// The arguments of an instruction that takes a list: JSON form, or split at blanks whatever the quotes.
    pub(super) fn list(&self) -> Vec<String> {
        match self.json() {
            Json::Strings(strings) => strings,
            Json::Not | Json::Mixed => self.split().into_iter().map(|range| self.args[range].to_owned()).collect(),
        }
    }

    /// Where the blank-separated arguments stand in `args`.
    pub(super) fn split(&self) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut at = 0;
        for part in self.args.split(BLANK) {
            if !part.is_empty() {
                ranges.push(at..at + part.len());
            }
            at += part.len() + 1;
        }
        ranges
    }

    pub(super) fn may_hold_heredocs(&self) -> bool {
        let inner = self.onbuild();
        let subject = inner.as_ref().unwrap_or(self);
        matches!(subject.keyword.as_str(), "ADD" | "COPY" | "RUN") && subject.exec().is_none()
    }

    /// Where a range of `args` stands in the file, if it stands there in one piece.
    pub(super) fn place(&self, range: Range<usize>) -> Option<Range<usize>> {
        let (start, end) = (range.start + self.args_at, range.end + self.args_at);
        let piece = self.pieces.iter().rev().find(|piece| piece.logical <= start)?;
        let offset = start - piece.logical;
        let inside = end <= piece.logical + piece.len;
        inside.then(|| piece.physical + offset..piece.physical + offset + (end - start))
    }

    fn unquoted(&self, text: &str) -> String {
        Reading::plain(self.escape).read(text).map_or_else(|_| text.to_owned(), |read| read.text)
    }
}

fn json_of(text: &str) -> Json {
    if !text.starts_with('[') {
        return Json::Not;
    }
    let Ok(values) = serde_json::from_str::<Vec<serde_json::Value>>(text) else { return Json::Not };
    let count = values.len();
    let strings: Vec<String> = values.into_iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
    if strings.len() == count { Json::Strings(strings) } else { Json::Mixed }
}

/// Splits at white space outside quotes. Quotes and escapes stay, unlike in a shell; an unclosed quote runs to the end.
pub(super) fn written_words(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(character) = chars.next() {
        if quote.is_none() && character.is_whitespace() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        let escapes = character == escape && quote != Some('\'');
        match quote {
            Some(open) if character == open => quote = None,
            None if character == '\'' || character == '"' => quote = Some(character),
            _ => {}
        }
        if !escapes {
            word.push(character);
        } else if let Some(escaped) = chars.next() {
            word.push(character);
            word.push(escaped);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
