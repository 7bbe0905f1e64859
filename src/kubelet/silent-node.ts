/** Nodes whose containers run by stages alone: they say nothing, and there is nothing in them to talk to. */
import { notImplemented } from '../errors.ts'
import type { NodeApi } from '../streaming/node-api.ts'

export const silentNode: NodeApi = {
  logs: () => Promise.resolve(nothing()),
  exec: () => Promise.reject(notImplemented('pods/exec')),
  attach: () => Promise.reject(notImplemented('pods/attach')),
  dial: () => Promise.reject(notImplemented('pods/portforward')),
}

async function* nothing(): AsyncIterable<Buffer> {}
