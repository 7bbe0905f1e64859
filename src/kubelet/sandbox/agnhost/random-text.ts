import type { Process } from '../process.ts'

/** Digits, as Go names temporary files. */
export function randomText({ sandbox }: Process, length: number): string {
  let text = ''
  while (text.length < length) text += String(sandbox.random.int(10))
  return text
}
