//! `st-py-module-missing`: the code imports a package that is not installed.

use crate::diagnosis::Case;
use crate::diagnosis::python::{self, installs, modules, outlook, packages, pins, reached, start};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::knowledge::{Knowledge, Question, Registry, Release, Resolution};

pub const RULE: Rule = Rule {
    id: "st-py-module-missing",
    what: "A Python package that the code imports is not installed",
    why: "The requirements do not name the package, so that the image does not have it. On the machine where the code was written it \
          had been installed some other way.",
    advice: "Add the package that provides the module to the requirements. Its name is not always that of the module.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: modules::NEEDLES,
    detect,
    foresee,
    wonder,
    remedies,
    examples: &[
        Example {
            log: "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\n    import yaml\nModuleNotFoundError: No module named 'yaml'",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"python\", \"main.py\"]\n",
                ),
                ("requirements.txt", "flask==3.0.3\n"),
                ("main.py", "import flask\nimport yaml\n"),
            ],
            subject: "yaml",
            knowledge: pyyaml,
            remedy: Some(("add-requirement", &[("requirements.txt", "flask==3.0.3\nPyYAML==6.0.2\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/srv/bot.py\", line 1, in <module>\n    from bs4 import BeautifulSoup\nModuleNotFoundError: No module named 'bs4'",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /srv\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"bot.py\"]\n",
                ),
                ("requirements.txt", "requests\n"),
                ("bot.py", "from bs4 import BeautifulSoup\n"),
            ],
            subject: "bs4",
            remedy: Some(("add-requirement", &[("requirements.txt", "requests\nbeautifulsoup4\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/usr/local/lib/python3.11/site-packages/acme/client.py\", line 1, in <module>\n    import internal_sdk\nModuleNotFoundError: No module named 'internal_sdk'",
            files: &[("Dockerfile", "FROM python:3.11-slim\nRUN pip install acme\nCMD [\"acme\"]\n")],
            subject: "internal_sdk",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn pyyaml() -> Knowledge {
    let release = Release {
        version: "6.0.2".into(),
        requires: Some(">=3.8".into()),
        wheels: vec!["cp312-manylinux_2_17_x86_64".into()],
        has_source: true,
        ..Release::default()
    };
    Knowledge { packages: vec![((Registry::Pypi, "pyyaml".into()), vec![release])], ..Knowledge::default() }
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let missing = modules::missing(case, lines)?;
    let named_by_start = start::app_path(case).is_some_and(|app| app.module.split('.').next() == Some(missing.top()));
    let of_tools = modules::is_build_tool(&missing.module) && missing.by_package();
    if modules::is_own(case, &missing)
        || named_by_start && !missing.by_package()
        || of_tools
        || modules::while_packaging(case, &missing)
    {
        return None;
    }
    let subject = if packages::providing(&missing.module).is_some() && !missing.module.starts_with("google.") {
        missing.top().to_owned()
    } else {
        missing.module.clone()
    };
    let why = match packages::providing(&missing.module) {
        Some(package) => format!("`{subject}`, which the package {package} provides, is imported and not installed"),
        None => format!("`{subject}` is imported and not installed"),
    };
    Some(Hit::at(missing.line, subject, why).confidence(0.9))
}

/// Modules that several packages bring, so that one may be there under another's name.
const SEVERAL: &[&str] = &[
    "Crypto",
    "PIL",
    "attr",
    "bson",
    "cv2",
    "docx",
    "environ",
    "faiss",
    "git",
    "google",
    "jwt",
    "magic",
    "multipart",
    "mysql",
    "pkg_resources",
    "psycopg2",
    "serial",
    "setuptools",
    "slugify",
    "socketio",
    "telegram",
    "wx",
];

/// Imports of packages that no line names, with the question whether something that is named brings them.
fn unnamed(case: &Case<'_>) -> Vec<(String, usize, String, &'static str, Question)> {
    let Some((_, loaded)) = reached::reached(case).filter(|_| reached::is_all_pip(case)) else { return vec![] };
    let installs = outlook::plain(case);
    let (Some(first), lines) =
        (installs.first(), installs.iter().flat_map(|install| &install.lines).collect::<Vec<_>>())
    else {
        return vec![];
    };
    let names: Vec<String> = lines.iter().map(|line| line.requirement.normal_name()).collect();
    let mut out: Vec<(String, usize, String, &'static str, Question)> = Vec::new();
    for (source, import) in loaded.iter().flat_map(|source| source.imports.iter().map(move |import| (source, import))) {
        let top = import.module.split('.').next().unwrap_or_default();
        let Some(package) = packages::providing(&import.module) else { continue };
        let named = names.iter().any(|name| packages::modules_of(name).iter().any(|module| module == top));
        let known = SEVERAL.contains(&top) || packages::is_standard(top) || python::is_own(case, top);
        if named || known || out.iter().any(|(_, _, module, ..)| module == top) {
            continue;
        }
        let written = lines.iter().filter(|line| !line.is_constraint).map(|line| line.written());
        // A constraint that nothing meets: it counts only where something needs the package.
        let absent = format!("-c {package}==0");
        let question = Question::PythonResolution {
            python: first.minor.to_string(),
            requirements: written.chain([absent]).collect(),
            free: vec![],
        };
        out.push((source.path.clone(), import.line, top.to_owned(), package, question));
    }
    out
}

fn wonder(case: &Case<'_>) -> Vec<Question> {
    unnamed(case).into_iter().map(|(.., question)| question).collect()
}

/// A package that the start imports and that neither a line nor a named package brings, as the resolver has found.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let absent = |question: &Question| matches!(case.knowledge.resolution(question), Some(Resolution::Solved(_)));
    let found = unnamed(case).into_iter().filter(|(.., question)| absent(question));
    let hits = found.map(|(path, line, module, package, _)| {
        let why =
            format!("`{path}` imports `{module}`, which {package} provides, and nothing that is installed brings it");
        Hit::in_file(&path, line, module, why).confidence(0.93)
    });
    hits.collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(package) = packages::providing(&hit.subject) else { return Prescription::none() };
    if packages::is_standard(&hit.subject) || python::is_own(case, &hit.subject) || installs(case).is_empty() {
        return Prescription::none();
    }
    // psycopg2 may be there under its other name.
    if package == "psycopg2-binary" && !python::entries_for(case, "psycopg2").is_empty() {
        return Prescription::none();
    }
    pins::add_requirement(case, package, &format!("{package} provides `{}`, which the code imports", hit.subject))
}
