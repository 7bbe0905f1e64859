/**
 * Upstream validates its internal types, so a struct in an error text has their field names, all of them, in their order.
 * This table holds those names for what a pod template is made of, as facts: `Name` or `Name=jsonName`, then a kind where
 * the field is not a plain string. Models k8s.io/kubernetes/pkg/apis/core/types.go.
 *
 * Kinds: `i` number, `b` boolean, `?` pointer to a plain value, `l` list of plain values, `m` map, `j` value with JSON names
 * (metav1 types), `p` port, `q` quantity, `T` struct, `*T` pointer to one, `[]T` list of them, `^` embedded metav1 type; `+T` takes over the fields of T.
 */
import { isRecord } from '../../../src/apimachinery/json.ts'

const TABLE: Readonly<Record<string, string>> = {
  PodSpec:
    'Volumes:[]Volume InitContainers:[]Container Containers:[]Container EphemeralContainers:[]EphemeralContainer RestartPolicy ' +
    'TerminationGracePeriodSeconds:? ActiveDeadlineSeconds:? DNSPolicy=dnsPolicy NodeSelector:m ServiceAccountName AutomountServiceAccountToken:? ' +
    'NodeName SecurityContext:*PodSecurityContext ImagePullSecrets:[]LocalObjectReference Hostname Subdomain SetHostnameAsFQDN:? ' +
    'Affinity:*Affinity SchedulerName Tolerations:[]Toleration HostAliases:[]HostAlias PriorityClassName Priority:? PreemptionPolicy:? ' +
    'DNSConfig=dnsConfig:*PodDNSConfig ReadinessGates:[]PodReadinessGate RuntimeClassName:? Overhead:m EnableServiceLinks:? ' +
    'TopologySpreadConstraints:[]TopologySpreadConstraint OS=os:*PodOS SchedulingGates:[]PodSchedulingGate ResourceClaims:[]PodResourceClaim ' +
    'Resources:*ResourceRequirements HostnameOverride:? SchedulingGroup:*PodSchedulingGroup',
  Volume:
    'Name HostPath:*HostPathVolumeSource EmptyDir:*EmptyDirVolumeSource GCEPersistentDisk=gcePersistentDisk:*GCEPersistentDiskVolumeSource ' +
    'AWSElasticBlockStore=awsElasticBlockStore:*AWSElasticBlockStoreVolumeSource GitRepo:*GitRepoVolumeSource Secret:*SecretVolumeSource ' +
    'NFS=nfs:*NFSVolumeSource ISCSI=iscsi:*ISCSIVolumeSource Glusterfs:*GlusterfsVolumeSource ' +
    'PersistentVolumeClaim:*PersistentVolumeClaimVolumeSource RBD=rbd:*RBDVolumeSource Quobyte:*QuobyteVolumeSource FlexVolume:*FlexVolumeSource ' +
    'Cinder:*CinderVolumeSource CephFS=cephfs:*CephFSVolumeSource Flocker:*FlockerVolumeSource DownwardAPI:*DownwardAPIVolumeSource ' +
    'FC=fc:*FCVolumeSource AzureFile:*AzureFileVolumeSource ConfigMap:*ConfigMapVolumeSource VsphereVolume:*VsphereVirtualDiskVolumeSource ' +
    'AzureDisk:*AzureDiskVolumeSource PhotonPersistentDisk:*PhotonPersistentDiskVolumeSource Projected:*ProjectedVolumeSource ' +
    'PortworxVolume:*PortworxVolumeSource ScaleIO:*ScaleIOVolumeSource StorageOS=storageos:*StorageOSVolumeSource CSI=csi:*CSIVolumeSource ' +
    'Ephemeral:*EphemeralVolumeSource Image:*ImageVolumeSource',
  HostPathVolumeSource: 'Path Type:?',
  EmptyDirVolumeSource: 'Medium SizeLimit:?',
  GCEPersistentDiskVolumeSource: 'PDName=pdName FSType=fsType Partition:i ReadOnly:b',
  AWSElasticBlockStoreVolumeSource: 'VolumeID FSType=fsType Partition:i ReadOnly:b',
  GitRepoVolumeSource: 'Repository Revision Directory',
  SecretVolumeSource: 'SecretName Items:[]KeyToPath DefaultMode:? Optional:?',
  KeyToPath: 'Key Path Mode:?',
  NFSVolumeSource: 'Server Path ReadOnly:b',
  ISCSIVolumeSource:
    'TargetPortal IQN=iqn Lun:i ISCSIInterface=iscsiInterface FSType=fsType ReadOnly:b Portals:l DiscoveryCHAPAuth=chapAuthDiscovery:b ' +
    'SessionCHAPAuth=chapAuthSession:b SecretRef:*LocalObjectReference InitiatorName:?',
  LocalObjectReference: 'Name',
  GlusterfsVolumeSource: 'EndpointsName=endpoints Path ReadOnly:b',
  PersistentVolumeClaimVolumeSource: 'ClaimName ReadOnly:b',
  RBDVolumeSource: 'CephMonitors=monitors:l RBDImage=image FSType=fsType RBDPool=pool RadosUser=user Keyring SecretRef:*LocalObjectReference ReadOnly:b',
  QuobyteVolumeSource: 'Registry Volume ReadOnly:b User Group Tenant',
  FlexVolumeSource: 'Driver FSType=fsType SecretRef:*LocalObjectReference ReadOnly:b Options:m',
  CinderVolumeSource: 'VolumeID FSType=fsType ReadOnly:b SecretRef:*LocalObjectReference',
  CephFSVolumeSource: 'Monitors:l Path User SecretFile SecretRef:*LocalObjectReference ReadOnly:b',
  FlockerVolumeSource: 'DatasetName DatasetUUID',
  DownwardAPIVolumeSource: 'Items:[]DownwardAPIVolumeFile DefaultMode:?',
  DownwardAPIVolumeFile: 'Path FieldRef:*ObjectFieldSelector ResourceFieldRef:*ResourceFieldSelector Mode:?',
  ObjectFieldSelector: 'APIVersion=apiVersion FieldPath',
  ResourceFieldSelector: 'ContainerName Resource Divisor:q',
  FCVolumeSource: 'TargetWWNs:l Lun:? FSType=fsType ReadOnly:b WWIDs=wwids:l',
  AzureFileVolumeSource: 'SecretName ShareName ReadOnly:b',
  ConfigMapVolumeSource: 'Name Items:[]KeyToPath DefaultMode:? Optional:?',
  VsphereVirtualDiskVolumeSource: 'VolumePath FSType=fsType StoragePolicyName StoragePolicyID',
  AzureDiskVolumeSource: 'DiskName DataDiskURI=diskURI CachingMode:? FSType=fsType:? ReadOnly:? Kind:?',
  PhotonPersistentDiskVolumeSource: 'PdID FSType=fsType',
  ProjectedVolumeSource: 'Sources:[]VolumeProjection DefaultMode:?',
  VolumeProjection:
    'Secret:*SecretProjection DownwardAPI:*DownwardAPIProjection ConfigMap:*ConfigMapProjection ' +
    'ServiceAccountToken:*ServiceAccountTokenProjection ClusterTrustBundle:*ClusterTrustBundleProjection PodCertificate:*PodCertificateProjection',
  SecretProjection: 'Name Items:[]KeyToPath Optional:?',
  DownwardAPIProjection: 'Items:[]DownwardAPIVolumeFile',
  ConfigMapProjection: 'Name Items:[]KeyToPath Optional:?',
  ServiceAccountTokenProjection: 'Audience ExpirationSeconds:i Path',
  ClusterTrustBundleProjection: 'Name:? SignerName:? LabelSelector:j Optional:? Path',
  PodCertificateProjection: 'SignerName KeyType MaxExpirationSeconds:? CredentialBundlePath KeyPath CertificateChainPath UserAnnotations:m',
  PortworxVolumeSource: 'VolumeID FSType=fsType ReadOnly:b',
  ScaleIOVolumeSource:
    'Gateway System SecretRef:*LocalObjectReference SSLEnabled=sslEnabled:b ProtectionDomain StoragePool StorageMode VolumeName FSType=fsType ' +
    'ReadOnly:b',
  StorageOSVolumeSource: 'VolumeName VolumeNamespace FSType=fsType ReadOnly:b SecretRef:*LocalObjectReference',
  CSIVolumeSource: 'Driver ReadOnly:? FSType=fsType:? VolumeAttributes:m NodePublishSecretRef:*LocalObjectReference',
  EphemeralVolumeSource: 'VolumeClaimTemplate:*PersistentVolumeClaimTemplate',
  PersistentVolumeClaimTemplate: 'ObjectMeta=metadata:^ Spec:PersistentVolumeClaimSpec',
  PersistentVolumeClaimSpec:
    'AccessModes:l Selector:j Resources:VolumeResourceRequirements VolumeName StorageClassName:? VolumeMode:? ' +
    'DataSource:*TypedLocalObjectReference DataSourceRef:*TypedObjectReference VolumeAttributesClassName:?',
  VolumeResourceRequirements: 'Limits:m Requests:m',
  TypedLocalObjectReference: 'APIGroup=apiGroup:? Kind Name',
  TypedObjectReference: 'APIGroup=apiGroup:? Kind Name Namespace:?',
  ImageVolumeSource: 'Reference PullPolicy',
  Container:
    'Name Image Command:l Args:l WorkingDir Ports:[]ContainerPort EnvFrom:[]EnvFromSource Env:[]EnvVar Resources:ResourceRequirements ' +
    'ResizePolicy:[]ContainerResizePolicy RestartPolicy:? RestartPolicyRules:[]ContainerRestartRule VolumeMounts:[]VolumeMount ' +
    'VolumeDevices:[]VolumeDevice LivenessProbe:*Probe ReadinessProbe:*Probe StartupProbe:*Probe Lifecycle:*Lifecycle TerminationMessagePath ' +
    'TerminationMessagePolicy ImagePullPolicy SecurityContext:*SecurityContext Stdin:b StdinOnce:b TTY=tty:b',
  ContainerPort: 'Name HostPort:i ContainerPort:i Protocol HostIP',
  EnvFromSource: 'Prefix ConfigMapRef:*ConfigMapEnvSource SecretRef:*SecretEnvSource',
  ConfigMapEnvSource: 'Name Optional:?',
  SecretEnvSource: 'Name Optional:?',
  EnvVar: 'Name Value ValueFrom:*EnvVarSource',
  EnvVarSource:
    'FieldRef:*ObjectFieldSelector ResourceFieldRef:*ResourceFieldSelector ConfigMapKeyRef:*ConfigMapKeySelector SecretKeyRef:*SecretKeySelector ' +
    'FileKeyRef:*FileKeySelector',
  ConfigMapKeySelector: 'Name Key Optional:?',
  SecretKeySelector: 'Name Key Optional:?',
  FileKeySelector: 'VolumeName Path Key Optional:?',
  ResourceRequirements: 'Limits:m Requests:m Claims:[]ResourceClaim',
  ResourceClaim: 'Name Request',
  ContainerResizePolicy: 'ResourceName RestartPolicy',
  ContainerRestartRule: 'Action ExitCodes:*ContainerRestartRuleOnExitCodes',
  ContainerRestartRuleOnExitCodes: 'Operator Values:l',
  VolumeMount: 'Name ReadOnly:b RecursiveReadOnly:? MountPath SubPath MountPropagation:? SubPathExpr',
  VolumeDevice: 'Name DevicePath',
  Probe:
    'Exec:*ExecAction HTTPGet=httpGet:*HTTPGetAction TCPSocket=tcpSocket:*TCPSocketAction GRPC=grpc:*GRPCAction InitialDelaySeconds:i ' +
    'TimeoutSeconds:i PeriodSeconds:i SuccessThreshold:i FailureThreshold:i TerminationGracePeriodSeconds:?',
  ExecAction: 'Command:l',
  HTTPGetAction: 'Path Port:p Host Scheme HTTPHeaders=httpHeaders:[]HTTPHeader',
  HTTPHeader: 'Name Value',
  TCPSocketAction: 'Port:p Host',
  GRPCAction: 'Port:i Service:?',
  Lifecycle: 'PostStart:*LifecycleHandler PreStop:*LifecycleHandler StopSignal:?',
  LifecycleHandler: 'Exec:*ExecAction HTTPGet=httpGet:*HTTPGetAction TCPSocket=tcpSocket:*TCPSocketAction Sleep:*SleepAction',
  SleepAction: 'Seconds:i',
  SecurityContext:
    'Capabilities:*Capabilities Privileged:? SELinuxOptions=seLinuxOptions:*SELinuxOptions WindowsOptions:*WindowsSecurityContextOptions ' +
    'RunAsUser:? RunAsGroup:? RunAsNonRoot:? ReadOnlyRootFilesystem:? AllowPrivilegeEscalation:? ProcMount:? SeccompProfile:*SeccompProfile ' +
    'AppArmorProfile:*AppArmorProfile',
  Capabilities: 'Add:l Drop:l',
  SELinuxOptions: 'User Role Type Level',
  WindowsSecurityContextOptions: 'GMSACredentialSpecName=gmsaCredentialSpecName:? GMSACredentialSpec=gmsaCredentialSpec:? RunAsUserName:? HostProcess:?',
  SeccompProfile: 'Type LocalhostProfile:?',
  AppArmorProfile: 'Type LocalhostProfile:?',
  EphemeralContainer: '+Container TargetContainerName',
  PodSecurityContext:
    'HostNetwork:b HostPID:b HostIPC:b ShareProcessNamespace:? HostUsers:? SELinuxOptions=seLinuxOptions:*SELinuxOptions ' +
    'WindowsOptions:*WindowsSecurityContextOptions RunAsUser:? RunAsGroup:? RunAsNonRoot:? SupplementalGroups:l SupplementalGroupsPolicy:? ' +
    'FSGroup=fsGroup:? FSGroupChangePolicy=fsGroupChangePolicy:? Sysctls:[]Sysctl SeccompProfile:*SeccompProfile AppArmorProfile:*AppArmorProfile ' +
    'SELinuxChangePolicy=seLinuxChangePolicy:?',
  Sysctl: 'Name Value',
  Affinity: 'NodeAffinity:*NodeAffinity PodAffinity:*PodAffinity PodAntiAffinity:*PodAntiAffinity',
  NodeAffinity: 'RequiredDuringSchedulingIgnoredDuringExecution:*NodeSelector PreferredDuringSchedulingIgnoredDuringExecution:[]PreferredSchedulingTerm',
  NodeSelector: 'NodeSelectorTerms:[]NodeSelectorTerm',
  NodeSelectorTerm: 'MatchExpressions:[]NodeSelectorRequirement MatchFields:[]NodeSelectorRequirement',
  NodeSelectorRequirement: 'Key Operator Values:l',
  PreferredSchedulingTerm: 'Weight:i Preference:NodeSelectorTerm',
  PodAffinity: 'RequiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm PreferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm',
  PodAffinityTerm: 'LabelSelector:j Namespaces:l TopologyKey NamespaceSelector:j MatchLabelKeys:l MismatchLabelKeys:l',
  WeightedPodAffinityTerm: 'Weight:i PodAffinityTerm:PodAffinityTerm',
  PodAntiAffinity: 'RequiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm PreferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm',
  Toleration: 'Key Operator Value Effect TolerationSeconds:?',
  HostAlias: 'IP=ip Hostnames:l',
  PodDNSConfig: 'Nameservers:l Searches:l Options:[]PodDNSConfigOption',
  PodDNSConfigOption: 'Name Value:?',
  PodReadinessGate: 'ConditionType',
  TopologySpreadConstraint: 'MaxSkew:i TopologyKey WhenUnsatisfiable LabelSelector:j MinDomains:? NodeAffinityPolicy:? NodeTaintsPolicy:? MatchLabelKeys:l',
  PodOS: 'Name',
  PodSchedulingGate: 'Name',
  PodResourceClaim: 'Name ResourceClaimName:? ResourceClaimTemplateName:?',
  PodSchedulingGroup: 'PodGroupName:?',
  PersistentVolumeSource:
    'GCEPersistentDisk=gcePersistentDisk:*GCEPersistentDiskVolumeSource AWSElasticBlockStore=awsElasticBlockStore:*AWSElasticBlockStoreVolumeSource ' +
    'HostPath:*HostPathVolumeSource Glusterfs:*GlusterfsPersistentVolumeSource NFS=nfs:*NFSVolumeSource RBD=rbd:*RBDPersistentVolumeSource ' +
    'Quobyte:*QuobyteVolumeSource ISCSI=iscsi:*ISCSIPersistentVolumeSource FlexVolume:*FlexPersistentVolumeSource Cinder:*CinderPersistentVolumeSource ' +
    'CephFS=cephfs:*CephFSPersistentVolumeSource FC=fc:*FCVolumeSource Flocker:*FlockerVolumeSource AzureFile:*AzureFilePersistentVolumeSource ' +
    'VsphereVolume:*VsphereVirtualDiskVolumeSource AzureDisk:*AzureDiskVolumeSource PhotonPersistentDisk:*PhotonPersistentDiskVolumeSource ' +
    'PortworxVolume:*PortworxVolumeSource ScaleIO:*ScaleIOPersistentVolumeSource Local:*LocalVolumeSource StorageOS=storageos:*StorageOSPersistentVolumeSource ' +
    'CSI=csi:*CSIPersistentVolumeSource',
  PersistentVolumeSpec:
    'Capacity:m +PersistentVolumeSource AccessModes:l ClaimRef:*ObjectReference PersistentVolumeReclaimPolicy StorageClassName MountOptions:l VolumeMode:? ' +
    'NodeAffinity:*VolumeNodeAffinity VolumeAttributesClassName:?',
  VolumeNodeAffinity: 'Required:*NodeSelector',
  GlusterfsPersistentVolumeSource: 'EndpointsName=endpoints Path ReadOnly:b EndpointsNamespace:?',
  RBDPersistentVolumeSource: 'CephMonitors=monitors:l RBDImage=image FSType=fsType RBDPool=pool RadosUser=user Keyring SecretRef:*SecretReference ReadOnly:b',
  SecretReference: 'Name Namespace',
  ISCSIPersistentVolumeSource:
    'TargetPortal IQN=iqn Lun:i ISCSIInterface=iscsiInterface FSType=fsType ReadOnly:b Portals:l DiscoveryCHAPAuth=chapAuthDiscovery:b ' +
    'SessionCHAPAuth=chapAuthSession:b SecretRef:*SecretReference InitiatorName:?',
  FlexPersistentVolumeSource: 'Driver FSType=fsType SecretRef:*SecretReference ReadOnly:b Options:m',
  CinderPersistentVolumeSource: 'VolumeID FSType=fsType ReadOnly:b SecretRef:*SecretReference',
  CephFSPersistentVolumeSource: 'Monitors:l Path User SecretFile SecretRef:*SecretReference ReadOnly:b',
  AzureFilePersistentVolumeSource: 'SecretName ShareName ReadOnly:b SecretNamespace:?',
  ScaleIOPersistentVolumeSource:
    'Gateway System SecretRef:*SecretReference SSLEnabled=sslEnabled:b ProtectionDomain StoragePool StorageMode VolumeName FSType=fsType ReadOnly:b',
  LocalVolumeSource: 'Path FSType=fsType:?',
  StorageOSPersistentVolumeSource: 'VolumeName VolumeNamespace FSType=fsType ReadOnly:b SecretRef:*ObjectReference',
  ObjectReference: 'Kind Namespace Name UID=uid APIVersion=apiVersion ResourceVersion FieldPath',
  CSIPersistentVolumeSource:
    'Driver VolumeHandle ReadOnly:b FSType=fsType VolumeAttributes:m ControllerPublishSecretRef:*SecretReference NodeStageSecretRef:*SecretReference ' +
    'NodePublishSecretRef:*SecretReference ControllerExpandSecretRef:*SecretReference NodeExpandSecretRef:*SecretReference',
}

interface InternalField {
  name: string
  json: string
  kind: string
}

const parsed = new Map<string, InternalField[]>()

function fieldsOf(type: string): InternalField[] {
  let fields = parsed.get(type)
  if (!fields) {
    fields = (TABLE[type] ?? '').split(' ').flatMap((text): InternalField[] => {
      if (text.startsWith('+')) return fieldsOf(text.slice(1))
      const [names = '', kind = ''] = text.split(':')
      const [name = '', json = name.charAt(0).toLowerCase() + name.slice(1)] = names.split('=')
      return [{ name, json, kind }]
    })
    parsed.set(type, fields)
  }
  return fields
}

/** The value as Go's encoding/json sees the internal struct of this type, ready for printing. */
export function toInternal(type: string, value: unknown): unknown {
  const object = isRecord(value) ? value : {}
  const out: Record<string, unknown> = {}
  for (const { name, json, kind } of fieldsOf(type)) {
    if (kind === '^') Object.assign(out, orderedMeta(object[json]))
    else out[name] = convert(kind, object[json])
  }
  return out
}

/** A list of internal structs; none is null. */
export function toInternalList(type: string, list: readonly unknown[] | undefined): unknown {
  return list?.length ? list.map((item) => toInternal(type, item)) : null
}

/** The host namespaces are fields of the security context internally. */
const HOST_FIELDS = ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace', 'hostUsers']

export function toInternalPodSpec(spec: object): unknown {
  const given: Record<string, unknown> = { ...spec }
  const context: Record<string, unknown> = isRecord(given['securityContext']) ? { ...given['securityContext'] } : {}
  for (const key of HOST_FIELDS) context[key] = given[key]
  return toInternal('PodSpec', { ...given, securityContext: context })
}

function convert(kind: string, value: unknown): unknown {
  if (kind.startsWith('[]')) return toInternalList(kind.slice(2), Array.isArray(value) ? value : undefined)
  if (kind.startsWith('*')) return value === undefined ? null : toInternal(kind.slice(1), value)
  switch (kind) {
    case '': return value ?? ''
    case 'i': return value ?? 0
    case 'b': return value ?? false
    case 'q': return value ?? '0'
    case '?': return value ?? null
    case 'j': return sorted(value)
    case 'p': return value ?? 0
    case 'm': return isRecord(value) && Object.keys(value).length > 0 ? sorted(value) : null
    case 'l': return Array.isArray(value) && value.length > 0 ? value : null
    default: return toInternal(kind, value)
  }
}

const OBJECT_META = [
  'name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp',
  'deletionGracePeriodSeconds', 'labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields',
]

export function orderedMeta(value: unknown): object {
  const meta = isRecord(value) ? value : {}
  return Object.fromEntries(OBJECT_META.filter((key) => meta[key] !== undefined).map((key) => [key, orderedMember(key, meta[key])]))
}

function orderedMember(key: string, value: unknown): unknown {
  if (key !== 'ownerReferences') return key === 'managedFields' ? value : sorted(value)
  return Array.isArray(value) ? value.map((ref: object) => ({ apiVersion: '', kind: '', name: '', uid: '', ...ref })) : value
}

/** metav1 types have few fields, and these are in this order; of maps the keys are sorted, and of a requirement key and operator are always there. */
const META_ORDER = ['matchLabels', 'matchExpressions', 'key', 'operator', 'values']

export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isRecord(value)) return value ?? null
  const rank = (key: string) => META_ORDER.indexOf(key)
  const keys = Object.keys(value).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  return Object.fromEntries(keys.filter((k) => value[k] !== undefined).map((k) => [k, sorted(k === 'matchExpressions' ? requirements(value[k]) : value[k])]))
}

const requirements = (list: unknown): unknown => (Array.isArray(list) ? list.map((item: unknown) => (isRecord(item) ? { key: '', operator: '', ...item } : item)) : list)
