import t from 'tap'
import { parseRequestInfo, type RequestInfo } from '../../src/apiserver/request-info.ts'

type Expected = Partial<RequestInfo>

t.test('what a path and a method ask for', (t) => {
  const cases: [string, string, Expected][] = [
    ['GET', '/api/v1/namespaces', { verb: 'list', resource: 'namespaces', version: 'v1', group: '', namespace: '', name: '' }],
    ['GET', '/api/v1/namespaces/x', { verb: 'get', resource: 'namespaces', namespace: 'x', name: 'x' }],
    ['PUT', '/api/v1/namespaces/x/status', { verb: 'update', resource: 'namespaces', name: 'x', subresource: 'status' }],
    ['PUT', '/api/v1/namespaces/x/finalize', { verb: 'update', resource: 'namespaces', subresource: 'finalize' }],
    ['GET', '/api/v1/namespaces/x/pods', { verb: 'list', resource: 'pods', namespace: 'x', name: '' }],
    ['GET', '/api/v1/namespaces/x/pods?watch=true', { verb: 'watch' }],
    ['GET', '/api/v1/namespaces/x/pods?watch=', { verb: 'watch' }],
    ['GET', '/api/v1/namespaces/x/pods?watch=0', { verb: 'list' }],
    ['GET', '/api/v1/namespaces/x/pods?watch=False', { verb: 'list' }],
    ['GET', '/api/v1/namespaces/x/pods/y?watch=true', { verb: 'get', name: 'y' }],
    ['HEAD', '/api/v1/namespaces/x/pods/y', { verb: 'get', name: 'y' }],
    ['POST', '/api/v1/namespaces/x/pods', { verb: 'create' }],
    ['PATCH', '/api/v1/namespaces/x/pods/y', { verb: 'patch' }],
    ['DELETE', '/api/v1/namespaces/x/pods/y', { verb: 'delete' }],
    ['DELETE', '/api/v1/namespaces/x/pods', { verb: 'deletecollection' }],
    ['POST', '/api/v1/namespaces/x/pods/y/exec', { verb: 'create', name: 'y', subresource: 'exec' }],
    ['GET', '/api/v1/namespaces/x/services/y/proxy/a/b', { verb: 'get', resource: 'services', subresource: 'proxy', rest: ['a', 'b'] }],
    ['GET', '/api/v1/watch/namespaces/x/pods/y', { verb: 'watch', resource: 'pods', namespace: 'x', name: 'y' }],
    ['GET', '/api/v1/watch/pods', { verb: 'watch', resource: 'pods', namespace: '' }],
    ['GET', '/api/v1/pods', { verb: 'list', resource: 'pods', namespace: '' }],
    ['GET', '/apis/apps/v1/namespaces/x/deployments/y/scale', { group: 'apps', version: 'v1', resource: 'deployments', name: 'y', subresource: 'scale' }],
    ['GET', '/apis/batch/v1/jobs', { group: 'batch', verb: 'list', resource: 'jobs' }],
    ['GET', '//api/v1/pods//', { verb: 'list', resource: 'pods', isResourceRequest: true }],
    ['GET', '/api//v1/pods', { verb: 'get', version: '', resource: 'v1', name: 'pods' }],
    ['GET', '/api/v1/namespaces/x//pods', { verb: 'get', namespace: 'x', resource: '', name: 'pods' }],
    ['PROPFIND', '/api/v1/pods', { verb: '', isResourceRequest: true }],
    ['GET', '/api/v1', { isResourceRequest: false, verb: 'get' }],
    ['GET', '/apis/apps/v1', { isResourceRequest: false }],
    ['POST', '/healthz', { isResourceRequest: false, verb: 'post', path: '/healthz' }],
    ['GET', '/', { isResourceRequest: false }],
  ]
  for (const [method, url, expected] of cases) {
    const [path = '', query] = url.split('?')
    t.match(parseRequestInfo(method, path, new URLSearchParams(query)), expected, `${method} ${url}`)
  }
  t.end()
})
