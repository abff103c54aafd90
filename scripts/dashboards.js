// npm run dashboards: writes the dashboards that dashboards/src/ describes.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importTypeScript } from './import-typescript.js'

const { dashboards } = await importTypeScript('dashboards/src/generate.ts', 'dashboards')
for (const [file, json] of Object.entries(dashboards())) writeFileSync(join('dashboards', file), json)
