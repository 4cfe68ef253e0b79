//! `app-py-own-module-missing`: a module of the project itself cannot be imported.

use crate::diagnosis::Case;
use crate::diagnosis::python::source::imports;
use crate::diagnosis::python::{self, installs, modules, start};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "app-py-own-module-missing",
    what: "A module of the project itself cannot be imported",
    why: "The module is in the repository (or was), but Python does not find it in the image: a folder without `__init__.py` was not \
          packaged, the file was not copied or not committed, or the folder that holds it is not on Python's path.",
    advice: "Add the missing `__init__.py`, copy the file, or start from the folder that holds the package. Never install a stranger's \
             package of that name.",
    stage: Stage::AppBuild,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: modules::NEEDLES,
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "  File \"/usr/local/lib/python3.13/site-packages/scout/main.py\", line 5, in <module>\n    from scout.providers.registry import PROVIDERS\nModuleNotFoundError: No module named 'scout.providers'",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.13\nWORKDIR /app\nCOPY setup.py ./\nCOPY src ./src\nRUN pip install --no-deps .\nCMD [\"uvicorn\", \"scout.main:app\"]\n",
                ),
                (
                    "setup.py",
                    "from setuptools import find_packages, setup\nsetup(name='scout', package_dir={'': 'src'}, packages=find_packages('src'))\n",
                ),
                ("src/scout/__init__.py", ""),
                ("src/scout/main.py", "from scout.providers.registry import PROVIDERS\n"),
                ("src/scout/providers/registry.py", "PROVIDERS = {}\n"),
            ],
            subject: "scout.providers",
            remedy: Some(("add-init", &[("src/scout/providers/__init__.py", "")])),
            ..Example::BLANK
        },
        Example {
            log: "  File \"/app/src/web/main.py\", line 1, in <module>\n    from store import rows\nModuleNotFoundError: No module named 'store'",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"src/web/main.py\"]\n",
                ),
                ("src/store/__init__.py", "rows = []\n"),
                ("src/web/main.py", "from store import rows\n"),
            ],
            subject: "store",
            remedy: Some((
                "set-pythonpath",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nENV PYTHONPATH=/app/src\nCMD [\"python\", \"src/web/main.py\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.13\nWORKDIR /app\nCOPY . .\nRUN pip install .\nCMD [\"uvicorn\", \"scout.main:app\"]\n",
                ),
                (
                    "setup.py",
                    "from setuptools import find_packages, setup\nsetup(name='scout', package_dir={'': 'src'}, packages=find_packages('src'))\n",
                ),
                ("src/scout/__init__.py", ""),
                ("src/scout/main.py", "from scout.providers.registry import PROVIDERS\n"),
                ("src/scout/providers/registry.py", "PROVIDERS = {}\n"),
            ],
            subject: "scout.providers",
            remedy: Some(("add-init", &[("src/scout/providers/__init__.py", "")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let missing = modules::missing(case, lines)?;
    if !modules::is_own(case, &missing) {
        return None;
    }
    let named_by_start = start::app_path(case).is_some_and(|app| {
        app.module == missing.module || app.module.split('.').next() == Some(missing.module.as_str())
    });
    if named_by_start && missing.importer.as_deref().is_none_or(|path| !path.contains(&format!("/{}/", missing.top())))
    {
        return None;
    }
    let why = format!("`{}` belongs to the project, and Python does not find it in the image", missing.module);
    let mut hit = Hit::at(missing.line, missing.module, why).confidence(0.92);
    if init_of(case, &hit.subject).is_some() || path_of(case, &hit.subject).is_some() {
        hit = hit.policy(Policy::Fix);
    }
    Some(hit)
}

/// The `__init__.py` that would make `module` a package like its parent, when setuptools looks for packages.
fn init_of(case: &Case<'_>, module: &str) -> Option<String> {
    let (parent, _) = module.rsplit_once('.')?;
    let finds = |name: &str, marks: &[&str]| {
        case.workspace.text(&case.in_repository(name)).is_some_and(|text| marks.iter().any(|mark| text.contains(mark)))
    };
    if !finds("setup.py", &["find_packages("]) && !finds("setup.cfg", &["packages = find:", "packages=find:"]) {
        return None;
    }
    let (folder, above) = (module.replace('.', "/"), parent.replace('.', "/"));
    let parents = case.workspace.paths().filter_map(|path| path.strip_suffix("/__init__.py"));
    let root = parents
        .filter(|path| *path == above || path.ends_with(&format!("/{above}")))
        .map(|path| &path[..path.len() - above.len()])
        .next()?;
    let folder = format!("{root}{folder}");
    let init = format!("{folder}/__init__.py");
    let has_sources = case.workspace.under(&folder).any(|path| path.ends_with(".py"));
    (has_sources && !case.workspace.contains(&init)).then_some(init)
}

/// The folder in the image that must be on Python's path for top-level `module`, when there is just one.
fn path_of(case: &Case<'_>, module: &str) -> Option<(usize, String)> {
    let top = module.split('.').next()?;
    let index = start::commands(case).last().copied()?;
    if case.dockerfile.env_at(index).contains_key("PYTHONPATH") {
        return None;
    }
    let mut roots: Vec<String> = start::in_image(case, index)
        .into_iter()
        .filter_map(|(image, _)| {
            let at = image
                .find(&format!("/{top}/"))
                .or_else(|| image.ends_with(&format!("/{top}.py")).then(|| image.rfind('/')).flatten())?;
            image.ends_with(".py").then(|| if at == 0 { "/".to_owned() } else { image[..at].to_owned() })
        })
        .collect();
    roots.sort();
    roots.dedup();
    match roots.as_slice() {
        [root] => Some((index, root.clone())),
        _ => None,
    }
}

/// Sub-packages in a `src` folder that setuptools leaves out, and that the project imports.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let plain = |install: &python::Install| {
        let args = &case.dockerfile.instructions()[install.index].args;
        install.direct.iter().any(|path| path == "." || path == "./")
            && !args.contains(" -e")
            && !args.contains("--editable")
    };
    if !installs(case).iter().any(plain)
        || case.dockerfile.env_at(case.dockerfile.instructions().len()).contains_key("PYTHONPATH")
    {
        return vec![];
    }
    let mut out: Vec<Hit> = Vec::new();
    for path in python::sources(case).into_iter().filter(|path| path.starts_with("src/") || path.contains("/src/")) {
        let Some(source) = case.workspace.text(path) else { continue };
        for import in imports(source).into_iter().filter(|import| !import.nested) {
            let parts: Vec<&str> = import.module.split('.').collect();
            let known =
                (2..=parts.len()).map(|end| parts[..end].join(".")).find(|module| init_of(case, module).is_some());
            let Some(module) = known.filter(|module| !out.iter().any(|hit| hit.subject == *module)) else { continue };
            let why = format!("`{module}` has no `__init__.py`, so that it is not installed, and `{path}` imports it");
            out.push(Hit::in_file(path, import.line, module, why).confidence(0.9).policy(Policy::Fix));
        }
    }
    out
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if let Some(path) = init_of(case, &hit.subject) {
        return Prescription::of([Remedy {
            id: "add-init".into(),
            title: format!("Add `{path}`"),
            why: "setuptools packages only folders that have an `__init__.py`".into(),
            applicability: Applicability::Rehearse,
            edits: vec![Edit::Create { path, text: String::new() }],
        }]);
    }
    let Some((index, root)) = path_of(case, &hit.subject) else { return Prescription::none() };
    let line = format!("ENV PYTHONPATH={root}");
    let edit = edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &[&line]);
    Prescription::of(edit.map(|edit| Remedy {
        id: "set-pythonpath".into(),
        title: format!("Let Python look for modules in `{root}`"),
        why: format!("`{}` lies there, and Python only looks beside the script it is given", hit.subject),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
