/** Manifests that the tests with kubectl share, in YAML as a user writes them. */

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
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { containers: [{ name: 'main', image: 'busybox:1.37', ...container }], ...spec },
  })
}

export function configMapManifest(name: string, data: Record<string, string>, labels: Record<string, string> = {}): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data })
}
