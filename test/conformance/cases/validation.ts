/** Cases of the family in the file name. */
import { apps, configMap, container, core, deployment, MERGE, pod, type Family } from '../_case.ts'

const labelError = (field: string, value: string) => ({ field, reason: 'FieldValueInvalid', message: new RegExp(`^Invalid value: "${value}": `) })

export default {
  family: 'validation',
  cases: [
    {
      name: 'what a create refuses, with its causes in order',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'configmaps')}`, body: configMap('Not_A_Name'), status: 422, match: { reason: 'Invalid', details: { kind: 'ConfigMap', name: 'Not_A_Name', causes: [labelError('metadata.name', 'Not_A_Name')] } } },
        { call: `POST ${core(ns, 'pods')}`, body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{}] } }, status: 422, match: { details: { causes: [{ field: 'spec.containers[0].name', reason: 'FieldValueRequired' }, { field: 'spec.containers[0].image', reason: 'FieldValueRequired' }] } } },
        { call: `POST ${apps(ns, 'deployments')}`, body: { ...deployment('d'), spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'c' } }, spec: { containers: [container('c')] } } } }, status: 422, match: { message: /`selector` does not match template `labels`/ } },
        { call: `POST ${core(ns, 'services')}`, body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 0 }] } }, status: 422, match: { message: 'Service "s" is invalid: [spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive]' } },
      ],
    },
    {
      name: 'fields that there are not',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'configmaps')}?fieldValidation=Strict`, body: configMap('a', { nope: 1 }), status: 400, match: { message: 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "nope"' } },
        { call: `POST ${core(ns, 'configmaps')}?fieldValidation=Warn`, body: configMap('a', { nope: 1 }), warnings: ['unknown field "nope"'] },
        { call: `POST ${core(ns, 'configmaps')}?fieldValidation=Ignore`, body: configMap('b', { nope: 1 }), warnings: [] },
        { call: `POST ${core(ns, 'configmaps')}?fieldValidation=Odd`, body: configMap('c'), status: 422, match: { details: { causes: [{ field: 'fieldValidation' }] } } },
      ],
    },
    {
      name: 'what an update refuses',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'configmaps')}`, body: configMap('a', { immutable: true, data: { a: '1' } }) },
        { call: `PATCH ${core(ns, 'configmaps/a')}`, headers: MERGE, body: { data: { a: '2' } }, status: 422, match: { details: { causes: [{ field: 'data', reason: 'FieldValueForbidden' }] } } },
        { call: `PATCH ${core(ns, 'configmaps/a')}`, headers: MERGE, body: { metadata: { labels: { a: 'no!' } } }, status: 422, match: { details: { causes: Array.from({ length: 4 }, () => labelError('metadata.labels', 'no!')) } } },
        { call: `PATCH ${core(ns, 'configmaps/a')}`, headers: MERGE, body: { metadata: { uid: '11111111-1111-1111-1111-111111111111' } }, status: 422, match: { message: /metadata.uid: Invalid value: .*: field is immutable/ } },
        { call: `PATCH ${core(ns, 'configmaps/a')}`, headers: MERGE, body: { metadata: { resourceVersion: '1' } }, status: 409, match: { reason: 'Conflict' } },
        { call: `PUT ${core(ns, 'configmaps/a')}`, body: configMap('b'), status: 400, match: { message: 'the name of the object (b) does not match the name on the URL (a)' } },
        { call: `POST ${core(ns, 'pods')}`, body: pod('p', { schedulingGates: [{ name: 'example.com/wait' }] }) },
        { call: `PATCH ${core(ns, 'pods/p')}`, headers: MERGE, body: { spec: { hostname: 'h' } }, status: 422, match: { message: /pod updates may not change fields other than/ } },
      ],
    },
    {
      name: 'what there is already, and what there is not',
      steps: ({ ns }) => [
        { call: `POST ${core(ns, 'configmaps')}`, body: configMap('a') },
        { call: `POST ${core(ns, 'configmaps')}`, body: configMap('a'), status: 409, match: { reason: 'AlreadyExists', message: 'configmaps "a" already exists' } },
        { call: `GET ${core(ns, 'configmaps/none')}`, status: 404, match: { reason: 'NotFound', details: { name: 'none', kind: 'configmaps' } } },
        { call: `POST ${core(`${ns}-none`, 'configmaps')}`, body: configMap('a'), status: 404, match: { details: { kind: 'namespaces' } } },
      ],
    },
  ],
} satisfies Family
