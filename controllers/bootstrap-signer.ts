/**
 * Signs the public ConfigMap `cluster-info`, where there is one, with every bootstrap token that may sign, so that a machine
 * that knows a token can trust it. Models bootstrapsigner.go of k8s.io/kubernetes/pkg/controller/bootstrap.
 */
import { createHmac } from 'node:crypto'
import type { ConfigMap, Secret } from '../schemas/types.ts'
import { defineController, type ControllerContext, type Result } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { isBootstrapToken, leftMs, signingToken } from './_bootstrap-tokens.ts'

const KEY = 'kube-public/cluster-info'
const SIGNATURE = 'jws-kubeconfig-'

export default defineController<ConfigMap>({
  name: 'bootstrap-signer',
  user: 'system:serviceaccount:kube-system:bootstrap-signer',
  manager: 'kube-controller-manager',
  for: 'v1/ConfigMap',
  watches: { 'v1/Secret': (object: KubeObject) => (isBootstrapToken(object as Secret) && object.metadata.namespace === 'kube-system' ? [KEY] : []) },
  concurrency: 1,
  wakes: isClusterInfo,
  reconcile,
})

function isClusterInfo({ metadata }: ConfigMap): boolean {
  return metadata.namespace === 'kube-public' && metadata.name === 'cluster-info'
}

/** A detached JWS: header and signature, the content left out between them. */
export function signature(content: string, { id, secret }: { id: string; secret: string }): string {
  const header = Buffer.from(`{"alg":"HS256","kid":${JSON.stringify(id)}}`).toString('base64url')
  const body = Buffer.from(content).toString('base64url')
  return `${header}..${createHmac('sha256', secret).update(`${header}.${body}`).digest('base64url')}`
}

/** The data with a signature for each token and none besides; undefined when there is nothing to sign. */
export function signedData(data: Record<string, string> | undefined, tokens: readonly { id: string; secret: string }[]): Record<string, string> | undefined {
  const content = data?.kubeconfig
  if (content === undefined) return undefined
  const unsigned = Object.entries(data ?? {}).filter(([key]) => !key.startsWith(SIGNATURE))
  return Object.fromEntries([...unsigned, ...tokens.map((token) => [SIGNATURE + token.id, signature(content, token)])])
}

async function reconcile(map: ConfigMap, { client, clock, informers }: ControllerContext): Promise<Result | void> {
  if (!isClusterInfo(map)) return
  const nowMs = clock.now()
  const secrets = informers.lister<Secret>('v1/Secret').list('kube-system').filter(isBootstrapToken)
  const data = signedData(map.data, secrets.flatMap((secret) => signingToken(secret, nowMs) ?? []))
  if (data && !semanticEqual(data, map.data)) {
    try {
      await client.update<ConfigMap>({ ...map, data })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }
  const next = Math.min(...secrets.map((secret) => leftMs(secret, nowMs) || Infinity))
  return Number.isFinite(next) ? { requeueAfterMs: next } : undefined
}
