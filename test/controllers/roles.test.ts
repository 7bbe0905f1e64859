/** Controllers, scheduler and kubelets at work: none of them asks for what its role does not give. */
import { PassThrough } from 'node:stream'
import pino from 'pino'
import t from 'tap'
import { eventually } from '../helpers/cluster.ts'
import { startApiCluster } from '../helpers/http.ts'

const NS = '/api/v1/namespaces/work'
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'pause', resources: { requests: { cpu: '10m' } } }] } }
const selector = { matchLabels: { app: 'a' } }

t.test('nobody inside is refused anything', async (t) => {
  const lines = new PassThrough()
  let written = ''
  lines.on('data', (chunk: Buffer) => (written += chunk.toString()))
  const api = await startApiCluster(t, { nodes: [{ name: 'node-1' }], log: pino({ level: 'debug' }, lines) })
  await api.make('/api/v1/namespaces', { metadata: { name: 'work' } })
  await api.make(`${NS}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard: { pods: '50' } } })
  await api.make('/apis/apps/v1/namespaces/work/deployments', { metadata: { name: 'd' }, spec: { replicas: 2, selector, template } })
  await api.make('/apis/apps/v1/namespaces/work/daemonsets', { metadata: { name: 'ds' }, spec: { selector: { matchLabels: { app: 'ds' } }, template: { ...template, metadata: { labels: { app: 'ds' } } } } })
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }
  await api.make('/apis/apps/v1/namespaces/work/statefulsets', { metadata: { name: 's' }, spec: { serviceName: 's', selector: { matchLabels: { app: 's' } }, template: { ...template, metadata: { labels: { app: 's' } } }, volumeClaimTemplates: [claim] } })
  await api.make('/apis/batch/v1/namespaces/work/jobs', { metadata: { name: 'j' }, spec: { ttlSecondsAfterFinished: 0, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox', command: ['true'] }] } } } })
  await api.make(`${NS}/services`, { metadata: { name: 'svc' }, spec: { type: 'LoadBalancer', selector: { app: 'a' }, ports: [{ port: 80 }] } })
  await api.make('/apis/policy/v1/namespaces/work/poddisruptionbudgets', { metadata: { name: 'p' }, spec: { minAvailable: 1, selector } })
  await api.make('/apis/autoscaling/v2/namespaces/work/horizontalpodautoscalers', { metadata: { name: 'h' }, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 } })
  await eventually(async () => {
    const { body } = await api.get(`${NS}/pods`)
    const running = body.items?.filter((pod) => (pod.status as { phase?: string } | undefined)?.phase === 'Running') ?? []
    return running.length >= 4
  })
  await eventually(async () => (await api.get('/apis/batch/v1/namespaces/work/jobs/j')).status === 404)
  await api.delete('/apis/apps/v1/namespaces/work/deployments/d?propagationPolicy=Foreground')
  await api.delete('/api/v1/namespaces/work')
  await eventually(async () => (await api.get('/api/v1/namespaces/work')).status === 404)
  await api.delete('/api/v1/nodes/node-1')
  t.ok(written.length > 0, 'there is a log')
  t.same([...new Set(written.match(/is forbidden: User [^}]*? in API group/g) ?? [])], [])
})
