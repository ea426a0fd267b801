package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// An ActivitySpec says by templates how the facts of one type are recorded in
// a system. Like a [Spec] it is plain data, written in Go or read from YAML by
// [LoadSet]; [ActivitySpec.Activity] turns it into what the engine runs, whose
// documentation explains Key, Unique, Update, Clock and Patience.
type ActivitySpec struct {
	// Name identifies the activity in stores and audits.
	Name string
	// Fact is the type of the facts that it records.
	Fact string
	// When is a condition over the fact in the expr language, "" for all:
	//
	//	data.conversation_id != "" && type == "tour.scheduled"
	//
	// data holds texts, "" for what is missing.
	When string
	// System and Kind say what is created, or with Update is written to.
	System sync.System
	Kind   sync.Kind
	Key    string
	Unique bool
	Update bool
	Clock  string
	// Relate leads to the records with which the activity is associated; with
	// Update the first is the record that is written to.
	Relate   []Relate
	Patience time.Duration
	// Zone is the IANA name of the time zone in which the templates write
	// times for people, "" for UTC.
	Zone string
	// Templates are shared ones, by the names under which those of Fields
	// include them: {{template "body" .}}.
	Templates map[string]string
	// Fields are what is written. One whose template says nothing is left
	// out, unless it is required.
	Fields []Content
}

// A Content is the template of one raw field of an activity.
//
// Text is a template of text/template, HTML one of html/template: whatever a
// fact says goes into it escaped, so that no message adds markup of its own.
// Both see
//
//	.Type .ID .Key         texts; .Key is that of sync.FactKey
//	.OccurredAt            the event's own time
//	.Subject               the record, with .System, .Kind and .ID
//	.Data                  texts by name, "" for what is missing, without
//	                       control characters; parts of objects are
//	                       index .Data "object.part"
//
// and call, beside the built-in functions,
//
//	format "2006-01-02 15:04" T   T in the zone of the activity
//	epoch T, iso T                milliseconds since 1970, RFC 3339 in UTC
//	plus "1h" T                   a later time
//	zone                          the name of the zone
//	default "text" V              V, or the text where V says nothing
//	upper V, lower V, title V     title writes tour.scheduled as Tour scheduled
//	lines V                       the lines of V, for range
//
// where T is a time or a text of one (RFC 3339 or milliseconds since 1970);
// of nothing they make nothing.
type Content struct {
	Name string
	// Text or HTML is the template, never both.
	Text, HTML string
	// Max is the greatest length in UTF-16 units, markup included, 0 for
	// 65,536. Where there is more, the longest texts of the data are cut, and
	// marked so: the markup stays whole.
	Max int
	// Required refuses facts for which the template says nothing.
	Required bool
}

// Activity compiles the spec. The error joins everything that is wrong with
// it, each an [*sync.Error] of action Fatal with a [*Position] inside. The
// activity keeps no reference to the spec and may be used concurrently; it
// refuses a fact that it cannot tell with an [*sync.Error] of action Invalid,
// which names the field and never what the fact says.
func (s *ActivitySpec) Activity() (*sync.Activity, error) {
	a, problems := s.compile()
	if len(problems) > 0 {
		return nil, fail("activity "+s.Name, problems, nil)
	}
	return a, nil
}

func (s *ActivitySpec) compile() (*sync.Activity, []problem) {
	c := &activityCompiler{spec: s}
	c.describe()
	a := &sync.Activity{Name: s.Name, Fact: s.Fact, System: s.System, Kind: s.Kind, Key: s.Key, Unique: s.Unique, Update: s.Update, Clock: s.Clock,
		Patience: s.Patience, When: c.condition(), Relate: c.relations()}
	a.Render = c.renderer()
	return a, c.problems
}

// An activityCompiler turns one spec into an activity.
type activityCompiler struct {
	spec     *ActivitySpec
	problems []problem
}

func (c *activityCompiler) problem(path, field, rule, hint string) {
	c.problems = append(c.problems, problem{path: path, field: field, rule: rule, hint: hint})
}

// describe reports what is missing.
func (c *activityCompiler) describe() {
	s := c.spec
	if s.Name == "" || s.Fact == "" || s.System == "" || s.Kind == "" {
		c.problem("", "", "activity.complete", "give the activity a name, the type of its facts, a system and a kind")
	}
	if s.Key == "" && !s.Update {
		c.problem("", "", "activity.key", "name the raw field that is given the fact's key, or let the activity update")
	}
	if len(s.Relate) == 0 || s.Update && !s.Relate[0].Required {
		c.problem("relate", "", "activity.relate", "name the record on which the activity is shown, as required if it is updated")
	}
	if len(s.Fields) == 0 {
		c.problem("fields", "", "activity.fields", "give the activity at least one field")
	}
}

func (c *activityCompiler) condition() func(sync.Fact) bool {
	if c.spec.When == "" {
		return nil
	}
	holds, p := newFactGuard(c.spec.When)
	if p != nil {
		p.path = "when"
		c.problems = append(c.problems, *p)
	}
	return holds
}

func (c *activityCompiler) relations() []sync.Relation {
	out := make([]sync.Relation, len(c.spec.Relate))
	for i, r := range c.spec.Relate {
		if (r.Kind == "") != (r.Field == "") {
			c.problem(fmt.Sprintf("relate[%d]", i), "", "relate.complete", "name the record by kind and field, or its subject by neither")
		}
		out[i] = sync.Relation{Flow: r.Flow, Required: r.Required}
		if r.Field != "" {
			out[i].Of = named(r)
		}
	}
	return out
}

// named returns the record of the subject's system that the fact names.
func named(r Relate) func(sync.Fact) (sync.Ref, bool) {
	return func(f sync.Fact) (sync.Ref, bool) {
		ref := sync.Ref{System: f.Subject.System, Kind: r.Kind, ID: dataText(f.Data[r.Field])}
		return ref, !ref.Zero()
	}
}

func (c *activityCompiler) renderer() func(sync.Fact) (sync.Fields, error) {
	zone, err := time.LoadLocation(c.spec.Zone)
	if err != nil {
		c.problem("zone", "", "activity.zone", "name a zone of the IANA database, such as America/Bogota")
		zone = time.UTC
	}
	contents := make([]content, 0, len(c.spec.Fields))
	for i, f := range c.spec.Fields {
		if slices.ContainsFunc(contents, func(o content) bool { return o.Name == f.Name }) || f.Name == c.spec.Key {
			c.problem(fmt.Sprintf("fields[%d].name", i), f.Name, "content.unique", "two templates write this field; delete one")
		}
		contents = append(contents, c.content(fmt.Sprintf("fields[%d]", i), f, zone))
	}
	name := c.spec.Name
	return func(f sync.Fact) (sync.Fields, error) { return render(name, contents, f) }
}

// A content is a compiled Content.
type content struct {
	Content
	template *template
}

// content compiles a template and tries it on a fact that says nothing.
func (c *activityCompiler) content(path string, f Content, zone *time.Location) content {
	if f.Name == "" || (f.Text == "") == (f.HTML == "") || f.Max < 0 {
		c.problem(path, f.Name, "content.complete", "give the field a name, a template as text or as html, and no negative length")
		return content{}
	}
	part, source, parse := ".text", f.Text, newText
	if f.HTML != "" {
		part, source, parse = ".html", f.HTML, newHTML
	}
	name := templateName(c.spec.Name, f.Name)
	t, err := parse(name, source, c.spec.Templates, zone)
	if err == nil {
		t.max = cmp.Or(f.Max, defaultMax)
		_, err = t.render(newOccurrence(sync.Fact{ID: "sample", Type: c.spec.Fact, OccurredAt: time.Unix(1, 0)}))
	}
	if err != nil {
		p := badTemplate(name, err)
		p.path, p.field = path+part, f.Name
		c.problems = append(c.problems, *p)
	}
	return content{f, t}
}

// templateName is the name of a template in its own errors.
func templateName(activity, field string) string {
	return strings.ReplaceAll(activity+"."+field, ":", " ")
}

// render makes the fields of one fact.
func render(name string, contents []content, f sync.Fact) (sync.Fields, error) {
	o := newOccurrence(f)
	out := sync.Fields{}
	for i := range contents {
		c := &contents[i]
		text, err := c.write(o)
		if err != nil {
			return nil, c.refuse(name, f, err)
		}
		switch text = strings.TrimSpace(text); {
		case text != "":
			out[c.Name] = sync.Text(text)
		case c.Required:
			return nil, &sync.Error{Op: "activity " + name, Action: sync.Invalid, Ref: f.Subject, Field: c.Name, Rule: "activity.required",
				Hint: "the fact tells nothing for this field", Err: errors.New("the fact cannot be told")}
		}
	}
	return out, nil
}

// write executes the template, with the longest texts of the fact cut as far
// as is needed.
func (c *content) write(o *occurrence) (string, error) {
	text, err := c.template.render(o)
	if !errors.Is(err, errTooLong) {
		return text, err
	}
	most := sort.Search(o.longest(), func(n int) bool {
		_, err := c.template.render(o.cut(n))
		return err != nil
	})
	return c.template.render(o.cut(max(0, most-1)))
}

// refuse tells where a template failed. The template's own words may repeat
// what the fact says.
func (c *content) refuse(name string, f sync.Fact, err error) error {
	p := badTemplate(templateName(name, c.Name), err)
	where := ""
	if p.line > 0 {
		where = fmt.Sprintf(" at line %d, column %d", p.line, p.column+1)
	}
	return &sync.Error{Op: "activity " + name, Action: sync.Invalid, Ref: f.Subject, Field: c.Name, Rule: "activity.template",
		Hint: "mend the template" + where + ", or what the fact is told with", Err: errors.New("the fact cannot be told")}
}
