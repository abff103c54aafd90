// npm run dashboards: writes the dashboards that dashboards/src/ describes.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './root.js'

const outfile = join(root, 'build/dashboards.mjs')
await build({
  entryPoints: ['dashboards/src/generate.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
})
const { dashboards } = await import(outfile)
for (const [file, json] of Object.entries(dashboards())) writeFileSync(join('dashboards', file), json)
