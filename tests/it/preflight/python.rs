//! Faults of Python services that the files show without an index.

use super::Broken;

#[tokio::test]
async fn a_module_that_this_python_dropped_moves_the_image() {
    let broken = "FROM python:3.13-slim\nWORKDIR /app\nCOPY upload.py forms.py ./\nCMD [\"python\", \"upload.py\"]\n";
    Broken {
        class: "py-stdlib-removed",
        files: &[("Dockerfile", broken), ("upload.py", "import forms\n"), ("forms.py", "import cgi\n")],
        mended: &[("Dockerfile", "FROM python:3.12-slim")],
        working: &[
            &[("Dockerfile", &broken.replace("3.13", "3.12"))],
            &[("forms.py", "try:\n    import cgi\nexcept ImportError:\n    cgi = None\n")],
            &[("upload.py", "import os\n")],
            &[("Dockerfile", &broken.replace("CMD", "RUN pip install legacy-cgi\nCMD"))],
            &[("cgi.py", "own = True\n"), ("Dockerfile", &broken.replace("forms.py ./", "forms.py cgi.py ./"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn the_newest_poetry_is_spoken_to_in_its_own_words() {
    let broken = "FROM python:3.12-slim AS pins\nWORKDIR /tmp\nRUN pip install --no-cache-dir poetry\nCOPY pyproject.toml poetry.lock ./\nRUN poetry export --no-dev -f requirements.txt --output requirements.txt\n\nFROM python:3.12-slim\nCOPY --from=pins /tmp/requirements.txt .\nRUN pip install -r requirements.txt\nCOPY a.py .\nCMD [\"python\", \"a.py\"]\n";
    Broken {
        class: "py-poetry-cli-drift",
        files: &[
            ("Dockerfile", broken),
            ("pyproject.toml", "[tool.poetry]\nname = \"a\"\n"),
            ("poetry.lock", "[metadata]\n"),
            ("a.py", "x = 1\n"),
        ],
        mended: &[("Dockerfile", "poetry poetry-plugin-export"), ("Dockerfile", "poetry export --only main")],
        working: &[
            &[("Dockerfile", &broken.replace("dir poetry\n", "dir poetry==1.8.5\n"))],
            &[(
                "Dockerfile",
                &broken.replace("dir poetry\n", "dir poetry poetry-plugin-export\n").replace("--no-dev", "--only main"),
            )],
            &[("Dockerfile", &broken.replace("dir poetry\n", "dir 'poetry<2'\n"))],
            &[("Dockerfile", &broken.replace("3.12-slim AS pins", "3.8-slim AS pins"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_step_that_loads_the_settings_has_what_they_demand() {
    let broken = "FROM python:3.12-slim\nWORKDIR /code\nCOPY . .\nRUN python manage.py collectstatic --noinput\nCMD [\"python\", \"-m\", \"shop\"]\n";
    let settings = "import os\n\nSECRET_KEY = os.environ[\"DJANGO_SECRET_KEY\"]\n";
    Broken {
        class: "app-build-env-missing",
        files: &[
            ("Dockerfile", broken),
            ("manage.py", "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings\")\n"),
            ("shop/__init__.py", ""),
            ("shop/__main__.py", ""),
            ("shop/settings.py", settings),
        ],
        mended: &[("Dockerfile", "RUN export DJANGO_SECRET_KEY=only-for-this-step && python manage.py collectstatic")],
        working: &[
            &[("Dockerfile", &broken.replace("RUN python", "ARG DJANGO_SECRET_KEY\nRUN python"))],
            &[("Dockerfile", &broken.replace("RUN python", "RUN DJANGO_SECRET_KEY=x python"))],
            &[("shop/settings.py", "import os\n\nSECRET_KEY = os.environ.get(\"DJANGO_SECRET_KEY\", \"\")\n")],
            &[("shop/settings.py", "import os\n\nif os.environ.get(\"RENDER\"):\n    SECRET_KEY = os.environ[\"DJANGO_SECRET_KEY\"]\n")],
            &[("shop/settings.py", "from dotenv import load_dotenv\nimport os\n\nload_dotenv()\nSECRET_KEY = os.environ[\"DJANGO_SECRET_KEY\"]\n")],
            &[("Dockerfile", &broken.replace("RUN python manage.py collectstatic --noinput\n", ""))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_module_that_the_start_imports_gets_through_the_ignore_file() {
    let broken = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"main.py\"]\n";
    Broken {
        class: "ctx-dockerignored",
        files: &[
            ("Dockerfile", broken),
            ("main.py", "import data.rates\nimport json\n"),
            ("data/__init__.py", ""),
            ("data/rates.py", ""),
            (".dockerignore", "data\n"),
        ],
        mended: &[(".dockerignore", "")],
        working: &[
            &[(".dockerignore", ".git\n")],
            &[("main.py", "import json\n")],
            &[("main.py", "def rates():\n    import data.rates\n")],
            &[("tools.py", "import data.rates\n"), ("main.py", "import json\n")],
        ],
    }
    .prove(None)
    .await;
    Broken {
        class: "ctx-dockerignored",
        files: &[("Dockerfile", broken), ("main.py", "import json\n"), (".dockerignore", "*\n!requirements.txt\n")],
        mended: &[(".dockerignore", "!main.py")],
        working: &[&[(".dockerignore", "*\n!main.py\n")]],
    }
    .prove(None)
    .await;
}
