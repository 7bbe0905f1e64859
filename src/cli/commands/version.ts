import { KUBERNETES_VERSION } from '../../apiserver/version.ts'
import { version } from '../../../package.json'
import { defineCommand } from '../command.ts'

export default defineCommand({
  name: 'version',
  summary: 'Print the version of Orrery and of the Kubernetes it models',
  flags: [],
  async run(_call, io) {
    io.out(`orrery ${version} (Kubernetes v${KUBERNETES_VERSION})`)
    return 0
  },
})
