//! The small shell of Dockerfiles: quotes, escapes and `${VAR…}` as BuildKit reads them, not as `sh` does.

use std::collections::BTreeMap;

use super::glob::{replaced, trimmed};

/// `${a:-${b:-…}}` deeper than this is refused: the text is foreign, our stack is not endless.
const DEPTH_MAX: usize = 40;

/// How to read a word. The fields say what is kept as written.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) escape: char,
    /// Values for `$NAME`; `None` leaves every variable as written.
    pub(super) variables: Option<&'a BTreeMap<String, String>>,
    pub(super) keep_quotes: bool,
    pub(super) keep_escapes: bool,
    /// Quotes are ordinary characters.
    pub(super) ignore_quotes: bool,
}

/// A text after reading, whole and split at unquoted white space.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) text: String,
    pub(super) words: Vec<String>,
}

impl<'a> Reading<'a> {
    /// Quotes and escapes go, variables stay.
    pub(super) fn plain(escape: char) -> Self {
        Self { escape, variables: None, keep_quotes: false, keep_escapes: false, ignore_quotes: false }
    }

    /// Splits only: quotes, escapes and variables stay.
    pub(super) fn verbatim(escape: char) -> Self {
        Self { keep_quotes: true, keep_escapes: true, ..Self::plain(escape) }
    }

    /// What BuildKit makes of a word when `variables` are in force.
    pub(super) fn expanding(escape: char, variables: &'a BTreeMap<String, String>) -> Self {
        Self { variables: Some(variables), ..Self::plain(escape) }
    }

    /// Reads all of `text`.
    ///
    /// # Errors
    /// BuildKit's own sentence for an unclosed quote or a bad substitution.
    pub(super) fn read(self, text: &str) -> Result<Read, String> {
        let mut lexer = Lexer { reading: self, chars: text.chars().collect(), at: 0, depth: 0 };
        lexer.until(None, self.keep_escapes)
    }
}

/// `text` in double quotes, as Go's `%q` writes it in BuildKit's messages.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

struct Lexer<'a> {
    reading: Reading<'a>,
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

#[derive(Default)]
struct Words {
    done: Vec<String>,
    word: String,
    open: bool,
}

impl Words {
    fn push(&mut self, character: char) {
        if character.is_whitespace() {
            self.close();
        } else {
            self.push_raw(character);
        }
    }

    fn push_raw(&mut self, character: char) {
        self.word.push(character);
        self.open = true;
    }

    fn push_str_raw(&mut self, text: &str) {
        self.word.push_str(text);
        self.open = true;
    }

    fn close(&mut self) {
        if self.open {
            self.done.push(std::mem::take(&mut self.word));
        }
        self.open = false;
    }
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    fn until(&mut self, stop: Option<char>, keep_escapes: bool) -> Result<Read, String> {
        let mut text = String::new();
        let mut words = Words::default();
        while let Some(character) = self.peek() {
            if stop == Some(character) {
                self.at += 1;
                words.close();
                return Ok(Read { text, words: words.done });
            }
            match character {
                '\'' | '"' if !self.reading.ignore_quotes => {
                    let inner = if character == '"' { self.double_quoted()? } else { self.single_quoted()? };
                    text.push_str(&inner);
                    words.push_str_raw(&inner);
                }
                '$' => {
                    let value = self.dollar()?;
                    text.push_str(&value);
                    value.chars().for_each(|each| words.push(each));
                }
                _ => self.plain_char(keep_escapes, &mut text, &mut words),
            }
        }
        match stop {
            Some(stop) => Err(format!("unexpected end of statement while looking for matching {stop}")),
            None => {
                words.close();
                Ok(Read { text, words: words.done })
            }
        }
    }

    fn plain_char(&mut self, keep_escapes: bool, text: &mut String, words: &mut Words) {
        let Some(character) = self.next() else { return };
        if character != self.reading.escape {
            text.push(character);
            words.push(character);
            return;
        }
        if keep_escapes {
            text.push(character);
            words.push_raw(character);
        }
        if let Some(escaped) = self.next() {
            text.push(escaped);
            words.push_raw(escaped);
        }
    }

    fn single_quoted(&mut self) -> Result<String, String> {
        let start = self.at;
        self.at += 1;
        while let Some(character) = self.next() {
            if character == '\'' {
                let cut = usize::from(!self.reading.keep_quotes);
                return Ok(self.chars[start + cut..self.at - cut].iter().collect());
            }
        }
        Err("unexpected end of statement while looking for matching single-quote".to_owned())
    }

    fn double_quoted(&mut self) -> Result<String, String> {
        let mut out = String::new();
        self.at += 1;
        if self.reading.keep_quotes {
            out.push('"');
        }
        while let Some(character) = self.peek() {
            match character {
                '"' => {
                    self.at += 1;
                    if self.reading.keep_quotes {
                        out.push('"');
                    }
                    return Ok(out);
                }
                '$' => out.push_str(&self.dollar()?),
                _ if character == self.reading.escape => {
                    self.at += 1;
                    if self.reading.keep_escapes {
                        out.push(character);
                    }
                    match self.peek() {
                        None => {}
                        // Only these can be escaped; before anything else the escape is an ordinary character.
                        Some(next) if next == '"' || next == '$' || next == character => {
                            self.at += 1;
                            out.push(next);
                        }
                        Some(_) if self.reading.keep_escapes => {}
                        Some(_) => out.push(character),
                    }
                }
                _ => {
                    self.at += 1;
                    out.push(character);
                }
            }
        }
        Err("unexpected end of statement while looking for matching double-quote".to_owned())
    }

    fn dollar(&mut self) -> Result<String, String> {
        let start = self.at;
        self.at += 1;
        let value = if self.peek() == Some('{') {
            self.at += 1;
            self.braces()?
        } else {
            match self.name() {
                name if name.is_empty() => return Ok("$".to_owned()),
                name => self.value(&name).unwrap_or_default(),
            }
        };
        Ok(match self.reading.variables {
            Some(_) => value,
            None => self.chars[start..self.at].iter().collect(),
        })
    }

    fn value(&self, name: &str) -> Option<String> {
        self.reading.variables.and_then(|variables| variables.get(name)).cloned()
    }

    fn braces(&mut self) -> Result<String, String> {
        match self.peek() {
            None => return Err("syntax error: missing '}'".to_owned()),
            Some('{' | '}' | ':') => return Err("syntax error: bad substitution".to_owned()),
            Some(_) => {}
        }
        let name = self.name();
        let mut modifier = String::new();
        let mut sign = self.next().ok_or("syntax error: missing '}'")?;
        let empty_is_unset = sign == ':';
        modifier.push(sign);
        if empty_is_unset {
            sign = self.next().ok_or("syntax error: missing '}'")?;
            modifier.push(sign);
        }
        let value = self.value(&name);
        let filled = value.clone().filter(|value| !(empty_is_unset && value.is_empty()));
        match sign {
            '}' if !empty_is_unset => Ok(value.unwrap_or_default()),
            '-' => self.operand('}').map(|operand| filled.unwrap_or(operand)),
            '+' => self.operand('}').map(|operand| filled.map(|_| operand).unwrap_or_default()),
            // Whether the build stops here depends on values we may not know; the value itself is all we can say.
            '?' => self.operand('}').map(|_| value.unwrap_or_default()),
            '#' | '%' => {
                let operand = self.operand_raw('}')?;
                Ok(trimmed(&value.unwrap_or_default(), sign, &operand))
            }
            '/' if !empty_is_unset => {
                let everywhere = self.peek() == Some('/');
                self.at += usize::from(everywhere);
                let pattern = self.operand_raw('/')?;
                let replacement = self.operand_raw('}')?;
                Ok(replaced(&value.unwrap_or_default(), &pattern, &replacement, everywhere))
            }
            _ => Err(format!("unsupported modifier ({modifier}) in substitution")),
        }
    }

    fn operand(&mut self, stop: char) -> Result<String, String> {
        self.nested(stop, false)
    }

    fn operand_raw(&mut self, stop: char) -> Result<String, String> {
        self.nested(stop, true)
    }

    fn nested(&mut self, stop: char, keep_escapes: bool) -> Result<String, String> {
        if self.depth == DEPTH_MAX {
            return Err("syntax error: bad substitution".to_owned());
        }
        self.depth += 1;
        let read = self.until(Some(stop), keep_escapes);
        self.depth -= 1;
        match read {
            Ok(read) => Ok(read.text),
            Err(_) if self.peek().is_none() => Err(format!("syntax error: missing '{stop}'")),
            Err(error) => Err(error),
        }
    }

    fn name(&mut self) -> String {
        let start = self.at;
        match self.peek() {
            Some(digit) if digit.is_numeric() => {
                while self.peek().is_some_and(char::is_numeric) {
                    self.at += 1;
                }
            }
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => self.at += 1,
            _ => {
                while self.peek().is_some_and(|each| each.is_alphanumeric() || each == '_') {
                    self.at += 1;
                }
            }
        }
        self.chars[start..self.at].iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let variables: BTreeMap<String, String> = [("A", "one"), ("EMPTY", ""), ("P", "/usr/local/bin.tar.gz")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let read = Reading::expanding('\\', &variables).read(text).map(|read| read.text);
        assert_eq!(read.as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn variables_expand_as_buildkit_expands_them() {
        check("$A-${A}", "one-one");
        check("$NO|${NO}|$A_|$", "|||$");
        check("${NO:-two} ${EMPTY:-two} ${EMPTY-two} ${A:-two}", "two two  one");
        check("${A:+yes} ${NO:+yes} ${EMPTY+yes} ${EMPTY:+yes}", "yes  yes ");
        check("${NO:-${A:-x}}", "one");
        check("'$A' \"$A\" \\$A", "$A one $A");
        check("${P##*/} ${P%.*} ${P%%.*} ${P#/}", "bin.tar.gz /usr/local/bin.tar /usr/local/bin usr/local/bin.tar.gz");
        check("${P/local/share} ${A//o/0}", "/usr/share/bin.tar.gz 0ne");
        check("\"a\\nb\" a\\ b", "a\\nb a b");
    }

    #[test]
    fn an_unclosed_quote_or_brace_is_an_error() {
        for text in ["'a", "\"a", "${A", "${A:-", "${}", "${A^}", "${:x}"] {
            assert!(Reading::plain('\\').read(text).is_err(), "{text}");
        }
        let deep = "${A:-".repeat(10_000);
        assert!(Reading::plain('\\').read(&deep).is_err());
    }

    #[test]
    fn words_split_at_unquoted_white_space() {
        let read = Reading::plain('\\').read("a 'b c'd  \"\" $E\\ f").expect("reads");
        assert_eq!(read.words, ["a", "b cd", "", "$E f"]);
        let read = Reading::verbatim('\\').read("a 'b c'd \"x\\\"y\"").expect("reads");
        assert_eq!(read.words, ["a", "'b c'd", "\"x\\\"y\""]);
    }
}
