//! Foreign text made plain: nothing in it moves a cursor, sets a clipboard, hides a word or gives a CI runner an order.

use std::sync::LazyLock;

use regex::Regex;

/// Sequences that a terminal obeys, in their 7-bit and their 8-bit spelling: CSI, strings (OSC 8 links, OSC 52 clipboard,
/// DCS, APC) and the short ones. No alternative reads over the start of another sequence, so a line costs linear time.
#[expect(clippy::unwrap_used, reason = "constant pattern, exercised by every test")]
static SEQUENCES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?:\x1b\[|\u{9b})[0-?]*[ -/]*[@-~]",
        r"|(?:\x1b[\]PX^_]|[\u{90}\u{98}\u{9d}\u{9e}\u{9f}])[^\x07\x1b\n\u{90}-\u{9f}]*(?:\x07|\x1b\\|\u{9c})",
        // What is cut short loses its beginning: the rest is then text like any other.
        r"|\x1b[\]PX^_]|\x1b[ -/]+[0-~]|\x1b[0-~]",
    ))
    .unwrap()
});

/// Removes control sequences, control characters other than tab, and signs that turn or hide text (`Trojan Source`).
pub fn strip_controls(line: &str) -> String {
    if !is_odd(line) {
        return line.to_owned();
    }
    without_sequences(line).chars().filter(|sign| *sign == '\t' || !sign.is_control() && !is_deceptive(*sign)).collect()
}

/// The same for a text of several lines: line feeds stay.
pub fn plain(text: &str) -> String {
    if !is_odd(text) {
        return text.to_owned();
    }
    let keep = |sign: &char| matches!(sign, '\t' | '\n') || !sign.is_control() && !is_deceptive(*sign);
    without_sequences(text).chars().filter(keep).collect()
}

/// Without the sequences a terminal obeys; what stood on both sides of one becomes one word again.
pub(super) fn without_sequences(text: &str) -> std::borrow::Cow<'_, str> {
    SEQUENCES.replace_all(text, "")
}

/// Most text is plain ASCII and needs no work.
fn is_odd(text: &str) -> bool {
    // Without an early end the loop runs over many bytes at a time.
    text.bytes().fold(false, |odd, byte| odd | ((byte < b' ') & (byte != b'\t')) | (byte >= 0x7f))
}

/// Signs that turn the direction of writing, take no room, or end a line where none seems to end.
fn is_deceptive(sign: char) -> bool {
    matches!(
        sign,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// `text` with its orders to a CI runner spelled so that the runner reads on: `::error::` becomes `: :error::`.
///
/// Runners look for `::` at the start of a line, behind blanks as well, and for `##vso[` and `##[` anywhere in it.
pub fn defused(text: &str) -> String {
    if !text.contains("::") && !text.contains("##") {
        return text.to_owned();
    }
    let calm: Vec<String> = text
        .split('\n')
        .map(|line| {
            let blanks = line.len() - line.trim_start().len();
            let line = match line[blanks..].strip_prefix("::") {
                Some(rest) => format!("{}: :{rest}", &line[..blanks]),
                None => line.to_owned(),
            };
            ["##vso[", "##teamcity[", "##["]
                .iter()
                .fold(line, |line, order| line.replace(order, &order.replacen("##", "# #", 1)))
        })
        .collect();
    calm.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        for (given, expected) in [
            ("\u{1b}[91mred\u{1b}[0m\u{1b}]0;title\u{7} ok\u{8}", "red ok"),
            ("\u{1b}]8;;https://evil.example\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}]52;c;cm0gLXJmIC8=\u{7}copied", "copied"),
            ("\u{9d}52;c;cm0gLXJmIC8=\u{9c}copied", "copied"),
            ("\u{9b}2Jcleared\u{85}\u{8d}", "cleared"),
            ("\u{1b}P+q544e\u{1b}\\dcs\u{1b}_apc\u{1b}\\\u{1b}^pm\u{1b}\\", "dcs"),
            ("\u{1b}(0lqk\u{1b}(B\u{1b}c\u{1b}7\u{1b}=\u{1b}#8", "lqk"),
            ("an end is missing \u{1b}]0;here", "an end is missing 0;here"),
            ("\u{1b}", ""),
            ("user\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}\u{2028}\u{e0041}", "usergpj.exe"),
            ("tab\tstays, so do ünïcödé and 👩\u{200d}💻", "tab\tstays, so do ünïcödé and 👩\u{200d}💻"),
        ] {
            assert_eq!(strip_controls(given), expected, "{given:?}");
        }
        assert_eq!(plain("a\r\n\u{1b}[1mb\u{1b}[0m\n"), "a\nb\n");
    }

    #[test]
    fn a_ci_runner_gets_no_orders() {
        for (given, expected) in [
            ("::error::x", ": :error::x"),
            ("a\n  ::add-mask::x", "a\n  : :add-mask::x"),
            ("x ##vso[task.setvariable]y", "x # #vso[task.setvariable]y"),
            ("##[set-env name=PATH]x", "# #[set-env name=PATH]x"),
            ("##teamcity[x]", "# #teamcity[x]"),
            ("std::vector<int> ## heading", "std::vector<int> ## heading"),
        ] {
            assert_eq!(defused(given), expected);
        }
    }
}
