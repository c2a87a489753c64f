// The page's modules as `ponderling site` puts them together, for tests with Node.js.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { pathToFileURL } from "node:url";

const folder = mkdtempSync(join(tmpdir(), "ponderling-page-"));
for (const part of ["page", "in_browser"]) {
  cpSync(new URL(`../../src/ponderling/web/${part}/`, import.meta.url), folder, { recursive: true });
}
writeFileSync(join(folder, "package.json"), '{"type": "module"}');
after(() => rmSync(folder, { recursive: true }));

/** What a module of the page exports. */
export const load = (name) => import(pathToFileURL(join(folder, name)));
