//! `st-django-config`: Django's settings do not fit the place where the service runs.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::start;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "st-django-config",
    what: "Django's settings do not fit",
    why: "Django answers only to the host names in ALLOWED_HOSTS, and needs to be told which settings module to use.",
    advice: "Add the service's host name to ALLOWED_HOSTS (Render: the variable RENDER_EXTERNAL_HOSTNAME); set DJANGO_SETTINGS_MODULE.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "improperlyconfigured",
        "you must set settings.allowed_hosts",
        "invalid http_host header",
        "disallowedhost",
    ],
    detect,
    foresee: |_| vec![],
    remedies,
    examples: &[
        Example {
            log: "django.core.exceptions.ImproperlyConfigured: Requested setting INSTALLED_APPS, but settings are not configured. You must either define the environment variable DJANGO_SETTINGS_MODULE or call settings.configure() before accessing settings.",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD [\"daphne\", \"shop.asgi:application\"]\n",
                ),
                ("manage.py", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"),
                ("shop/settings.py", ""),
            ],
            subject: "DJANGO_SETTINGS_MODULE",
            remedy: Some((
                "set-settings-module",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nENV DJANGO_SETTINGS_MODULE=shop.settings\nCMD [\"daphne\", \"shop.asgi:application\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Invalid HTTP_HOST header: 'shop.onrender.com'. You may need to add 'shop.onrender.com' to ALLOWED_HOSTS.\nBad Request: /",
            subject: "ALLOWED_HOSTS",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static MODULE: Phrases = Phrases::new(&[r"settings are not configured.*(DJANGO_SETTINGS_MODULE)"]);
static HOSTS: Phrases =
    Phrases::new(&[r"You must set settings\.ALLOWED_HOSTS|Invalid HTTP_HOST header|DisallowedHost"]);
static OTHER: Phrases = Phrases::new(&[r"ImproperlyConfigured: (.{1,120})"]);
static IN_MANAGE: Phrases = Phrases::new(&[r#"setdefault\(\s*["']DJANGO_SETTINGS_MODULE["'],\s*["']([\w.]+)["']"#]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if let Some(found) = MODULE.last(case, lines) {
        let why = "Django is not told which settings module to use";
        return Some(Hit::at(found.line, found.subject(), why).confidence(0.95));
    }
    if let Some(found) = HOSTS.last(case, lines) {
        let why = "Django does not answer to the host name that it is asked for";
        return Some(Hit::at(found.line, "ALLOWED_HOSTS", why).confidence(0.9).policy(Policy::Human));
    }
    let found = OTHER.last(case, lines)?;
    // Variables, static files and database drivers have classes of their own.
    let told = &found[1];
    if ["Set the ", "SECRET_KEY", "STATIC_ROOT", "Error loading", "environment variable"]
        .iter()
        .any(|mark| told.contains(mark))
    {
        return None;
    }
    Some(
        Hit::at(found.line, told.trim_end_matches('.').to_owned(), format!("Django's settings are wrong: {told}"))
            .confidence(0.75)
            .policy(Policy::Human),
    )
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if hit.subject != "DJANGO_SETTINGS_MODULE" {
        return Prescription::none();
    }
    let manage = case.workspace.paths().filter(|path| path.rsplit('/').next() == Some("manage.py"));
    let mut modules: Vec<String> =
        manage.filter_map(|path| Some(IN_MANAGE.read(case.workspace.text(path)?)?[1].to_owned())).collect();
    modules.dedup();
    let (Some(index), [module]) = (start::commands(case).first().copied(), modules.as_slice()) else {
        return Prescription::none();
    };
    let line = format!("ENV DJANGO_SETTINGS_MODULE={module}");
    let edit = edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &[&line]);
    Prescription::of(edit.map(|edit| Remedy {
        id: "set-settings-module".into(),
        title: format!("Set DJANGO_SETTINGS_MODULE to `{module}`"),
        why: "manage.py uses these settings".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
