/**
 * What a cluster makes of what it is given, on one of our own, or with TARGET=kubeconfig on the one that file names, which
 * has controllers, a scheduler and two nodes or more. Nothing here is told of Orrery.
 */
import path from 'node:path'
import t from 'tap'
import { startTestCluster } from '../helpers/cluster.ts'
import { runBehaviour } from './_run.ts'

const { TARGET } = process.env
runBehaviour(t, TARGET ? path.resolve(TARGET) : (await startTestCluster(t, { nodes: 2 })).kubeconfig)
