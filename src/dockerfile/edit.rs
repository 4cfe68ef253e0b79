//! Edits of a Dockerfile as `remedy::Edit`s: only the lines that must change, everything else byte for byte.
//!
//! Every edit is tried on a copy and read back before it is handed out; one that would do more, less or something
//! else than its name says is `None`.

use std::ops::Range;

use super::{Dockerfile, Instruction, apt};
use crate::remedy::{Edit, apply};
use crate::workspace::Workspace;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Gives the `FROM` of stage number `stage` another image. Flags, alias, comments and spacing stay.
pub fn set_image(
    workspace: &Workspace,
    path: &str,
    dockerfile: &Dockerfile,
    stage: usize,
    image: &str,
) -> Option<Edit> {
    let from = dockerfile.stages().get(stage)?.from;
    let range = dockerfile.instructions().get(from)?.split().first()?.clone();
    let edit = substitute(workspace, path, dockerfile, from, &[(range, image.to_owned())])?;
    verified(workspace, path, dockerfile, edit, |after| {
        same_but(dockerfile, after, from) && after.stages().get(stage).is_some_and(|found| found.image == image)
    })
}

/// Puts `lines` before an instruction (and after the comment above it).
pub fn insert_before_instruction(
    workspace: &Workspace,
    path: &str,
    dockerfile: &Dockerfile,
    index: usize,
    lines: &[&str],
) -> Option<Edit> {
    let line = dockerfile.instructions().get(index)?.first_line;
    let edit = match dockerfile.line(line)?.strip_prefix(BYTE_ORDER_MARK) {
        // The mark must stay the first thing in the file.
        Some(rest) => {
            let first = format!("{BYTE_ORDER_MARK}{}", lines.first()?);
            let mut new = vec![first.as_str()];
            new.extend_from_slice(&lines[1..]);
            new.push(rest);
            Edit::replace(workspace, path, line, line, &new)?
        }
        None => Edit::insert_before(workspace, path, line, lines)?,
    };
    verified(workspace, path, dockerfile, edit, |after| inserted(dockerfile, after, index))
}

/// Puts `lines` after the last line of an instruction.
pub fn insert_after_instruction(
    workspace: &Workspace,
    path: &str,
    dockerfile: &Dockerfile,
    index: usize,
    lines: &[&str],
) -> Option<Edit> {
    let line = dockerfile.instructions().get(index)?.last_line;
    let edit = Edit::insert_after(workspace, path, line, lines)?;
    verified(workspace, path, dockerfile, edit, |after| inserted(dockerfile, after, index + 1))
}

/// Takes an instruction away, with its heredocs and the comments between its lines.
pub fn delete_instruction(workspace: &Workspace, path: &str, dockerfile: &Dockerfile, index: usize) -> Option<Edit> {
    let instruction = dockerfile.instructions().get(index)?;
    let edit = match dockerfile.line(instruction.first_line)?.starts_with(BYTE_ORDER_MARK) {
        true => Edit::replace(workspace, path, instruction.first_line, instruction.last_line, &[BYTE_ORDER_MARK])?,
        false => Edit::delete(workspace, path, instruction.first_line, instruction.last_line)?,
    };
    verified(workspace, path, dockerfile, edit, |after| {
        let (old, new) = (dockerfile.instructions(), after.instructions());
        new.len() + 1 == old.len()
            && same(&old[..index], &new[..index])
            && same(&old[index + 1..], &new[index..])
            && after.escape() == dockerfile.escape()
    })
}

/// Replaces `from` by `to` in the lines of one instruction, comment lines excepted.
///
/// `None` unless `from` stands there exactly once.
pub fn replace_in_instruction(
    workspace: &Workspace,
    path: &str,
    dockerfile: &Dockerfile,
    index: usize,
    from: &str,
    to: &str,
) -> Option<Edit> {
    let instruction = dockerfile.instructions().get(index)?;
    if from.is_empty() || from.contains('\n') || to.contains('\n') {
        return None;
    }
    let in_heredoc = |line: usize| {
        instruction
            .heredocs
            .iter()
            .any(|heredoc| (heredoc.line..heredoc.line + heredoc.body.lines().count()).contains(&line))
    };
    let mut hits = (instruction.first_line..=instruction.last_line)
        .filter_map(|line| Some((line, dockerfile.line(line)?)))
        .filter(|(line, text)| in_heredoc(*line) || !text.trim_start().starts_with('#'))
        .filter(|(_, text)| text.contains(from));
    let (line, text) = hits.next()?;
    if hits.next().is_some() || text.match_indices(from).count() != 1 {
        return None;
    }
    let edit = Edit::replace(workspace, path, line, line, &[&text.replacen(from, to, 1)])?;
    verified(workspace, path, dockerfile, edit, |after| same_but(dockerfile, after, index))
}

/// Lets a COPY or ADD copy `source` too.
///
/// Several sources need a folder as destination: `None` when it is not known to be one.
pub fn add_copy_source(
    workspace: &Workspace,
    path: &str,
    dockerfile: &Dockerfile,
    index: usize,
    source: &str,
) -> Option<Edit> {
    let instruction = dockerfile.instructions().get(index)?;
    let (sources, destination) = instruction.copy_paths()?;
    if source.is_empty() || sources.is_empty() || sources.iter().any(|known| known == source) {
        return None;
    }
    let is_folder = destination.ends_with('/') || destination == "." || destination == "..";
    let is_workdir = dockerfile.expand(index, &destination, &Default::default()) == dockerfile.workdir_at(index);
    if !is_folder && !is_workdir {
        return None;
    }
    let slash = if is_folder { "" } else { "/" };
    let replacements = if instruction.exec().is_some() {
        let range = last_json_string(&instruction.args)?;
        let source = serde_json::to_string(source).ok()?;
        let last = instruction.args[range.clone()].to_owned();
        let last = last.strip_suffix('"')?.to_owned();
        vec![(range, format!("{source}, {last}{slash}\""))]
    } else {
        if source.contains(|each: char| each.is_whitespace() || matches!(each, '"' | '\'' | '\\' | '`')) {
            return None;
        }
        let words = instruction.split();
        let last = words.last()?.clone();
        let written = &instruction.args[last.clone()];
        let before = words.get(words.len().checked_sub(2)?)?.end;
        let mut replacements = vec![(before..before, format!(" {source}"))];
        if !slash.is_empty() {
            replacements.push((last, format!("{written}{slash}")));
        }
        replacements
    };
    let edit = substitute(workspace, path, dockerfile, index, &replacements)?;
    verified(workspace, path, dockerfile, edit, |after| {
        let wanted: Vec<String> = sources.iter().cloned().chain([source.to_owned()]).collect();
        same_but(dockerfile, after, index)
            && after.instructions()[index].copy_paths() == Some((wanted, format!("{destination}{slash}")))
    })
}

/// Replaces a whole instruction by another, written on one line: `CMD ["a"]`.
pub fn set_command(
    workspace: &Workspace,
    path: &str,
    dockerfile: &Dockerfile,
    index: usize,
    line: &str,
) -> Option<Edit> {
    let instruction = dockerfile.instructions().get(index)?;
    let old = dockerfile.line(instruction.first_line)?;
    let mark = if old.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK } else { "" };
    let line = format!("{mark}{line}");
    let edit = Edit::replace(workspace, path, instruction.first_line, instruction.last_line, &[&line])?;
    verified(workspace, path, dockerfile, edit, |after| same_but(dockerfile, after, index))
}

/// Writes an instruction anew: `lines` instead of its own, of which those that stay the same are not touched.
pub fn set_instruction(
    workspace: &Workspace,
    path: &str,
    dockerfile: &Dockerfile,
    index: usize,
    lines: &[String],
) -> Option<Edit> {
    let instruction = dockerfile.instructions().get(index)?;
    let edit = trimmed_replace(workspace, path, dockerfile, instruction.first_line, instruction.last_line, lines)?;
    verified(workspace, path, dockerfile, edit, |after| same_but(dockerfile, after, index))
}

/// Adds packages to the first `apt-get install` of a RUN, in its style: behind the others on their line, or on lines
/// of their own, sorted where the others are. Packages already named are left alone.
pub fn add_apt_packages(
    workspace: &Workspace,
    path: &str,
    dockerfile: &Dockerfile,
    index: usize,
    packages: &[&str],
) -> Option<Edit> {
    let instruction = dockerfile.instructions().get(index)?;
    let fits = |name: &&str| {
        let mut chars = name.chars();
        chars.next().is_some_and(|first| first.is_ascii_alphanumeric())
            && chars.all(|each| each.is_ascii_alphanumeric() || "+-._:=~*".contains(each))
    };
    if instruction.keyword != "RUN" || !packages.iter().all(fits) {
        return None;
    }
    let install = apt::install_of(&instruction.args)?;
    let known: Vec<&str> = install.iter().map(|range| &instruction.args[range.clone()]).collect();
    let mut missing: Vec<&str> = Vec::new();
    for package in packages {
        if !known.contains(package) && !missing.contains(package) {
            missing.push(package);
        }
    }
    let last = install.last()?;
    if missing.is_empty() {
        return None;
    }
    let edit = match apt::column(dockerfile, instruction, &install) {
        Some(column) => {
            let (first, last) = (column.first()?.line, column.last()?.line);
            let new = apt::widened(&column, &missing, dockerfile.escape());
            trimmed_replace(workspace, path, dockerfile, first, last, &new)?
        }
        None => {
            let place = last.end..last.end;
            substitute(workspace, path, dockerfile, index, &[(place, format!(" {}", missing.join(" ")))])?
        }
    };
    verified(workspace, path, dockerfile, edit, |after| {
        let Some(instruction) = after.instructions().get(index) else { return false };
        let now = apt::install_of(&instruction.args).unwrap_or_default();
        let now: Vec<&str> = now.into_iter().map(|range| &instruction.args[range]).collect();
        same_but(dockerfile, after, index)
            && now.len() == known.len() + missing.len()
            && known.iter().chain(&missing).all(|package| now.contains(package))
    })
}

/// Replaces lines `first..=last` by `new`, naming no line at either end that stays as it is.
fn trimmed_replace(
    workspace: &Workspace,
    path: &str,
    dockerfile: &Dockerfile,
    first: usize,
    last: usize,
    new: &[String],
) -> Option<Edit> {
    let old: Vec<&str> = (first..=last).map(|line| dockerfile.line(line)).collect::<Option<_>>()?;
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    // One line is kept as a landmark: an edit names what it expects to find.
    let most = old.len().min(new.len()).saturating_sub(1);
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count().min(most);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count().min(most - head);
    Edit::replace(workspace, path, first + head, last - tail, &new[head..new.len() - tail])
}

/// Replaces ranges of an instruction's `args` where they stand in the file. The ranges are in order.
fn substitute(
    workspace: &Workspace,
    path: &str,
    dockerfile: &Dockerfile,
    index: usize,
    replacements: &[(Range<usize>, String)],
) -> Option<Edit> {
    let instruction = dockerfile.instructions().get(index)?;
    let text = dockerfile.text();
    let places: Vec<(Range<usize>, &str)> = replacements
        .iter()
        .map(|(range, new)| Some((instruction.place(range.clone())?, new.as_str())))
        .collect::<Option<_>>()?;
    let (first, last) = (places.first()?.0.start, places.last()?.0.end);
    let line_of = |offset: usize| text[..offset].matches('\n').count() + 1;
    let start = text[..first].rfind('\n').map_or(0, |at| at + 1);
    let rest = text[last..].split_inclusive('\n').next().unwrap_or_default();
    let end = last + rest.lines().next().map_or(0, str::len);
    let mut new = String::new();
    let mut at = start;
    for (place, replacement) in places {
        new.push_str(text.get(at..place.start)?);
        new.push_str(replacement);
        at = place.end;
    }
    new.push_str(&text[at..end]);
    let lines: Vec<String> = new.lines().map(str::to_owned).collect();
    trimmed_replace(workspace, path, dockerfile, line_of(first), line_of(last), &lines)
}

/// The last string of a JSON array, quotes included.
fn last_json_string(args: &str) -> Option<Range<usize>> {
    let end = args.trim_end().strip_suffix(']')?.trim_end().len();
    let mut quotes = Vec::new();
    let mut escaped = false;
    for (at, byte) in args[..end].bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quotes.push(at),
            _ => {}
        }
    }
    let start = *quotes.get(quotes.len().checked_sub(2)?)?;
    Some(start..end)
}

/// `edit`, if it belongs to this very file and does what `holds` expects of the file after it.
fn verified(
    workspace: &Workspace,
    path: &str,
    dockerfile: &Dockerfile,
    edit: Edit,
    holds: impl Fn(&Dockerfile) -> bool,
) -> Option<Edit> {
    if workspace.text(path) != Some(dockerfile.text()) {
        return None;
    }
    let after = apply(std::slice::from_ref(&edit), workspace).ok()?;
    let text = after.text(path)?;
    (text != dockerfile.text() && holds(&Dockerfile::parse(text))).then_some(edit)
}

fn same(old: &[Instruction], new: &[Instruction]) -> bool {
    old.len() == new.len()
        && old.iter().zip(new).all(|(old, new)| {
            (&old.keyword, &old.flags, &old.args) == (&new.keyword, &new.flags, &new.args)
                && old.heredocs.iter().map(|heredoc| &heredoc.body).eq(new.heredocs.iter().map(|each| &each.body))
        })
}

/// Whether only instruction `index` differs.
fn same_but(before: &Dockerfile, after: &Dockerfile, index: usize) -> bool {
    let (old, new) = (before.instructions(), after.instructions());
    old.len() == new.len()
        && same(&old[..index], &new[..index])
        && same(&old[index + 1..], &new[index + 1..])
        && before.escape() == after.escape()
}

/// Whether the instructions before and after the gap at `index` are still there.
fn inserted(before: &Dockerfile, after: &Dockerfile, index: usize) -> bool {
    let (old, new) = (before.instructions(), after.instructions());
    let Some(more) = new.len().checked_sub(old.len()) else { return false };
    same(&old[..index], &new[..index]) && same(&old[index..], &new[index + more..]) && before.escape() == after.escape()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, edit: impl Fn(&Workspace, &Dockerfile) -> Option<Edit>, after: &str) {
        let workspace = Workspace::of(&[("d", before)]);
        let edit = edit(&workspace, &Dockerfile::parse(before)).expect("the edit can be made");
        let result = apply(&[edit], &workspace).expect("the edit fits");
        assert_eq!(result.text("d"), Some(after));
    }

    fn refuse(before: &str, edit: impl Fn(&Workspace, &Dockerfile) -> Option<Edit>) {
        let workspace = Workspace::of(&[("d", before)]);
        assert_eq!(edit(&workspace, &Dockerfile::parse(before)), None);
    }

    #[test]
    fn an_image_is_replaced_and_nothing_around_it() {
        let edit = |w: &Workspace, d: &Dockerfile| set_image(w, "d", d, 0, "python:3.11-slim");
        check("FROM python:3\n", edit, "FROM python:3.11-slim\n");
        check(
            "# c\r\nfrom  --platform=linux/amd64   python:3  as  Base\r\nRUN x\r\n",
            edit,
            "# c\r\nfrom  --platform=linux/amd64   python:3.11-slim  as  Base\r\nRUN x\r\n",
        );
        check("FROM \\\n  # why\n  python:3 \\\n  AS a", edit, "FROM \\\n  # why\n  python:3.11-slim \\\n  AS a");
        check("\u{feff}FROM a\n", edit, "\u{feff}FROM python:3.11-slim\n");
        refuse("FROM python:3.11-slim\n", edit);
        refuse("RUN x\n", edit);
    }

    #[test]
    fn instructions_are_inserted_and_deleted_whole() {
        let text = "FROM a\n# about b\nRUN b \\\n  c\nRUN <<E\nx\nE\nCMD d";
        check(
            text,
            |w, d| insert_before_instruction(w, "d", d, 1, &["ENV X=1", "ENV Y=2"]),
            "FROM a\n# about b\nENV X=1\nENV Y=2\nRUN b \\\n  c\nRUN <<E\nx\nE\nCMD d",
        );
        check(
            text,
            |w, d| insert_after_instruction(w, "d", d, 2, &["ENV X=1"]),
            "FROM a\n# about b\nRUN b \\\n  c\nRUN <<E\nx\nE\nENV X=1\nCMD d",
        );
        check(
            text,
            |w, d| insert_after_instruction(w, "d", d, 3, &["ENV X=1"]),
            "FROM a\n# about b\nRUN b \\\n  c\nRUN <<E\nx\nE\nCMD d\nENV X=1",
        );
        check(text, |w, d| delete_instruction(w, "d", d, 2), "FROM a\n# about b\nRUN b \\\n  c\nCMD d");
        check(
            "\u{feff}FROM a\n",
            |w, d| insert_before_instruction(w, "d", d, 0, &["ARG X"]),
            "\u{feff}ARG X\nFROM a\n",
        );
        refuse("FROM a\nRUN x \\", |w, d| insert_after_instruction(w, "d", d, 1, &["ENV X=1"]));
        refuse("FROM a\n", |w, d| insert_after_instruction(w, "d", d, 0, &["RUN \\"]).filter(|_| d.stages().len() > 1));
        refuse("FROM a\nRUN x\n", |w, d| insert_before_instruction(w, "d", d, 1, &["RUN y \\"]));
    }

    #[test]
    fn a_text_is_replaced_only_where_it_stands_once() {
        let text = "FROM a\nRUN pip install \\\n  # x==1 is old\n  x==1 \\\n  y\nRUN x==1\n";
        check(
            text,
            |w, d| replace_in_instruction(w, "d", d, 1, "x==1", "x==2"),
            "FROM a\nRUN pip install \\\n  # x==1 is old\n  x==2 \\\n  y\nRUN x==1\n",
        );
        refuse("FROM a\nRUN x x\n", |w, d| replace_in_instruction(w, "d", d, 1, "x", "y"));
        refuse("FROM a\nRUN x\n", |w, d| replace_in_instruction(w, "d", d, 1, "z", "y"));
        check(
            "FROM a\nRUN <<E\n# x\nE\n",
            |w, d| replace_in_instruction(w, "d", d, 1, "x", "y"),
            "FROM a\nRUN <<E\n# y\nE\n",
        );
    }

    #[test]
    fn a_source_joins_a_copy_that_goes_into_a_folder() {
        let edit = |w: &Workspace, d: &Dockerfile| add_copy_source(w, "d", d, d.instructions().len() - 1, "b.lock");
        check("FROM x\nCOPY --chown=1 a.json  ./\n", edit, "FROM x\nCOPY --chown=1 a.json b.lock  ./\n");
        check("FROM x\nCOPY a.json \\\n  .", edit, "FROM x\nCOPY a.json b.lock \\\n  .");
        check("FROM x\nCOPY [\"a b\", \"/app/\"]\n", edit, "FROM x\nCOPY [\"a b\", \"b.lock\", \"/app/\"]\n");
        check("FROM x\nWORKDIR /app\nCOPY a /app\n", edit, "FROM x\nWORKDIR /app\nCOPY a b.lock /app/\n");
        refuse("FROM x\nCOPY a /app\n", edit);
        refuse("FROM x\nCOPY b.lock ./\n", edit);
        refuse("FROM x\nRUN a b\n", edit);
    }

    #[test]
    fn a_command_is_replaced_as_a_whole() {
        check(
            "FROM a\nCMD x \\\n  y\n# end\n",
            |w, d| set_command(w, "d", d, 1, "CMD [\"z\"]"),
            "FROM a\nCMD [\"z\"]\n# end\n",
        );
        refuse("FROM a\nCMD x\nRUN y\n", |w, d| set_command(w, "d", d, 1, "CMD z \\"));
    }

    #[test]
    fn packages_join_an_install_in_its_own_style() {
        let edit = |w: &Workspace, d: &Dockerfile| add_apt_packages(w, "d", d, 1, &["libpq-dev", "gcc"]);
        check(
            "FROM a\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm x\n",
            edit,
            "FROM a\nRUN apt-get update && apt-get install -y --no-install-recommends curl libpq-dev gcc && rm x\n",
        );
        check(
            "FROM a\nRUN apt-get update \\\n && apt-get install -y \\\n    curl \\\n    make \\\n && rm x\n",
            edit,
            "FROM a\nRUN apt-get update \\\n && apt-get install -y \\\n    curl \\\n    gcc \\\n    libpq-dev \\\n    make \\\n && rm x\n",
        );
        check(
            "FROM a\nRUN apt install -y \\\n\tzlib1g \\\n\tgcc",
            edit,
            "FROM a\nRUN apt install -y \\\n\tzlib1g \\\n\tgcc \\\n\tlibpq-dev",
        );
        check(
            "FROM a\nRUN apt-get install -y \\\n  curl && \\\n  rm x\n",
            edit,
            "FROM a\nRUN apt-get install -y \\\n  curl libpq-dev gcc && \\\n  rm x\n",
        );
        refuse("FROM a\nRUN apt-get install -y gcc libpq-dev\n", edit);
        refuse("FROM a\nRUN apk add x\n", edit);
        refuse("FROM a\nRUN apt-get install -y $(cat list)\n", edit);
        refuse("FROM a\nRUN bash -c 'apt-get update && apt-get install -y curl'\n", edit);
        check(
            "FROM a\nRUN apt-get install curl 2>/dev/null # now\n",
            edit,
            "FROM a\nRUN apt-get install curl libpq-dev gcc 2>/dev/null # now\n",
        );
        check("FROM a\nRUN apt-get install curl # x\n", edit, "FROM a\nRUN apt-get install curl libpq-dev gcc # x\n");
        refuse("FROM a\nRUN apt-get install -y x\n", |w, d| add_apt_packages(w, "d", d, 1, &["a; rm -rf /"]));
    }
}
