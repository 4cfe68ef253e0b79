//! Which environment variable a Python settings class reads for a field.

use crate::diagnosis::Case;

/// The variable behind `field` of the settings class `class`: its alias, or the class's prefix and the field in capitals.
pub fn variable_of(case: &Case<'_>, class: &str, field: &str) -> String {
    let field = field.split('.').next().unwrap_or(field);
    let source = super::sources(case)
        .into_iter()
        .filter_map(|path| case.workspace.text(path))
        .find(|text| text.contains(&format!("class {class}(")));
    let Some(source) = source else { return field.to_ascii_uppercase() };
    let start = source.find(&format!("class {class}(")).unwrap_or(0);
    let body = &source[start..];
    let declared = body.lines().find(|line| line.trim_start().starts_with(&format!("{field}:")));
    let alias =
        declared.and_then(|line| ["validation_alias", "alias", "env"].iter().find_map(|key| value_of(line, key)));
    alias.unwrap_or_else(|| {
        format!("{}{}", value_of(body, "env_prefix").unwrap_or_default(), field).to_ascii_uppercase()
    })
}

/// The string that is given to `key` in `text`.
fn value_of(text: &str, key: &str) -> Option<String> {
    let rest = &text[text
        .find(&format!("{key}="))
        .map(|at| at + key.len() + 1)
        .or_else(|| text.find(&format!("{key} =")).map(|at| at + key.len() + 2))?..];
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    rest[1..].split(quote).next().map(str::to_owned)
}
