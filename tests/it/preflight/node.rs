//! Faults of Node services: what is installed, by whom, where the build writes, what the start imports.

use super::Broken;

const SERVER: (&str, &str) = (
    "server.js",
    "const http = require('http');\nconst express = require('express');\nhttp.createServer(express()).listen(process.env.PORT || 3000);\n",
);
const PACKAGE: (&str, &str) = ("package.json", "{\"name\": \"x\", \"dependencies\": {\"express\": \"4.21.2\"}}\n");
const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {
  "": {"name": "x", "dependencies": {"express": "4.21.2"}},
  "node_modules/express": {"version": "4.21.2"}
}}
"#;
const DOCKERFILE: &str = "FROM node:20-slim\nENV NODE_ENV=production\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci --no-audit\nCOPY . .\nCMD [\"node\", \"server.js\"]\n";

#[tokio::test]
async fn who_installs_owns_the_folder() {
    let broken = DOCKERFILE.replace("COPY package.json", "USER node\nCOPY package.json");
    Broken {
        class: "node-eacces",
        files: &[("Dockerfile", &broken), PACKAGE, ("package-lock.json", LOCK), SERVER],
        mended: &[("Dockerfile", "RUN chown -R node /app\nUSER node\nCOPY --chown=node package.json")],
        working: &[
            &[("Dockerfile", DOCKERFILE)],
            &[("Dockerfile", &broken.replace("USER node", "RUN chown node:node .\nUSER node"))],
            &[("Dockerfile", &broken.replace("WORKDIR /app", "RUN mkdir /app && chown node /app\nWORKDIR /app"))],
            &[("Dockerfile", &broken.replace("WORKDIR /app", "WORKDIR /home/node"))],
            &[("Dockerfile", &broken.replace("WORKDIR /app\nUSER node", "USER node\nWORKDIR /home/node/app"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn an_addon_is_compiled_where_there_are_tools() {
    let lock = LOCK.replace(
        "\n}}",
        ",\n  \"node_modules/node-expat\": {\"version\": \"2.4.1\", \"hasInstallScript\": true, \"dependencies\": {\"bindings\": \"^1.5.0\", \"nan\": \"^2.19.0\"}}\n}}",
    );
    Broken {
        class: "nat-node-gyp",
        files: &[("Dockerfile", DOCKERFILE), PACKAGE, ("package-lock.json", &lock), SERVER],
        mended: &[("Dockerfile", "build-essential")],
        working: &[
            &[("package-lock.json", LOCK)],
            &[("Dockerfile", &DOCKERFILE.replace("node:20-slim", "node:20"))],
            &[("Dockerfile", &DOCKERFILE.replace("npm ci", "npm ci --ignore-scripts"))],
            &[(
                "Dockerfile",
                &DOCKERFILE.replace("WORKDIR", "RUN apt-get update && apt-get install -y python3 make g++\nWORKDIR"),
            )],
            &[("package-lock.json", &lock.replace("\"bindings\"", "\"prebuild-install\""))],
            &[(
                "package-lock.json",
                &lock.replace("\"version\": \"2.4.1\"", "\"version\": \"2.4.1\", \"optional\": true"),
            )],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_development_package_is_not_there_when_the_service_starts() {
    let package = "{\n  \"name\": \"x\",\n  \"dependencies\": {\n    \"express\": \"4.21.2\"\n  },\n  \"devDependencies\": {\n    \"dotenv\": \"16.4.5\"\n  }\n}\n";
    let lock = LOCK
        .replace("\"4.21.2\"}},", "\"4.21.2\"}, \"devDependencies\": {\"dotenv\": \"16.4.5\"}},")
        .replace("\n}}", ",\n  \"node_modules/dotenv\": {\"version\": \"16.4.5\", \"dev\": true}\n}}");
    let server = format!("require('dotenv').config();\n{}", SERVER.1);
    Broken {
        class: "st-node-module-missing",
        files: &[
            ("Dockerfile", DOCKERFILE),
            ("package.json", package),
            ("package-lock.json", &lock),
            ("server.js", &server),
        ],
        mended: &[("package.json", "\"dependencies\": {\n    \"dotenv\": \"16.4.5\",\n")],
        working: &[
            &[("Dockerfile", &DOCKERFILE.replace("npm ci", "npm ci --include=dev"))],
            &[("Dockerfile", &DOCKERFILE.replace("ENV NODE_ENV=production\n", ""))],
            &[("server.js", &format!("if (process.env.DEV) {{\n  require('dotenv').config();\n}}\n{}", SERVER.1))],
            &[("server.js", SERVER.1), ("tools.js", "require('dotenv').config();\n")],
            &[("package-lock.json", &lock.replace(", \"dev\": true", ""))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_package_that_nobody_names_is_told_of() {
    let server = format!(
        "import helmet from 'helmet';\nimport path from 'node:path';\nimport {{ own }} from './own.js';\n{}",
        SERVER.1
    );
    Broken {
        class: "st-node-module-missing",
        files: &[
            ("Dockerfile", DOCKERFILE),
            PACKAGE,
            ("package-lock.json", LOCK),
            ("server.js", &server),
            ("own.js", "export const own = 1;\n"),
        ],
        mended: &[],
        working: &[
            &[("server.js", SERVER.1)],
            &[(
                "package-lock.json",
                &LOCK.replace("\n}}", ",\n  \"node_modules/helmet\": {\"version\": \"8.0.0\"}\n}}"),
            )],
            &[("Dockerfile", &DOCKERFILE.replace("npm ci --no-audit", "npm ci --no-audit && npm install helmet"))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn every_workspace_is_seen_when_packages_are_installed() {
    let broken =
        DOCKERFILE.replace("COPY . .", "COPY packages packages").replace("server.js", "packages/api/server.js");
    let package = "{\"name\": \"x\", \"private\": true, \"workspaces\": [\"packages/*\"]}\n";
    let lock = r#"{"lockfileVersion": 3, "packages": {"": {"name": "x", "workspaces": ["packages/*"]}, "node_modules/express": {"version": "4.21.2"}}}"#;
    Broken {
        class: "st-node-module-missing",
        files: &[
            ("Dockerfile", &broken),
            ("package.json", package),
            ("package-lock.json", lock),
            ("packages/api/package.json", "{\"name\": \"api\", \"dependencies\": {\"express\": \"4.21.2\"}}\n"),
            ("packages/api/server.js", SERVER.1),
        ],
        mended: &[("Dockerfile", "COPY packages/api/package.json packages/api/\nRUN npm ci")],
        working: &[
            &[("Dockerfile", &broken.replace("RUN npm", "COPY packages/api/package.json packages/api/\nRUN npm"))],
            &[("package.json", "{\"name\": \"x\", \"workspaces\": [\"packages/*\"], \"dependencies\": {\"express\": \"4.21.2\"}}\n"),
              ("package-lock.json", r#"{"lockfileVersion": 3, "packages": {"": {"name": "x", "dependencies": {"express": "4.21.2"}}, "node_modules/express": {"version": "4.21.2"}}}"#)],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn a_file_is_imported_as_it_is_called() {
    let server =
        format!("{}const table = require('./lib/timetable');\n// const old = require('./lib/OLD');\n", SERVER.1);
    Broken {
        class: "app-case-mismatch",
        files: &[
            ("Dockerfile", DOCKERFILE),
            PACKAGE,
            ("package-lock.json", LOCK),
            ("server.js", &server),
            ("lib/Timetable.js", "module.exports = 1;\n"),
            ("lib/old.js", ""),
        ],
        mended: &[("server.js", "require('./lib/Timetable')")],
        working: &[
            &[("server.js", &server.replace("timetable'", "Timetable'"))],
            &[("lib/timetable.js", "module.exports = 2;\n")],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn what_the_start_imports_gets_through_the_ignore_file() {
    let server = format!("const rates = require('./data/rates');\n{}", SERVER.1);
    Broken {
        class: "ctx-dockerignored",
        files: &[
            ("Dockerfile", DOCKERFILE),
            PACKAGE,
            ("package-lock.json", LOCK),
            ("server.js", &server),
            ("data/rates.json", "{}"),
            ("data/dump.json", "{}"),
            (".dockerignore", "node_modules\ndata\n"),
        ],
        mended: &[(".dockerignore", "!data/rates.json")],
        working: &[
            &[("server.js", SERVER.1)],
            &[(".dockerignore", "node_modules\ndata/dump.json\n")],
            &[("server.js", &format!("function rates() {{\n  return require('./data/rates');\n}}\n{}", SERVER.1))],
        ],
    }
    .prove(None)
    .await;
}

#[tokio::test]
async fn the_folder_is_copied_that_the_build_writes() {
    let broken = "FROM node:20-slim AS build\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n\nFROM node:20-slim\nWORKDIR /app\nCOPY --from=build /app/node_modules ./node_modules\nCOPY --from=build /app/build ./public\nCOPY server.js ./\nCMD [\"node\", \"server.js\"]\n";
    let package = |build: &str, more: &str| {
        format!(
            "{{\"name\": \"x\", \"scripts\": {{\"build\": \"{build}\"}}, \"dependencies\": {{\"express\": \"4.21.2\"{more}}}}}\n"
        )
    };
    let (vite, kit) = (package("vite build", ""), package("vite build", ", \"@sveltejs/kit\": \"2.0.0\""));
    let lock = LOCK.replace("\"express\": \"4.21.2\"}},", "\"express\": \"4.21.2\", \"@sveltejs/kit\": \"2.0.0\"}},");
    let lock = lock.replace("\n}}", ",\n  \"node_modules/@sveltejs/kit\": {\"version\": \"2.0.0\"}\n}}");
    Broken {
        class: "ctx-stage-artifact-missing",
        files: &[("Dockerfile", broken), ("package.json", &vite), ("package-lock.json", LOCK), SERVER],
        mended: &[("Dockerfile", "COPY --from=build /app/dist ./public")],
        working: &[
            &[("Dockerfile", &broken.replace("/app/build", "/app/dist"))],
            &[("package.json", &kit), ("package-lock.json", &lock)],
            &[("package.json", &package("vite build --outDir build", ""))],
            &[("package.json", &package("react-scripts build", ""))],
            &[("vite.config.js", "export default { build: { outDir: 'build' } };\n")],
            &[("Dockerfile", &broken.replace("npm run build", "npm run build && mv dist build"))],
            &[("build/index.html", "made before")],
        ],
    }
    .prove(None)
    .await;
}
