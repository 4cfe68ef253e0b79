//! Faults that the package index tells of before an install is tried.

use super::Broken;
use crate::index::fake::{Fake, Rel};

const DOCKERFILE: &str = "FROM python:3.13-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . .\nCMD [\"python\", \"main.py\"]\n";
const MAIN: (&str, &str) = ("main.py", "import json\n");

/// What there is: libraries with and without wheels for this Python, and who needs whom.
async fn shop() -> (Fake, String) {
    let fake = Fake::start().await;
    let linux = |minor: &str| format!("cp{minor}-cp{minor}-manylinux_2_17_x86_64");
    fake.package(
        "numpy",
        &[
            Rel::new("1.24.4").python(">=3.8").wheel(&linux("311")).source(),
            Rel::new("1.26.4").python(">=3.9").wheel(&linux("312")).source(),
            Rel::new("2.1.0").python(">=3.10").wheel(&linux("313")).source(),
        ],
    );
    fake.package(
        "flask",
        &[
            Rel::new("2.3.3").needs(&["werkzeug>=2.3"]),
            Rel::new("3.0.3").needs(&["werkzeug>=3.0.0", "asgiref>=3.2; extra == \"async\""]),
        ],
    );
    fake.package("werkzeug", &[Rel::new("2.2.3"), Rel::new("2.3.8"), Rel::new("3.0.6")]);
    fake.package("flask-simpleldap", &[Rel::new("2.0.0").needs(&["flask", "python-ldap"])]);
    fake.package("python-ldap", &[Rel::new("3.4.4").source()]);
    fake.package("psycopg2", &[Rel::new("2.9.10").source()]);
    fake.package("markupsafe", &[Rel::new("2.0.1").wheel(&linux("39")).source()]);
    fake.package("pyyaml", &[Rel::new("6.0.2")]);
    fake.package("requests", &[Rel::new("2.32.3")]);
    let url = fake.sources().pypi[0].to_string();
    (fake, url)
}

#[tokio::test]
async fn a_pin_that_only_an_older_python_has_ready_moves_the_image() {
    let (_shop, url) = shop().await;
    Broken {
        class: "py-requires-python",
        files: &[("Dockerfile", DOCKERFILE), ("requirements.txt", "numpy==1.24.4\n"), MAIN],
        mended: &[("Dockerfile", "FROM python:3.11-slim")],
        working: &[
            &[("requirements.txt", "numpy==2.1.0\n")],
            &[("Dockerfile", &DOCKERFILE.replace("3.13-slim", "3.11-slim"))],
            // Where there is a compiler nothing is certain.
            &[("Dockerfile", &DOCKERFILE.replace("3.13-slim", "3.13"))],
            &[(
                "Dockerfile",
                &DOCKERFILE.replace("WORKDIR", "RUN apt-get update && apt-get install -y build-essential\nWORKDIR"),
            )],
            // It falls back to plain Python.
            &[("requirements.txt", "markupsafe==2.0.1\n")],
            &[("requirements.txt", "numpy==1.24.4; python_version < \"3.12\"\n")],
            &[("requirements.txt", "--find-links https://wheels.example\nnumpy==1.24.4\n")],
        ],
    }
    .prove(Some(&url))
    .await;
}

#[tokio::test]
async fn pins_that_exclude_each_other_are_pinned_anew() {
    let (_shop, url) = shop().await;
    let constrained = DOCKERFILE
        .replace("COPY requirements.txt .", "COPY requirements.txt constraints.txt ./")
        .replace("-r requirements.txt", "-r requirements.txt -c constraints.txt");
    Broken {
        class: "py-conflict",
        files: &[
            ("Dockerfile", &constrained),
            ("requirements.txt", "flask>=3\n"),
            ("constraints.txt", "flask==3.0.3\nwerkzeug==2.2.3\nrequests==2.32.3\n"),
            MAIN,
        ],
        mended: &[("constraints.txt", "flask==3.0.3\nwerkzeug==3.0.6\n")],
        working: &[
            &[("constraints.txt", "flask==3.0.3\nwerkzeug==3.0.6\n")],
            // Nothing that is installed needs it.
            &[("requirements.txt", "requests\n")],
            &[("Dockerfile", &constrained.replace("--no-cache-dir", "--no-cache-dir --no-deps"))],
            &[("constraints.txt", "flask==3.0.3\nwerkzeug==2.2.3; sys_platform == \"win32\"\n")],
        ],
    }
    .prove(Some(&url))
    .await;
}

#[tokio::test]
async fn what_is_always_compiled_gets_a_compiler_and_its_library() {
    let (_shop, url) = shop().await;
    Broken {
        class: "nat-compiler-missing",
        files: &[("Dockerfile", DOCKERFILE), ("requirements.txt", "flask-simpleldap==2.0.0\n"), MAIN],
        mended: &[("Dockerfile", "build-essential libldap2-dev libsasl2-dev")],
        working: &[
            &[("requirements.txt", "flask==3.0.3\n")],
            &[(
                "Dockerfile",
                &DOCKERFILE.replace(
                    "WORKDIR",
                    "RUN apt-get update && apt-get install -y gcc libldap2-dev libsasl2-dev\nWORKDIR",
                ),
            )],
            &[
                ("Dockerfile", &DOCKERFILE.replace("WORKDIR", "COPY tools.sh .\nRUN sh tools.sh\nWORKDIR")),
                ("tools.sh", "apt-get update\n"),
            ],
        ],
    }
    .prove(Some(&url))
    .await;
    let with_gcc = DOCKERFILE.replace("WORKDIR", "RUN apt-get update && apt-get install -y gcc\nWORKDIR");
    Broken {
        class: "nat-psycopg2",
        files: &[("Dockerfile", &with_gcc), ("requirements.txt", "psycopg2==2.9.10\n"), MAIN],
        mended: &[("Dockerfile", "libpq-dev")],
        working: &[
            &[("Dockerfile", &with_gcc.replace("gcc", "gcc libpq-dev"))],
            &[("Dockerfile", &DOCKERFILE.replace("3.13-slim", "3.13"))],
        ],
    }
    .prove(Some(&url))
    .await;
}

#[tokio::test]
async fn names_and_versions_that_never_were_are_corrected() {
    let (_shop, url) = shop().await;
    Broken {
        class: "py-version-not-found",
        files: &[("Dockerfile", DOCKERFILE), ("requirements.txt", "flask==3.1.9\n"), MAIN],
        mended: &[("requirements.txt", "flask==3.0.3\n")],
        working: &[
            &[("requirements.txt", "flask==3.0.3\n")],
            &[("requirements.txt", "--extra-index-url https://own.example/simple\nflask==3.1.9\n")],
            &[("Dockerfile", &DOCKERFILE.replace("WORKDIR", "ENV PIP_INDEX_URL=https://own.example/simple\nWORKDIR"))],
        ],
    }
    .prove(Some(&url))
    .await;
    Broken {
        class: "py-package-not-on-index",
        files: &[("Dockerfile", DOCKERFILE), ("requirements.txt", "yaml\nrequests==2.32.3\n"), MAIN],
        mended: &[("requirements.txt", "PyYAML\n")],
        working: &[&[("requirements.txt", "our-own-package\nrequests==2.32.3\n")]],
    }
    .prove(Some(&url))
    .await;
}

#[tokio::test]
async fn a_package_that_is_imported_is_asked_for() {
    let (_shop, url) = shop().await;
    let main = ("main.py", "import json\nimport yaml\nimport flask\n");
    Broken {
        class: "st-py-module-missing",
        files: &[("Dockerfile", DOCKERFILE), ("requirements.txt", "flask==3.0.3\n"), main],
        mended: &[("requirements.txt", "flask==3.0.3\nPyYAML==6.0.2\n")],
        working: &[
            &[("requirements.txt", "flask==3.0.3\npyyaml==6.0.2\n")],
            // A named package brings it along.
            &[("main.py", "import flask\nimport werkzeug\n")],
            &[("main.py", "import flask\n\ntry:\n    import yaml\nexcept ImportError:\n    yaml = None\n")],
            &[("yaml.py", "own = True\n")],
            &[(
                "Dockerfile",
                &DOCKERFILE.replace("WORKDIR", "RUN apt-get update && apt-get install -y python3-yaml\nWORKDIR"),
            )],
            &[(
                "Dockerfile",
                &DOCKERFILE.replace("-r requirements.txt", "-r requirements.txt git+https://example.org/a.git"),
            )],
        ],
    }
    .prove(Some(&url))
    .await;
}
