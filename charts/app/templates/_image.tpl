{{/*
An image by its digest. The schema refuses everything else already; this is for `--skip-schema-validation`, and for a
parent chart that passes values on: a tag never reaches a Pod.
Expects `dict "image" BLOCK "where" "image"`.
*/}}
{{- define "app.image" -}}
{{- $digest := default "" .image.digest | toString -}}
{{- $repository := default "" .image.repository | toString -}}
{{- if not (regexMatch "^sha256:[a-f0-9]{64}$" $digest) -}}
{{- fail (printf "%s.digest is %q, expected sha256: and 64 hexadecimal digits: a tag can name another image a moment later, take the digest that was verified" .where $digest) -}}
{{- end -}}
{{- if not (regexMatch "^([a-z0-9-]+(\\.[a-z0-9-]+)+(:[0-9]+)?|[a-z0-9-]+:[0-9]+|localhost)(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$" $repository) -}}
{{- fail (printf "%s.repository is %q, expected REGISTRY/NAME without tag and digest" .where $repository) -}}
{{- end -}}
{{- printf "%s@%s" $repository $digest -}}
{{- end -}}

{{/*
The image of a container that may have its own; without, the application's.
Expects `dict "own" BLOCK "where" "test.image" "values" .Values`.
*/}}
{{- define "app.imageOf" -}}
{{- if .own -}}
{{- include "app.image" (dict "image" .own "where" .where) -}}
{{- else -}}
{{- include "app.image" (dict "image" .values.image "where" "image") -}}
{{- end -}}
{{- end -}}
