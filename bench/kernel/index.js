// The cost of a packet in the kernel; measure.cc measures, this compiles it and reads the result.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { median } from '../statistics.js'

const folder = 'build/bench'

/** @returns rows of { what, theirs, ours, ratio, target, note } */
export function measureKernel(rounds) {
  compile()
  const output = execFileSync(`${folder}/measure`, [folder, String(rounds)], { encoding: 'utf8' })
  const { destinations, processors } = JSON.parse(output)
  const targets = { 1: 0.65, 1000: 0.85, 100000: 1.15 }
  const rows = Object.entries(destinations).map(([count, { empty, script, ours, sent, counted }]) => {
    const added = (values) => values.map((value, round) => value - empty[round])
    return {
      what: `packet, ${Number(count).toLocaleString('en')} destinations: added ns`,
      theirs: added(script),
      ours: added(ours),
      ratio: median(added(ours)) / median(added(script)),
      target: targets[count],
      note: `${((100 * counted) / sent).toFixed(2)} % counted`,
    }
  })
  const [one] = Object.values(destinations)
  const choosy = one.ours_5000_prefixes.map((value, round) => value - one.empty[round])
  const plain = one.ours.map((value, round) => value - one.empty[round])
  return [
    ...rows,
    {
      what: 'packet, 5,000 excluded prefixes against none: added ns',
      theirs: plain,
      ours: choosy,
      ratio: median(choosy) / median(plain),
      target: 1.15,
      note: '"theirs" is ours without prefixes',
    },
    {
      what: 'packet, two processors against one: ns',
      theirs: processors['1'],
      ours: processors['2'],
      ratio: median(processors['2']) / median(processors['1']),
      target: 1.15,
      note: `${((100 * processors.counted) / processors.sent).toFixed(2)} % counted`,
    },
  ]
}

function compile() {
  mkdirSync(folder, { recursive: true })
  const arch = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  const bpf = ['-O2', '-g', '-target', 'bpf', '-mcpu=v2', '-idirafter', `/usr/include/${arch}-linux-gnu`]
  for (const name of ['empty', 'script']) {
    execFileSync('clang', [...bpf, '-c', `bench/kernel/${name}.bpf.c`, '-o', `${folder}/${name}.bpf.o`])
  }
  const native = readdirSync('native').filter((file) => /\.cc$/.test(file) && file !== 'static_archives.cc')
  const sources = ['bench/kernel/measure.cc', ...native.map((file) => `native/${file}`)]
  const flags = ['-std=gnu++20', '-O2', '-Ibuild/Release/obj/gen']
  execFileSync('g++', [...flags, ...sources, '-o', `${folder}/measure`, '-lbpf', '-lelf', '-lz'])
}
