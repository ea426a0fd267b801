package bird

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/sync"
)

func adapter(t *testing.T, fields ...string) *Adapter {
	t.Helper()
	a, err := New("5d0e8f1a-7c52-4b7e-9a43-2f6c1b0d9e11", "key", &Options{Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func decodeContact(t *testing.T, text string) *contact {
	t.Helper()
	var c contact
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return &c
}

func fieldsOf(t *testing.T, c *contact, names ...string) map[string]string {
	t.Helper()
	shown := map[string]string{}
	for name, v := range adapter(t, names...).record(c).Fields {
		data, err := v.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		shown[name] = string(data)
	}
	return shown
}

func TestRecordOfALiveContact(t *testing.T) {
	data, err := os.ReadFile("testdata/contact-get-live.json")
	if err != nil {
		t.Fatal(err)
	}
	c := decodeContact(t, string(data))
	got := fieldsOf(t, c, "msisdn", "email", "name", "external_id", "sync.fase", "attributes.country", "absent")
	want := map[string]string{
		"id": `"e013a75b-b5ac-4341-aa7c-571d38d067d0"`, "msisdn": `"+573000000000"`, "name": `"Example S"`,
		"sync.fase": `"Contacto Inicial"`, "attributes.country": `"Colombia"`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if at := adapter(t).record(c).UpdatedAt; at.IsZero() {
		t.Error("no updatedAt")
	}
}

func TestAttributesKeepTheirTypesAndDigits(t *testing.T) {
	c := decodeContact(t, `{"id":"c1","updatedAt":"yesterday","attributes":
		{"n":12.50,"big":12345678901234567890,"b":false,"l":["A","B"],"t":"x","none":null,"mixed":[1,"a",true]}}`)
	got := fieldsOf(t, c, "n", "big", "b", "l", "t", "none", "mixed")
	want := map[string]string{"id": `"c1"`, "n": `12.50`, "big": `12345678901234567890`, "b": `false`, "l": `["A","B"]`,
		"t": `"x"`, "mixed": `["1","a","true"]`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestAnonymousVisitorsAreFlagged until somebody knows how to reach them.
func TestAnonymousVisitorsAreFlagged(t *testing.T) {
	for text, want := range map[string]string{
		`{"id":"c1","isAnonymous":true}`: "true",
		`{"id":"c1","isAnonymous":true,"featuredIdentifiers":[{"key":"chatid","value":"1"}]}`:                  "true",
		`{"id":"c1","isAnonymous":true,"featuredIdentifiers":[{"key":"phonenumber","value":"+573000000001"}]}`: "false",
		`{"id":"c1","isAnonymous":true,"attributes":{"emailaddress":["a@example.com"]}}`:                       "false",
		`{"id":"c1"}`: "false",
	} {
		if got := fieldsOf(t, decodeContact(t, text), "anonymous")["anonymous"]; got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestIdentifiersAndNames(t *testing.T) {
	for _, tt := range []struct{ name, json, field, want string }{
		{"featured", `{"featuredIdentifiers":[{"key":"phonenumber","value":"+573000000001"}]}`, "msisdn", "+573000000001"},
		{"mirror only", `{"attributes":{"phonenumber":["+573000000001"]}}`, "msisdn", "+573000000001"},
		{"without plus, mirror knows", `{"featuredIdentifiers":[{"key":"phonenumber","value":"34910000000"}],"attributes":{"phonenumber":["+34910000000"]}}`, "msisdn", "+34910000000"},
		{"without plus", `{"featuredIdentifiers":[{"key":"phonenumber","value":"573000000001"}]}`, "msisdn", "+573000000001"},
		{"national", `{"featuredIdentifiers":[{"key":"phonenumber","value":"3000000001"}]}`, "msisdn", "3000000001"},
		{"external", `{"featuredIdentifiers":[{"key":"external_id","value":"901"}]}`, "external_id", "901"},
		{"display name", `{"computedDisplayName":"J","attributes":{"displayName":"Jane Doe"}}`, "name", "Jane Doe"},
		{"computed name", `{"computedDisplayName":"Jane"}`, "name", "Jane"},
		{"phone is no name", `{"computedDisplayName":"+57 300 0000001","featuredIdentifiers":[{"key":"phonenumber","value":"573000000001"}]}`, "name", ""},
		{"email is no name", `{"computedDisplayName":"a@example.com","featuredIdentifiers":[{"key":"emailaddress","value":"a@example.com"}]}`, "name", ""},
	} {
		if got := placeOf(tt.field, "external_id").value(decodeContact(t, tt.json)); got.String() != tt.want {
			t.Errorf("%s: got a %s, want %q", tt.name, got.Shape(), tt.want)
		}
	}
}

func TestAttributeTypes(t *testing.T) {
	for _, tt := range []struct {
		typ  AttributeType
		in   sync.Value
		want string // JSON, "" is a refusal
	}{
		{"", sync.Text("x"), `"x"`}, {"", sync.Number("1.0"), `1.0`}, {"", sync.Bool(true), `true`},
		{"", sync.List("a"), `["a"]`}, {"", sync.List(), `null`}, {"", sync.Text(""), `null`},
		{StringAttribute, sync.Number("7"), `"7"`}, {StringAttribute, sync.List("a"), ``},
		{NumberAttribute, sync.Text("7.50"), `7.50`}, {NumberAttribute, sync.Text("seven"), ``},
		{NumberAttribute, sync.Text(`"7"`), ``}, {NumberAttribute, sync.Bool(true), ``}, {NumberAttribute, sync.Text("null"), ``},
		{BooleanAttribute, sync.Text("false"), `false`}, {BooleanAttribute, sync.Text("no"), ``},
		{DatetimeAttribute, sync.Text("2026-01-22T04:20:00Z"), `"2026-01-22T04:20:00Z"`},
		{DatetimeAttribute, sync.Text("2026-01-22"), `"2026-01-22"`}, {DatetimeAttribute, sync.Text("soon"), ``},
		{ManyAttribute, sync.Text("a"), `["a"]`}, {ManyAttribute, sync.Value{}, `null`},
	} {
		v, ok := tt.typ.convert(tt.in)
		got, err := v.MarshalJSON()
		if ok != (tt.want != "") || ok && (err != nil || string(got) != tt.want) {
			t.Errorf("%q %s: got %s, %v; want %q", tt.typ, tt.in.Shape(), got, ok, tt.want)
		}
	}
}

// TestReplaceMakesTheWishTheNewest holds the patch for an identifier to what
// it is for, whatever the contact held before.
func TestReplaceMakesTheWishTheNewest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		held := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-d]`), 0, 4, rapid.ID).Draw(t, "held")
		want := rapid.SampledFrom([]string{"", "a", "b", "z"}).Draw(t, "want")
		c := &contact{}
		for _, v := range held {
			c.FeaturedIdentifiers = append(c.FeaturedIdentifiers, identifier{Key: "k", Value: v})
		}
		var p patch
		wish{identifier{Key: "k", Value: want}}.replace(c, &p)
		var after []string
		for _, i := range p.AddIdentifiers {
			after = append(after, i.Value) // what is added is the newest
		}
		for _, v := range held {
			if !slices.Contains(p.RemoveIdentifiers, identifier{Key: "k", Value: v}) {
				after = append(after, v)
			}
		}
		got := ""
		if len(after) > 0 {
			got = after[0]
		}
		if got != want {
			t.Fatalf("held %v, wished %q, left %v", held, want, after)
		}
		if len(held) > 0 && held[0] == want && !p.empty() {
			t.Fatal("a wish that is fulfilled already writes")
		}
	})
}

func TestConfigurationIsRefusedWithAReason(t *testing.T) {
	const ws = "5d0e8f1a-7c52-4b7e-9a43-2f6c1b0d9e11"
	for _, tt := range []struct {
		name, workspace, key string
		opts                 *Options
		rule                 string
	}{
		{"platform key", ws, "bk_us1_abc", nil, "accesskey.workspace"},
		{"no key", ws, "", nil, "accesskey.present"},
		{"platform id", "ws_abc", "key", nil, "workspace.uuid"},
		{"not a UUID", "acme", "key", nil, "workspace.uuid"},
		{"base URL", ws, "key", &Options{BaseURL: "api.bird.com"}, "baseurl.absolute"},
		{"type", ws, "key", &Options{Attributes: map[string]AttributeType{"x": "text"}}, "attribute.type"},
	} {
		_, err := New(tt.workspace, tt.key, tt.opts)
		e, ok := errors.AsType[*sync.Error](err)
		if !ok || e.Rule != tt.rule || e.Hint == "" || e.Action != sync.Fatal {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
