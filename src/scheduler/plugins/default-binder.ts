/** Binds by the binding subresource. Models pkg/scheduler/framework/plugins/defaultbinder. */
import type { Binding } from '../../../schemas/types.ts'
import { definePlugin, failure } from '../framework.ts'

export default definePlugin({
  name: 'DefaultBinder',
  order: 180,
  async bind({ namespace, name, uid }, nodeName, { handle }) {
    const binding: Binding = { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name, uid }, target: { kind: 'Node', name: nodeName } }
    try {
      await handle.client.create(binding, { subresource: 'binding' })
      return undefined
    } catch (error) {
      handle.log.debug({ pod: `${namespace}/${name}`, node: nodeName, err: error }, 'pod was not bound')
      return failure(error instanceof Error ? error.message : String(error))
    }
  },
})
