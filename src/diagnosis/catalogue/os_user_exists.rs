//! `os-user-exists`: a user or group exists already.

use crate::diagnosis::base::Family;
use crate::diagnosis::chain::{Chain, Change, flat};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, accounts, base};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "os-user-exists",
    what: "A user or group exists already",
    why: "The base image has this user or id: node images use 1000, Ubuntu 24.04 has a user ubuntu with 1000.",
    advice: "Use the user that is there, or another id.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["already exists", "is not unique", "in use", "if you want to add this user to that group"],
    detect,
    remedies,
    examples: &[
        Example {
            log: "#6 [2/3] RUN useradd -u 1000 app\n#6 0.5 useradd: UID 1000 is not unique\n#6 ERROR: process \"/bin/sh -c useradd -u 1000 app\" did not complete successfully: exit code: 4",
            files: &[("Dockerfile", "FROM node:20\nRUN useradd -u 1000 app\nUSER app\nCMD [\"node\", \"a.js\"]\n")],
            subject: "1000",
            remedy: Some((
                "other-id",
                &[("Dockerfile", "FROM node:20\nRUN useradd -u 1001 app\nUSER app\nCMD [\"node\", \"a.js\"]\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/6] RUN addgroup -g 1000 -S app && adduser -u 1000 -S app -G app\n#6 0.3 addgroup: gid '1000' in use\n#6 ERROR: process \"/bin/sh -c addgroup -g 1000 -S app && adduser -u 1000 -S app -G app\" did not complete successfully: exit code: 1",
            files: &[(
                "Dockerfile",
                "FROM node:20-alpine\nRUN addgroup -g 1000 -S app && adduser -u 1000 -S app -G app\nCOPY --chown=app:app . /app\nUSER app\n",
            )],
            subject: "1000",
            remedy: Some((
                "other-id",
                &[(
                    "Dockerfile",
                    "FROM node:20-alpine\nRUN addgroup -g 1001 -S app && adduser -u 1001 -S app -G app\nCOPY --chown=app:app . /app\nUSER app\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#7 [2/5] RUN groupadd --gid $APP_GID app && useradd --uid $APP_UID --gid app --create-home app\n#7 0.4 groupadd: GID '1000' already exists\n#7 ERROR: process \"/bin/sh -c groupadd --gid $APP_GID app && useradd --uid $APP_UID --gid app --create-home app\" did not complete successfully: exit code: 4",
            files: &[(
                "Dockerfile",
                "FROM ubuntu:24.04\nARG APP_UID=1000\nARG APP_GID=1000\nRUN groupadd --gid $APP_GID app && useradd --uid $APP_UID --gid app --create-home app\nUSER $APP_UID\n",
            )],
            subject: "1000",
            remedy: Some((
                "other-id",
                &[(
                    "Dockerfile",
                    "FROM ubuntu:24.04\nARG APP_UID=1001\nARG APP_GID=1001\nRUN groupadd --gid $APP_GID app && useradd --uid $APP_UID --gid app --create-home app\nUSER $APP_UID\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/5] RUN mkdir -p /srv/site && groupadd -r www-data && useradd -r -g www-data www-data && chown www-data /srv/site\n#6 0.4 groupadd: group 'www-data' already exists\n#6 ERROR: process \"/bin/sh -c mkdir -p /srv/site && groupadd -r www-data && useradd -r -g www-data www-data && chown www-data /srv/site\" did not complete successfully: exit code: 9",
            files: &[(
                "Dockerfile",
                "FROM python:3.12-slim\nRUN mkdir -p /srv/site && groupadd -r www-data && useradd -r -g www-data www-data && chown www-data /srv/site\nUSER www-data\n",
            )],
            subject: "www-data",
            remedy: Some((
                "use-existing",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN mkdir -p /srv/site && chown www-data /srv/site\nUSER www-data\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/5] RUN useradd -m -u 1001 node\n#6 0.4 useradd: user 'node' already exists\n#6 ERROR: process \"/bin/sh -c useradd -m -u 1001 node\" did not complete successfully: exit code: 9",
            files: &[("Dockerfile", "FROM node:22\nRUN useradd -m -u 1001 node\nUSER node\n")],
            subject: "node",
            remedy: Some(("use-existing", &[("Dockerfile", "FROM node:22\nUSER node\n")])),
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/5] RUN useradd svc && groupadd svc && usermod -aG svc svc\n#6 0.4 groupadd: group 'svc' already exists\n#6 ERROR: process \"/bin/sh -c useradd svc && groupadd svc && usermod -aG svc svc\" did not complete successfully: exit code: 9",
            files: &[(
                "Dockerfile",
                "FROM debian:12\nRUN useradd svc && groupadd svc && usermod -aG svc svc\nUSER svc\n",
            )],
            subject: "svc",
            remedy: Some((
                "use-existing",
                &[("Dockerfile", "FROM debian:12\nRUN useradd svc && usermod -aG svc svc\nUSER svc\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/5] RUN groupadd -r kiosk && useradd -r -m kiosk\n#6 0.4 useradd: group kiosk exists - if you want to add this user to that group, use -g.\n#6 ERROR: process \"/bin/sh -c groupadd -r kiosk && useradd -r -m kiosk\" did not complete successfully: exit code: 9",
            files: &[("Dockerfile", "FROM debian:12\nRUN groupadd -r kiosk && useradd -r -m kiosk\nUSER kiosk\n")],
            subject: "kiosk",
            remedy: Some((
                "join-group",
                &[(
                    "Dockerfile",
                    "FROM debian:12\nRUN groupadd -r kiosk && useradd -g kiosk -r -m kiosk\nUSER kiosk\n",
                )],
            )),
            ..Example::BLANK
        },
        // The number stands elsewhere, too: which account is meant there, only its author knows.
        Example {
            log: "#6 [2/5] RUN useradd -u 1000 app\n#6 0.5 useradd: UID 1000 is not unique\n#6 ERROR: process \"/bin/sh -c useradd -u 1000 app\" did not complete successfully: exit code: 4",
            files: &[(
                "Dockerfile",
                "FROM node:20\nRUN useradd -u 1000 app\nCOPY --chown=1000:1000 . /app\nUSER app\nCMD [\"node\", \"/app/a.js\"]\n",
            )],
            subject: "1000",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?:useradd|adduser|groupadd|addgroup): .*?['‘`](?P<a>[\w.-]+)['’`] .*?(?:already exists|is not unique|in use)",
    r"(?:useradd|adduser|groupadd|addgroup): .*?(?P<b>[\w.-]+)['’`]? (?:already exists|is not unique|in use|is already in use)",
    r"useradd: group (?P<d>[\w.-]+) exists - if you want to add this user",
    r"The (?:user|group|UID|GID) [`'‘]?(?P<c>[\w.-]+)['’]? (?:already exists|is already in use)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["a", "b", "c", "d"]).to_owned();
    let why = format!("the base image has `{subject}` already");
    Some(Hit::at(seen.line, subject, why).confidence(0.93))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    match hit.subject.parse() {
        Ok(id) => Prescription::of(other_id(case, index, id).map(|edits| crate::remedy::Remedy {
            id: "other-id".into(),
            title: format!("Give the account the id {}", id + 1),
            why: format!("the base image has an account with the id {id}; the new one goes by its name everywhere"),
            applicability: Applicability::Rehearse,
            edits,
        })),
        Err(_) if case.text(hit.line.unwrap_or(usize::MAX)).contains("use -g") => Prescription::none().with(
            "join-group",
            format!("Make the user a member of the group `{}`", hit.subject),
            "the group of its name is there already, and useradd wants to be told that it is meant",
            Applicability::Rehearse,
            joined(case, index, &hit.subject),
        ),
        Err(_) => Prescription::none().with(
            "use-existing",
            format!("Use the `{}` that is there already", hit.subject),
            "an account of this name is there, and all that names it finds it",
            Applicability::Rehearse,
            without_account(case, index, hit),
        ),
    }
}

/// Whether `word` is the number `id`, or holds it between colons: `1000`, `1000:1000`.
fn names_id(word: &str, id: &str) -> bool {
    word.split([':', '=', '"', '\'']).any(|part| part == id)
}

/// Another id in every account command of the step, or in the arguments it comes from. `None` when the number stands elsewhere,
/// where it may mean either account.
fn other_id(case: &Case<'_>, index: usize, id: u32) -> Option<Vec<Edit>> {
    // Below it are the ids of the system, of which the next one may be another's.
    const OF_PEOPLE: u32 = 1000;
    if id < OF_PEOPLE {
        return None;
    }
    let (old, new) = (id.to_string(), (id + 1).to_string());
    let instructions = case.dockerfile.instructions();
    let stage = case.dockerfile.stages().into_iter().nth(case.dockerfile.stage_of(index)?)?;
    let is_default = |at: &usize| {
        matches!(instructions[*at].keyword.as_str(), "ARG" | "ENV")
            && instructions[*at].pairs().iter().any(|(_, value)| value.as_deref() == Some(&old))
    };
    let strange = stage.instructions.clone().filter(|at| *at != index && !is_default(at)).any(|at| {
        let each = &instructions[at];
        let flags = each.flags.iter().filter_map(|flag| flag.value.as_deref());
        each.args.split_whitespace().chain(flags).any(|word| names_id(word, &old))
    });
    let chain = Chain::of(case, index)?;
    let is_account = |command: &str| {
        let flat = flat(command);
        let verb = flat.split(' ').next().unwrap_or_default().to_owned();
        accounts::COMMANDS.contains(&verb.as_str())
    };
    let holds = |command: &str| flat(command).split(' ').any(|word| names_id(word, &old));
    if strange || chain.commands().any(|command| holds(command) && !is_account(command)) {
        return None;
    }
    let changes: Vec<Change> = chain
        .commands()
        .map(|command| match holds(command) {
            true => Change::Becomes(renumbered(command, &old, &new)),
            false => Change::Stays,
        })
        .collect();
    if let Some(edit) = chain.edit(case, &changes) {
        return Some(vec![edit]);
    }
    // The number comes from variables that the account commands name.
    let used = |name: &str| {
        chain.commands().any(|command| {
            let plain = command.contains(&format!("${name}")) || command.contains(&format!("${{{name}"));
            plain && is_account(command)
        })
    };
    let defaults = stage.instructions.filter(|at| *at < index && is_default(at));
    let edits = defaults
        .filter(|at| instructions[*at].pairs().iter().any(|(name, _)| used(name)))
        .map(|at| edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, at, &old, &new))
        .collect::<Option<Vec<Edit>>>()?;
    (!edits.is_empty()).then_some(edits)
}

/// `command` with `new` wherever `old` stands as a number of its own.
fn renumbered(command: &str, old: &str, new: &str) -> String {
    let mut out = String::new();
    let mut rest = command;
    while let Some(at) = rest.find(old) {
        let is_digit = |each: Option<char>| each.is_some_and(|each| each.is_alphanumeric());
        let inside = is_digit(rest[..at].chars().next_back()) || is_digit(rest[at + old.len()..].chars().next());
        out.push_str(&rest[..at]);
        out.push_str(if inside { old } else { new });
        rest = &rest[at + old.len()..];
    }
    out + rest
}

/// Accounts of which the images that have them have both the user and the group.
const IN_BASE_IMAGES: &[&str] = &[
    "root", "daemon", "bin", "sys", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data", "backup",
    "list", "irc", "nobody", "node", "ubuntu", "nginx", "postgres", "redis", "mysql",
];

/// What an account command makes: `adduser user group` adds one to the other and makes nothing.
fn made(command: &str) -> Option<(bool, String)> {
    let flat = flat(command);
    let mut words = flat.split(' ');
    let verb = words.next().filter(|verb| accounts::COMMANDS.contains(verb))?;
    let name = words.rfind(|word| !word.starts_with('-'))?;
    (!flat.contains(['|', '>'])).then(|| (verb.contains("group"), name.to_owned()))
}

/// The step without the commands that make the account that `hit` is about: the user or the group that is there, or both
/// where the base image is known to have both.
fn without_account(case: &Case<'_>, index: usize, hit: &Hit) -> Option<Edit> {
    let chain = Chain::of(case, index)?;
    let said = case.text(hit.line?);
    let is_group = said.contains("groupadd:") || said.contains("addgroup:") || said.contains("The group");
    let alpine_web = hit.subject == "www-data" && base::of(case, index)?.family() == Some(Family::Alpine);
    let both = IN_BASE_IMAGES.contains(&hit.subject.as_str()) && !alpine_web;
    let goes =
        |command: &str| made(command).is_some_and(|(group, name)| name == hit.subject && (both || group == is_group));
    let changes: Vec<Change> =
        chain.commands().map(|command| if goes(command) { Change::Goes } else { Change::Stays }).collect();
    chain.edit(case, &changes)
}

/// The step with `-g name` for the user of that name.
fn joined(case: &Case<'_>, index: usize, name: &str) -> Option<Edit> {
    let chain = Chain::of(case, index)?;
    let is_meant =
        |command: &str| command.starts_with("useradd ") && made(command).is_some_and(|(_, made)| made == name);
    let changes: Vec<Change> = chain
        .commands()
        .map(|command| match is_meant(command) {
            true => Change::Becomes(command.replacen("useradd ", &format!("useradd -g {name} "), 1)),
            false => Change::Stays,
        })
        .collect();
    chain.edit(case, &changes)
}
