/** What an expression may name: variables, types of objects, functions. Models k8s.io/apiserver/pkg/cel/environment. */
import { type Overload, standardFunctions } from './declarations.ts'
import { type CelType, structType } from './types.ts'
import type { Value } from './values.ts'

/** Knows the types of objects by their names. */
export interface TypeProvider {
  find(name: string): CelType | undefined
  field(type: string, field: string): CelType | undefined
  /** Makes a value of a type that expressions may build; absent where there is none. */
  create?(type: string, fields: ReadonlyMap<string, Value>): Value
}

export interface Environment {
  readonly variables: ReadonlyMap<string, CelType>
  readonly types: TypeProvider
  readonly functions: ReadonlyMap<string, readonly Overload[]>
  /** Whether cel.bind() names a value within an expression. */
  readonly hasBindings: boolean
}

export interface EnvironmentOptions {
  variables?: Readonly<Record<string, CelType>>
  types?: TypeProvider
  /** Besides those of all environments. */
  functions?: ReadonlyMap<string, readonly Overload[]>
  hasBindings?: boolean
}

/** The fields of a type of objects. */
export type Fields = Readonly<Record<string, CelType>>

/** Knows types that are written down. */
export function structProvider(types: Readonly<Record<string, Fields>>): TypeProvider {
  return {
    find: (name) => (Object.hasOwn(types, name) ? structType(name) : undefined),
    field(type, name) {
      const fields = types[type]
      return fields && Object.hasOwn(fields, name) ? fields[name] : undefined
    },
  }
}

const NO_TYPES: TypeProvider = { find: () => undefined, field: () => undefined }

export const environment = ({ variables = {}, types = NO_TYPES, functions, hasBindings = false }: EnvironmentOptions = {}): Environment => ({
  variables: new Map(Object.entries(variables)),
  types,
  functions: functions ? new Map([...standardFunctions(), ...functions]) : standardFunctions(),
  hasBindings,
})
