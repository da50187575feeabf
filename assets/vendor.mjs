// Copies the third-party browser files and their licences out of node_modules, unchanged.
// A source map comment would name a file that is not shipped, so such a copy is refused.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";

const packages = "node_modules";
const vendor = "static/vendor";

const files = [
  ["lightweight-charts/dist/lightweight-charts.standalone.production.js", "lightweight-charts.js"],
  ["lightweight-charts/LICENSE", "licenses/lightweight-charts.txt"],
  ["basecoat-css/LICENSE.md", "licenses/basecoat-css.txt"],
  ["tailwindcss/LICENSE", "licenses/tailwindcss.txt"],
];

mkdirSync(`${vendor}/licenses`, { recursive: true });
for (const [from, to] of files) {
  const source = `${packages}/${from}`;
  if (!existsSync(source)) throw new Error(`${source} is missing: run "npm ci" first`);
  if (readFileSync(source, "utf8").includes("sourceMappingURL")) throw new Error(`${source} names a source map`);
  copyFileSync(source, `${vendor}/${to}`);
}
