/** What a configuration file may hold. Types of files are not part of the API, so the generated facts do not have them. */

export type Shape =
  | 'string'
  | 'bool'
  | 'int32'
  | 'int64'
  | 'float32'
  | 'duration'
  | 'bytes'
  /** Decoded later, by what stands beside it. */
  | 'raw'
  | { readonly list: Shape }
  /** A type of the API, by its OpenAPI name. */
  | { readonly api: string }
  | StructShape

export interface StructShape {
  /** Go's name of the type, for error messages. */
  readonly struct: string
  readonly fields: Readonly<Record<string, Shape>>
}

export const struct = (name: string, fields: Readonly<Record<string, Shape>>): StructShape => ({ struct: name, fields })
export const typeMeta = { apiVersion: 'string', kind: 'string' } as const
