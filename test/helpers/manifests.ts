/** Manifests that the tests with kubectl share, in YAML as a user writes them. */
import { stringify } from 'yaml'

export interface DeploymentManifest {
  name?: string
  replicas?: number
  image?: string
}

export function deploymentManifest({ name = 'web', replicas = 2, image = 'nginx:1.27' }: DeploymentManifest = {}): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  labels:
    app: ${name}
spec:
  replicas: ${replicas}
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
      containers:
        - name: nginx
          image: ${image}
          ports:
            - containerPort: 80
`
}

export interface PodManifest {
  name: string
  labels?: Record<string, string>
  /** Further fields of the spec, as JSON. */
  spec?: object
  /** Further fields of the only container. */
  container?: object
}

export function podManifest({ name, labels = {}, spec = {}, container = {} }: PodManifest): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata(name, labels),
    spec: { containers: [{ name: 'main', image: 'nginx:1.28', ...container }], ...spec },
  })
}

export function configMapManifest(name: string, data: Record<string, string>, labels: Record<string, string> = {}): string {
  return stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(name, labels), data })
}

/** An empty map of labels would be dropped by the server and make every apply a change. */
function metadata(name: string, labels: Record<string, string>): object {
  return Object.keys(labels).length > 0 ? { name, labels } : { name }
}
