import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './root.js'

/** @returns what a TypeScript file exports, bundled under a name in build/ */
export async function importTypeScript(file, name) {
  const outfile = join(root, `build/${name}.mjs`)
  await build({ entryPoints: [file], outfile, bundle: true, platform: 'node', format: 'esm' })
  return import(outfile)
}
