import t from 'tap'
import { ExitCode } from '../../src/errors.js'
import { loadAddon } from '../../src/kernel/native/addon.js'

t.throws(() => loadAddon('/nonexistent/egress.node'), {
  message: 'cannot load the native addon /nonexistent/egress.node: it is not built; run npm run build',
  exitCode: ExitCode.failed,
})

t.test('a file that is no addon', async (t) => {
  const folder = t.testdir({ 'egress.node': 'not ELF' })
  t.throws(() => loadAddon(`${folder}/egress.node`), {
    message:
      /^cannot load the native addon .*egress\.node: .*(file too short|invalid ELF header); run npm run build$/,
    exitCode: ExitCode.failed,
  })
})
