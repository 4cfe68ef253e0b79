import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const out = "public";
mkdirSync(`${out}/posts`, { recursive: true });
const posts = readdirSync("posts").map((file) => ({ name: file.replace(".txt", ""), text: readFileSync(`posts/${file}`, "utf8") }));
for (const { name, text } of posts) writeFileSync(`${out}/posts/${name}.html`, `<h1>${name}</h1><p>${text.trim()}</p>\n`);
writeFileSync(`${out}/index.html`, posts.map(({ name }) => `<a href="/posts/${name}">${name}</a>`).join("\n"));
