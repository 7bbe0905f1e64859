/** What kube-scheduler says to these files, word for word. */
import t from 'tap'
import { buildProfiles } from '../../../src/scheduler/build.ts'
import { defaultSchedulerConfig, loadSchedulerConfig } from '../../../src/scheduler/config/load.ts'
import { plugins } from '../../../src/scheduler/registry.ts'

const HEAD = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n'
const load = (text: string) => loadSchedulerConfig(HEAD + text, plugins)
const args = (plugin: string, given: string) => `profiles:\n- pluginConfig:\n  - name: ${plugin}\n    args: {${given}}\n`
const inProfile = (given: string) => `profiles:\n- plugins: {${given}}\n`
const CREATING = 'initializing profiles: creating profile for scheduler name default-scheduler: '
const AT = 'profiles[0].pluginConfig[0].args'

const refused: readonly (readonly [string, string])[] = [
  ['foo: 1\nprofiles: [{schedulerName: a, bar: 2}]\n', 'strict decoding error: unknown field "foo", unknown field "profiles[0].bar"'],
  ['parallelism: 1\nparallelism: 2\n', 'strict decoding error: yaml: unmarshal errors:\n  line 4: key "parallelism" already set in map'],
  ['parallelism: many\n', 'json: cannot unmarshal string into Go struct field KubeSchedulerConfiguration.parallelism of type int32'],
  ['profiles: {}\n', 'json: cannot unmarshal object into Go struct field KubeSchedulerConfiguration.profiles of type []v1.KubeSchedulerProfile'],
  ['leaderElection: {leaseDuration: 5}\n', 'json: cannot unmarshal number into Go struct field LeaderElectionConfiguration.leaderElection.leaseDuration of type string'],
  ['leaderElection: {leaseDuration: abc}\n', 'time: invalid duration "abc"'],
  ['leaderElection: {leaseDuration: 5s, resourceLock: foo}\n', '[leaderElection.leaseDuration: Invalid value: "10s": must be greater than `RenewDeadline`, leaderElection.resourceLock: Invalid value: "foo": resourceLock value must be "leases"]'],
  ['parallelism: 0\npercentageOfNodesToScore: 101\npodInitialBackoffSeconds: 0\npodMaxBackoffSeconds: -1\n', '[parallelism: Invalid value: 0: should be an integer value greater than zero, percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100], podInitialBackoffSeconds: Invalid value: 0: must be greater than 0, podMaxBackoffSeconds: Invalid value: -1: must be greater than or equal to PodInitialBackoffSeconds]'],
  ['profiles: [{schedulerName: a}, {schedulerName: a}, {}]\n', '[profiles[1].schedulerName: Duplicate value: {}, profiles[2].schedulerName: Required value]'],
  [args('NodeResourcesFit', 'scoringStrategy: {type: Foo, Nope: 1}'), 'strict decoding error: decoding .profiles[0].pluginConfig[0]: strict decoding error: decoding args for plugin NodeResourcesFit: strict decoding error: unknown field "scoringStrategy.Nope"'],
  [args('DefaultPreemption', 'apiVersion: kubescheduler.config.k8s.io/v1, kind: InterPodAffinityArgs'), 'decoding .profiles[0].pluginConfig[0]: args for plugin DefaultPreemption were not of type DefaultPreemptionArgs.kubescheduler.config.k8s.io, got InterPodAffinityArgs.kubescheduler.config.k8s.io'],
  [args('DefaultPreemption', 'minCandidateNodesPercentage: x'), 'decoding .profiles[0].pluginConfig[0]: decoding args for plugin DefaultPreemption: json: cannot unmarshal string into Go struct field DefaultPreemptionArgs.minCandidateNodesPercentage of type int32'],
  [args('DefaultPreemption', 'minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0'), `[${AT}.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute, ${AT}.minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage]`],
  [args('InterPodAffinity', 'hardPodAffinityWeight: 101'), `${AT}.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]`],
  [args('NodeResourcesBalancedAllocation', 'resources: [{name: cpu, weight: 2}, {name: cpu}]'), `[${AT}.resources[0].weight: Invalid value: 2: must be 1, ${AT}.resources[1].name: Duplicate value: "cpu"]`],
  [args('PodTopologySpread', "defaultingType: Foo, defaultConstraints: [{maxSkew: 0, topologyKey: '', whenUnsatisfiable: X}]"), `[${AT}.defaultingType: Unsupported value: "Foo": supported values: "System", "List", ${AT}.defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf), ${AT}.defaultConstraints[0].topologyKey: Required value: can not be empty, ${AT}.defaultConstraints[0].whenUnsatisfiable: Unsupported value: "X": supported values: "DoNotSchedule", "ScheduleAnyway"]`],
  [args('VolumeBinding', 'bindTimeoutSeconds: -1'), `${AT}.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value`],
  [args('DynamicResources', 'filterTimeout: -1s, bindingTimeout: 1ms'), `[${AT}.filterTimeout: Invalid value: "-1s": must be zero or positive, ${AT}.bindingTimeout: Invalid value: "1ms": must be at least 1 second]`],
  [args('NodeAffinity', 'addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Foo}, {key: b, operator: In}]}]}}'), `[${AT}.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: Unsupported value: "Foo": supported values: "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", ${AT}.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[1].values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty]`],
  ['profiles:\n- pluginConfig: [{name: DefaultPreemption}, {name: DefaultPreemption}]\n', 'profiles[0].pluginConfig[1]: Duplicate value: "DefaultPreemption"'],
  ["extenders:\n- {urlPrefix: 'http://a', prioritizeVerb: p, bindVerb: b, managedResources: [{name: cpu}, {name: example.com/a}, {name: example.com/a}]}\n- {urlPrefix: 'http://b', bindVerb: b}\n", '[extenders[0].weight: Invalid value: 0: must have a positive weight applied to it, extenders[0].managedResources[0].name: Invalid value: "cpu": is an invalid extended resource name, extenders[0].managedResources[2].name: Invalid value: "example.com/a": duplicate extender managed resource name, extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind]'],
  [inProfile('filter: {enabled: [{name: EBSLimits}]}'), 'profiles[0].plugins.filter.enabled[0]: Invalid value: "EBSLimits": was invalid in version "v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")'],
  ["profiles:\n- {schedulerName: a}\n- {schedulerName: b, plugins: {queueSort: {enabled: [{name: PrioritySort}], disabled: [{name: '*'}]}}}\n", 'profiles[1].plugins.queueSort: Invalid value: {"Enabled":[{"Name":"PrioritySort","Weight":0}],"Disabled":[{"Name":"*","Weight":0}]}: must be the same for all profiles'],
  [args('NodeResourcesFit', 'scoringStrategy: {type: RequestedToCapacityRatio, resources: [{name: cpu, weight: 101}]}'), `${CREATING}initializing plugin "NodeResourcesFit": [scoringStrategy.resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100], scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio]`],
  [inProfile('filter: {enabled: [{name: Foo}]}'), `${CREATING}FilterPlugin "Foo" does not exist`],
  [inProfile('multiPoint: {enabled: [{name: Foo}]}'), `${CREATING}PreFilterPlugin "Foo" does not exist`],
  [inProfile('filter: {enabled: [{name: ImageLocality}]}'), `${CREATING}plugin "ImageLocality" does not extend FilterPlugin plugin`],
  [inProfile('filter: {enabled: [{name: NodeName}, {name: NodeName}]}'), `${CREATING}plugin "NodeName" already registered as "FilterPlugin"`],
  [inProfile('multiPoint: {enabled: [{name: NodeName}, {name: NodeName}]}'), `${CREATING}plugin "NodeName" already registered as "FilterPlugin"`],
  [inProfile("bind: {disabled: [{name: '*'}]}"), `${CREATING}at least one bind plugin is needed for profile with scheduler name "default-scheduler"`],
  [inProfile("queueSort: {disabled: [{name: '*'}]}"), `${CREATING}only one queue sort plugin required for profile with scheduler name "default-scheduler", but got 0`],
]

t.test('what a configuration may not say', async (t) => {
  for (const [text, message] of refused) t.throws(() => buildProfiles(load(text), plugins), { message }, text)
  const other = (text: string) => () => loadSchedulerConfig(text, plugins)
  t.throws(other('apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration\n'), { message: 'no kind "KubeSchedulerConfiguration" is registered for version "kubescheduler.config.k8s.io/v1beta3" in scheme "pkg/runtime/scheme.go:111"' })
  t.throws(other('apiVersion: kubescheduler.config.k8s.io/v1\nkind: DefaultPreemptionArgs\n'), { message: "couldn't decode as KubeSchedulerConfiguration, got kubescheduler.config.k8s.io/v1, Kind=DefaultPreemptionArgs: " })
  t.throws(other('a: 1\n'), { message: "Object 'Kind' is missing in 'a: 1\n'" })
  t.throws(other('kind: KubeSchedulerConfiguration\n'), { message: "Object 'apiVersion' is missing in 'kind: KubeSchedulerConfiguration\n'" })
})

t.test('defaults', async (t) => {
  const config = defaultSchedulerConfig(plugins)
  t.same(config.profiles.map((p) => p.schedulerName), ['default-scheduler'])
  t.match(config, { parallelism: 16, percentageOfNodesToScore: 0, podInitialBackoffSeconds: 1, podMaxBackoffSeconds: 10, extenders: [] })
  const weights = config.profiles[0]?.plugins.multiPoint?.enabled?.flatMap(({ name, weight }) => (weight ? [`${name} ${weight}`] : []))
  t.same(weights, ['TaintToleration 3', 'NodeAffinity 2', 'NodeResourcesFit 1', 'PodTopologySpread 2', 'InterPodAffinity 2', 'DynamicResources 2', 'NodeResourcesBalancedAllocation 1', 'ImageLocality 1'])
  const given = Object.fromEntries((config.profiles[0]?.pluginConfig ?? []).map((c) => [c.name, c.args]))
  t.same(given, {
    DefaultPreemption: { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 },
    DynamicResources: { filterTimeout: '10s', bindingTimeout: '600s' },
    InterPodAffinity: { hardPodAffinityWeight: 1 },
    NodeAffinity: {},
    NodeResourcesBalancedAllocation: { resources: [{ name: 'cpu', weight: 1 }, { name: 'memory', weight: 1 }] },
    NodeResourcesFit: { scoringStrategy: { type: 'LeastAllocated', resources: [{ name: 'cpu', weight: 1 }, { name: 'memory', weight: 1 }] } },
    PodTopologySpread: { defaultingType: 'System' },
    VolumeBinding: { bindTimeoutSeconds: 600 },
  })
})

t.test('which plugins a profile has, and where', async (t) => {
  const enabled = (text: string) => load(text).profiles[0]?.plugins.multiPoint?.enabled?.map((p) => p.name) ?? []
  t.notOk(enabled(inProfile('multiPoint: {disabled: [{name: NodePorts}]}')).includes('NodePorts'))
  t.same(enabled(inProfile("multiPoint: {enabled: [{name: NodeName}, {name: PrioritySort}, {name: DefaultBinder}], disabled: [{name: '*'}]}")), ['NodeName', 'PrioritySort', 'DefaultBinder'])
  const [profile] = buildProfiles(load(inProfile('score: {enabled: [{name: NodeResourcesFit, weight: 7}], disabled: [{name: ImageLocality}]}')), plugins).values()
  t.ok(profile?.has('score'))
  const [bare] = buildProfiles(load(inProfile("postFilter: {disabled: [{name: '*'}]}")), plugins).values()
  t.notOk(bare?.has('postFilter'))
})
