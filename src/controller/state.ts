/**
 * What a controller remembers between reconciles, kept apart for each cluster of the process.
 */
import type { ControllerContext } from './controller.ts'

/** A function that gives the same value for the same context, made by `make` at first use. */
export function perCluster<S>(make: (ctx: ControllerContext) => S): (ctx: ControllerContext) => S {
  const states = new WeakMap<ControllerContext, S>()
  return (ctx) => {
    let state = states.get(ctx)
    if (state === undefined) states.set(ctx, (state = make(ctx)))
    return state
  }
}
