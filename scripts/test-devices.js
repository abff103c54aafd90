// npm run test:devices: each kind of device, our counts and a witness's; see test/devices/run.ts. Here;
// or, with the name of a kernel (6.12, 7.x, 7.x-rt), inside that; after "--", kinds by parts of their names.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileTests } from './compile-tests.js'
import { boot } from './kernels/boot.js'
import { fetchKernels } from './kernels/packages.js'
import { root } from './root.js'

/** All kinds take a guest about ten minutes; one that hangs is given up. */
const timeoutMs = 25 * 60_000

const separator = process.argv.indexOf('--')
const names = process.argv.slice(2, separator < 0 ? undefined : separator)
const kinds = separator < 0 ? [] : process.argv.slice(separator + 1)
const folder = `build/devices-${process.pid}`
await compileTests(folder)
process.on('exit', () => rmSync(folder, { recursive: true }))
const command = [process.execPath, '--enable-source-maps', `${folder}/test/devices/run.js`, ...kinds]

if (names.length === 0) {
  const { status } = spawnSync('scripts/isolate.sh', command, { stdio: 'inherit' })
  process.exitCode = status ?? 1
}
// One after the other: a guest keeps one processor busy, and this machine's other one its disk.
for (const kernel of names.length === 0 ? [] : fetchKernels(join(root, 'build/kernels'), names)) {
  console.error(`egress-exporter: trying devices on ${kernel.release}`)
  const output = await boot(kernel, guestCommand(), timeoutMs, (text) => process.stdout.write(text))
  writeFileSync(join(root, 'build/kernels', `${kernel.name}-devices.log`), output)
  if (!/^guest: exit code 0$/m.test(output)) process.exitCode = 1
}

function guestCommand() {
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  return `
export PATH=${root}/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd ${root}
mkdir -p /run/netns
${quoted}
`
}
