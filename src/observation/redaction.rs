//! Secrets are taken out of text before it is stored, shown, sent or committed.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Captures, Regex};
use serde_json::Value;

mod spellings;

pub use super::plain::strip_controls;
use super::plain::without_sequences;

/// What stands in for a secret.
pub const MASK: &str = "[redacted]";

/// Shorter values are left: they would blank words, and whoever guards something with them guards nothing.
const SECRET_CHARS_MIN: usize = 6;

/// How far the end of a private key may be from its beginning; the largest RSA keys in use take 13 KB.
const KEY_BYTES_MAX: usize = 16 << 10;

/// Names of variables and fields that hold secrets.
const NAMES: &str = r"passwords?|passwd|passphrase|pwd|secrets?|tokens?|api_?keys?|access_?key(?:_?id)?|secret_?key|private_?key|signing_?key|encryption_?key|auth_?key|account_?key|credentials?|database_url|redis_url|mongo(?:db)?_ur[il]|connection_?string|dsn|authorization|x-api-key";

/// A kind of secret that is known by its looks.
struct Shape {
    /// Groups `keep` and `tail`, where there are any, stay.
    pattern: Regex,
    /// Words look like it, too: only what mixes letters and digits counts.
    mixed: bool,
}

#[expect(clippy::unwrap_used, reason = "constant patterns, exercised by every test")]
static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    // A terminal or a log that breaks long lines leaves the rest of a token alone on the next one.
    let broken = r"(?:\r?\n[ \t]*[A-Za-z0-9_\-+/=]{6,}(?m:[ \t]*$))?";
    let tokens = [
        r"\brnd_[A-Za-z0-9]{16,}",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl(?:pat|rt|dt|ptt|cbt)-[A-Za-z0-9_\-]{16,})",
        r"\b[spr]k[-_](?:live|test|proj|ant|or|svcacct)[-_][A-Za-z0-9_\-]{12,}|\bsk-[A-Za-z0-9]{20,}|\bwhsec_[A-Za-z0-9+/=]{20,}",
        r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b",
        r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,}|\bxapp-[A-Za-z0-9\-]{10,}",
        r"\bAIza[A-Za-z0-9_\-]{30,}|\bya29\.[A-Za-z0-9_\-]{20,}|\bGOCSPX-[A-Za-z0-9_\-]{20,}",
        r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)*",
        r"\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_\-]{30,}|\bdckr_pat_[A-Za-z0-9_\-]{20,}|\bhf_[A-Za-z0-9]{30,}",
        r"\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}|\bdop_v1_[a-f0-9]{40,}|\bshp(?:at|ss|ca|pa)_[a-f0-9]{24,}",
    ];
    let others = [
        r"(?P<keep>hooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9/_\-]{8,}",
        r"(?P<keep>discord(?:app)?\.com/api/webhooks/)[A-Za-z0-9/_\-]{8,}",
        r#"(?P<keep>\b[A-Za-z][A-Za-z0-9+.\-]*://[^\s:/@"]*:)[^\s@/"'\\<>]+(?P<tail>@)"#,
        r#"(?P<keep>\bhttps?://)[^\s:/@"'\\<>]{12,}(?P<tail>@)"#,
        r"(?i)(?P<keep>[?&;](?:[a-z0-9_\-]*(?:token|key|secret|password|passwd|pwd)|sig|signature|x-amz-(?:signature|credential|security-token))=)[^\s&;#]{6,}",
    ];
    let shape = |pattern: &str, mixed| Shape { pattern: Regex::new(pattern).unwrap(), mixed };
    let named = format!(
        r#"(?i)(?P<not>\b(?:unexpected|invalid|illegal|missing|unknown|next) )?(?P<keep>\b[a-z0-9_\-.]*(?:{NAMES})(?:_[a-z0-9]+)?\\?["']?\s{{0,4}}(?:[=:]|=>|:=)\s{{0,4}}\\?["']?(?:(?:bearer|basic|token)\s+)?)(?P<value>[^\s"',;&\\]{{6,}})"#
    );
    let mut shapes: Vec<Shape> = tokens.iter().map(|token| shape(&format!("(?:{token}){broken}"), false)).collect();
    shapes.extend(others.iter().map(|other| shape(other, false)));
    shapes.push(shape(r"(?i)(?P<keep>\b(?:bearer|basic)[ \t]+)[A-Za-z0-9._~+/=\-]{12,}", true));
    // `--build-arg` and `ENV NAME value` give the value behind a blank.
    shapes.push(shape(
        &format!(r"(?i)(?P<keep>\b(?:ENV|ARG)[ \t]+[a-z0-9_\-]*(?:{NAMES})(?:_[a-z0-9]+)?[ \t]+)[^\s=]{{6,}}"),
        false,
    ));
    shapes.push(shape(&named, false));
    shapes
});

#[expect(clippy::unwrap_used, reason = "constant patterns, exercised by every test")]
static KEY_BEGINS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----").unwrap());

/// The lines of a key whose end is missing: base64 and nothing else.
#[expect(clippy::unwrap_used, reason = "constant patterns, exercised by every test")]
static KEY_LINES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(?:(?:\\r|\\n|\s)+[A-Za-z0-9+/=]{16,})*").unwrap());

#[expect(clippy::unwrap_used, reason = "constant patterns, exercised by every test")]
static SECRET_NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)pass|pwd|secret|token|key|auth|cred|cert|salt|seed|dsn|ur[il]|pin|cookie|session|private|sign|conn|hash|hook").unwrap()
});

/// What no program takes for a secret: words as settings hold them (`production`, `info`, `eu-west`), numbers, versions.
#[expect(clippy::unwrap_used, reason = "constant patterns, exercised by every test")]
static SETTING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[A-Za-z]{1,14}(?:[-_. /][A-Za-z]{1,14}){0,3}|[0-9.]{1,8}|/[a-z/]{1,30})$").unwrap()
});

/// Takes out what looks like a secret, and every value that is known to be one.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    known: Option<Arc<AhoCorasick>>,
}

/// Whether the value of a service's variable is an ordinary setting. Hiding `production` would blank that word in every log.
pub fn is_setting(name: &str, value: &str) -> bool {
    !SECRET_NAME.is_match(name) && SETTING.is_match(value)
}

impl Redactor {
    /// A redactor that also knows these values, in the spellings that programs give them.
    pub fn new(known: impl IntoIterator<Item = String>) -> Self {
        let known: Vec<String> = known.into_iter().flat_map(|value| spellings::of(&value, SECRET_CHARS_MIN)).collect();
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(known);
        Self { known: automaton.ok().filter(|automaton| automaton.patterns_len() > 0).map(Arc::new) }
    }

    /// `text` without secrets, and without the sequences a terminal obeys: a secret must not hide between two of them.
    /// Lines stay lines.
    pub fn redact(&self, text: &str) -> String {
        let mut out = without_sequences(text);
        if let Some(known) = &self.known {
            out = self::known(known, out);
        }
        out = keys(out);
        for shape in SHAPES.iter() {
            if shape.pattern.is_match(&out) {
                let masked = shape.pattern.replace_all(&out, |found: &Captures<'_>| shape.mask(found)).into_owned();
                out = Cow::Owned(masked);
            }
        }
        out.into_owned()
    }

    /// Lines of one text, redacted together: a key goes over many of them.
    pub fn redact_lines(&self, lines: impl IntoIterator<Item = String>) -> Vec<String> {
        let joined = lines.into_iter().map(|line| line.replace('\n', " ")).collect::<Vec<_>>();
        if joined.is_empty() {
            return joined;
        }
        self.redact(&joined.join("\n")).split('\n').map(str::to_owned).collect()
    }

    /// `value` with every text in it redacted. On the values and not on the written JSON, whose escapes would be torn.
    pub fn redact_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.redact_value(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, field)| (self.redact(&name), self.redact_value(field))).collect()
            }
            plain => plain,
        }
    }
}

impl Shape {
    fn mask(&self, found: &Captures<'_>) -> String {
        let whole = &found[0];
        let part = |name| found.name(name).map_or("", |group| group.as_str());
        let secret = &whole[part("keep").len()..];
        let is_reference = found.name("value").is_some_and(|value| is_reference(value.as_str()));
        if found.name("not").is_some() || is_reference || self.mixed && !is_mixed(secret) {
            return whole.to_owned();
        }
        format!("{}{}{}", part("keep"), masked(secret), part("tail"))
    }
}

/// The mask, on as many lines as the secret had.
fn masked(secret: &str) -> String {
    let mut mask = MASK.to_owned();
    for _ in 0..secret.matches('\n').count() {
        mask.push('\n');
        mask.push_str(MASK);
    }
    mask
}

/// A name of a value rather than the value: `$TOKEN`, `${TOKEN:-}`, `process.env.TOKEN`, `os.environ["TOKEN"]`.
fn is_reference(value: &str) -> bool {
    let upper = |rest: &str| rest.chars().all(|sign| sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_');
    value.starts_with("${")
        || value.strip_prefix('$').is_some_and(upper)
        || ["process.env", "os.environ", "os.getenv", "import.meta.env", "System.getenv", "ENV["]
            .iter()
            .any(|way| value.starts_with(way))
}

fn is_mixed(secret: &str) -> bool {
    let has = |kind: fn(&char) -> bool| secret.chars().any(|sign| kind(&sign));
    has(char::is_ascii_digit) && has(char::is_ascii_alphabetic)
        || has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && secret.ends_with('=')
}

/// Masks the known values, also where a line break stands inside of one.
fn known<'text>(known: &AhoCorasick, text: Cow<'text, str>) -> Cow<'text, str> {
    let mut spans: Vec<(usize, usize)> =
        known.find_iter(text.as_ref()).map(|found| (found.start(), found.end())).collect();
    if text.contains('\n') {
        // Without its line breaks, and where each of the bytes left stood.
        let (mut joined, mut places) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len()));
        for (place, byte) in text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'\n' | b'\r')) {
            joined.push(byte);
            places.push(place);
        }
        spans.extend(known.find_iter(&joined).map(|found| (places[found.start()], places[found.end() - 1] + 1)));
    }
    if spans.is_empty() {
        return text;
    }
    spans.sort_unstable();
    let (mut out, mut last) = (String::with_capacity(text.len()), 0);
    for (start, end) in spans {
        if start < last {
            continue;
        }
        out.push_str(&text[last..start]);
        out.push_str(&masked(&text[start..end]));
        last = end;
    }
    out.push_str(&text[last..]);
    Cow::Owned(out)
}

/// Masks private keys from their first line to their last.
fn keys(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains("PRIVATE KEY") {
        return text;
    }
    let (mut out, mut last) = (String::with_capacity(text.len()), 0);
    for begins in KEY_BEGINS.find_iter(&text) {
        if begins.start() < last {
            continue;
        }
        let rest = &text[begins.end()..];
        let mut near = rest.len().min(KEY_BYTES_MAX);
        while !rest.is_char_boundary(near) {
            near -= 1;
        }
        let ends = rest[..near]
            .find("-----END ")
            .and_then(|at| rest[at + 9..near].find("-----").map(|more| at + 9 + more + 5));
        let length = ends.unwrap_or_else(|| KEY_LINES.find(&rest[..near]).map_or(0, |lines| lines.end()));
        let end = begins.end() + length;
        out.push_str(&text[last..begins.start()]);
        out.push_str(&masked(&text[begins.start()..end]));
        last = end;
    }
    out.push_str(&text[last..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
