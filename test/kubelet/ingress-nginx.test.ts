/** The jobs and the controller of ingress-nginx: a certificate is made, put into the webhook, and Ingresses are checked and served. */
import t from 'tap'
import type { ValidatingWebhookConfiguration } from '../../schemas/types.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))

const job = (name: string, args: readonly string[]) => `
---
apiVersion: batch/v1
kind: Job
metadata: {name: ${name}}
spec:
  template:
    spec: {restartPolicy: OnFailure, serviceAccountName: ingress, containers: [{name: main, image: 'registry.k8s.io/ingress-nginx/kube-webhook-certgen:v1.6.3', args: ${JSON.stringify([...args, '--namespace=default', '--secret-name=admission'])}}]}
`
const manifest = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: ingress}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ingress}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: ingress, namespace: default}]
---
apiVersion: v1
kind: Service
metadata: {name: admission}
spec: {selector: {app: controller}, ports: [{port: 443, targetPort: webhook}]}
---
apiVersion: v1
kind: Service
metadata: {name: controller}
spec: {selector: {app: controller}, ports: [{port: 80}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: admission}
webhooks:
  - name: validate.nginx.ingress.kubernetes.io
    admissionReviewVersions: [v1]
    sideEffects: None
    failurePolicy: Ignore
    clientConfig: {service: {name: admission, namespace: default, path: /networking/v1/ingresses}}
    rules: [{apiGroups: [networking.k8s.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [ingresses]}]
---
apiVersion: v1
kind: Pod
metadata: {name: controller, labels: {app: controller}}
spec:
  serviceAccountName: ingress
  containers:
    - name: controller
      image: registry.k8s.io/ingress-nginx/controller:v1.13.3
      args: [/nginx-ingress-controller, --ingress-class=nginx, '--validating-webhook=:8443', --validating-webhook-certificate=/usr/local/certificates/cert, --validating-webhook-key=/usr/local/certificates/key]
      ports: [{containerPort: 80}, {name: webhook, containerPort: 8443}]
      readinessProbe: {httpGet: {path: /healthz, port: 10254}, periodSeconds: 1}
      volumeMounts: [{name: cert, mountPath: /usr/local/certificates, readOnly: true}]
  volumes: [{name: cert, secret: {secretName: admission}}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: web, image: httpd, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: client, image: busybox, command: [sleep, inf]}]}
${job('create', ['create', '--host=admission,admission.default.svc'])}${job('patch', ['patch', '--webhook-name=admission', '--patch-mutating=false', '--patch-failure-policy=Fail'])}`

const ingress = `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web}, spec: {ingressClassName: nginx, rules: [{host: www.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}}]}}`

t.test('from its jobs to an answer', async (t) => {
  await k.apply(manifest)
  await k.run('wait job/create job/patch --for=condition=Complete --timeout=60s')
  const { webhooks = [] } = await k.json<ValidatingWebhookConfiguration>('get validatingwebhookconfiguration admission')
  t.equal(webhooks[0]?.failurePolicy, 'Fail')
  t.match(Buffer.from(webhooks[0]?.clientConfig?.caBundle ?? '', 'base64').toString(), /^-----BEGIN CERTIFICATE-----/)
  t.match(await k.run('logs job/patch'), /Patched hook/)
  await k.run('wait pod/controller pod/client pod/web --for=condition=Ready --timeout=60s')
  await eventually(() => k.apply(ingress).then((said) => said.includes('created')))
  const get = (host: string) => k.run(['exec', 'client', '--', 'sh', '-c', `wget -qO- --header 'Host: ${host}' http://controller/ 2>&1; true`])
  await eventually(async () => (await get('www.example.com')).includes('It works!'))
  t.match(await get('other.example.com'), /404 Not Found/)
})
