import t from 'tap'
import { CLIENT_ONLY, endToEndHeaders, upgradeHead } from '../../src/apimachinery/http-proxying.ts'

t.test('headers of one connection stay with it', (t) => {
  const headers = { connection: 'close, X-Mine', 'keep-alive': '1', 'x-mine': '1', te: 'trailers', 'proxy-authorization': 'p', upgrade: 'h2c', accept: '*/*', cookie: ['a', 'b'], absent: undefined }
  t.same(endToEndHeaders<string | string[]>(headers), { accept: '*/*', cookie: ['a', 'b'] })
  t.same(endToEndHeaders({ ':path': '/', authorization: 'a', 'impersonate-user': 'i', 'x-remote-user': 'r', 'x-custom': 'c' }, CLIENT_ONLY), { 'x-custom': 'c' })
  t.end()
})

t.test('the head of an upgrade', (t) => {
  const head = upgradeHead({ method: 'GET', url: '/a?b=c', headers: { host: 'h', 'x-group': ['a', 'b'], 'x-none': undefined }, protocol: 'websocket' })
  t.equal(head, 'GET /a?b=c HTTP/1.1\r\nhost: h\r\nx-group: a\r\nx-group: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  t.end()
})
