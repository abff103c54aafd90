import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { eventually } from './await.js'
import type { Namespace } from './network.js'

/** A system with its own systemd as the first process, in a network namespace of the test's. */
export class Guest {
  /** Where its files are, seen from here. */
  readonly root: string
  readonly #leader: number

  private constructor(root: string, leader: number) {
    this.root = root
    this.#leader = leader
  }

  /** Boots a Debian that forgets all at the end; its BPF file system is its own. */
  static async boot(t: Test, suite: string, network: Namespace): Promise<Guest> {
    const lower = join('build/guests', suite)
    const folder = mkdtempSync(join(tmpdir(), 'egress-guest-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    mount(t, folder, '-t', 'tmpfs', 'tmpfs')
    const [root, bpf, upper, work] = ['root', 'bpf', 'upper', 'work'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
      string,
    ]
    for (const path of [root, bpf, upper, work]) mkdirSync(path)
    mount(t, root, '-t', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, 'overlay')
    mount(t, bpf, '-t', 'bpf', '-o', 'mode=700', 'bpf')

    const cgroup = makeCgroup(t, network.name)
    const capabilities = ['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON']
    const options = [
      ...['--boot', '--quiet', '--register=no', '--keep-unit', '--console=read-only', `--directory=${root}`],
      ...['--machine=egress-guest', `--network-namespace-path=/run/netns/${network.name}`],
      ...[`--capability=${capabilities.join()}`, '--system-call-filter=bpf', `--bind=${bpf}:/sys/fs/bpf`],
    ]
    const console = join(folder, 'console')
    const descriptor = openSync(console, 'w')
    const start = 'echo $$ >"$1/cgroup.procs"; shift; exec setpriv --pdeathsig=KILL systemd-nspawn "$@"'
    const manager = spawn('sh', ['-euc', start, 'sh', cgroup, ...options], {
      stdio: ['ignore', descriptor, descriptor],
      env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
    })
    closeSync(descriptor)
    t.teardown(async () => {
      const ended = once(manager, 'exit')
      manager.kill()
      if (manager.exitCode === null && manager.signalCode === null) await ended
    })
    const leader = await eventually(() => {
      assert.equal(manager.exitCode, null, `systemd-nspawn ended: ${readFileSync(console, 'utf8')}`)
      const { pid } = manager
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
      // Before it has set all up, there are others.
      const child = children.find((child) => readFileSync(`/proc/${child}/comm`, 'utf8') === 'systemd\n')
      assert.ok(child)
      return Number(child)
    })
    const guest = new Guest(root, leader)
    await eventually(() =>
      assert.match(guest.try('systemctl', 'is-system-running').stdout, /running|degraded/),
    )
    return guest
  }

  /** Runs a command inside, and returns its standard output. */
  run(...command: string[]): string {
    const { status, stdout, stderr } = this.try(...command)
    assert.equal(status, 0, `${command.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }

  /** The same, however it ends. */
  try(...command: string[]) {
    const environment = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C']
    const inside = ['nsenter', `--target=${this.#leader}`, '--all', 'env', '-i', ...environment, ...command]
    const [file = '', ...args] = inside
    return spawnSync(file, args, { encoding: 'utf8' })
  }

  /** A property of a unit, as systemctl(1) shows it. */
  property(unit: string, name: string): string {
    return this.run('systemctl', 'show', '--value', `--property=${name}`, unit).trim()
  }

  /** What a program has said so far, a line each. */
  journal(program: string): string[] {
    return this.run('journalctl', '--quiet', '--output=cat', `--identifier=${program}`)
      .split('\n')
      .filter((line) => line !== '')
  }
}

function mount(t: Test, path: string, ...args: string[]): void {
  execFileSync('mount', [...args, path])
  t.teardown(() => execFileSync('umount', [path]))
}

/** For all that runs in the guest; what systemd leaves of it goes with the test. */
function makeCgroup(t: Test, name: string): string {
  const [hierarchy = ''] = execFileSync('findmnt', ['-n', '-t', 'cgroup2', '-o', 'TARGET'], {
    encoding: 'utf8',
  }).split('\n')
  const cgroup = join(hierarchy, name)
  mkdirSync(cgroup)
  t.teardown(() => eventually(() => removeCgroup(cgroup)))
  return cgroup
}

function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeCgroup(join(path, entry.name))
  rmdirSync(path)
}
