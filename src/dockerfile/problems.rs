//! What BuildKit refuses, said in its own words. First what its line reader stops at, then what single instructions get
//! wrong, then what only the whole shows.

use super::instruction::{Json, written_words};
use super::parse::{BLANK, heredoc_of};
use super::shell::{Reading, quoted};
use super::{Dockerfile, Flag, Instruction, Problem, StageBase};

/// All problems of `dockerfile`, in the order BuildKit would come across them.
pub(super) fn of(dockerfile: &Dockerfile, mut reading: Vec<Problem>, lines: usize) -> Vec<Problem> {
    let instructions = dockerfile.instructions();
    let at = |instruction: &Instruction, message: String| Problem { line: instruction.first_line, message };
    reading.extend(instructions.iter().filter_map(|each| unreadable(each).map(|message| at(each, message))));
    reading.sort_by_key(|problem| problem.line);
    if instructions.is_empty() {
        reading.push(Problem { line: lines.max(1), message: "file with no instructions".to_owned() });
        return reading;
    }
    let mut has_stage = false;
    for each in instructions {
        if let Some(message) = refused(each) {
            // What the reader found wrong with an instruction is not said twice.
            if unreadable(each).is_none() {
                reading.push(at(each, message));
            }
        } else if !has_stage && !matches!(each.keyword.as_str(), "ARG" | "FROM") {
            reading.push(at(each, "no build stage in current context".to_owned()));
        }
        has_stage |= each.keyword == "FROM";
    }
    if !has_stage {
        reading.push(Problem { line: lines, message: "dockerfile contains no stages to build".to_owned() });
    }
    reading.extend(blank_bases(dockerfile));
    reading.extend(instructions.iter().filter_map(|each| unexpandable(each).map(|message| at(each, message))));
    reading
}

/// What stops BuildKit while it still reads lines.
fn unreadable(instruction: &Instruction) -> Option<String> {
    if let Some(inner) = instruction.onbuild() {
        return unreadable(&inner);
    }
    let keyword = instruction.keyword.as_str();
    match keyword {
        "ENV" | "LABEL" => {
            let words = written_words(&instruction.args, instruction.escape);
            let first = words.first()?;
            if !first.contains('=') {
                let lonely = instruction.args.find(BLANK).is_none();
                return lonely.then(|| format!("{keyword} must have two arguments"));
            }
            let word = words.iter().find(|word| !word.contains('='))?;
            let word = quoted(word);
            Some(format!("Syntax error - can't find = in {word}. Must be of the form: name=value"))
        }
        _ => matches!(instruction.json(), Json::Mixed)
            .then(|| "when using JSON array syntax, arrays must be comprised of strings only".to_owned()),
    }
}

/// What is wrong with one instruction by itself.
fn refused(instruction: &Instruction) -> Option<String> {
    if !instruction.is_known() {
        return Some(format!("unknown instruction: {}", instruction.written));
    }
    let keyword = instruction.keyword.as_str();
    let is_empty = instruction.args.is_empty();
    let at_least_one = || is_empty.then(|| format!("{keyword} requires at least one argument"));
    let shape = match keyword {
        "FROM" => stage_line(instruction),
        "ADD" | "COPY" => copy_line(instruction),
        "ENV" | "LABEL" | "ARG" => at_least_one().or_else(|| blank_name(instruction)),
        "ONBUILD" => at_least_one().or_else(|| trigger(instruction)),
        "HEALTHCHECK" => at_least_one().or_else(|| healthcheck(instruction)),
        "EXPOSE" => at_least_one(),
        "VOLUME" => at_least_one().or_else(|| {
            let blank = instruction.list().iter().any(|volume| volume.trim().is_empty());
            blank.then(|| "VOLUME specified can not be an empty string".to_owned())
        }),
        "SHELL" => match instruction.json() {
            Json::Strings(strings) if strings.is_empty() => Some("SHELL requires at least one argument".to_owned()),
            Json::Not => Some("SHELL requires the arguments to be in JSON form".to_owned()),
            Json::Strings(_) | Json::Mixed => None,
        },
        "MAINTAINER" | "STOPSIGNAL" | "USER" | "WORKDIR" => {
            is_empty.then(|| format!("{keyword} requires exactly one argument"))
        }
        _ => None,
    };
    shape.or_else(|| wrong_flag(instruction))
}

fn stage_line(instruction: &Instruction) -> Option<String> {
    match instruction.list().as_slice() {
        [_] => None,
        [_, keyword, name] if keyword.eq_ignore_ascii_case("as") => {
            let lower = name.to_lowercase();
            let fits = lower.starts_with(|first: char| first.is_ascii_lowercase())
                && lower.chars().all(|each| each.is_ascii_alphanumeric() || matches!(each, '-' | '_' | '.'));
            let name = quoted(name);
            (!fits).then(|| {
                format!("invalid name for build stage: {name}, name can't start with a number or contain symbols")
            })
        }
        _ => Some("FROM requires either one or three arguments".to_owned()),
    }
}

fn copy_line(instruction: &Instruction) -> Option<String> {
    let keyword = &instruction.keyword;
    match instruction.list().as_slice() {
        [] | [_] => Some(format!(
            "{keyword} requires at least two arguments, but only one was provided. Destination could not be determined"
        )),
        [.., destination] => {
            heredoc_of(destination).map(|_| format!("{keyword} cannot accept a heredoc as a destination"))
        }
    }
}

fn blank_name(instruction: &Instruction) -> Option<String> {
    let blank = instruction.written_pairs().iter().any(|pair| pair.name.is_empty());
    blank.then(|| format!("{} names can not be blank", instruction.keyword))
}

fn trigger(instruction: &Instruction) -> Option<String> {
    let inner = instruction.onbuild()?;
    match inner.keyword.as_str() {
        "ONBUILD" => Some("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".to_owned()),
        keyword @ ("MAINTAINER" | "FROM") => Some(format!("{keyword} isn't allowed as an ONBUILD trigger")),
        _ => refused(&inner),
    }
}

fn healthcheck(instruction: &Instruction) -> Option<String> {
    let (kind, rest) = instruction.args.split_once(char::is_whitespace).unwrap_or((&instruction.args, ""));
    match kind.to_uppercase().as_str() {
        "NONE" => (!rest.is_empty()).then(|| "HEALTHCHECK NONE takes no arguments".to_owned()),
        "CMD" => {
            let missing = rest.trim().is_empty() || instruction.exec().is_some_and(|command| command.is_empty());
            missing.then(|| "Missing command after HEALTHCHECK CMD".to_owned())
        }
        kind => Some(format!("Unknown type {} in HEALTHCHECK (try CMD)", quoted(kind))),
    }
}

enum Takes {
    Text,
    /// May be given more than once.
    Texts,
    Boolean,
}

fn flag_kind(keyword: &str, name: &str) -> Option<Takes> {
    match (keyword, name) {
        ("ADD", "checksum" | "chown" | "chmod")
        | ("COPY", "chown" | "chmod" | "from")
        | ("FROM", "platform")
        | ("HEALTHCHECK", "interval" | "retries" | "start-interval" | "start-period" | "timeout")
        | ("RUN", "network" | "security") => Some(Takes::Text),
        ("ADD", "keep-git-dir" | "link" | "unpack") | ("COPY", "link" | "parents") => Some(Takes::Boolean),
        ("ADD" | "COPY", "exclude") | ("RUN", "device" | "mount") => Some(Takes::Texts),
        _ => None,
    }
}

fn wrong_flag(instruction: &Instruction) -> Option<String> {
    let keyword = instruction.keyword.as_str();
    if keyword == "HEALTHCHECK" && instruction.args.eq_ignore_ascii_case("none") {
        return None;
    }
    let mut seen: Vec<&str> = Vec::new();
    for Flag { name, value } in &instruction.flags {
        let Some(kind) = flag_kind(keyword, name) else { return Some(format!("unknown flag: --{name}")) };
        if seen.contains(&name.as_str()) && !matches!(kind, Takes::Texts) {
            return Some(format!("duplicate flag specified: --{name}"));
        }
        seen.push(name);
        let is_boolean = |value: &str| value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false");
        match (kind, value.as_deref()) {
            (Takes::Boolean, None) | (Takes::Text | Takes::Texts, Some(_)) => {}
            (Takes::Boolean, Some("")) | (Takes::Text | Takes::Texts, None) => {
                return Some(format!("missing a value on flag: --{name}"));
            }
            (Takes::Boolean, Some(value)) if is_boolean(value) => {}
            (Takes::Boolean, Some(value)) => {
                return Some(format!("expecting boolean value for flag --{name}, not: {value}"));
            }
        }
    }
    None
}

/// `FROM $X` where no build argument could ever give `X` a value.
fn blank_bases(dockerfile: &Dockerfile) -> Vec<Problem> {
    let given = dockerfile.arg_names().into_iter().map(|name| (name, "x".to_owned())).collect();
    let globals = dockerfile.globals(&given);
    let is_blank = |image: &str| {
        Reading::expanding(dockerfile.escape, &globals).read(image).is_ok_and(|read| read.text.trim().is_empty())
    };
    let stages = dockerfile
        .stages()
        .into_iter()
        .filter(|stage| matches!(stage.base, StageBase::Image(_)) && !stage.image.is_empty() && is_blank(&stage.image));
    let at = |from: usize| dockerfile.instructions[from].first_line;
    stages
        .map(|stage| Problem {
            line: at(stage.from),
            message: format!("base name ({}) should not be blank", stage.image),
        })
        .collect()
}

/// Quotes and substitutions that do not close, in instructions whose words BuildKit expands.
fn unexpandable(instruction: &Instruction) -> Option<String> {
    let words = match instruction.keyword.as_str() {
        "ADD" | "COPY" => instruction.list().into_iter().filter(|word| heredoc_of(word).is_none()).collect(),
        "EXPOSE" | "VOLUME" => instruction.list(),
        "FROM" => instruction.list().into_iter().take(1).collect(),
        "STOPSIGNAL" | "USER" | "WORKDIR" => vec![instruction.args.clone()],
        "ARG" | "ENV" | "LABEL" => {
            instruction.written_pairs().into_iter().filter_map(|pair| pair.value).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    words.iter().find_map(|word| {
        let error = Reading::plain(instruction.escape).read(word).err()?;
        Some(format!("failed to process {}: {error}", quoted(word)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(usize, &str)]) {
        let dockerfile = Dockerfile::parse(text);
        let found: Vec<(usize, &str)> =
            dockerfile.problems().iter().map(|problem| (problem.line, problem.message.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_problem_is_worded_as_buildkit_words_it() {
        check("", &[(1, "file with no instructions")]);
        check("# only\n\n", &[(2, "file with no instructions")]);
        check("ARG A\n", &[(1, "dockerfile contains no stages to build")]);
        check("RUN x\nFROM a\n", &[(1, "no build stage in current context")]);
        check("FROM a\nBROKEN line\n", &[(2, "unknown instruction: BROKEN")]);
        check("FROM a\nfrm b\n", &[(2, "unknown instruction: frm")]);
        check("FROM a b\n", &[(1, "FROM requires either one or three arguments")]);
        check("FROM\n", &[(1, "FROM requires either one or three arguments")]);
        check(
            "FROM a AS 1x\n",
            &[(1, "invalid name for build stage: \"1x\", name can't start with a number or contain symbols")],
        );
        check("FROM a\nENV PATH\n", &[(2, "ENV must have two arguments")]);
        check("FROM a\nENV\n", &[(2, "ENV requires at least one argument")]);
        check("FROM a\nENV A=1 B\n", &[(2, "Syntax error - can't find = in \"B\". Must be of the form: name=value")]);
        check(
            "FROM a\n\nCOPY \\\n  x\n",
            &[(
                3,
                "COPY requires at least two arguments, but only one was provided. Destination could not be determined",
            )],
        );
        check("FROM a\nCOPY x <<E\nE\n", &[(2, "COPY cannot accept a heredoc as a destination")]);
        check("FROM a\nCOPY --frm=b x y\n", &[(2, "unknown flag: --frm")]);
        check("FROM a\nCOPY --from x y\n", &[(2, "missing a value on flag: --from")]);
        check("FROM a\nRUN --mount=type=cache,target=/x --mount=type=secret,id=y z\n", &[]);
        check("FROM a\nCOPY --link --link x y\n", &[(2, "duplicate flag specified: --link")]);
        check("FROM a\nRUN <<EOF\nx\n", &[(2, "unterminated heredoc")]);
        check("FROM a\nSHELL /bin/sh\n", &[(2, "SHELL requires the arguments to be in JSON form")]);
        check("FROM a\nONBUILD FROM b\n", &[(2, "FROM isn't allowed as an ONBUILD trigger")]);
        check("FROM a\nHEALTHCHECK CONNECT x\n", &[(2, "Unknown type \"CONNECT\" in HEALTHCHECK (try CMD)")]);
        check("FROM a\nHEALTHCHECK NONE\nHEALTHCHECK --retries=3 CMD x\n", &[]);
        check("FROM $NO\n", &[(1, "base name ($NO) should not be blank")]);
        check("ARG YES\nFROM $YES\n", &[]);
        check(
            "FROM a\nCOPY \"a b\" /\n",
            &[(2, "failed to process \"\\\"a\": unexpected end of statement while looking for matching double-quote")],
        );
        check("# escape=x\nFROM a\n", &[(1, "invalid escape token 'x' does not match ` or \\")]);
        check("# syntax=a\n# syntax=b\nFROM a\n", &[(2, "only one syntax parser directive can be used")]);
        check("FROM a\nWORKDIR\n", &[(2, "WORKDIR requires exactly one argument")]);
    }

    #[test]
    fn what_stops_the_reader_comes_first() {
        check("FROM a\nBROKEN\nENV X\n", &[(3, "ENV must have two arguments"), (2, "unknown instruction: BROKEN")]);
    }
}
