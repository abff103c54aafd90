import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './root.js'

/** @returns what a TypeScript file exports, bundled under a name in build/ */
export async function importTypeScript(file, name) {
  const outfile = join(root, `build/${name}.mjs`)
  const options = { bundle: true, packages: 'external', platform: 'node', format: 'esm' }
  await build({ entryPoints: [file], outfile, ...options })
  return import(outfile)
}
