{{/*
A container from a block of values that has image, command, args, env, envFrom, resources and volumeMounts.
Expects `dict "name" NAME "block" BLOCK "image" REFERENCE "securityContext" MAP`.
*/}}
{{- define "app.container" -}}
name: {{ .name | quote }}
image: {{ .image | quote }}
{{- range $key := list "command" "args" "env" "envFrom" "resources" "volumeMounts" }}
{{- with index $.block $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
securityContext:
  {{- toYaml .securityContext | nindent 2 }}
{{- end -}}
