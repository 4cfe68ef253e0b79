//! `nat-mysqlclient`: mysqlclient does not find the headers of its library.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, compiler, for_package};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::outlook;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-mysqlclient",
    what: "mysqlclient cannot be built: MySQL's client library is missing",
    why: "The package `mysqlclient` has no ready wheels for Linux; it is compiled against MariaDB's or MySQL's client library.",
    advice: "Install default-libmysqlclient-dev, pkg-config and a compiler before pip runs (and libmariadb3 where the service runs).",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "mysql_config not found",
        "mysql_config: not found",
        "can not find valid pkg-config name",
        "specify mysqlclient_cflags",
        "mysql.h: no such file",
    ],
    detect,
    foresee,
    remedies,
    examples: &[Example {
        log: "Exception: Can not find valid pkg-config name.\nSpecify MYSQLCLIENT_CFLAGS and MYSQLCLIENT_LDFLAGS env vars manually",
        files: &[(
            "Dockerfile",
            "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
        )],
        subject: "mysqlclient",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends build-essential default-libmysqlclient-dev pkg-config \\\n && rm -rf /var/lib/apt/lists/*\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"mysql_config:? not found|[Cc]an not find valid pkg-config name|Specify MYSQLCLIENT_CFLAGS|mysql\.h: No such file",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let subject = "mysqlclient";
    let why = "mysqlclient is compiled here, and MySQL's client library is not installed";
    Some(Hit::at(found.line, subject, why).confidence(0.96))
}

fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let found = outlook::compiled(case).into_iter().find(|found| found.name == "mysqlclient");
    let why = "mysqlclient is compiled here, and MySQL's client library is not installed";
    found.map(|found| case.foreseen(found.index, "mysqlclient", why)).into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let needs: Vec<_> = [Some(compiler()), for_package("mysqlclient")].into_iter().flatten().collect();
    let why = "mysqlclient is compiled against this library";
    match case.step(hit) {
        Some(index) => Prescription::of(native::install_remedy(case, index, &needs, why)),
        None => native::prescribe(case, &needs, why),
    }
}
