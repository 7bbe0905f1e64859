/** The text of a kubeconfig for one cluster and one user with a client certificate. */
import { stringify } from 'yaml'

export interface KubeconfigOptions {
  server: string
  /** Of cluster, user and context. */
  name: string
  /** PEM */
  ca: string
  client: { cert: string; key: string }
}

export function kubeconfigText({ server, name, ca, client }: KubeconfigOptions): string {
  const base64 = (pem: string) => Buffer.from(pem).toString('base64')
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name, user: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(client.key) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }, { lineWidth: 0 })
}
