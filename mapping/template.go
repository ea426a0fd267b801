package mapping

import (
	"errors"
	htmltemplate "html/template"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode/utf16"

	"github.com/urbanhub/crmsync/sync"
)

// maxTemplateNames is the greatest number of raw names of a template's place.
const maxTemplateNames = 50

// defaultMax is the greatest length of a text unless a [Content] says
// otherwise: that of HubSpot's texts, in UTF-16 units, which are never fewer
// than the characters however those are counted. See
// https://developers.hubspot.com/docs/api-reference/latest/crm/activities/notes/guide.
const defaultMax = 65_536

// A template makes one text. It may be used concurrently.
type template struct {
	engine interface {
		Execute(w io.Writer, data any) error
	}
	max int
}

// newText compiles a template of plain text, which may include shared ones.
func newText(name, source string, shared map[string]string, zone *time.Location) (*template, error) {
	t := texttemplate.New(name).Option("missingkey=zero").Funcs(functions(zone))
	_, err := t.Parse(source)
	for _, n := range slices.Sorted(maps.Keys(shared)) {
		if err == nil {
			_, err = t.New(n).Parse(shared[n])
		}
	}
	return &template{engine: t, max: defaultMax}, err
}

// newHTML compiles a template of HTML, into which every value goes escaped.
func newHTML(name, source string, shared map[string]string, zone *time.Location) (*template, error) {
	t := htmltemplate.New(name).Option("missingkey=zero").Funcs(functions(zone))
	_, err := t.Parse(source)
	for _, n := range slices.Sorted(maps.Keys(shared)) {
		if err == nil {
			_, err = t.New(n).Parse(shared[n])
		}
	}
	return &template{engine: t, max: defaultMax}, err
}

// newTemplate compiles the template of a field, which names nothing but what
// the sample has.
func newTemplate(name, source string, sample any) (*template, *problem) {
	engine, err := texttemplate.New(name).Option("missingkey=error").Funcs(functions(time.UTC)).Parse(source)
	t := &template{engine: engine, max: defaultMax}
	if err == nil {
		_, err = t.render(sample)
	}
	if err != nil {
		return nil, badTemplate(name, err)
	}
	return t, nil
}

// templateOf is the data of a field's template for a record with nothing in it.
func templateOf(names []string) map[string]string {
	data := make(map[string]string, len(names))
	for _, n := range names {
		data[n] = ""
	}
	return data
}

// of makes the text of a record. One that cannot be made is blank: the
// template was tried when it was compiled.
func (t *template) of(f sync.Fields, names []string) sync.Value {
	data := templateOf(names)
	for n := range data {
		data[n] = f[n].String()
	}
	text, err := t.render(data)
	if err != nil {
		return sync.Value{}
	}
	return sync.Text(text)
}

// errTooLong stops a template that writes more than it may.
var errTooLong = errors.New("the text is too long")

// render executes the template.
func (t *template) render(data any) (string, error) {
	w := bounded{left: t.max}
	err := t.engine.Execute(&w, data)
	return string(w.text), err
}

// A bounded writer takes a number of UTF-16 units.
type bounded struct {
	text []byte
	left int
}

func (w *bounded) Write(p []byte) (int, error) {
	for _, r := range string(p) {
		w.left -= utf16.RuneLen(r)
	}
	if w.left < 0 {
		return 0, errTooLong
	}
	w.text = append(w.text, p...)
	return len(p), nil
}

// templateError is the form of what both template packages say.
var templateError = regexp.MustCompile(`(?s)^(?:html/)?template: ?(.*?):(\d+)(?::(\d+))?: `)

// badTemplate takes the position out of the error of a template of that name.
func badTemplate(name string, err error) *problem {
	p := &problem{rule: "template.compiles", hint: "mend the template: " + strings.ReplaceAll(err.Error(), "in type *mapping.occurrence", "of a fact")}
	if errors.Is(err, errTooLong) {
		p.rule, p.hint = "template.length", "allow more characters, or write less around the values"
		return p
	}
	if m := templateError.FindStringSubmatch(err.Error()); m != nil && m[1] == name {
		p.line, _ = strconv.Atoi(m[2])
		p.column, _ = strconv.Atoi(m[3])
	}
	return p
}
