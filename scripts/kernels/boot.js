// Boots a kernel under qemu's software emulation and runs a command in it.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const init = fileURLToPath(new URL('./init.sh', import.meta.url))
/** What the first process needs to find the host's files. */
const firstModules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay']

/** By Debian's names of architectures. */
const machines = {
  amd64: { qemu: 'qemu-system-x86_64', options: ['-cpu', 'max'], console: 'ttyS0' },
  arm64: {
    qemu: 'qemu-system-aarch64',
    options: ['-machine', 'virt', '-cpu', 'cortex-a72'],
    console: 'ttyAMA0',
  },
}

/**
 * @param kernel as fetchKernels() returns it; with `own`, a folder whose files the guest has in place of
 * the host's, as one of another architecture must
 * @param command for bash, in the guest, whose files are the host's
 * @param tell is called with what the guest prints, as it does
 * @returns everything that the guest printed
 */
export async function boot({ release, image, root, architecture, own }, command, timeoutMs, tell = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), 'egress-kernel-'))
  try {
    const initramfs = makeInitramfs(folder, { release, root, own }, command)
    const share = (path, tag) => [
      '-virtfs',
      `local,path=${path},mount_tag=${tag},security_model=none,readonly=on,multidevs=remap`,
    ]
    const machine = machines[architecture]
    const qemu = spawn(
      machine.qemu,
      [
        ...machine.options,
        ...['-accel', 'tcg,thread=single', '-smp', '2', '-m', '3072'],
        ...['-nographic', '-no-reboot', '-nic', 'none'],
        ...['-kernel', image, '-initrd', initramfs],
        ...['-append', `console=${machine.console} quiet panic=-1 mitigations=off`],
        ...share('/', 'host'),
        ...(own ? share(own, 'own') : []),
        ...share(join(root, 'lib/modules'), 'modules'),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const deadline = setTimeout(() => qemu.kill('SIGKILL'), timeoutMs)
    let output = ''
    for await (const chunk of qemu.stdout) {
      output += chunk
      tell(String(chunk).replaceAll('\r', ''))
    }
    clearTimeout(deadline)
    return output.replaceAll('\r', '')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function makeInitramfs(folder, { release, root, own }, command) {
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'bin'), { recursive: true })
  mkdirSync(join(tree, 'modules'))
  if (own) mkdirSync(join(tree, 'own'))
  copyFileSync(join(own ?? '/', 'bin/busybox'), join(tree, 'bin/busybox'))
  copyFileSync(init, join(tree, 'init'))
  chmodSync(join(tree, 'init'), 0o755)
  writeFileSync(join(tree, 'command'), command)
  modulePaths(release, root).forEach((path, index) => {
    // The shell takes them in the order of their names.
    const target = join(
      tree,
      'modules',
      `${String(index).padStart(2, '0')}-${basename(path).replace('.xz', '')}`,
    )
    const content = path.endsWith('.xz')
      ? execFileSync('xz', ['-dc', path], { maxBuffer: 2 ** 28 })
      : undefined
    if (content) writeFileSync(target, content)
    else copyFileSync(path, target)
  })
  const archive = join(folder, 'initramfs')
  execFileSync('sh', ['-c', `find . | cpio -o -H newc --quiet > "${archive}"`], { cwd: tree })
  return archive
}

/** The module files to load, dependencies first. */
function modulePaths(release, root) {
  const options = ['-d', root, '-S', release, '--show-depends', '-a', ...firstModules]
  // It complains of those that are built into the kernel, as virtio_pci is since 7.x; the others
  // still come.
  const { stdout } = spawnSync('/sbin/modprobe', options, { encoding: 'utf8' })
  return [...new Set(stdout.split('\n').flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []))]
}
