/** jq, as the real one prints; and what it may not do to the server. */
import t from 'tap'
import { script } from '../../helpers/sandbox.ts'

type Case = readonly [script: string, printed: string]

const filters: readonly Case[] = [
  ["echo '{\"a\":1,\"b\":[1,2,{\"c\":\"x\"}]}' | jq .", "{\n  \"a\": 1,\n  \"b\": [\n    1,\n    2,\n    {\n      \"c\": \"x\"\n    }\n  ]\n}\n"],
  ["echo '{\"items\":[{\"metadata\":{\"name\":\"b\",\"labels\":{\"app\":\"x\"}}},{\"metadata\":{\"name\":\"ab\"}}]}' | jq -r '.items[].metadata.name'", "b\nab\n"],
  ["echo '{\"items\":[{\"n\":\"b\",\"x\":1},{\"n\":\"ab\"}]}' | jq -c '.items[] | {name: .n, v: (.x // 3)}, [.n, .x]'", "{\"name\":\"b\",\"v\":1}\n[\"b\",1]\n{\"name\":\"ab\",\"v\":3}\n[\"ab\",null]\n"],
  ["echo '{\"a\":1,\"b\":null}' | jq -c '.a += 5 | .b = \"z\" | .c.d[1] = true | del(.a)'", "{\"b\":\"z\",\"c\":{\"d\":[null,true]}}\n"],
  ["echo '[3,1,2]' | jq -c 'sort, map(.*2), (map(select(.>1)) | length), add, max, min, reverse, first, last, .[1:], .[:-1], index(1)'", "[1,2,3]\n[6,2,4]\n2\n6\n3\n1\n[2,1,3]\n3\n2\n[1,2]\n[3,1]\n1\n"],
  ["jq -n --arg x hello --argjson y '{\"k\":[1]}' '$x, $y.k[0], ($x | length), ($ENV.HOME), env.HOME'", "\"hello\"\n1\n5\n\"/root\"\n\"/root\"\n"],
  ["printf '1 2\\n3' | jq -s -c '., add'; printf 'a\\nb\\n' | jq -R .; printf 'a\\nb\\n' | jq -Rs -c 'split(\"\\n\")'", "[1,2,3]\n6\n\"a\"\n\"b\"\n[\"a\",\"b\",\"\"]\n"],
  ["echo '{\"x\":[1,[2,[3]]]}' | jq -c '.x | flatten, flatten(1), (.. | numbers), [paths], [leaf_paths|length]'", "[1,2,3]\n[1,2,[3]]\n1\n2\n3\n[[0],[1],[1,0],[1,1],[1,1,0]]\n[1,2,3]\n"],
  ["jq -n -c '[range(5)], [range(0;10;3)], [limit(2; range(10))], reduce range(5) as $i (0; .+$i), [foreach range(3) as $i (0; .+$i)], (if 1 > 2 then \"a\" elif 2 > 1 then \"b\" else \"c\" end), ([1,2] | contains([1])), ({} | .a // \"d\"), (\"a,b\" | split(\",\") | @csv), ([1,\"x\"] | @tsv), (1,null | type), ([[1,2],[3,4]] | transpose), (\"x\" * 3), (10 / 4), (7 % 3), ({\"a\":{\"b\":1}} * {\"a\":{\"c\":2}}), ([1,2,3] - [2])'", "[0,1,2,3,4]\n[0,3,6,9]\n[0,1]\n10\n[0,1,3]\n\"b\"\ntrue\n\"d\"\n\"\\\"a\\\",\\\"b\\\"\"\n\"1\\tx\"\n\"number\"\n\"null\"\n[[1,3],[2,4]]\n\"xxx\"\n2.5\n1\n{\"a\":{\"b\":1,\"c\":2}}\n[1,3]\n"],
  ["echo '{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"},{\"type\":\"X\",\"status\":\"False\"}]}}' | jq -r '.status.conditions[] | select(.type == \"Ready\") | .status'; echo '{\"a\":[{\"b\":1},{\"b\":2}]}' | jq -c '[.a[] | .b] | any(. > 1), all(. > 1)' ; echo '{\"a\":[{\"b\":1},{\"b\":2}]}' | jq '.a | length' ; echo '[1,2]' | jq -r '@sh, @json, @html, @uri'", "True\ntrue\nfalse\n2\n1 2\n[1,2]\n[1,2]\n%5B1%2C2%5D\n"],
  ["echo '{\"b\":1,\"a\":2}' | jq -S -c .; echo '{\"b\":1,\"a\":2}' | jq --tab .; echo '{\"b\":[1]}' | jq --indent 1 .; echo '[\"a\",\"b\"]' | jq -j '.[]'; echo; echo '[1.0,1e3,1.5]' | jq -c .", "{\"a\":2,\"b\":1}\n{\n\t\"b\": 1,\n\t\"a\": 2\n}\n{\n \"b\": [\n  1\n ]\n}\nab\n[1,1000,1.5]\n"],
]

/** Without what it complains of, which no two versions say alike. */
const printed = (text: string) => text.replace(/!(?:[^\n]*\n)*(?=\(\d+\)$|$)/, '')

t.test('jq', async (t) => {
  for (const [text, expected] of filters) t.equal(printed(await script(text, { image: 'stedolan/jq' })), expected, text)
})

t.test('a filter without an end is ended', async (t) => {
  t.match(await script("jq -n '[repeat(1)]'", { image: 'stedolan/jq' }), /it computed for too long|it nests too deep/)
  t.match(await script("jq -n 'def f: f; f'", { image: 'stedolan/jq' }), /it computed for too long|it nests too deep/)
  t.match(await script("jq '.a |'", { image: 'stedolan/jq' }), /jq: error: syntax error, unexpected end of file[\s\S]*\(3\)$/)
})
