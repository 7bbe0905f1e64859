import t from 'tap'
import { certificateApproval } from '../../src/admission/certificate-approval.ts'
import { certificateSigning } from '../../src/admission/certificate-signing.ts'
import { certificateSubjectRestriction } from '../../src/admission/certificate-subject-restriction.ts'
import { nodeRestriction } from '../../src/admission/node-restriction.ts'
import { isStatusError } from '../../src/errors.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { certificateRequest } from '../helpers/certificate-request.ts'
import { startApi, userNamed } from '../helpers/in-process-api.ts'

const KIND = 'certificates.k8s.io/v1/CertificateSigningRequest'
const CLIENT = 'kubernetes.io/kube-apiserver-client'

const csr = (name: string, request: string, signerName = 'example.com/internal') => ({ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name }, spec: { request, signerName, usages: ['client auth', 'digital signature'] } })

async function message(write: Promise<unknown>): Promise<string> {
  try {
    await write
    return ''
  } catch (error) {
    if (!isStatusError(error)) throw error
    return error.message
  }
}

t.test('approving and signing take rights for the signer', async (t) => {
  const { create, client } = await startApi(t, { plugins: [certificateApproval, certificateSigning] })
  const rights = (name: string, verb: string, resourceNames: string[]) =>
    Promise.all([
      create({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules: [{ apiGroups: ['certificates.k8s.io'], resources: ['signers'], resourceNames, verbs: [verb] }] }),
      create({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name }] }),
    ])
  await rights('approver', 'approve', ['example.com/internal'])
  await rights('domain', 'approve', ['example.com/*'])
  await rights('signer', 'sign', ['example.com/internal'])
  const made = await create(csr('a', await certificateRequest('CN=jane')))
  const approve = (user: string) => message(client(userNamed(user)).update({ ...made, status: { conditions: [{ type: 'Approved', status: 'True', reason: 'R' }] } } as KubeObject, { subresource: 'approval', dryRun: true }))
  const head = 'certificatesigningrequests.certificates.k8s.io "a" is forbidden: user not permitted to '
  t.same([await approve('approver'), await approve('domain'), await approve('signer')], ['', '', `${head}approve requests with signerName "example.com/internal"`])
  const sign = (user: string, status: object) => message(client(userNamed(user)).update({ ...made, status } as KubeObject, { subresource: 'status', dryRun: true }))
  const failed = { conditions: [{ type: 'Failed', status: 'True', reason: 'R' }] }
  t.same([await sign('signer', failed), await sign('approver', failed), await sign('approver', {})], ['', `${head}sign requests with signerName "example.com/internal"`, ''])
  t.match(await client().get(KIND, { name: 'a' }), { metadata: { name: 'a' } })
})

t.test('nobody becomes an administrator', async (t) => {
  const { refused } = await startApi(t, { plugins: [certificateSubjectRestriction] })
  const masters = await certificateRequest('O=system:masters, CN=eve')
  t.same(await refused(csr('a', masters, CLIENT)), [`certificatesigningrequests.certificates.k8s.io "a" is forbidden: use of ${CLIENT} signer with system:masters group is not allowed`])
  t.same(await refused(csr('a', masters)), [], 'other signers are their own affair')
  t.same(await refused(csr('a', await certificateRequest('O=devs, CN=eve'), CLIENT)), [])
})

t.test('nodes ask for certificates of their own', async (t) => {
  const { refused } = await startApi(t, { plugins: [nodeRestriction] })
  const kubelet = userNamed('system:node:n1', 'system:nodes')
  const signer = 'kubernetes.io/kube-apiserver-client-kubelet'
  const ask = async (subject: string) => refused(csr('a', await certificateRequest(subject), signer), kubelet)
  t.same(await ask('O=system:nodes, CN=system:node:n2'), ['certificatesigningrequests.certificates.k8s.io "a" is forbidden: can only create a node CSR with CN=system:node:n1'])
  t.same(await ask('O=system:nodes, CN=system:node:n1'), [])
})
