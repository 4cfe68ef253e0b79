//! Downloads in build steps: which address a step asked, and how a silent `curl` or `wget` ended.

use super::Case;
use super::phrase::Phrases;

static ADDRESS: Phrases = Phrases::new(&[r#"(?:https?|ftp)://[^\s'"`\\)<>|;&]+"#]);
static CLIENT: Phrases = Phrases::new(&[r"(?:^|[\s;&|(])(?:curl|wget)\s"]);

/// The address that line `at` is about: on it, on one of the lines of its step before it, else in the failing command.
pub fn address(case: &Case<'_>, at: usize) -> String {
    let step = case.log.lines.get(at).and_then(|line| line.step);
    let before = (at.saturating_sub(40)..=at).rev().filter(|each| case.log.lines[*each].step == step);
    let of = |text: &str| ADDRESS.read(text).map(|found| found[0].trim_end_matches(['.', ',', ':']).to_owned());
    let in_log = before.filter(|each| !super::phrase::is_echo(case, *each)).find_map(|each| of(case.text(each)));
    in_log.or_else(|| in_command(case)).unwrap_or_default()
}

/// The first address in the failing command, its variables expanded.
fn in_command(case: &Case<'_>) -> Option<String> {
    let written = case.failing_instruction().map(|index| {
        let instruction = &case.dockerfile.instructions()[index];
        case.dockerfile.expand(index, &instruction.args.replace(['"', '\''], " "), &Default::default())
    });
    let command = written.or_else(|| case.log.failing.as_ref().map(|step| step.command.clone()))?;
    let fetching = command.find("curl").or_else(|| command.find("wget")).unwrap_or(0);
    ADDRESS.read(&command[fetching..]).map(|found| found[0].to_owned())
}

/// The host of an address.
pub fn host(address: &str) -> String {
    let rest = address.split("://").nth(1).unwrap_or(address);
    rest.split(['/', ':', '?']).next().unwrap_or_default().rsplit('@').next().unwrap_or_default().to_owned()
}

/// The last line of a log whose step ended with one of `codes` after a `curl` or `wget` that said nothing.
pub fn silent_failure(case: &Case<'_>, codes: &[(&str, i64)]) -> Option<usize> {
    let step = case.log.failing.as_ref()?;
    let code = step.exit_code?;
    let fits = codes.iter().any(|(client, wanted)| *wanted == code && step.command.contains(client));
    (fits && CLIENT.fits(&step.command)).then(|| {
        (0..case.log.lines.len()).rev().find(|at| case.text(*at).contains(&code.to_string())).unwrap_or_default()
    })
}
