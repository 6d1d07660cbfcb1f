{{- /* The build ID of the workers. */}}
{{- define "maintenance.build" -}}
{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* The build as a part of names, which have 63 characters: a long one is cut and ends in its digest. */}}
{{- define "maintenance.suffix" -}}
{{- $build := include "maintenance.build" . | lower | replace "." "-" | replace "_" "-" -}}
{{ if gt (len $build) 20 }}{{ $build | trunc 11 | trimSuffix "-" }}-{{ $build | sha256sum | trunc 8 }}{{ else }}{{ $build }}{{ end }}
{{- end }}

{{- define "maintenance.image" -}}
{{ .Values.image.repository }}:{{ include "maintenance.build" . }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- /* Takes (root, component): labels by which pods of all builds are found. */}}
{{- define "maintenance.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: memory-maintenance
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- /* Takes (root, component): the same and the build. */}}
{{- define "maintenance.labels" -}}
{{ include "maintenance.selector" . }}
app.kubernetes.io/version: {{ include "maintenance.build" (index . 0) | quote }}
{{- end }}

{{- /* Named by the build and the content, since workers of an older build go on reading theirs. */}}
{{- define "maintenance.configMap" -}}
{{ .Values.existingConfigMap | default (printf "%s-%s-%s" .Release.Name (include "maintenance.suffix" .) (.Values.settings | toJson | sha256sum | trunc 10)) }}
{{- end }}

{{- /* Takes a role: the names of a role's task queues and the kinds of tasks that its workers poll there. */}}
{{- define "maintenance.queues" -}}
{{- if has . (list "workflows" "all") }}
- {name: memory-maintenance, types: "workflow,activity"}
{{- end }}
{{- if has . (list "model" "all") }}
- {name: memory-maintenance-llm, types: activity}
{{- end }}
{{- end }}

{{- /* What every pod has, before its containers. */}}
{{- define "maintenance.pod" -}}
automountServiceAccountToken: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.podSpec }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Takes (root, worker or not, settings inline or not): the image and the variables of a container. */}}
{{- define "maintenance.container" -}}
{{- $root := index . 0 -}}
image: {{ include "maintenance.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
{{- $own := and (index . 2) (not $root.Values.existingConfigMap) }}
{{- if or (index . 1) $own $root.Values.env }}
env:
  {{- if index . 1 }}
  - {name: TEMPORAL_WORKER_DEPLOYMENT_NAME, value: memory-maintenance}
  - {name: TEMPORAL_WORKER_BUILD_ID, value: {{ include "maintenance.build" $root | quote }}}
  {{- end }}
  {{- if $own }}
  {{- range $name, $value := $root.Values.settings }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
  {{- end }}
  {{- with $root.Values.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- if or (not $own) $root.Values.secrets }}
envFrom:
  {{- if not $own }}
  - configMapRef: {name: {{ include "maintenance.configMap" $root }}}
  {{- end }}
  {{- range $root.Values.secrets }}
  - secretRef: {name: {{ . }}}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Takes (root, resources): what confines a container. */}}
{{- define "maintenance.confined" -}}
{{- $root := index . 0 -}}
resources:
  {{- toYaml (index . 1) | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- with $root.Values.volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "maintenance.volumes" -}}
volumes:
  - name: tmp
    emptyDir: {}
  {{- with .Values.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* The annotations of pods that serve metrics. */}}
{{- define "maintenance.scraped" -}}
{{- $found := dict }}
{{- if not .Values.podMonitor.enabled }}
{{- $found = dict "prometheus.io/scrape" "true" "prometheus.io/port" .Values.settings.METRICS_PORT }}
{{- end }}
{{- with merge $found .Values.podAnnotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Helm leaves the objects of an older build, since runs end on the build that they started on. */}}
{{- define "maintenance.kept" -}}
{{- if .Values.hooks -}}
annotations: {helm.sh/resource-policy: keep}
{{- end }}
{{- end }}
