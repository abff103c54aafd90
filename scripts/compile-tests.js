// Compiles the tests, and the sources that they import, to plain JavaScript: all at once, and without
// checking types, which npm run lint does.
import { copyFileSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** @param folder is replaced; relative to the root, two levels below it */
export async function compileTests(folder) {
  rmSync(folder, { recursive: true, force: true })
  const files = ['test', 'src', 'dashboards/src'].flatMap(filesIn)
  const isSource = (file) => file.endsWith('.ts')
  await build({
    entryPoints: files.filter(isSource),
    outbase: '.',
    outdir: folder,
    format: 'esm',
    target: 'node24',
    sourcemap: 'inline',
    logLevel: 'warning',
  })
  for (const file of files.filter((file) => !isSource(file))) {
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    copyFileSync(file, join(folder, file))
  }
  // What sources and tests find by their own place.
  for (const name of ['build', 'dist', 'docs', 'package.json', 'README.md']) {
    symlinkSync(join('../..', name), join(folder, name))
  }
}
