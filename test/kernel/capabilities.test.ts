import t from 'tap'
import { missingCapabilities } from '../../src/kernel/capabilities.js'

const status = (...bits: number[]) =>
  `Name:\tnode\nCapPrm:\t0000000000000000\nCapEff:\t${bits
    .reduce((all, bit) => all | (1n << BigInt(bit)), 0n)
    .toString(16)
    .padStart(16, '0')}\n`
const [netAdmin, sysAdmin, perfmon, bpf] = [12, 21, 38, 39]

t.same(missingCapabilities(['CAP_BPF', 'CAP_NET_ADMIN'], status()), ['CAP_BPF', 'CAP_NET_ADMIN'])
t.same(missingCapabilities(['CAP_BPF', 'CAP_NET_ADMIN'], status(netAdmin)), ['CAP_BPF'])
t.same(missingCapabilities(['CAP_BPF', 'CAP_NET_ADMIN'], status(netAdmin, bpf)), [])
t.same(missingCapabilities(['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN'], status(sysAdmin)), ['CAP_NET_ADMIN'])
t.same(missingCapabilities(['CAP_PERFMON'], status(perfmon)), [])
