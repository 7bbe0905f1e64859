/** What upstream's tests find in the image agnhost. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import t from 'tap'
import { Images } from '../../src/kubelet/images.ts'

t.test('porter has a certificate with its key', (t) => {
  const { files = {} } = new Images().find('registry.k8s.io/e2e-test-images/agnhost:2.55')
  const certificate = new X509Certificate(files['/localhost.crt'] ?? '')
  t.match(certificate.subjectAltName, /DNS:localhost/)
  t.ok(certificate.checkPrivateKey(createPrivateKey(files['/localhost.key'] ?? '')))
  t.end()
})
