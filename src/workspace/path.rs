//! Paths as text: what `.`, `..` and doubled slashes come to. No file is looked at.

/// `path` without `.`, `..`, doubled slashes and slashes at the ends; empty for the top, above which nothing leads.
pub fn plain(path: &str) -> String {
    parts(path, |_| {})
}

/// The same; `None` where `path` leads above the top.
pub fn inside(path: &str) -> Option<String> {
    let mut is_inside = true;
    let plain = parts(path, |above| is_inside &= !above);
    is_inside.then_some(plain)
}

/// `path` as seen from `folder`, as [`plain`] has it.
pub fn seen_from(folder: &str, path: &str) -> String {
    if path.starts_with('/') { plain(path) } else { plain(&format!("{folder}/{path}")) }
}

/// The same from the root: `/a/b`.
pub fn rooted(folder: &str, path: &str) -> String {
    format!("/{}", seen_from(folder, path))
}

/// Hears of each `..` whether it leads above the top.
fn parts(path: &str, mut up: impl FnMut(bool)) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => up(parts.pop().is_none()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_slashes_go() {
        for (path, expected) in
            [("/a/./b/../c/", "a/c"), ("a//b", "a/b"), ("../a", "a"), ("/", ""), ("..a/.b", "..a/.b")]
        {
            assert_eq!(plain(path), expected, "{path}");
        }
        assert_eq!((inside("a/../b").as_deref(), inside("a/../../b")), (Some("b"), None));
        assert_eq!(rooted("/app/", "./x"), "/app/x");
        assert_eq!((seen_from("/app", "../x").as_str(), seen_from("/app", "/y/").as_str()), ("x", "y"));
    }
}
