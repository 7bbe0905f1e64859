/**
 * Reads a KubeSchedulerConfiguration: decoded strictly, with defaults, validated. All errors are upstream's.
 * Models cmd/kube-scheduler/app/options/configfile.go and pkg/scheduler/apis/config/scheme.
 */
import { decodeContext } from '../../apimachinery/decode-context.ts'
import { isRecord } from '../../apimachinery/json.ts'
import { ParseError } from '../../apimachinery/parse-error.ts'
import { readYAML } from '../../apimachinery/yaml-reader.ts'
import { quote } from '../../errors.ts'
import type { Plugin } from '../framework.ts'
import { decodeStruct, refuseMismatch } from '../../apimachinery/config/decode-shape.ts'
import { withDefaults, type GivenConfig } from './defaults.ts'
import { argsShapes, configurationShape } from './shapes.ts'
import type { PluginConfig, PluginRef, SchedulerConfig } from './types.ts'
import { validateConfig } from './validation.ts'

const GROUP = 'kubescheduler.config.k8s.io'
const API_VERSION = `${GROUP}/v1`
const KIND = 'KubeSchedulerConfiguration'
const SCHEME = 'pkg/runtime/scheme.go:111'

/** Throws ParseError with what is wrong in one line. */
export function loadSchedulerConfig(text: string, plugins: readonly Plugin[]): SchedulerConfig {
  const { value, duplicates } = readYAML(text)
  refuseOtherKinds(value, text)
  const ctx = decodeContext(true)
  const given = decodeStruct(configurationShape, value, ctx)
  refuseMismatch(ctx)
  const strict = [...duplicates, ...ctx.strictErrors, ...decodeArgs(given as unknown as GivenConfig)]
  if (strict.length > 0) throw new ParseError(`strict decoding error: ${strict.join(', ')}`)
  const config = withDefaults(given as unknown as GivenConfig, refsOf(plugins))
  const problems = validateConfig(config)
  if (problems.length > 0) throw new ParseError(problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`)
  return config
}

/** What holds without a file. */
export function defaultSchedulerConfig(plugins: readonly Plugin[]): SchedulerConfig {
  return withDefaults({}, refsOf(plugins))
}

function refsOf(plugins: readonly Plugin[]): PluginRef[] {
  return [...plugins].sort((a, b) => a.order - b.order).map(({ name, weight, score }) => (score ? { name, weight: weight ?? 1 } : { name }))
}

function refuseOtherKinds(value: unknown, text: string): void {
  const { apiVersion, kind } = isRecord(value) ? value : {}
  if (typeof kind !== 'string' || !kind) throw new ParseError(`Object 'Kind' is missing in '${text}'`)
  if (typeof apiVersion !== 'string' || !apiVersion) throw new ParseError(`Object 'apiVersion' is missing in '${text}'`)
  if (kind === KIND && apiVersion === API_VERSION) return
  if (apiVersion === API_VERSION && kind.endsWith('Args') && argsShapes[kind.slice(0, -'Args'.length)]) throw new ParseError(`couldn't decode as KubeSchedulerConfiguration, got ${API_VERSION}, Kind=${kind}: `)
  throw new ParseError(`no kind ${quote(kind)} is registered for version ${quote(apiVersion)} in scheme ${quote(SCHEME)}`)
}

/** Puts decoded arguments in the place of raw ones; answers the strict errors. */
function decodeArgs({ profiles = [] }: GivenConfig): string[] {
  const strict: string[] = []
  for (const [i, { pluginConfig = [] }] of profiles.entries()) {
    for (const [j, config] of pluginConfig.entries()) {
      const place = `decoding .profiles[${i}].pluginConfig[${j}]: `
      try {
        const errors = decodePluginArgs(config)
        if (errors.length > 0) strict.push(`${place}strict decoding error: decoding args for plugin ${config.name}: strict decoding error: ${errors.join(', ')}`)
      } catch (error) {
        if (error instanceof ParseError) throw new ParseError(place + error.message, { cause: error })
        throw error
      }
    }
  }
  return strict
}

function decodePluginArgs(config: PluginConfig): string[] {
  const { name, args } = config
  const shape = argsShapes[name]
  if (!shape) return []
  const { kind = `${name}Args`, apiVersion = API_VERSION } = args ?? {}
  if (kind !== `${name}Args` || apiVersion !== API_VERSION) {
    if (typeof kind === 'string' && apiVersion === API_VERSION && argsShapes[kind.replace(/Args$/, '')]) throw new ParseError(`args for plugin ${name} were not of type ${name}Args.${GROUP}, got ${kind}.${GROUP}`)
    throw new ParseError(`decoding args for plugin ${name}: no kind ${quote(String(kind))} is registered for version ${quote(String(apiVersion))} in scheme ${quote(SCHEME)}`)
  }
  const ctx = decodeContext(true)
  try {
    config.args = decodeStruct(shape, args ?? {}, ctx)
    refuseMismatch(ctx)
  } catch (error) {
    if (error instanceof ParseError) throw new ParseError(`decoding args for plugin ${name}: ${error.message}`, { cause: error })
    throw error
  }
  return ctx.strictErrors
}
