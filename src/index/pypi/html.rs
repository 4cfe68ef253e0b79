//! The HTML language of the Simple API (PEP 503): a list of anchors.

use std::sync::LazyLock;

use regex::Regex;

use super::{Link, PageError};

#[expect(clippy::unwrap_used, reason = "a literal pattern, exercised by every test of this room")]
static ANCHOR: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?is)<a\s([^>]*)>(.*?)</a>").unwrap());

#[expect(clippy::unwrap_used, reason = "a literal pattern, exercised by every test of this room")]
static ATTRIBUTE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?i)([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?"#).unwrap());

/// The links of a page.
///
/// A page that links to no file is refused: more often it is a sign-in form than a project without files, and "there
/// is no such package" must never be concluded from a form.
pub(super) fn links(body: &[u8]) -> Result<Vec<Link>, PageError> {
    let text = std::str::from_utf8(body).map_err(|_| PageError { source: None })?;
    let links: Vec<Link> = ANCHOR.captures_iter(text).filter_map(|anchor| link(&anchor[1], &anchor[2])).collect();
    let is_file =
        |link: &Link| [".whl", ".gz", ".zip", ".bz2", ".egg", ".exe"].iter().any(|end| link.filename.ends_with(end));
    if links.iter().any(is_file) { Ok(links) } else { Err(PageError { source: None }) }
}

fn link(attributes: &str, text: &str) -> Option<Link> {
    let attribute = |name: &str| {
        ATTRIBUTE.captures_iter(attributes).find(|found| found[1].eq_ignore_ascii_case(name)).map(|found| {
            let value = found.get(2).or(found.get(3)).map_or("", |value| value.as_str());
            unescape(value)
        })
    };
    Some(Link {
        filename: unescape(text.trim()),
        url: attribute("href")?,
        requires_python: attribute("data-requires-python").filter(|text| !text.trim().is_empty()),
        yanked: attribute("data-yanked").is_some(),
        metadata: ["data-core-metadata", "data-dist-info-metadata"]
            .into_iter()
            .filter_map(attribute)
            .any(|value| value != "false"),
    })
}

/// The entities that occur in these pages.
fn unescape(text: &str) -> String {
    text.replace("&gt;", ">")
        .replace("&lt;", "<")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&#61;", "=")
        .replace("&amp;", "&")
}
