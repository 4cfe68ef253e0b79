//! A RUN as a chain of commands: what each of them says, and the same step with some of them changed or left out.
//!
//! Blanks, continuations and comments between the commands stay as the author wrote them.

use super::Case;
use crate::dockerfile::edit;
use crate::remedy::Edit;

/// A command, and what stands around it up to its neighbours' `&&`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    before: String,
    text: String,
    after: String,
    /// What joins it to the command before it: `&&`, `;`. Empty for the first.
    joint: &'static str,
}

/// The commands of one RUN in shell form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    index: usize,
    /// The keyword and its flags.
    head: String,
    links: Vec<Link>,
}

/// What becomes of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Stays,
    Goes,
    Becomes(String),
}

impl Chain {
    /// The chain in instruction `index`; `None` for exec form, heredocs, and files with another escape sign.
    pub fn of(case: &Case<'_>, index: usize) -> Option<Self> {
        let instruction = case.dockerfile.instructions().get(index)?;
        let is_plain = instruction.keyword == "RUN"
            && instruction.exec().is_none()
            && instruction.heredocs.is_empty()
            && case.dockerfile.escape() == '\\';
        if !is_plain {
            return None;
        }
        let lines: Option<Vec<&str>> =
            (instruction.first_line..=instruction.last_line).map(|line| case.dockerfile.line(line)).collect();
        let whole = lines?.join("\n");
        let body = after_flags(&whole, instruction.flags.len())?;
        let (head, body) = whole.split_at(body);
        let links = links(body)?;
        Some(Self { index, head: head.to_owned(), links })
    }

    /// Each command as the file writes it, over as many lines as it takes.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(|link| link.text.as_str())
    }

    /// The step with `changes` made, one for each command. `None` when nothing changes.
    pub fn edit(&self, case: &Case<'_>, changes: &[Change]) -> Option<Edit> {
        if changes.len() != self.links.len() || changes.iter().all(|change| *change == Change::Stays) {
            return None;
        }
        let mut kept: Vec<Link> = Vec::new();
        for (link, change) in self.links.iter().zip(changes) {
            let text = match change {
                Change::Stays => link.text.clone(),
                Change::Becomes(text) => text.clone(),
                Change::Goes => continue,
            };
            kept.push(Link { text, ..link.clone() });
        }
        let (Some(first), Some(last)) = (self.links.first(), self.links.last()) else { return None };
        let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
        // The step begins and ends as it did, whichever command now stands there.
        match kept.first_mut() {
            Some(link) => (link.before, link.joint) = (first.before.clone(), ""),
            None => return edit::delete_instruction(workspace, path, dockerfile, self.index),
        }
        if let Some(link) = kept.last_mut() {
            link.after.clone_from(&last.after);
        }
        let mut out = self.head.clone();
        for link in kept {
            out.extend([link.joint, &link.before, &link.text, &link.after]);
        }
        let lines: Vec<String> = out.split('\n').map(str::to_owned).collect();
        edit::set_instruction(workspace, path, dockerfile, self.index, &lines)
    }
}

/// A command on one line: continuations joined, comments left out.
pub fn flat(command: &str) -> String {
    let lines = command.split('\n').filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(|line| line.trim_end().trim_end_matches('\\').split_whitespace()).collect::<Vec<_>>().join(" ")
}

/// Where the words of a RUN start, behind the keyword and `flags` flags.
fn after_flags(whole: &str, flags: usize) -> Option<usize> {
    let mut at = whole.len() - whole.trim_start().len();
    for _ in 0..=flags {
        at += whole[at..].find(|each: char| each.is_whitespace() || each == '\\')?;
        at += whole[at..].len() - ahead(&whole[at..]).len();
    }
    Some(at)
}

/// `text` without the blanks, continuations and comment lines it begins with.
fn ahead(text: &str) -> &str {
    let mut rest = text;
    loop {
        let next = rest.trim_start();
        let next = next
            .strip_prefix('\\')
            .filter(|after| after.starts_with('\n') || after.trim_start_matches([' ', '\t']).starts_with('\n'))
            .unwrap_or(next);
        let is_new_line = text[..text.len() - next.len()].trim_end_matches([' ', '\t']).ends_with('\n');
        let next = if is_new_line && next.starts_with('#') {
            next.split_once('\n').map_or("", |(_, rest)| rest)
        } else {
            next
        };
        if next.len() == rest.len() {
            return rest;
        }
        rest = next;
    }
}

/// `text` without the blanks and continuations it ends with.
fn behind(text: &str) -> &str {
    let mut rest = text;
    loop {
        let next = rest.trim_end();
        // Only a line that goes on ends with the sign.
        let goes_on = text[next.len()..].trim_start_matches([' ', '\t']).starts_with('\n');
        let next = if goes_on { next.strip_suffix('\\').unwrap_or(next) } else { next };
        if next.len() == rest.len() {
            return rest;
        }
        rest = next;
    }
}

/// The commands of `body`. `None` when a quote or bracket stays open.
fn links(body: &str) -> Option<Vec<Link>> {
    let mut cuts: Vec<(usize, &'static str)> = Vec::new();
    let (mut quote, mut depth, mut comment) = (None, 0_usize, false);
    let bytes = body.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        let line_start = body[..at].rfind('\n').map_or(0, |end| end + 1);
        match (byte, quote) {
            (b'\n', _) => comment = false,
            _ if comment => {}
            (b'#', None) if line_start > 0 && body[line_start..at].trim().is_empty() => comment = true,
            (b'\\', None | Some(b'"')) => at += 1,
            (b'"' | b'\'', None) => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (_, Some(_)) => {}
            (b'(' | b'{', None) => depth += 1,
            (b')' | b'}', None) => depth = depth.checked_sub(1)?,
            (b'&', None) if depth == 0 && bytes.get(at + 1) == Some(&b'&') => {
                cuts.push((at, "&&"));
                at += 1;
            }
            (b';', None) if depth == 0 => cuts.push((at, ";")),
            _ => {}
        }
        at += 1;
    }
    if quote.is_some() || depth > 0 {
        return None;
    }
    let mut out = Vec::new();
    let (mut start, mut joint) = (0, "");
    for (end, next) in cuts.into_iter().chain([(body.len(), "")]) {
        let raw = &body[start..end];
        let text = ahead(raw);
        let before = &raw[..raw.len() - text.len()];
        let core = behind(text);
        let own = |text: &str| text.to_owned();
        out.push(Link { before: own(before), text: own(core), after: own(&text[core.len()..]), joint });
        (start, joint) = (end + next.len(), next);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str) -> Option<Vec<String>> {
        Some(links(body)?.into_iter().map(|link| link.text).collect())
    }

    #[test]
    fn commands_are_told_apart_outside_quotes_and_brackets() {
        let check = |body: &str, expected: &[&str]| {
            assert_eq!(
                texts(body).as_deref(),
                Some(&expected.iter().map(|each| (*each).to_owned()).collect::<Vec<_>>()[..]),
                "{body}"
            )
        };
        check("a && b ; c", &["a", "b", "c"]);
        check("a \\\n && b x \\\n    y", &["a", "b x \\\n    y"]);
        check("a && \\\n    # about b && c\n    b", &["a", "b"]);
        check("echo 'a && b' && (c && d)", &["echo 'a && b'", "(c && d)"]);
        check("echo \\\"a && b", &["echo \\\"a", "b"]);
        assert_eq!(texts("echo 'a && b"), None);
        assert_eq!(flat("apt-get install \\\n  # why\n  a \\\n  b"), "apt-get install a b");
    }
}
