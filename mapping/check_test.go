package mapping_test

import (
	"errors"
	"html"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// A hostLens is a lens written by hand, as a host application might.
type hostLens struct {
	name string
	get  func(sync.Value) (sync.Value, error)
	put  func(v, current sync.Value) (sync.Value, error)
}

func (l hostLens) Names() []string                       { return []string{l.name} }
func (l hostLens) Get(f sync.Fields) (sync.Value, error) { return l.get(f[l.name]) }
func (l hostLens) Put(v sync.Value, f sync.Fields) (sync.Fields, error) {
	raw, err := l.put(v, f[l.name])
	return sync.Fields{l.name: raw}, err
}

func asIs(v sync.Value) (sync.Value, error)     { return v, nil }
func write(v, _ sync.Value) (sync.Value, error) { return v, nil }
func invalid() error {
	return &sync.Error{Op: "host", Action: sync.Invalid, Rule: "host"}
}

// texts makes a lens out of functions on texts; blanks stay blank.
func texts(name string, get, put func(string) string) hostLens {
	over := func(f func(string) string, v sync.Value) (sync.Value, error) {
		if v.Blank() {
			return sync.Value{}, nil
		}
		return sync.Text(f(v.String())), nil
	}
	return hostLens{name,
		func(v sync.Value) (sync.Value, error) { return over(get, v) },
		func(v, _ sync.Value) (sync.Value, error) { return over(put, v) },
	}
}

func same(s string) string { return s }

var (
	leftSchema = mapping.Schema{
		"text": {}, "short": {MaxLen: 500}, "flag": {Type: mapping.TypeBool, Form: mapping.FormBool},
		"number": {Type: mapping.TypeNumber, Form: mapping.FormNumber}, "date": {Type: mapping.TypeDate},
		"list":  {Type: mapping.TypeMulti, Form: mapping.FormList},
		"stage": {Type: mapping.TypeEnum, Options: []string{"lead", "qualified", "tour_scheduled"}},
		"ro":    {ReadOnly: true}, "moment": {Type: mapping.TypeDateTime}, "msisdn": {}, "first": {}, "last": {},
	}
	rightSchema = mapping.Schema{
		"text": {}, "short": {MaxLen: 65536}, "flag": {Type: mapping.TypeBool},
		"number": {Type: mapping.TypeNumber}, "date": {Type: mapping.TypeDate}, "list": {Type: mapping.TypeMulti},
		"stage":  {Type: mapping.TypeEnum, Options: []string{"qualifiedtobuy", "appointmentscheduled"}},
		"moment": {Type: mapping.TypeDateTime}, "phone": {}, "firstname": {}, "lastname": {},
		"few": {Type: mapping.TypeMulti, Options: []string{"a", "b"}},
	}
)

func specOf(fields ...mapping.Field) *mapping.Spec {
	return &mapping.Spec{Name: "test", Left: mapping.End{System: "l", Kind: "contact"},
		Right: mapping.End{System: "r", Kind: "contact"}, Fields: fields}
}

// check compiles a map, lets the test replace lenses, and checks it.
func check(spec *mapping.Spec, replace func(*sync.Flow)) error {
	flow, err := spec.Flow()
	if err != nil {
		return err
	}
	if replace != nil {
		replace(flow)
	}
	return mapping.Check(flow, leftSchema, rightSchema)
}

func left(l sync.Lens) func(*sync.Flow)  { return func(f *sync.Flow) { f.Fields[0].Left = l } }
func right(l sync.Lens) func(*sync.Flow) { return func(f *sync.Flow) { f.Fields[0].Right = l } }

var stages = []mapping.Option{
	{Left: "lead", Right: "qualifiedtobuy"},
	{Left: "qualified", Right: "appointmentscheduled"},
	{Left: "tour_scheduled", Right: "appointmentscheduled"},
}

func TestCheckAcceptsSoundMaps(t *testing.T) {
	for name, f := range map[string]mapping.Field{
		"id":              mapping.ID("f", "text", "text"),
		"text":            mapping.Text("f", "text", "text"),
		"text within":     mapping.Text("f", "short", "short").WithRule("max=500"),
		"text one way":    mapping.Text("f", "short", "short").To(sync.Right),
		"cleaned":         mapping.Text("f", "text", "text").WithClean(mapping.StripHTML, mapping.CollapseSpace, mapping.Title),
		"email":           mapping.Email("f", "text", "text"),
		"phone":           mapping.Phone("f", "msisdn", "phone", "CO"),
		"phone anywhere":  mapping.Phone("f", "msisdn", "phone", "ZZ"),
		"name":            mapping.Name("f", mapping.At("text"), mapping.At("firstname", "lastname")),
		"names":           mapping.Name("f", mapping.At("first", "last"), mapping.At("firstname", "lastname")),
		"stages fold":     mapping.Enum("f", "stage", "stage", stages...),
		"stages default":  mapping.Enum("f", "stage", "stage", stages[:2]...).WithDefault("lead", ""),
		"stages restrict": mapping.Enum("f", "stage", "stage", stages...).To(sync.Right),
		"number":          mapping.Number("f", mapping.At("number").As(mapping.FormNumber), mapping.At("number")),
		"bool":            mapping.Bool("f", mapping.At("flag").As(mapping.FormBool), mapping.At("flag")),
		"bool words": mapping.Enum("f", "flag", "text", mapping.Option{Left: "true", Right: "yes"}, mapping.Option{Left: "false", Right: "no"}).
			To(sync.Right),
		"date":         mapping.Date("f", mapping.At("date"), mapping.At("date")),
		"date as ms":   mapping.Date("f", mapping.At("date"), mapping.At("date").As(mapping.FormEpochMSText)),
		"moment":       mapping.DateTime("f", mapping.At("moment"), mapping.At("moment").As(mapping.FormEpochMSText)),
		"multi":        mapping.Multi("f", mapping.At("list").As(mapping.FormList), mapping.At("list")),
		"required":     mapping.Text("f", "text", "text").WithRequired(),
		"required one": mapping.Text("f", "text", "text").WithRequired().To(sync.Left),
		"required enum": mapping.Enum("f", "stage", "stage", stages...).WithRequired().
			WithPolicy(sync.Monotonic, sync.Left, "qualifiedtobuy", "appointmentscheduled"),
	} {
		t.Run(name, func(t *testing.T) {
			if err := check(specOf(f), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// C8. Forty wrong maps are refused before anything starts, each with the
// smallest example that shows it.
func TestCheckRefusesWrongMaps(t *testing.T) {
	text := mapping.Text("f", "text", "text")
	bogota := time.FixedZone("", -5*60*60)
	for _, tt := range []struct {
		name    string
		field   mapping.Field
		replace func(*sync.Flow)
		rule    string // in the error
		example string // in the error
	}{
		{"date shifted by a time zone", mapping.Date("f", mapping.At("date"), mapping.At("date")),
			right(texts("date", same, func(s string) string {
				day, err := time.Parse(time.DateOnly, s)
				if err != nil {
					return s
				}
				return day.In(bogota).Format(time.DateOnly)
			})), "law.put-get", "it reads as"},
		{"phone without a region", mapping.Phone("f", "msisdn", "phone", ""), nil, "phone.region", "fields[0].region"},
		{"option missing from the table", mapping.Enum("f", "stage", "stage", stages[:2]...), nil, "law.total", `{stage: "tour_scheduled"}`},
		{"option that the other side has not", mapping.Enum("f", "stage", "stage", append(stages[1:], mapping.Option{Left: "lead", Right: "decisionmakerstage"})...),
			nil, "law.fits", `"decisionmakerstage" is not an option`},
		{"501 characters into 500", mapping.Text("f", "short", "short"), nil, "law.fits", "the property holds 500 characters, not 501"},
		{"normaliser that is not idempotent", text, left(texts("text", func(s string) string { return s + "!" }, same)), "law.idempotent", `{text: "a"}: it reads as "a!"`},
		{"two options to one without a complement", mapping.Enum("f", "stage", "stage", stages...),
			left(hostLens{"stage", func(v sync.Value) (sync.Value, error) {
				switch v.String() {
				case "lead":
					return sync.Text("qualifiedtobuy"), nil
				case "qualified", "tour_scheduled":
					return sync.Text("appointmentscheduled"), nil
				case "":
					return sync.Value{}, nil
				}
				return sync.Value{}, invalid()
			}, func(v, _ sync.Value) (sync.Value, error) {
				return map[string]sync.Value{"qualifiedtobuy": sync.Text("lead"), "appointmentscheduled": sync.Text("qualified")}[v.String()], nil
			}}), "law.lossless", `{stage: "tour_scheduled"}: it reads as "appointmentscheduled" and comes back as {stage: "qualified"}`},
		{"misspelt name", mapping.Text("f", "text", "lastnmae"), nil, "law.known", `there is no property "lastnmae"; is it "lastname"?`},
		{"read-only target", mapping.Text("f", "ro", "text"), nil, "law.writable", `"ro" is read-only`},
		{"own id as target", mapping.ID("f", sync.IDField, "text"), nil, "law.writable", `"id" is read-only`},
		{"boolean written as text", mapping.Bool("f", mapping.At("flag"), mapping.At("flag")), nil, "law.fits", "in the form bool"},
		{"number written as text", mapping.Number("f", mapping.At("number"), mapping.At("number")), nil, "law.fits", "in the form number"},
		{"text into a number", mapping.Text("f", "text", "number"), nil, "law.fits", "does not read as number"},
		{"day into a moment", mapping.Date("f", mapping.At("date"), mapping.At("moment")), nil, "law.fits", "does not read as datetime"},
		{"boolean read as a number", mapping.Number("f", mapping.At("flag"), mapping.At("number")).To(sync.Right), nil, "law.reads", "no value of the property can be read"},
		{"case folded on one side only", text, left(texts("text", strings.ToLower, same)), "law.put-get", `{text: "A"}`},
		{"truncation", text, right(texts("text", same, func(s string) string { return s[:min(3, len(s))] })), "law.put-get", "it reads as"},
		{"number through a float", mapping.Number("f", mapping.At("number").As(mapping.FormNumber), mapping.At("number")),
			right(texts("number", same, func(s string) string {
				f, err := strconv.ParseFloat(s, 64)
				if err != nil {
					return s
				}
				return strconv.FormatFloat(f, 'f', -1, 64)
			})), "law.put-get", "it reads as"},
		{"time of day lost", mapping.DateTime("f", mapping.At("moment"), mapping.At("moment")),
			func(f *sync.Flow) {
				dayOf := func(name string) sync.Lens {
					return texts(name, func(s string) string { return s[:min(10, len(s))] }, func(s string) string { return s + "T00:00:00Z" })
				}
				f.Fields[0].Left, f.Fields[0].Right = dayOf("moment"), dayOf("moment")
			}, "law.lossless", "comes back as"},
		{"items joined by what they may contain", text,
			right(hostLens{"text", func(v sync.Value) (sync.Value, error) {
				before, _, _ := strings.Cut(v.String(), ",")
				return sync.Text(before), nil
			}, write}), "law.put-get", `","`},
		{"option that does not fit the other list", mapping.Multi("f", mapping.At("list").As(mapping.FormList), mapping.At("few")), nil, "law.fits", "is not an option of the property"},
		{"lens that panics", text, left(hostLens{"text", func(v sync.Value) (sync.Value, error) {
			return sync.Text(v.String()[:1]), nil
		}, write}), "law.reads", "the lens panics"},
		{"lens that fails without a rule", text, right(hostLens{"text", func(v sync.Value) (sync.Value, error) {
			if strings.Contains(v.String(), "@") {
				return sync.Value{}, errors.New("boom")
			}
			return v, nil
		}, write}), "law.reads", `{text: "@"}`},
		{"lens that writes elsewhere", text, right(struct{ strayLens }{strayLens{hostLens{"text", asIs, write}}}), "law.fits", `writes "stray"`},
		{"option spelled as the label", mapping.Enum("f", "stage", "stage", append(stages[1:], mapping.Option{Left: "lead", Right: "Qualified to buy"})...),
			nil, "law.fits", `"Qualified to buy" is not an option`},
		{"day and month swapped", mapping.Date("f", mapping.At("date"), mapping.At("date")), right(texts("date", same, func(s string) string {
			return s[:5] + s[8:] + "-" + s[5:7]
		})), "law.put-get", "it reads as"},
		{"year of two digits", mapping.Date("f", mapping.At("date"), mapping.At("date")), right(texts("date",
			func(s string) string { return "20" + s }, func(s string) string { return s[2:] })), "law.put-get", "it reads as"},
		{"seconds lost", mapping.DateTime("f", mapping.At("moment"), mapping.At("moment")),
			right(texts("moment", same, func(s string) string { return s[:16] + ":00Z" })), "law.put-get", "it reads as"},
		{"sign lost", mapping.Number("f", mapping.At("number").As(mapping.FormNumber), mapping.At("number")),
			right(texts("number", same, func(s string) string { return strings.TrimPrefix(s, "-") })), "law.put-get", "it reads as"},
		{"fraction lost", mapping.Number("f", mapping.At("number").As(mapping.FormNumber), mapping.At("number")),
			right(texts("number", same, func(s string) string { s, _, _ = strings.Cut(s, "."); return s })), "law.put-get", "it reads as"},
		{"no written as nothing", mapping.Bool("f", mapping.At("flag").As(mapping.FormBool), mapping.At("flag")),
			right(texts("flag", same, func(s string) string { return strings.TrimSuffix(s, "false") })), "law.put-get", "it reads as"},
		{"plus sign of a phone lost", mapping.Phone("f", "msisdn", "phone", "CO"),
			right(texts("phone", same, func(s string) string { return strings.TrimPrefix(s, "+") })), "law.put-get", "it reads as"},
		{"markup escaped on writing only", text, right(texts("text", same, html.EscapeString)), "law.put-get", "it reads as"},
		{"blanks trimmed on writing only", text, right(texts("text", same, strings.TrimSpace)), "law.put-get", "it reads as"},
		{"only ASCII survives", text, right(texts("text", same, func(s string) string {
			return strings.Map(func(r rune) rune {
				if r > 127 {
					return -1
				}
				return r
			}, s)
		})), "law.put-get", "it reads as"},
		{"appended to what is there", text, right(hostLens{"text", asIs, func(v, current sync.Value) (sync.Value, error) {
			return sync.Text(current.String() + v.String()), nil
		}}), "law.put-get", "it reads as"},
		{"a clearing that is not written", text, right(hostLens{"text", asIs, func(v, current sync.Value) (sync.Value, error) {
			if v.Blank() {
				return current, nil
			}
			return v, nil
		}}), "law.put-get", "it reads as"},
		{"text into a boolean", mapping.Text("f", "text", "flag"), nil, "law.fits", "does not read as bool"},
		{"another's field", mapping.Name("f", mapping.At("text"), mapping.At("firstname", "lastname")), left(texts("last", same, same)), "law.put-get", "it reads as"},
		{"lens that refuses what the other says", text, right(hostLens{"text", asIs, func(v, _ sync.Value) (sync.Value, error) {
			if strings.Contains(v.String(), "b") {
				return sync.Value{}, invalid()
			}
			return v, nil
		}}), "law.total", `{text: "b"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := check(specOf(tt.field), tt.replace)
			if err == nil {
				t.Fatal("the map was accepted")
			}
			for _, want := range []string{"rule " + tt.rule, tt.example} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in:\n%v", want, err)
				}
			}
		})
	}
}

type strayLens struct{ hostLens }

func (strayLens) Put(v sync.Value, _ sync.Fields) (sync.Fields, error) {
	return sync.Fields{"text": v, "stray": v}, nil
}

func TestCheckSeesWholeFlows(t *testing.T) {
	two := specOf(mapping.Text("f", "text", "firstname"), mapping.Text("g", "first", "firstname"))
	if err := check(two, nil); err == nil || !strings.Contains(err.Error(), `written by the field "f" too`) {
		t.Errorf("two writers: %v", err)
	}
	asking := specOf(mapping.Text("f", "text", "text"))
	asking.Right.Leave = []mapping.When{{Expr: `record.lead_sorce == "web"`}}
	if err := check(asking, nil); err == nil || !strings.Contains(err.Error(), `no property "lead_sorce"`) {
		t.Errorf("condition on an unknown property: %v", err)
	}
	if err := mapping.Check(&sync.Flow{Name: "empty"}, nil, nil); err == nil {
		t.Error("an unusable flow was accepted")
	}
}

func TestCheckRefusesUnknownSchemas(t *testing.T) {
	flow, err := specOf(mapping.Text("f", "text", "text")).Flow()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []mapping.Property{{Type: "varchar"}, {Form: mapping.FormBool}, {Type: mapping.TypeDate, Form: mapping.FormList}} {
		err := mapping.Check(flow, nil, mapping.Schema{"text": p})
		if err == nil || !strings.Contains(err.Error(), "field text") || !strings.Contains(err.Error(), "rule schema.type") {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestCheckWithoutSchemas(t *testing.T) {
	flow, err := specOf(mapping.Phone("f", "msisdn", "phone", "CO"), mapping.Enum("g", "stage", "stage", stages...)).Flow()
	if err != nil {
		t.Fatal(err)
	}
	if err := mapping.Check(flow, nil, nil); err != nil {
		t.Error(err)
	}
	flow.Fields[0].Left = texts("msisdn", strings.ToUpper, strings.ToLower)
	if mapping.Check(flow, nil, nil) == nil {
		t.Error("a wrong lens was accepted")
	}
}

// A foldingLens respells what it writes and says that this is no loss.
type foldingLens struct{ hostLens }

func (foldingLens) Equivalent(a, b sync.Fields) bool {
	return strings.EqualFold(a["text"].String(), b["text"].String())
}

func TestCheckHonoursDeclaredEquivalence(t *testing.T) {
	upper := texts("text", strings.ToUpper, same)
	schema := mapping.Schema{"text": {Type: mapping.TypeEnum, Options: []string{"a", "A", "Bc"}}}
	verdict := func(l sync.Lens) error {
		flow, err := specOf(mapping.Text("f", "text", "text")).Flow()
		if err != nil {
			t.Fatal(err)
		}
		flow.Fields[0].Left, flow.Fields[0].Right = l, upper
		return mapping.Check(flow, schema, nil)
	}
	if err := verdict(upper); err == nil || !strings.Contains(err.Error(), "law.lossless: left") {
		t.Errorf("a lens that respells: %v", err)
	}
	if err := verdict(foldingLens{upper}); err != nil && strings.Contains(err.Error(), "law.lossless: left") {
		t.Errorf("a lens that declares its respelling: %v", err)
	}
}

func TestCheckIsDeterministic(t *testing.T) {
	spec := specOf(mapping.Text("f", "text", "text"))
	wrong := left(texts("text", strings.ToLower, strings.ToUpper))
	if a, b := check(spec, wrong), check(spec, wrong); a == nil || b == nil || a.Error() != b.Error() {
		t.Errorf("two verdicts:\n%v\n%v", a, b)
	}
}

func TestViolationIsReachable(t *testing.T) {
	err := check(specOf(mapping.Text("f", "short", "short")), nil)
	var v *mapping.Violation
	if !errors.As(err, &v) || v.Law != mapping.LawFits || v.Side != sync.Right || len(v.Given["short"].String()) != 501 {
		t.Errorf("violation: %+v", v)
	}
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != sync.Fatal || e.Field != "f" {
		t.Errorf("error: %+v", e)
	}
}
