//! Secrets are taken out of text before it is stored, shown, sent or committed.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// What stands in for a secret.
pub const MASK: &str = "[redacted]";

/// Known shapes of secrets. Group `keep`, where there is one, stays.
static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"\brnd_[A-Za-z0-9]{16,}",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_\-]{16,})",
        r"\b(?:sk|pk|rk)[-_](?:live|test|proj|ant|or)[-_][A-Za-z0-9_\-]{12,}|\bsk-[A-Za-z0-9]{20,}",
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        r"\bxox[abprs]-[A-Za-z0-9\-]{10,}",
        r"\bAIza[A-Za-z0-9_\-]{30,}",
        r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*",
        r"(?P<keep>\b[a-z][a-z0-9+.\-]*://[^\s:/@]*:)[^\s@/]+(?P<tail>@)",
        r#"(?i)(?P<keep>\b[a-z0-9_\-]*(?:password|passwd|secret|token|api_?key|apikey|access_?key|private_?key|credentials?|database_url|authorization)["']?\s*[=:]\s*["']?(?:bearer\s+|basic\s+)?)[^\s"',;&]{6,}"#,
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    ]
    .iter()
    .filter_map(|shape| Regex::new(shape).ok())
    .collect()
});

/// Takes out what looks like a secret, and every value of `known`.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    known: Vec<String>,
}

impl Redactor {
    /// A redactor that also knows these values; those shorter than six characters are ignored, they would blank words.
    pub fn new(known: impl IntoIterator<Item = String>) -> Self {
        let mut known: Vec<String> = known.into_iter().filter(|value| value.len() >= 6).collect();
        known.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { known }
    }

    /// `text` without secrets. Lines stay lines.
    pub fn redact(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for value in &self.known {
            if out.contains(value.as_str()) {
                out = out.replace(value.as_str(), MASK);
            }
        }
        for shape in SHAPES.iter() {
            if shape.is_match(&out) {
                out = shape
                    .replace_all(&out, |found: &Captures<'_>| {
                        let part = |name| found.name(name).map_or("", |group| group.as_str());
                        format!("{}{MASK}{}", part("keep"), part("tail"))
                    })
                    .into_owned();
            }
        }
        out
    }
}

impl Redactor {
    /// `value` with every text in it redacted. On the values and not on the written JSON, whose escapes would be torn.
    pub fn redact_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.redact_value(item)).collect(),
            Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, self.redact_value(field))).collect(),
            plain => plain,
        }
    }
}

/// Removes terminal control sequences and control characters other than tab: log text is untrusted.
pub fn strip_controls(line: &str) -> String {
    static ESCAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\x1b\[[0-9;?<=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[()][A-Za-z0-9]|\x1b.").ok()
    });
    // Nearly all lines have none: neither escapes nor control characters, of which the two-byte ones begin with 0xC2.
    // Without an early end the loop runs over many bytes at a time.
    let is_odd = |byte: u8| (byte < b' ' && byte != b'\t') | (byte == 0x7f) | (byte == 0xc2);
    if !line.bytes().fold(false, |odd, byte| odd | is_odd(byte)) {
        return line.to_owned();
    }
    let clean = ESCAPES.as_ref().map_or(line.into(), |escapes| escapes.replace_all(line, ""));
    clean.chars().filter(|c| *c == '\t' || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let redactor = Redactor::new(["hunter2hunter2".to_owned()]);
        for (given, expected) in [
            ("key rnd_abcdefghijklmnopqrst end", "key [redacted] end"),
            ("postgres://app:s3cr3tpw@db:5432/x", "postgres://app:[redacted]@db:5432/x"),
            ("API_KEY=abcdef123456 next", "API_KEY=[redacted] next"),
            ("I said hunter2hunter2!", "I said [redacted]!"),
            ("numpy==1.24.4 (from -r requirements.txt)", "numpy==1.24.4 (from -r requirements.txt)"),
        ] {
            assert_eq!(redactor.redact(given), expected);
        }
    }

    #[test]
    fn a_document_stays_a_document_when_its_texts_lose_their_secrets() {
        let value = serde_json::json!({"diff": "+ENV TOKEN=\"abcdef123456\"\nRUN x", "lines": ["PASSWORD=hunter2hunter2\"", 3]});
        let expected =
            serde_json::json!({"diff": "+ENV TOKEN=\"[redacted]\"\nRUN x", "lines": ["PASSWORD=[redacted]\"", 3]});
        assert_eq!(Redactor::default().redact_value(value), expected);
    }

    #[test]
    fn terminal_sequences_never_reach_a_terminal() {
        assert_eq!(strip_controls("\u{1b}[91mred\u{1b}[0m\u{1b}]0;title\u{7} ok\u{8}"), "red ok");
    }
}
