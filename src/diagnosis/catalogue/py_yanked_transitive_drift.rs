//! `py-yanked-transitive-drift`: a dependency of a dependency moved on.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::drift;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::knowledge::{Knowledge, Registry, Release};

pub const RULE: Rule = Rule {
    id: "py-yanked-transitive-drift",
    what: "A transitive dependency has moved to an incompatible release",
    why: "A package is pinned, but what it depends on is not, and has moved to a release that dropped what the pinned package uses.",
    advice: "Add the last fitting pin of the transitive package, or raise the pinned package to a release for the new one.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "cannot import name 'url_quote' from",
        "cannot import name 'url_decode' from",
        "cannot import name 'url_encode' from",
        "cannot import name 'escape' from 'jinja2'",
        "cannot import name 'soft_unicode' from",
        "cannot import name 'json' from 'itsdangerous'",
        "cannot import name 'markup' from 'jinja2'",
        "unexpected keyword argument 'proxies'",
        "module 'collections' has no attribute",
        "cannot import name 'mapping' from 'collections'",
        "unexpected keyword argument 'converter'",
        "no module named vine",
        "no module named 'vine",
        "cannot import name 'safe_str_cmp' from",
        "cannot import name 'contextfunction' from",
        "cannot import name 'contextfilter' from",
        "cannot import name '_app_ctx_stack' from",
        "cannot import name '_request_ctx_stack' from",
        "has no attribute '_got_registered_once'",
        "cannot import name 'runtime_version' from",
        "cannot import name 'appengine' from 'urllib3",
        "cannot import name 'default_ciphers' from",
        "descriptors cannot be created directly",
        "module 'bcrypt' has no attribute '__about__'",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "  File \"/usr/local/lib/python3.11/site-packages/flask/app.py\", line 28, in <module>\n    from werkzeug.urls import url_quote\nImportError: cannot import name 'url_quote' from 'werkzeug.urls' (/usr/local/lib/python3.11/site-packages/werkzeug/urls.py)",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCMD [\"flask\", \"run\"]\n",
                ),
                ("requirements.txt", "flask==2.2.2\n"),
            ],
            subject: "url_quote",
            remedy: Some(("bound-transitive", &[("requirements.txt", "flask==2.2.2\nWerkzeug<3\n")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/usr/local/lib/python3.11/site-packages/flask_login/utils.py\", line 14, in <module>\n    from werkzeug.urls import url_decode\nImportError: cannot import name 'url_decode' from 'werkzeug.urls' (/usr/local/lib/python3.11/site-packages/werkzeug/urls.py)",
            files: &[
                ("Dockerfile", "FROM python:3.11-slim\nCOPY r.txt .\nRUN pip install -r r.txt\nCMD [\"gunicorn\"]\n"),
                ("r.txt", "flask==3.0.3\nflask-login==0.6.2\nwerkzeug==3.0.6\n"),
            ],
            subject: "url_decode",
            knowledge: login,
            remedy: Some(("raise-user", &[("r.txt", "flask==3.0.3\nflask-login==0.6.3\nwerkzeug==3.0.6\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"cannot import name '(\w+)' from '(?:werkzeug|jinja2|markupsafe|itsdangerous|flask|collections|urllib3|google\.protobuf)[\w.]*'|unexpected keyword argument '(proxies|converter)'|module 'collections' has no attribute '(\w+)'|[Nn]o module named '?(vine[\w.]*)'?|(Descriptors cannot be created directly)",
]);
static FRAME: Phrases = Phrases::new(&[r#"File "([^"]+)", line \d+"#]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    // Only an installed package can have drifted; the project's own imports are its own matter.
    let importer = FRAME.above(case, found.line, 12).map_or("", |frame| frame.subject());
    let own = !importer.contains("site-packages") && !importer.contains("dist-packages") && !importer.is_empty();
    if own && !case.text(found.line).contains("proxies") && !case.text(found.line).contains("vine") {
        return None;
    }
    let subject = found.subject();
    let why =
        format!("an installed package uses `{subject}`, which a newer release of what it depends on no longer has");
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(line) = hit.line else { return Prescription::none() };
    let importer = FRAME.above(case, line, 12).map_or("", |frame| frame.subject());
    drift::remedies(case, &hit.subject, case.text(line), importer)
}

fn login() -> Knowledge {
    let release = |version: &str| Release {
        version: version.into(),
        requires: Some(">=3.7".into()),
        wheels: vec!["py3-none-any".into()],
        has_source: true,
        ..Release::default()
    };
    let releases = vec![release("0.6.2"), release("0.6.3")];
    Knowledge { packages: vec![((Registry::Pypi, "flask-login".into()), releases)], ..Knowledge::default() }
}
