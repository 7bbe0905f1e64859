/** Revisions as upstream writes and names them. */
import t from 'tap'
import { revisionHash, revisionName, templateData, templateIn } from '../../src/controller/revision-history.ts'

// As kube-controller-manager 1.36.3 names and keeps the template of a StatefulSet.
const UPSTREAM = '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"raws","zz":"a"}},"spec":{"containers":[{"image":"a","imagePullPolicy":"Always","name":"c","ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}}}'

t.test('the data of a revision, and its name', (t) => {
  const template = {
    metadata: { labels: { zz: 'a', app: 'raws' } },
    spec: {
      containers: [{ name: 'c', image: 'a', ports: [{ containerPort: 80, protocol: 'TCP' }], resources: {}, terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', imagePullPolicy: 'Always' }],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      securityContext: {},
      schedulerName: 'default-scheduler',
    },
  }
  const data = templateData(template)
  t.equal(JSON.stringify(data), UPSTREAM)
  t.equal(revisionName('raw', revisionHash(data, 0)), 'raw-64c8b8d848')
  t.same(templateIn({ apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name: 'raw' }, data }), template)
  t.not(revisionHash(data, 1), revisionHash(data, 0), 'a collision gives another name')
  t.end()
})
