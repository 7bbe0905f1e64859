/** The Kubernetes whose behaviour this server models, which is what it says it is. */
export const KUBERNETES_VERSION = '1.36.3'

export const [MAJOR = '', MINOR = ''] = KUBERNETES_VERSION.split('.')
