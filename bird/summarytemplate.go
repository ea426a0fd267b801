package bird

import (
	htmltemplate "html/template"
	texttemplate "text/template"
)

// The templates that a [Summarizer] uses unless it is given others. Their only
// tags are those that HubSpot keeps in the body of a note.
var (
	defaultHTML = htmltemplate.Must(htmltemplate.New("summary").Parse(htmlSource))
	defaultText = texttemplate.Must(texttemplate.New("summary").Parse(textSource))
)

const htmlSource = `
{{- with .Title}}<p><strong>{{.}}</strong></p>
{{end -}}
{{with .Participants}}<p>{{range $i, $p := .}}{{if $i}}, {{end}}{{$p}}{{end}}{{with $.Unlisted}} and {{.}} more{{end}}</p>
{{end -}}
<p><em>{{with .Status}}Conversation: {{.}}. {{end}}Times: {{.Zone}}.</em>{{with .URL}} <a href="{{.}}">Open in Bird</a>{{end}}</p>
{{with .Note}}<p>{{.}}</p>
{{end -}}
{{with .Omitted}}<p><strong>[{{.}} earlier {{if eq . 1}}message is{{else}}messages are{{end}} left out]</strong></p>
{{end -}}
{{range .Messages}}<p>{{if not .At.IsZero}}{{.At.Format "2006-01-02 15:04"}} {{end}}<strong>{{.From}}</strong>
	{{- with .Failure}} <strong>[not delivered: {{.}}]</strong>{{end}}
	{{- with .Subject}}<br>Subject: {{.}}{{end}}
	{{- if .Text}}{{range .Lines}}<br>{{.}}{{end}}{{end}}
	{{- if .Cut}} <strong>[the rest of this message is left out]</strong>{{end}}
	{{- range .Files}}<br>{{if $.URL}}<a href="{{$.URL}}">{{.}}</a>{{else}}[{{.}}]{{end}}{{end}}
	{{- if not (or .Text .Cut .Files)}}<br>[{{or .Type "no text"}}]{{end}}</p>
{{end -}}
`

const textSource = `
{{- with .Title}}{{.}}
{{end -}}
{{with .Participants}}{{range $i, $p := .}}{{if $i}}, {{end}}{{$p}}{{end}}{{with $.Unlisted}} and {{.}} more{{end}}
{{end -}}
{{with .Status}}Conversation: {{.}}. {{end}}Times: {{.Zone}}.{{with .URL}} {{.}}{{end}}
{{with .Note}}{{.}}
{{end -}}
{{with .Omitted}}[{{.}} earlier {{if eq . 1}}message is{{else}}messages are{{end}} left out]
{{end -}}
{{range .Messages}}
{{if not .At.IsZero}}{{.At.Format "2006-01-02 15:04"}} {{end}}{{.From}}
	{{- with .Failure}} [not delivered: {{.}}]{{end}}
	{{- with .Subject}}
  Subject: {{.}}{{end}}
	{{- if .Text}}{{range .Lines}}
  {{.}}{{end}}{{end}}
	{{- if .Cut}} [the rest of this message is left out]{{end}}
	{{- range .Files}}
  [{{.}}]{{end}}
	{{- if not (or .Text .Cut .Files)}}
  [{{or .Type "no text"}}]{{end}}
{{end -}}
`
