/**
 * Runs store code in a child process, so that it can be killed, or be another user. Holds no test. The child cannot
 * read TypeScript, so the few files it needs are transpiled into a folder of their own, beside a link to node_modules.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The transpiled project's root: `src/store` and what it needs, and the test's own rows. The caller removes it. */
export function transpileStore(): string {
  const output = mkdtempSync(path.join(tmpdir(), 'faultline-child-'));
  // What each imports comes along, so that nobody has to list it.
  const files = ['tests/integration/store/store-run.ts'];
  for (const file of files) {
    const target = path.join(output, file.replace(/\.ts$/, '.js'));
    mkdirSync(path.dirname(target), { recursive: true });
    const { outputText } = ts.transpileModule(readFileSync(path.join(ROOT, file), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022, verbatimModuleSyntax: true },
    });
    writeFileSync(target, outputText);
    for (const [, imported] of outputText.matchAll(/from '(\.[^']*)\.js'/g)) {
      const needed = path.join(path.dirname(file), `${imported!}.ts`);
      if (!files.includes(needed)) files.push(needed);
    }
  }
  cpSync(path.join(ROOT, 'src/store/migrations'), path.join(output, 'src/store/migrations'), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(output, 'node_modules'));
  writeFileSync(path.join(output, 'package.json'), '{ "type": "module" }\n');
  return output;
}
