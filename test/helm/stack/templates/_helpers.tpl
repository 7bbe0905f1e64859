{{- define "stack.labels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{ include "stack.selector" . }}
{{- end }}
{{- define "stack.selector" -}}
stack/instance: {{ .root.Release.Name }}
stack/component: {{ .component }}
{{- end }}
