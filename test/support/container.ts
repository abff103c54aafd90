import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Namespace } from './network.js'

interface Teardown {
  teardown(action: () => unknown): void
}

const folders = ['usr', 'proc', 'dev']
const links = ['bin', 'lib', 'lib64']

/**
 * Starts a container that runc runs, with the files of this machine, the network of a namespace, and a cgroup as
 * Docker has it with systemd's: `docker-ID.scope`. It runs a shell script, and goes with the test.
 *
 * @returns its id: 64 digits
 */
export function startContainer(t: Teardown, host: Namespace, script: string): string {
  const id = randomBytes(32).toString('hex')
  const bundle = mkdtempSync(join(tmpdir(), 'egress-bundle-'))
  t.teardown(() => rmSync(bundle, { recursive: true }))
  const root = join(bundle, 'rootfs')
  for (const folder of folders) mkdirSync(join(root, folder), { recursive: true })
  for (const link of links) symlinkSync(`usr/${link}`, join(root, link))
  const slice = `egress_${id.slice(0, 8)}.slice`
  const config = {
    ociVersion: '1.0.2',
    process: {
      ...{ args: ['sh', '-c', script], cwd: '/', env: ['PATH=/usr/bin'] },
      user: { uid: 0, gid: 0 },
    },
    root: { path: root, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/usr', type: 'bind', source: '/usr', options: ['bind', 'ro'] },
    ],
    linux: {
      namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
      cgroupsPath: `/${slice}/docker-${id}.scope`,
    },
  }
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
  const runc = ['runc', '--root', join(bundle, 'state')]
  const [file, args] = host.command(...runc, 'run', '--bundle', bundle, id)
  const child = spawn(file, args, { stdio: ['ignore', 2, 2] })
  t.teardown(async () => {
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
    host.run([...runc, 'delete', '--force', id])
    await exited
    // runc leaves what is above its own.
    for (const mount of ['.', ...readdirSync('/sys/fs/cgroup')]) {
      const above = join('/sys/fs/cgroup', mount, slice)
      if (existsSync(above)) rmdirSync(above)
    }
  })
  return id
}
