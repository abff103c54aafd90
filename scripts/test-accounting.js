// npm run test:accounting: ten kinds of traffic against independent witnesses; see test/accounting.ts.
import { spawnSync } from 'node:child_process'
import { compileTests } from './compile-tests.js'

const folder = 'build/accounting'
await compileTests(folder)
const { status } = spawnSync(process.execPath, [`${folder}/test/accounting.js`], { stdio: 'inherit' })
process.exitCode = status ?? 1
