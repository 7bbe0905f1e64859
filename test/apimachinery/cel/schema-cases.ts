/** Expressions about a custom resource, with what upstream's own environment makes of them. */
import type { JSONSchemaProps } from '../../../schemas/types.ts'

export const SCHEMA: JSONSchemaProps = {
  "type": "object",
  "required": [
    "name"
  ],
  "properties": {
    "name": {
      "type": "string",
      "maxLength": 10
    },
    "big": {
      "type": "string"
    },
    "n": {
      "type": "integer"
    },
    "d": {
      "type": "number"
    },
    "b": {
      "type": "boolean"
    },
    "ios": {
      "x-kubernetes-int-or-string": true
    },
    "list": {
      "type": "array",
      "maxItems": 5,
      "items": {
        "type": "string",
        "maxLength": 3
      }
    },
    "ulist": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {
          "k": {
            "type": "string"
          },
          "v": {
            "type": "integer"
          }
        }
      }
    },
    "set": {
      "type": "array",
      "x-kubernetes-list-type": "set",
      "items": {
        "type": "string"
      }
    },
    "maps": {
      "type": "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": [
        "k"
      ],
      "items": {
        "type": "object",
        "required": [
          "k"
        ],
        "properties": {
          "k": {
            "type": "string"
          },
          "v": {
            "type": "integer"
          }
        }
      }
    },
    "map": {
      "type": "object",
      "additionalProperties": {
        "type": "integer"
      }
    },
    "omap": {
      "type": "object",
      "maxProperties": 3,
      "additionalProperties": {
        "type": "object",
        "properties": {
          "q": {
            "type": "string"
          }
        }
      }
    },
    "dur": {
      "type": "string",
      "format": "duration"
    },
    "dt": {
      "type": "string",
      "format": "date-time"
    },
    "date": {
      "type": "string",
      "format": "date"
    },
    "byt": {
      "type": "string",
      "format": "byte"
    },
    "nul": {
      "type": "string",
      "nullable": true
    },
    "enum": {
      "type": "string",
      "enum": [
        "a",
        "bcd"
      ]
    },
    "foo-bar": {
      "type": "string"
    },
    "a.b": {
      "type": "string"
    },
    "namespace": {
      "type": "string"
    },
    "any": {
      "x-kubernetes-preserve-unknown-fields": true
    },
    "pres": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true
    },
    "emb": {
      "type": "object",
      "x-kubernetes-embedded-resource": true,
      "properties": {
        "spec": {
          "type": "object",
          "properties": {
            "x": {
              "type": "integer"
            }
          }
        }
      }
    },
    "missing": {
      "type": "string"
    }
  }
}

export const DATA = {
  "name": "nm",
  "big": "hello world",
  "n": 3,
  "d": 2.5,
  "b": true,
  "ios": "50%",
  "list": [
    "a",
    "b"
  ],
  "ulist": [
    {
      "k": "x",
      "v": 1
    },
    {
      "k": "y",
      "v": 2
    }
  ],
  "set": [
    "a",
    "b"
  ],
  "maps": [
    {
      "k": "a",
      "v": 1
    },
    {
      "k": "b",
      "v": 2
    }
  ],
  "map": {
    "a": 1,
    "b": 2
  },
  "omap": {
    "z": {
      "q": "r"
    }
  },
  "dur": "1h",
  "dt": "2020-01-01T00:00:00Z",
  "date": "2020-01-01",
  "byt": "YWJj",
  "nul": null,
  "enum": "a",
  "foo-bar": "fb",
  "a.b": "ab",
  "namespace": "ns",
  "any": {
    "x": 1
  },
  "pres": {
    "zz": 1
  },
  "emb": {
    "apiVersion": "v1",
    "kind": "K",
    "metadata": {
      "name": "e"
    },
    "spec": {
      "x": 4
    }
  }
}

/** Expression, then error or value with cost and highest estimate. */
export const SCHEMA_CASES: readonly (readonly [string, { refused: string } | { fails: string } | { value: string; cost: number; max: bigint }])[] = [
  ["self.name", { value: "\"nm\"", cost: 2, max: 2n }],
  ["self.name.size() > 3", { value: "false", cost: 4, max: 4n }],
  ["self.big.contains('wor')", { value: "true", cost: 4, max: 314575n }],
  ["self.big + self.name", { value: "\"hello worldnm\"", cost: 6, max: 314581n }],
  ["self.n + 1", { value: "4", cost: 3, max: 3n }],
  ["self.d * 2.0", { value: "d5", cost: 3, max: 3n }],
  ["self.b ? self.name : self.big", { value: "\"nm\"", cost: 3, max: 4n }],
  ["self.ios == '50%'", { value: "true", cost: 3, max: 3n }],
  ["type(self.ios) == string", { value: "true", cost: 4, max: 4n }],
  ["self.ios == 5", { value: "false", cost: 3, max: 3n }],
  ["self.list.all(x, x.size() == 1)", { value: "true", cost: 15, max: 33n }],
  ["self.list.exists(x, x == 'b')", { value: "true", cost: 15, max: 33n }],
  ["self.ulist.map(u, u.v)", { value: "[1,2]", cost: 31, max: 14680063n }],
  ["self.ulist.filter(u, u.k == 'x').size()", { value: "1", cost: 23, max: 16777214n }],
  ["self.ulist.all(u, self.ulist.all(w, w.v >= 1))", { value: "true", cost: 39, max: 6597063475203n }],
  ["self.set == ['b','a']", { value: "true", cost: 3, max: 13n }],
  ["self.set + ['c','a']", { value: "[\"a\",\"b\",\"c\"]", cost: 3, max: 13n }],
  ["self.maps + [{'k':'a','v':5}]", { refused: "ERROR: <input>:1:11: found no matching overload for '_+_' applied to '(list(selfType.maps.@idx), list(map(string, dyn)))'\n | self.maps + [{'k':'a','v':5}]\n | ..........^" }],
  ["self.maps.exists(e, e.k == 'a')", { value: "true", cost: 13, max: 2202007n }],
  ["self.maps == self.maps", { value: "true", cost: 5, max: 31462n }],
  ["self.map.a", { value: "1", cost: 3, max: 3n }],
  ["self.map['b']", { value: "2", cost: 3, max: 3n }],
  ["self.map.all(k, self.map[k] > 0)", { value: "true", cost: 17, max: 3595115n }],
  ["self.map.all(k, v, v > 0)", { value: "true", cost: 13, max: 2246948n }],
  ["'a' in self.map", { value: "true", cost: 3, max: 3n }],
  ["self.map.size()", { value: "2", cost: 3, max: 3n }],
  ["self.omap.all(k, self.omap[k].q == 'r')", { value: "true", cost: 11, max: 30n }],
  ["self.omap.z.q", { value: "\"r\"", cost: 4, max: 4n }],
  ["self.dur > duration('30m')", { value: "true", cost: 3, max: 4n }],
  ["self.dt.getFullYear()", { value: "2020", cost: 3, max: 3n }],
  ["self.date < self.dt", { value: "false", cost: 5, max: 5n }],
  ["self.byt == b'abc'", { value: "true", cost: 3, max: 3n }],
  ["self.nul", { fails: "no such key: nul" }],
  ["has(self.nul)", { value: "false", cost: 1, max: 1n }],
  ["self.?nul.orValue('x')", { value: "\"x\"", cost: 1, max: 3n }],
  ["self.enum == 'a'", { value: "true", cost: 3, max: 3n }],
  ["self.foo__dash__bar", { value: "\"fb\"", cost: 2, max: 2n }],
  ["self.a__dot__b", { value: "\"ab\"", cost: 2, max: 2n }],
  ["self.__namespace__", { value: "\"ns\"", cost: 2, max: 2n }],
  ["self.namespace", { value: "\"ns\"", cost: 2, max: 2n }],
  ["self.any", { refused: "ERROR: <input>:1:5: undefined field 'any'\n | self.any\n | ....^" }],
  ["self.emb.spec.x", { value: "4", cost: 4, max: 4n }],
  ["self.emb.metadata.name", { value: "\"e\"", cost: 4, max: 4n }],
  ["self.emb.kind", { value: "\"K\"", cost: 3, max: 3n }],
  ["self.missing", { fails: "no such key: missing" }],
  ["has(self.missing)", { value: "false", cost: 1, max: 1n }],
  ["self.?missing", { value: "opt.none", cost: 1, max: 2n }],
  ["self.?missing.hasValue()", { value: "false", cost: 2, max: 3n }],
  ["self.nope", { refused: "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope\n | ....^" }],
  ["has(self.nope)", { refused: "ERROR: <input>:1:4: undefined field 'nope'\n | has(self.nope)\n | ...^" }],
  ["self.pres.zz", { refused: "ERROR: <input>:1:10: undefined field 'zz'\n | self.pres.zz\n | .........^" }],
  ["self.emb.metadata.labels", { refused: "ERROR: <input>:1:18: undefined field 'labels'\n | self.emb.metadata.labels\n | .................^" }],
  ["self == oldSelf", { value: "true", cost: 5, max: 2n }],
  ["self.name == oldSelf.name", { value: "true", cost: 5, max: 8n }],
  ["self.list == oldSelf.list", { value: "true", cost: 5, max: 5n }],
  ["self.map == oldSelf.map", { value: "true", cost: 5, max: 44943n }],
  ["self.ulist == oldSelf.ulist", { value: "true", cost: 5, max: 104862n }],
  ["self.big.matches('^h.*d$')", { value: "true", cost: 6, max: 629148n }],
  ["self.big.matches(self.name)", { value: "false", cost: 6, max: 3145734n }],
  ["self.big.split(' ').size()", { value: "2", cost: 6, max: 629149n }],
  ["self.big.replace('o','0')", { value: "\"hell0 w0rld\"", cost: 5, max: 629148n }],
  ["self.list.join(',')", { value: "\"a,b\"", cost: 3, max: 9n }],
  ["self.list.map(e, e + self.big)", { value: "[\"ahello world\",\"bhello world\"]", cost: 37, max: 1572958n }],
  ["self.big.find('[a-z]+')", { value: "\"hello\"", cost: 6, max: 629148n }],
  ["self.list.sort()", { value: "[\"a\",\"b\"]", cost: 21, max: 66n }],
  ["self.ulist.map(u, u.k).distinct()", { value: "[\"x\",\"y\"]", cost: 50, max: 2199033741324n }],
  ["self.list.isSorted()", { value: "true", cost: 2, max: 17n }],
  ["self.ulist.sortBy(u, u.v).map(u, u.k)", { value: "[\"x\",\"y\"]", cost: 81, max: 17592167170097n }],
  ["sets.contains(self.list, self.set)", { value: "true", cost: 9, max: 5242880n }],
  ["self.list.indexOf('a')", { value: "0", cost: 2, max: 17n }],
  ["self.big.lowerAscii() == self.big", { value: "true", cost: 8, max: 629150n }],
  ["self.big < self.name", { value: "true", cost: 5, max: 8n }],
  ["self.name in self.list", { value: "false", cost: 6, max: 9n }],
  ["self.list[0]", { value: "\"a\"", cost: 3, max: 3n }],
  ["self.list[5]", { fails: "index out of bounds: 5" }],
  ["self.ulist[0].k", { value: "\"x\"", cost: 4, max: 4n }],
  ["self.?list[?0].orValue('')", { value: "\"a\"", cost: 3, max: 4n }],
  ["quantity(self.big)", { fails: "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'" }],
  ["isQuantity(self.big)", { value: "false", cost: 4, max: 314575n }],
  ["self.map.transformList(k, v, v)", { value: "[1,2]", cost: 29, max: 5842070n }],
  ["self.map.transformMap(k, v, v + 1)", { value: "{\"a\":2,\"b\":3}", cost: 13, max: 2246978n }],
  ["self.ulist.transformMapEntry(i, u, {u.k: u.v})", { value: "{\"x\":1,\"y\":2}", cost: 75, max: 37748733n }],
  ["self.name + 1", { refused: "ERROR: <input>:1:11: found no matching overload for '_+_' applied to '(string, int)'\n | self.name + 1\n | ..........^" }],
  ["self.n == '3'", { refused: "ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(int, string)'\n | self.n == '3'\n | .......^" }],
  ["self.list == ['a', 1]", { refused: "ERROR: <input>:1:20: expected type 'string' but found 'int'\n | self.list == ['a', 1]\n | ...................^" }],
  ["self.map[1]", { refused: "ERROR: <input>:1:9: found no matching overload for '_[_]' applied to '(map(string, int), int)'\n | self.map[1]\n | ........^" }],
  ["self.name.foo", { refused: "ERROR: <input>:1:10: type 'string' does not support field selection\n | self.name.foo\n | .........^" }],
  ["size(self.big) + size(self.list)", { value: "13", cost: 7, max: 7n }],
  ["string(self.n) + self.name", { value: "\"3nm\"", cost: 6, max: 1844674407370955269n }],
  ["self.ulist.exists(u, u.nope == 1)", { refused: "ERROR: <input>:1:23: undefined field 'nope'\n | self.ulist.exists(u, u.nope == 1)\n | ......................^" }],
  ["has(self.emb) && self.emb.spec.x == 4", { value: "true", cost: 6, max: 5n }],
  ["self.big == 'x' || self.name == 'y' || self.n == 1 || self.b", { value: "true", cost: 11, max: 10n }],
  ["(self.b ? self.list : self.set).size()", { value: "2", cost: 4, max: 5n }],
  ["[self.big, self.name].map(e, e.size())", { value: "[11,2]", cost: 43, max: 53n }],
  ["{'a': self.big}.a.size()", { value: "11", cost: 35, max: 34n }],
  ["self.ios.size()", { value: "3", cost: 3, max: 3n }],
  ["self.list.filter(e, e in ['a','b']).all(e, e.matches('a'))", { value: "false", cost: 42, max: 169n }],
  ["self.omap.exists(k, v, v.q.startsWith('r'))", { value: "true", cost: 10, max: 24n }],
  ["'%s-%d'.format([self.name, self.n])", { value: "\"nm-3\"", cost: 15, max: 15n }],
  ["self.list.map(e, e.upperAscii()).join('')", { value: "\"AB\"", cost: 32, max: 1844674407370955352n }],
  ["self.big.substring(0, 3)", { value: "\"hel\"", cost: 4, max: 314575n }],
  ["url(self.big).getHost()", { fails: "URL parse error during conversion from string: parse \"hello world\": invalid URI for request" }],
  ["format.dns1123Label().validate(self.name)", { value: "opt.none", cost: 11, max: 131n }],
  ["self.ulist.map(u, self.ulist.map(w, w.k + u.k))", { value: "[[\"xx\",\"yx\"],[\"xy\",\"yy\"]]", cost: 101, max: 691769615333300638n }],
  ["self.map.map(k, k)", { value: "[\"a\",\"b\"]", cost: 29, max: 5842070n }],
  ["self.name.size() == self.big.size()", { value: "false", cost: 7, max: 7n }],
  ["dyn(self.name) == dyn(1)", { value: "false", cost: 4, max: 5n }],
  ["optional.of(self.name).optMap(v, v + v)", { value: "opt(\"nmnm\")", cost: 12, max: 1844674407370955285n }],
  ["self.dt - self.date", { value: "dur:0s", cost: 5, max: 5n }],
  ["self.list + self.list", { value: "[\"a\",\"b\",\"a\",\"b\"]", cost: 5, max: 5n }],
  ["self.ulist + self.ulist", { value: "[{\"k\":\"x\",\"v\":1},{\"k\":\"y\",\"v\":2},{\"k\":\"x\",\"v\":1},{\"k\":\"y\",\"v\":2}]", cost: 5, max: 5n }],
  ["type(self)", { value: "type:map", cost: 2, max: 2n }],
  ["type(self.map)", { value: "type:map", cost: 3, max: 3n }],
]
