/** A line as klog writes it. */
import type { Process } from '../process.ts'

export function klog({ clock, pid }: Process, message: string, { place, severity = 'I' }: { place: string; severity?: 'I' | 'W' | 'E' }): string {
  const now = new Date(clock.now()).toISOString()
  return `${severity}${now.slice(5, 7)}${now.slice(8, 10)} ${now.slice(11, 23)}000 ${String(pid).padStart(7)} ${place}] ${message}\n`
}

/** A line as Go's log package writes it. */
export function golog({ clock }: Process, message: string): string {
  const now = new Date(clock.now()).toISOString()
  return `${now.slice(0, 10).replace(/-/g, '/')} ${now.slice(11, 19)} ${message}\n`
}
