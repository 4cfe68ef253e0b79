//! Compilers: what one said of a source, in one sentence with file and line.

use super::Case;
use super::phrase::Phrases;

/// A compiler's message is cut here: the rest is types and notes.
const WORDS_MAX: usize = 160;

/// What stands behind the path: `:19: error: …`, `(14,7): error TS2322: …`, `:[3,5] …`, `: (12, 5): …`.
static REST: Phrases =
    Phrases::new(&[r"^[:(\[ ]*(\d+)(?:[,:] ?\d+)?[\])]*:? *(?:- )?(?:(?:fatal )?[Ee]rror:? ?)?(.*)$"]);
static RUST_SAYS: Phrases = Phrases::new(&[r"^\s*error(?:\[E\d{4}\])?: (.+)$"]);
static RUST_PLACE: Phrases = Phrases::new(&[r"^\s*--> ([^\s:]+):(\d+):\d+"]);

/// `src/Tax.java`, line 19, does not compile: method rate(String) is already defined. `line` is an index, and names `path`.
pub fn refusal(case: &Case<'_>, line: usize, path: &str) -> String {
    let rest = case.text(line).split_once(path).map_or("", |(_, rest)| rest);
    match REST.read(rest) {
        Some(found) => sentence(path, &found[1], &found[2]),
        None => format!("`{path}` does not compile"),
    }
}

/// The same for rustc, which tells the place on the line below the message. `None` when the log holds neither.
pub fn refusal_of_rustc(case: &Case<'_>) -> Option<String> {
    case.log.failing_range().find_map(|at| {
        let said = RUST_SAYS.on(case, at)?;
        let place = RUST_PLACE.on(case, at + 1)?;
        Some(sentence(&place[1], &place[2], &said[1]))
    })
}

fn sentence(path: &str, line: &str, words: &str) -> String {
    let words: String = words.trim().chars().take(WORDS_MAX).collect();
    match words.is_empty() {
        true => format!("`{path}`, line {line}, does not compile"),
        false => format!("`{path}`, line {line}, does not compile: {words}"),
    }
}
