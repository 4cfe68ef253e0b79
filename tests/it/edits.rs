//! Edits of random files: no line that an edit does not name is touched, and none is taken twice.
//!
//! What holds, and which edits there are, is shared with the fuzz targets.

use proptest::prelude::*;

#[path = "../../fuzz/src/lib.rs"]
mod held;

/// Line ends as they are met, a lone carriage return among them.
fn end() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just("\n"), 3 => Just("\r\n"), 1 => Just("\r"), 1 => Just("\n\n")]
}

/// `lines`, each with an end of its own; the last one may have none.
fn file(line: impl Strategy<Value = String> + Clone, lines: usize) -> impl Strategy<Value = String> {
    let ended = (line.clone(), end()).prop_map(|(line, end)| line + end);
    (proptest::collection::vec(ended, 0..lines), line, any::<bool>())
        .prop_map(|(lines, last, open)| lines.concat() + if open { &last } else { "" })
}

fn any_line() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        Just(String::new()),
        Just("same".to_owned()),
        Just("\ttab\t".to_owned()),
        Just("  two words \\".to_owned()),
        Just("ünï – 日本 🐳".to_owned()),
        "[ -~]{0,10}",
        "\\PC{0,5}",
    ]
    .boxed()
}

fn dockerfile_line() -> impl Strategy<Value = String> + Clone {
    let written = prop_oneof![
        Just("FROM debian:bookworm-slim AS a"),
        Just("from  --platform=linux/amd64 python:3.12\t"),
        Just("FROM a"),
        Just("RUN apt-get update && apt-get install -y curl \\"),
        Just("      git \\"),
        Just("  && rm -rf /var/lib/apt/lists/*"),
        Just("RUN <<EOF"),
        Just("RUN <<-'END' cat"),
        Just("EOF"),
        Just("\tEND"),
        Just("COPY --chown=a:b a b ./"),
        Just("COPY [\"a b\", \"c/\"]"),
        Just("COPY <<E /x"),
        Just("E"),
        Just("ENV A=b \\"),
        Just("# a comment"),
        Just("    # one inside"),
        Just("#escape=`"),
        Just("ARG A=${B:-$A}"),
        Just("WORKDIR /ünï"),
        Just("CMD [\"a\", \"b\"]"),
        Just("CMD a 'b c"),
        Just("USER $A"),
        Just("\u{feff}FROM b"),
    ];
    prop_oneof![6 => written.prop_map(str::to_owned), 1 => any_line()].boxed()
}

fn requirement_line() -> impl Strategy<Value = String> + Clone {
    let written = prop_oneof![
        Just("flask==3.0.3"),
        Just("Flask_Login  >= 0.6 # why"),
        Just("numpy==1.26.4 ; python_version < \"3.13\""),
        Just("uvicorn[standard]~=0.34 \\"),
        Just("    --hash=sha256:abc"),
        Just("-r other.txt"),
        Just("-c constraints.txt"),
        Just("--extra-index-url https://example.org/simple"),
        Just("-e ."),
        Just("git+https://example.org/a.git@main#egg=a"),
        Just("# nothing"),
        Just("\tpandas"),
        Just("other>=1"),
    ];
    prop_oneof![6 => written.prop_map(str::to_owned), 1 => any_line()].boxed()
}

/// A package.json, in one of the ways people and tools lay them out.
fn package_json() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("express"), Just("typescript"), Just("@a/b"), Just("ünï")];
    let section =
        proptest::collection::btree_map(name, prop_oneof![Just("^1.0.0"), Just("*"), Just("file:../x")], 0..3);
    let script = prop_oneof![Just("node ."), Just("tsc && node \\\"dist/a b.js\\\""), Just("")];
    let scripts =
        proptest::collection::btree_map(prop_oneof![Just("start"), Just("build"), Just("test")], script, 0..3);
    let layout = (
        prop_oneof![Just("\n"), Just("\r\n"), Just(" ")],
        prop_oneof![Just("  "), Just("\t"), Just("")],
        any::<bool>(),
    );
    (section.clone(), section, scripts, layout, any::<bool>()).prop_map(|(needs, tools, scripts, layout, module)| {
        let (end, indent, closes) = layout;
        let object = |pairs: Vec<String>| match pairs.is_empty() {
            true => "{}".to_owned(),
            false => format!("{{{end}{}{end}{indent}}}", pairs.join(&format!(",{end}"))),
        };
        let pairs = |map: std::collections::BTreeMap<&str, &str>| {
            object(map.iter().map(|(key, value)| format!("{indent}{indent}\"{key}\": \"{value}\"")).collect())
        };
        let mut all = vec![format!("{indent}\"name\": \"x\"")];
        all.extend(module.then(|| format!("{indent}\"type\": \"module\"")));
        all.push(format!("{indent}\"scripts\": {}", pairs(scripts)));
        all.push(format!("{indent}\"dependencies\": {}", pairs(needs)));
        all.push(format!("{indent}\"devDependencies\": {}", pairs(tools)));
        format!("{{{end}{}{end}}}{}", all.join(&format!(",{end}")), if closes { end } else { "" })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_of_a_dockerfile_touches_what_it_names_and_fits_once(text in file(dockerfile_line(), 14)) {
        held::dockerfile(&text);
    }

    #[test]
    fn an_edit_of_requirements_touches_what_it_names_and_fits_once(text in file(requirement_line(), 10)) {
        held::manifests(&text);
    }

    #[test]
    fn an_edit_of_package_json_touches_what_it_names_and_fits_once(text in package_json()) {
        held::manifests(&text);
    }

    #[test]
    fn an_edit_of_any_lines_touches_what_it_names_and_fits_once(
        text in file(any_line(), 10),
        new in file(any_line(), 4),
        place in (any::<u8>(), any::<u8>(), any::<u8>()),
    ) {
        held::lines(&text, place.0, place.1, place.2, &new);
    }
}
