//! Patterns of `.dockerignore` and COPY, exactly as Go matches them: oddities included, they decide what is built.

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    Exact(String),
    Prefix(String),
    /// `**` in front of plain text.
    Suffix(String),
    Tokens(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Run,
    /// `**` at the end.
    All,
    /// `**/`: nothing, or …
    DeepEntry,
    /// … anything up to a slash.
    DeepLoop,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// The pattern can not be read; Docker refuses to build.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bad;

impl Pattern {
    /// A line of `.dockerignore`, cleaned and without `!`.
    pub(super) fn ignoring(text: &str) -> Result<Self, Bad> {
        let chars: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut at = 0;
        // As long as a pattern is plain text, Docker compares instead of matching; for `**` in front that differs.
        let (mut is_plain, mut is_suffix, mut is_prefix) = (true, false, false);
        while at < chars.len() {
            if chars[at] == '*' && chars.get(at + 1) == Some(&'*') {
                let is_first = at == 0;
                at += 2;
                at += usize::from(chars.get(at) == Some(&'/'));
                if at < chars.len() {
                    tokens.extend([Token::DeepEntry, Token::DeepLoop]);
                    (is_plain, is_suffix) = (false, false);
                } else if is_plain && !is_suffix {
                    is_prefix = true;
                    tokens.push(Token::All);
                } else {
                    tokens.push(Token::All);
                    (is_plain, is_suffix) = (false, false);
                }
                is_suffix |= is_first;
                continue;
            }
            let (token, next) = token(&chars, at)?;
            if !matches!(token, Token::Char(_)) || chars[at] == '\\' {
                (is_plain, is_suffix) = (false, false);
            }
            tokens.push(token);
            at = next;
        }
        Ok(match text.strip_prefix("**").filter(|_| is_suffix) {
            Some(suffix) => Self::Suffix(suffix.to_owned()),
            None if is_plain && is_prefix => Self::Prefix(text.trim_end_matches('*').to_owned()),
            None if is_plain => Self::Exact(text.to_owned()),
            None => Self::Tokens(tokens),
        })
    }

    /// A source of COPY: Go's `filepath.Match`, where `**` is nothing special.
    pub(super) fn copying(text: &str) -> Result<Self, Bad> {
        let chars: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            let (token, next) = token(&chars, at)?;
            tokens.push(token);
            at = next;
        }
        Ok(Self::Tokens(tokens))
    }

    pub(super) fn fits(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(prefix) => path.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => path.ends_with(suffix.as_str()) || suffix.strip_prefix('/') == Some(path),
            Self::Tokens(tokens) => fits(tokens, path),
        }
    }

    /// Whether it names one path and no family of paths.
    pub(super) fn is_literal(&self) -> bool {
        matches!(self, Self::Exact(_))
    }
}

/// The token at `at` and where the next one starts.
fn token(chars: &[char], at: usize) -> Result<(Token, usize), Bad> {
    match chars[at] {
        '*' => Ok((Token::Run, at + 1)),
        '?' => Ok((Token::One, at + 1)),
        '[' => class(chars, at + 1),
        '\\' => chars.get(at + 1).map(|escaped| (Token::Char(*escaped), at + 2)).ok_or(Bad),
        other => Ok((Token::Char(other), at + 1)),
    }
}

fn class(chars: &[char], mut at: usize) -> Result<(Token, usize), Bad> {
    let negated = chars.get(at) == Some(&'^');
    at += usize::from(negated);
    let mut ranges = Vec::new();
    loop {
        match chars.get(at) {
            Some(']') if !ranges.is_empty() => return Ok((Token::Class { negated, ranges }, at + 1)),
            _ => {
                let (low, next) = member(chars, at)?;
                let (high, next) = if chars.get(next) == Some(&'-') { member(chars, next + 1)? } else { (low, next) };
                ranges.push((low, high));
                at = next;
            }
        }
    }
}

fn member(chars: &[char], at: usize) -> Result<(char, usize), Bad> {
    match chars.get(at) {
        None | Some('-' | ']') => Err(Bad),
        Some('\\') => chars.get(at + 1).map(|escaped| (*escaped, at + 2)).ok_or(Bad),
        Some(other) => Ok((*other, at + 1)),
    }
}

/// Follows all ways through `tokens` at once, so that no pattern is slow.
fn fits(tokens: &[Token], path: &str) -> bool {
    let mut now = vec![false; tokens.len() + 1];
    enter(tokens, &mut now, 0);
    for character in path.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| now[*at]) {
            match token {
                Token::Char(wanted) if *wanted == character => enter(tokens, &mut next, at + 1),
                Token::One if character != '/' => enter(tokens, &mut next, at + 1),
                Token::Run if character != '/' => enter(tokens, &mut next, at),
                Token::All => enter(tokens, &mut next, at),
                Token::DeepLoop => {
                    next[at] = true;
                    if character == '/' {
                        enter(tokens, &mut next, at + 1);
                    }
                }
                Token::Class { negated, ranges } => {
                    let inside = ranges.iter().any(|(low, high)| (*low..=*high).contains(&character));
                    if inside != *negated {
                        enter(tokens, &mut next, at + 1);
                    }
                }
                Token::Char(_) | Token::One | Token::Run | Token::DeepEntry => {}
            }
        }
        if !next.contains(&true) {
            return false;
        }
        now = next;
    }
    now[tokens.len()]
}

/// Enters the state before `tokens[at]`, and those behind tokens that may match nothing.
fn enter(tokens: &[Token], states: &mut [bool], mut at: usize) {
    loop {
        states[at] = true;
        at += match tokens.get(at) {
            Some(Token::Run | Token::All) => 1,
            Some(Token::DeepEntry) => {
                states[at + 1] = true;
                2
            }
            _ => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, fits: &[&str], misses: &[&str]) {
        let compiled = Pattern::ignoring(pattern).expect("pattern");
        for path in fits {
            assert!(compiled.fits(path), "`{pattern}` fits `{path}`");
        }
        for path in misses {
            assert!(!compiled.fits(path), "`{pattern}` misses `{path}`");
        }
    }

    #[test]
    fn patterns_match_as_docker_matches_them() {
        check("a", &["a"], &["b/a", "a/b", "ab"]);
        check("*", &["a", ".a"], &["a/b"]);
        check("*.py", &["a.py", ".py"], &["a.pyc", "b/a.py"]);
        check("a?c", &["abc"], &["ac", "a/c"]);
        check("a/*/c", &["a/b/c"], &["a/c", "a/b/b/c"]);
        check("**", &["a", "a/b"], &[]);
        check("**/a", &["a", "b/a", "b/c/a"], &["ba", "a/b"]);
        check("**a", &["a", "ba", "c/ba"], &["ab"]);
        check("**/*.py", &["a.py", "b/c/a.py"], &["a.pyc"]);
        check("**fo?", &["foo", "x/foo"], &["xfoo"]);
        check("a/**", &["a/b", "a/b/c", "a/"], &["a", "ab"]);
        check("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["a/xb", "b"]);
        check("**/a/**", &["a/b", "x/a/b", "x/a/b/c"], &["a", "xa/b"]);
        check("**/**", &["a", "a/b"], &[]);
        check("[a-c]x", &["ax", "cx"], &["dx", "[a-c]x"]);
        check("[^a]x", &["bx", "/x"], &["ax"]);
        check("a\\*b", &["a*b"], &["axb"]);
        check("a.b+c(d)", &["a.b+c(d)"], &["axb+c(d)"]);
    }

    #[test]
    fn a_pattern_that_is_not_one_is_refused() {
        for bad in ["[", "[a", "[]", "[a-]", "[-a]", "a\\", "x[^]"] {
            assert_eq!(Pattern::ignoring(bad), Err(Bad), "{bad}");
        }
    }

    #[test]
    fn many_stars_are_not_slow() {
        let pattern = Pattern::ignoring(&"**/*a".repeat(50)).expect("pattern");
        assert!(!pattern.fits(&"a/".repeat(500)));
    }
}
