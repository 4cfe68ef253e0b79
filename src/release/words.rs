//! Foreign words in a commit message: what a log or a file says must give no orders to those who read messages.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::observation::plain::strip_controls;

/// Longer quotes tell a reader of the history nothing more.
const CHARS_MAX: usize = 300;

/// Marks by which Render and CI systems leave a commit undeployed, wherever in a message they stand.
#[expect(clippy::unwrap_used, reason = "constant pattern, exercised by every test")]
static SKIPS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\[(?P<words>(?:skip|no)[ -][a-z -]+|[a-z]+ skip)\]|(?P<stars>\*\*\*)NO_CI\*\*\*|(?P<checks>skip-checks):",
    )
    .unwrap()
});

/// Words by which hosts close an issue when the commit arrives.
#[expect(clippy::unwrap_used, reason = "constant pattern, exercised by every test")]
static CLOSES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?P<word>clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?)(?P<gap>:?\s+)(?P<of>[\w./:-]*)(?:#|GH-|!)(?P<number>\d+)").unwrap()
});

/// `text` as one line that can neither start a trailer of its own, nor keep the commit from being deployed, nor close an issue.
pub(super) fn quoted(text: &str) -> String {
    let line = strip_controls(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    let line = SKIPS.replace_all(&line, |found: &Captures<'_>| match (found.name("words"), found.name("stars")) {
        (Some(words), _) => format!("({})", words.as_str()),
        (None, Some(_)) => "NO_CI".to_owned(),
        (None, None) => "skip-checks".to_owned(),
    });
    let line = CLOSES.replace_all(&line, |found: &Captures<'_>| {
        let space = if found["of"].is_empty() { "" } else { " " };
        format!("{}{}{}{space}no. {}", &found["word"], &found["gap"], &found["of"], &found["number"])
    });
    match line.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_give_no_orders() {
        for (given, expected) in [
            ("boom\n\nCo-authored-by: Eve <e@x>", "boom Co-authored-by: Eve <e@x>"),
            (
                "a [skip render] b [Render Skip] [skip ci] [no ci] c",
                "a (skip render) b (Render Skip) (skip ci) (no ci) c",
            ),
            ("***NO_CI*** skip-checks: true", "NO_CI skip-checks true"),
            ("this fixes #12 and closes acme/app#3", "this fixes no. 12 and closes acme/app no. 3"),
            ("\u{1b}]8;;https://x\u{7}red\u{1b}[0m \u{202e}", "red"),
            ("array[index] and [1/2] RUN x #5 0.3", "array[index] and [1/2] RUN x #5 0.3"),
        ] {
            assert_eq!(quoted(given).trim_end(), expected);
        }
        assert_eq!(quoted(&"x".repeat(9_000)).chars().count(), CHARS_MAX + 1);
    }
}
