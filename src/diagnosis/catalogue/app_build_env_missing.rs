//! `app-build-env-missing`: a build step needs a variable that it does not get.

use crate::diagnosis::Case;
use crate::diagnosis::environment;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::start;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "app-build-env-missing",
    what: "A build step needs an environment variable",
    why: "A step of the Dockerfile runs code of the service, which reads a variable. The variables of the service are not there during the \
          build unless the Dockerfile declares them with ARG.",
    advice: "Declare the variable as ARG where the value matters. Where it does not (collectstatic needs some SECRET_KEY, not the real one) \
             give that one step a placeholder.",
    stage: Stage::AppBuild,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: environment::NEEDLES,
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#10 [6/6] RUN python manage.py collectstatic --noinput\n#10 0.4   File \"/code/shop/settings.py\", line 7, in <module>\n#10 0.4     SECRET_KEY = os.environ[\"DJANGO_SECRET_KEY\"]\n#10 0.4 KeyError: 'DJANGO_SECRET_KEY'\n#10 ERROR: process \"/bin/sh -c python manage.py collectstatic --noinput\" did not complete successfully: exit code: 1",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim\nCOPY . .\nRUN python manage.py collectstatic --noinput\nCMD [\"gunicorn\", \"shop.wsgi\"]\n",
            )],
            subject: "DJANGO_SECRET_KEY",
            remedy: Some((
                "placeholder-for-step",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nCOPY . .\nRUN export DJANGO_SECRET_KEY=only-for-this-step && python manage.py collectstatic --noinput\nCMD [\"gunicorn\", \"shop.wsgi\"]\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Step 5/6 : RUN npm run build\n ---> Running in 1\nError: NEXT_PUBLIC_API_URL is not defined\nThe command '/bin/sh -c npm run build' returned a non-zero code: 1",
            files: &[(
                "Dockerfile",
                "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm run build\nCMD [\"npm\", \"start\"]\n",
            )],
            subject: "NEXT_PUBLIC_API_URL",
            remedy: Some((
                "declare-argument",
                &[(
                    "Dockerfile",
                    "FROM node:20\nWORKDIR /app\nCOPY . .\nARG NEXT_PUBLIC_API_URL\nRUN npm run build\nCMD [\"npm\", \"start\"]\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let step = case.log.failing.as_ref()?;
    let inside: Vec<usize> = lines.iter().copied().filter(|line| step.lines.contains(line)).collect();
    let missing = environment::missing(case, &inside)?;
    let why = format!(
        "the build step `{}` needs the variable `{}`, which is not set there",
        short(&step.command),
        missing.variable
    );
    let hit = Hit::at(missing.line, missing.variable, why).confidence(0.92);
    // A message without a name is a guess at best.
    let named = hit.subject.contains('_');
    let mendable = named && (is_placeholder_step(&step.command) || is_public(&hit.subject));
    let hit = if named { hit } else { hit.confidence(0.7) };
    Some(if mendable { hit.policy(Policy::Fix) } else { hit })
}

fn short(command: &str) -> String {
    command.trim_start_matches("RUN ").chars().take(60).collect()
}

/// Names that frameworks compile into what every browser gets: no secrets.
fn is_public(variable: &str) -> bool {
    ["NEXT_PUBLIC_", "VITE_", "REACT_APP_", "PUBLIC_", "NUXT_PUBLIC_", "GATSBY_", "VUE_APP_", "EXPO_PUBLIC_"]
        .iter()
        .any(|start| variable.starts_with(start))
}

/// Steps that only need some value: nothing of it ends up in what they make.
fn is_placeholder_step(command: &str) -> bool {
    [
        "collectstatic",
        "manage.py check",
        "compilemessages",
        "assets:precompile",
        "prisma generate",
        "manage.py compress",
    ]
    .iter()
    .any(|verb| command.contains(verb))
}

/// What a placeholder may stand for: keys that sign, never addresses of services that the step might call.
fn may_be_anything(variable: &str) -> bool {
    let name = variable.to_ascii_uppercase();
    ["SECRET", "KEY", "TOKEN", "PASSWORD", "SALT"].iter().any(|part| name.contains(part))
}

/// How a settings module reads a variable that it cannot do without. Only at the left margin it is read for certain.
static DEMANDED: Phrases = Phrases::new(&[r#"^[A-Z]\w*\s*=\s*os\.environ\[["']([A-Z][A-Z0-9_]+)["']\]"#]);
static SETTINGS: Phrases = Phrases::new(&[r#"DJANGO_SETTINGS_MODULE["'],\s*["']([\w.]+)["']"#]);

/// Steps that load Django's settings, which demand a variable that no step has.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let hit = |index: usize| {
        let script = node::script_of(case, index);
        if !node::commands(&script).iter().any(|command| command.contains("manage.py ") && is_placeholder_step(command))
        {
            return None;
        }
        let in_image = start::in_image(case, index);
        let manage = in_image.iter().find(|(there, _)| there.ends_with("/manage.py"))?;
        let env = case.dockerfile.env_at(index);
        let module = env.get("DJANGO_SETTINGS_MODULE").cloned().or_else(|| {
            let lines = case.workspace.lines(&manage.1);
            lines.iter().find_map(|line| SETTINGS.read(line)?.names().next().map(str::to_owned))
        })?;
        let folder = manage.0.rsplit_once('/').map_or("/", |(folder, _)| folder);
        let path = start::source_of(case, index, folder, &module)?;
        let text = case.workspace.text(&path)?;
        let from_file = ["dotenv", "read_env", "environ.setdefault", "environ.update", "decouple"];
        if from_file.iter().any(|word| text.contains(word)) {
            return None;
        }
        let known = |name: &str| {
            let declared = case.dockerfile.arg_names().iter().any(|each| each == name) || env.contains_key(name);
            let secret =
                case.dockerfile.instructions()[index].flag("mount").is_some_and(|value| !value.contains("type=cache"));
            declared || secret || script.contains(name) || matches!(name, "PATH" | "HOME" | "HOSTNAME")
        };
        let (number, name) = text.lines().enumerate().find_map(|(number, line)| {
            let name = DEMANDED.read(line)?.names().next()?.to_owned();
            (!known(&name)).then_some((number + 1, name))
        })?;
        let mendable = may_be_anything(&name);
        let why =
            format!("line {number} of `{path}` needs the variable `{name}`, which is not set when this step loads it");
        Some(case.foreseen(index, name, why).policy(if mendable { Policy::Fix } else { Policy::Human }))
    };
    case.runs().find_map(hit).into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = case.step(hit) else { return Prescription::none() };
    let variable = &hit.subject;
    let fits =
        !variable.is_empty() && variable.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let (path, dockerfile, workspace) = (case.dockerfile_path, case.dockerfile, case.workspace);
    let instruction = &dockerfile.instructions()[index];
    if !fits || instruction.keyword != "RUN" || instruction.exec().is_some() || !instruction.heredocs.is_empty() {
        return Prescription::none();
    }
    if is_placeholder_step(&instruction.args) && may_be_anything(variable) {
        let first =
            workspace.lines(path).get(instruction.first_line - 1).map(|line| (*line).to_owned()).unwrap_or_default();
        let word = &instruction.written;
        let Some(rest) = first.trim_start().strip_prefix(word.as_str()).filter(|_| instruction.flags.is_empty()) else {
            return Prescription::none();
        };
        let indent = &first[..first.len() - first.trim_start().len()];
        let new = format!("{indent}{word} export {variable}=only-for-this-step && {}", rest.trim_start());
        let edit =
            crate::remedy::Edit::replace(workspace, path, instruction.first_line, instruction.first_line, &[&new]);
        return Prescription::of(edit.map(|edit| Remedy {
            id: "placeholder-for-step".into(),
            title: format!("Give that one step a placeholder for `{variable}`"),
            why: "the step only needs some value; nothing of it stays in the image, and the service reads the real one when it starts".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        }));
    }
    if !is_public(variable) {
        return Prescription::none();
    }
    let edit = edit::insert_before_instruction(workspace, path, dockerfile, index, &[&format!("ARG {variable}")]);
    Prescription::of(
        edit.map(|edit| Remedy {
            id: "declare-argument".into(),
            title: format!("Declare `{variable}` as a build argument"),
            why: "the service's variables are passed as build arguments, and a step sees only those that are declared"
                .into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        }),
    )
}
