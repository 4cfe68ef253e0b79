//! `*` and `?` inside `${VAR#…}`, `${VAR%…}` and `${VAR/…/…}`.

/// Longest value that `%`, `#` and `/` modifiers are computed for; matching is quadratic.
const PATTERN_VALUE_CHARS_MAX: usize = 2_000;

/// `${V#p}`, `${V##p}`, `${V%s}`, `${V%%s}`.
pub(super) fn trimmed(value: &str, sign: char, operand: &str) -> String {
    let chars: Vec<char> = value.chars().collect();
    if chars.len() > PATTERN_VALUE_CHARS_MAX {
        return value.to_owned();
    }
    let (greedy, pattern) = match operand.strip_prefix(sign) {
        Some(rest) => (true, rest),
        None => (false, operand),
    };
    let pattern = Glob::of(pattern);
    let mut lengths: Vec<usize> = (0..=chars.len()).collect();
    if greedy {
        lengths.reverse();
    }
    for length in lengths {
        let (part, rest) = if sign == '#' {
            chars.split_at(length)
        } else {
            let (rest, part) = chars.split_at(chars.len() - length);
            (part, rest)
        };
        if pattern.fits(part) {
            return rest.iter().collect();
        }
    }
    value.to_owned()
}

/// `${V/pattern/replacement}` and `${V//pattern/replacement}`: leftmost, longest.
pub(super) fn replaced(value: &str, pattern: &str, replacement: &str, everywhere: bool) -> String {
    let chars: Vec<char> = value.chars().collect();
    if chars.len() > PATTERN_VALUE_CHARS_MAX || pattern.is_empty() {
        return value.to_owned();
    }
    let pattern = Glob::of(pattern);
    let mut out = String::new();
    let (mut at, mut count) = (0, 0);
    while at < chars.len() {
        let end = (at + 1..=chars.len()).rev().find(|end| pattern.fits(&chars[at..*end]));
        match end {
            Some(end) if everywhere || count == 0 => {
                out.push_str(replacement);
                at = end;
                count += 1;
            }
            _ => {
                out.push(chars[at]);
                at += 1;
            }
        }
    }
    out
}

/// `*` and `?` over a whole text.
struct Glob(Vec<Option<Option<char>>>);

impl Glob {
    /// `None` = any run, `Some(None)` = any one character, `Some(Some(c))` = `c`.
    fn of(pattern: &str) -> Self {
        let mut tokens = Vec::new();
        let mut chars = pattern.chars();
        while let Some(character) = chars.next() {
            tokens.push(match character {
                '*' => None,
                '?' => Some(None),
                '\\' => Some(Some(chars.next().unwrap_or('\\'))),
                other => Some(Some(other)),
            });
        }
        Self(tokens)
    }

    fn fits(&self, text: &[char]) -> bool {
        let (mut token, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(token) {
                Some(None) => {
                    retry = Some((token, at));
                    token += 1;
                }
                Some(Some(want)) if want.is_none_or(|want| want == text[at]) => {
                    token += 1;
                    at += 1;
                }
                _ => match retry {
                    Some((star, from)) => {
                        retry = Some((star, from + 1));
                        token = star + 1;
                        at = from + 1;
                    }
                    None => return false,
                },
            }
        }
        self.0[token..].iter().all(Option::is_none)
    }
}
