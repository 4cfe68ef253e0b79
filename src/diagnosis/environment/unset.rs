//! Unset: the variable whose absence a program trips over without naming it.
//!
//! An SDK that gets `undefined` for its key, or `int(None)`: the message names no variable, but the project's own line in the
//! stack reads one that nobody sets.

use std::collections::BTreeSet;

use super::Missing;
use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::file_behind;

/// Fragments of a stack's lines.
pub const NEEDLES: &[&str] = &["    at ", "  file \""];

/// A statement goes on for at most so many lines.
const STATEMENT_LINES_MAX: usize = 8;
/// From the message of an error down to the project's own line.
const FRAMES_MAX: usize = 30;

static JS_ERROR: Phrases =
    Phrases::new(&[r"^\s*(?:Uncaught )?(?:\w+\.)*(\w*(?:Error|Exception)\w*)(?: \[[^\]]+\])?: "]);
static JS_FRAME: Phrases = Phrases::new(&[r"^\s+at (?:.*\()?(?:file://)?(/[^():]+):(\d+):\d+\)?$"]);
static PY_FRAME: Phrases = Phrases::new(&[r#"^\s*File "(/[^"]+)", line (\d+), in "#]);
/// How a variable is read so that it may be absent. A default behind it makes that harmless.
static READS: Phrases = Phrases::new(&[
    r"process\.env\.([A-Z][A-Z0-9_]+)\b!?(?:\s*as \w+)?\s*(?:[,;)\]}.]|$)",
    r#"process\.env\[\s*["'`]([A-Z][A-Z0-9_]+)["'`]\s*\]!?\s*(?:[,;)\]}.]|$)"#,
    r#"os\.(?:environ\.get|getenv)\(\s*["']([A-Z][A-Z0-9_]+)["']\s*\)\s*(?:[,;)\]}.]|$)"#,
]);
static WORDS: Phrases = Phrases::new(&[r"^([A-Za-z_]\w*)\s*(?::[^=]+)?=[^=]"]);

/// The variable that the project's own line of the last stack reads and nothing sets.
pub fn at_the_crash(case: &Case<'_>) -> Option<Missing> {
    let (line, path, number) = own_frame(case)?;
    let lines = case.workspace.lines(&path);
    let first = number.checked_sub(1).filter(|first| *first < lines.len())?;
    let statement = statement(&lines[first..]);
    let direct = statement.iter().find_map(|text| read_in(text));
    let variable = direct.or_else(|| through_a_name(&lines[..first], &statement))?;
    let set_by_image = case.dockerfile.env_at(case.dockerfile.instructions().len()).contains_key(&variable);
    let set_on_service = case.facts.env_names.as_ref().is_some_and(|names| names.contains(&variable));
    (!set_by_image && !set_on_service && !of_platform(&variable)).then_some(Missing { line, variable })
}

/// The platform sets these itself.
fn of_platform(variable: &str) -> bool {
    matches!(variable, "PORT" | "RENDER" | "NODE_ENV" | "PATH" | "HOME") || variable.starts_with("RENDER_")
}

/// The line of the message, and the innermost line of the repository that led to it: path and number.
fn own_frame(case: &Case<'_>) -> Option<(usize, String, usize)> {
    let end = case.dockerfile.instructions().len();
    let own = |frame: &Phrases, at: usize| {
        let found = frame.read(case.text(at))?;
        let (path, number) = (found.name(0), found.name(1));
        let foreign = ["/node_modules/", "/site-packages/", "/lib/python"].iter().any(|part| path.contains(part));
        let file = file_behind(case, end, path).filter(|file| !foreign && case.workspace.contains(file))?;
        Some((file, number.parse().ok()?))
    };
    let count = case.log.lines.len();
    let of_js = (0..count).rev().find_map(|at| {
        JS_ERROR.read(case.text(at))?;
        let (file, number) = (at + 1..(at + FRAMES_MAX).min(count)).find_map(|frame| own(&JS_FRAME, frame))?;
        Some((at, file, number))
    });
    of_js.or_else(|| {
        let (frame, file, number) = (0..count).rev().find_map(|at| own(&PY_FRAME, at).map(|(f, n)| (at, f, n)))?;
        // The message is the first line below the stack that is not indented.
        let said = (frame + 1..(frame + FRAMES_MAX).min(count)).find(|at| {
            let text = case.text(*at);
            !text.is_empty() && !text.starts_with(char::is_whitespace)
        });
        Some((said.unwrap_or(frame), file, number))
    })
}

/// The lines of the statement that begins here: to the line that closes what it opened.
fn statement<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut open = 0;
    let mut out = Vec::new();
    for line in lines.iter().take(STATEMENT_LINES_MAX) {
        out.push(*line);
        open += line.matches(['(', '{', '[']).count();
        open = open.saturating_sub(line.matches([')', '}', ']']).count());
        if open == 0 {
            break;
        }
    }
    out
}

fn read_in(text: &str) -> Option<String> {
    let has_default = ["||", "??", " or "].iter().any(|mark| text.contains(mark));
    READS.read(text).filter(|_| !has_default)?.names().next().map(str::to_owned)
}

/// `const key = process.env.KEY;` above, and `key` in the statement.
fn through_a_name(above: &[&str], statement: &[&str]) -> Option<String> {
    let used: BTreeSet<&str> = statement
        .iter()
        .flat_map(|text| text.split(|each: char| !each.is_ascii_alphanumeric() && each != '_'))
        .collect();
    above.iter().rev().find_map(|line| {
        let text =
            ["const ", "let ", "var ", "export "].iter().fold(line.trim(), |text, word| text.trim_start_matches(word));
        let name = WORDS.read(text)?.names().next()?;
        if used.contains(name) { read_in(line) } else { None }
    })
}
