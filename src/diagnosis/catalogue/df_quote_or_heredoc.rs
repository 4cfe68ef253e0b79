//! `df-quote-or-heredoc`: a quote is not closed, a heredoc does not end, or ENV and LABEL lack the `=` form.

use crate::diagnosis::Case;
use crate::diagnosis::parsing;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "df-quote-or-heredoc",
    what: "A quote, a heredoc or a name=value pair of the Dockerfile is not complete",
    why: "Quotes must be closed on the same instruction, a heredoc ends with a line that is exactly its word, and ENV and \
          LABEL take name=value pairs whose values are quoted when they hold blanks.",
    advice: "Close the quote, put the end word at the start of its line, or write ENV name=\"value\".",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "unexpected end of statement while looking for matching",
        "unterminated heredoc",
        "can't find = in",
        "must have two arguments",
        "arrays must be comprised of strings only",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "Dockerfile:2\n--------------------\n   2 | >>> ENV GREETING=hello world\n--------------------\nERROR: failed to solve: dockerfile parse error on line 2: Syntax error - can't find = in \"world\". Must be of the form: name=value",
            files: &[("Dockerfile", "FROM debian\nENV GREETING=hello world\nCMD [\"true\"]\n")],
            subject: "ENV",
            remedy: Some((
                "quote-value",
                &[("Dockerfile", "FROM debian\nENV GREETING=\"hello world\"\nCMD [\"true\"]\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Dockerfile:2\n--------------------\n   2 | >>> LABEL description=\"my service\n--------------------\nERROR: failed to solve: failed to process \"\\\"my service\": unexpected end of statement while looking for matching double-quote",
            files: &[("Dockerfile", "FROM debian\nLABEL description=\"my service\nCMD [\"true\"]\n")],
            subject: "LABEL",
            remedy: Some((
                "close-quote",
                &[("Dockerfile", "FROM debian\nLABEL description=\"my service\"\nCMD [\"true\"]\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: failed to solve: dockerfile parse error on line 2: unterminated heredoc",
            files: &[("Dockerfile", "FROM debian\nRUN <<EOF\n  echo one\n  EOF\nCMD [\"true\"]\n")],
            subject: "EOF",
            remedy: Some((
                "end-heredoc",
                &[("Dockerfile", "FROM debian\nRUN <<EOF\n  echo one\nEOF\nCMD [\"true\"]\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?P<heredoc>unterminated heredoc)",
    r"unexpected end of statement while looking for matching|can't find = in|must have two arguments|arrays must be comprised of strings only",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = parsing::last(case, lines, &SHAPES)?;
    let hit = parsing::hit(case, &seen, "", String::new(), |message| SHAPES.fits(message));
    let line = hit.place.as_ref().map(|place| place.line);
    let subject = line.map(|line| subject_at(case, line)).unwrap_or_default();
    let why = match line {
        Some(line) => format!("`{subject}` in line {line} of the Dockerfile is not complete"),
        None => "a quote, heredoc or name=value pair of the Dockerfile is not complete".to_owned(),
    };
    Some(Hit { subject, why, ..hit })
}

fn subject_at(case: &Case<'_>, line: usize) -> String {
    let Some((_, instruction)) = case.dockerfile.at_line(line) else { return String::new() };
    match open_heredoc(case, line) {
        Some((word, _)) => word,
        None => instruction.keyword.clone(),
    }
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let mut hits = parsing::problems(case, &SHAPES, |_| String::new());
    for hit in &mut hits {
        let line = hit.place.as_ref().map_or(0, |place| place.line);
        hit.subject = subject_at(case, line);
        hit.why = format!("`{}` in line {line} of the Dockerfile is not complete", hit.subject);
    }
    hits
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(place) = &hit.place else { return Prescription::none() };
    if let Some((word, end)) = open_heredoc(case, place.line) {
        let edit = end.and_then(|line| Edit::replace(case.workspace, case.dockerfile_path, line, line, &[&word]));
        return Prescription::none().with(
            "end-heredoc",
            format!("Put `{word}` alone on its line, without blanks"),
            "only a line that is exactly this word ends the heredoc",
            Applicability::Rehearse,
            edit,
        );
    }
    let Some((_, instruction)) = case.dockerfile.at_line(place.line) else { return Prescription::none() };
    let single = instruction.first_line == instruction.last_line;
    let text =
        case.workspace.lines(case.dockerfile_path).get(instruction.first_line - 1).map(|text| (*text).to_owned());
    let Some(text) = text.filter(|_| single) else { return Prescription::none() };
    let line = instruction.first_line;
    let replace = |new: String| Edit::replace(case.workspace, case.dockerfile_path, line, line, &[&new]);
    let mut out = Prescription::none();
    for quote in ['"', '\''] {
        let other = if quote == '"' { '\'' } else { '"' };
        if text.matches(quote).count() % 2 == 1 && !text.contains(other) && !text.contains('\\') {
            out = out.with(
                "close-quote",
                format!("Close the quote in line {line}"),
                "the value goes to the end of its line",
                Applicability::Rehearse,
                replace(closed(&text, quote)),
            );
        }
    }
    if matches!(instruction.keyword.as_str(), "ENV" | "LABEL")
        && instruction.args.matches('=').count() == 1
        && !text.contains(['"', '\'', '\\'])
        && let Some((name, value)) = instruction.args.split_once('=')
        && !name.contains(' ')
    {
        let keyword = &instruction.written;
        out = out.with(
            "quote-value",
            format!("Put the value of `{name}` into quotes"),
            "a value with blanks needs quotes; without them each word counts as a pair of its own",
            Applicability::Rehearse,
            replace(format!("{keyword} {name}=\"{}\"", value.trim())),
        );
    }
    out
}

/// `text` with the missing quote: at its end, or at its start when it only has the closing one.
fn closed(text: &str, quote: char) -> String {
    let trimmed = text.trim_end();
    if trimmed.ends_with(quote)
        && text.matches(quote).count() == 1
        && let Some(equals) = trimmed.find('=')
    {
        return format!("{}{quote}{}", &trimmed[..=equals], &trimmed[equals + 1..]);
    }
    format!("{trimmed}{quote}")
}

/// The word of a heredoc that starts at `line` and finds no end, with the indented line that was meant to be it.
fn open_heredoc(case: &Case<'_>, line: usize) -> Option<(String, Option<usize>)> {
    let open = case.dockerfile.problems().iter().any(|problem| problem.message == "unterminated heredoc");
    let (_, instruction) = case.dockerfile.at_line(line).filter(|_| open)?;
    let texts = case.workspace.lines(case.dockerfile_path);
    static START: Phrases = Phrases::new(&[r#"<<-?\s*["']?([A-Za-z_][A-Za-z0-9_]*)["']?"#]);
    let start = texts.get(instruction.first_line - 1)?;
    let word = START.read(start)?[1].to_owned();
    let mut ends = (instruction.first_line..texts.len()).filter(|at| texts[*at].trim() == word);
    let end = ends.next().filter(|_| ends.next().is_none()).map(|at| at + 1);
    Some((word, end))
}
