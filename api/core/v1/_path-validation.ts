/** What paths inside volumes may look like. Models validateLocalDescendingPath and its kin of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import { field, type FieldError } from '../../../src/errors.ts'

export const FILE_MODE_MESSAGE = 'must be a number between 0 and 0777 (octal), both inclusive'

export function validateFileMode(mode: number | undefined, path: string): FieldError[] {
  return mode !== undefined && (mode > 0o777 || mode < 0) ? [field.invalid(path, mode, FILE_MODE_MESSAGE)] : []
}

/** One error is enough, however many steps back there are. */
export function validatePathNoBacksteps(target: string, path: string): FieldError[] {
  return target.split('/').includes('..') ? [field.invalid(path, target, "must not contain '..'")] : []
}

export function validateLocalDescendingPath(target: string, path: string): FieldError[] {
  const errors = target.startsWith('/') ? [field.invalid(path, target, 'must be a relative path')] : []
  errors.push(...validatePathNoBacksteps(target, path))
  return errors
}

export function validateLocalNonReservedPath(target: string, path: string): FieldError[] {
  const errors = validateLocalDescendingPath(target, path)
  if (target.startsWith('..') && !target.startsWith('../')) errors.push(field.invalid(path, target, "must not start with '..'"))
  return errors
}

/** An error when nothing is given. */
export function need(value: string | readonly unknown[] | undefined, path: string, detail = ''): FieldError[] {
  return value?.length ? [] : [field.required(path, detail)]
}
