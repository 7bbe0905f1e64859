/** The order of versions. Models CompareKubeAwareVersionStrings of k8s.io/apimachinery/pkg/version. */

/** v2 before v1 before v1beta1 before v1alpha1; other names last, by their letters. Positive where `a` comes first. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [rankOf(a), rankOf(b)]
  for (let i = 0; i < 3; i++) if (x[i] !== y[i]) return (x[i] ?? 0) - (y[i] ?? 0)
  return a < b ? 1 : a > b ? -1 : 0
}

function rankOf(version: string): number[] {
  const m = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  return m ? [m[2] === undefined ? 3 : m[2] === 'beta' ? 2 : 1, Number(m[1]), Number(m[3] ?? 0)] : [0, 0, 0]
}
