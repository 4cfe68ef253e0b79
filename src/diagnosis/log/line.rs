//! One line of a log, made clean: no colours, no overwritten progress, no time stamp, no step prefix.

use crate::observation::redaction::strip_controls;

/// A line longer than this is cut: one uncapped progress bar cost seconds of matching.
pub const LINE_BYTES_MAX: usize = 2_000;

/// One line, cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From 1, in the text that was given; ends are `\n` only.
    pub number: usize,
    /// Without colours, control characters, time stamp and BuildKit's step prefix.
    pub text: String,
    /// BuildKit's step number, or the classic builder's.
    pub step: Option<u32>,
}

impl Line {
    pub fn read(number: usize, raw: &str) -> Self {
        // A carriage return overwrites the line on a terminal: what stands last is what was meant to be seen.
        let raw = raw.trim_end_matches('\r');
        let shown = raw.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or(raw);
        let mut end = shown.len().min(LINE_BYTES_MAX);
        while !shown.is_char_boundary(end) {
            end -= 1;
        }
        let clean = strip_controls(&shown[..end]);
        let mut stamped = clean.as_str();
        while let Some(rest) = after_time_stamp(stamped) {
            stamped = rest;
        }
        let (step, text) = match step_prefix(stamped) {
            Some((step, rest)) => (Some(step), rest),
            None => (None, stamped),
        };
        // Most lines have neither: those keep their allocation.
        let text = if text.len() == clean.len() { clean } else { text.to_owned() };
        Self { number, text, step }
    }
}

/// What follows `2026-01-01T10:00:00.123Z `, which log collectors and `docker logs --timestamps` put before each line.
fn after_time_stamp(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:dd";
    let fits = |(byte, want): (&u8, &u8)| if *want == b'd' { byte.is_ascii_digit() } else { byte == want };
    if bytes.len() <= shape.len() || !bytes.iter().zip(shape).all(fits) {
        return None;
    }
    let rest =
        text[shape.len()..].trim_start_matches(['.', ',']).trim_start_matches(|each: char| each.is_ascii_digit());
    let rest = match rest.as_bytes() {
        [b'Z', ..] => &rest[1..],
        [b'+' | b'-', a, b, b':', c, d, ..] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()) => &rest[6..],
        _ => return None,
    };
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

/// BuildKit's `#5 1.234 text` or `#5 text`: the step and the text.
fn step_prefix(text: &str) -> Option<(u32, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let text = text.strip_prefix('#')?;
    let end = digits(text);
    let (step, rest) = (text[..end].parse().ok()?, text[end..].strip_prefix(' ')?);
    let whole = digits(rest);
    let seconds = rest[whole..].strip_prefix('.').map(|part| (part, digits(part)));
    match seconds {
        Some((part, fraction)) if whole > 0 && fraction > 0 => {
            let rest = &part[fraction..];
            Some((step, rest.strip_prefix(' ').unwrap_or(rest)))
        }
        _ => Some((step, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_go_and_the_text_stays() {
        for (given, step, text) in [
            ("#12 3.4 text", Some(12), "text"),
            ("#12 3.4   indented", Some(12), "  indented"),
            ("#5 ERROR: x", Some(5), "ERROR: x"),
            ("#5 1 file", Some(5), "1 file"),
            ("# comment", None, "# comment"),
            ("#99999999999 x", None, "#99999999999 x"),
            ("2026-01-01T10:00:00.123456789Z #7 0.5  a", Some(7), " a"),
            ("2026-01-01T10:00:00+02:00 a", None, "a"),
            ("2026-01-01T10:00:00 a", None, "2026-01-01T10:00:00 a"),
            ("10%\r100% done\r", None, "100% done"),
            ("a\u{1b}[91mb\u{1b}[0m", None, "ab"),
        ] {
            let line = Line::read(1, given);
            assert_eq!((line.step, line.text.as_str()), (step, text), "{given:?}");
        }
        assert_eq!(Line::read(1, &"é".repeat(3_000)).text.len(), LINE_BYTES_MAX);
    }
}
