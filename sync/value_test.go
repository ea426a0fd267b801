package sync

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestValueJSON(t *testing.T) {
	for _, tc := range []struct {
		value Value
		json  string
	}{
		{Value{}, `null`},
		{Text(""), `""`},
		{Text("null"), `"null"`},
		{Text("a \"quoted\" <b> ñ\n"), `"a \"quoted\" \u003cb\u003e ñ\n"`},
		{Text("a\xffb"), `"a�b"`},
		{Number("12.50"), `12.50`},
		{Number("-0"), `-0`},
		{Number("123456789012345678901234567890"), `123456789012345678901234567890`},
		{Number("007"), `"007"`},
		{Number("true"), `"true"`},
		{Number(""), `""`},
		{Bool(true), `true`},
		{Bool(false), `false`},
		{List(), `[]`},
		{List("b", "a"), `["b","a"]`},
		{List("", ""), `["",""]`},
		{List("a\x1fb"), `["ab"]`},
	} {
		data, err := json.Marshal(tc.value)
		if err != nil || string(data) != tc.json {
			t.Errorf("%#v encodes as %s (%v), want %s", tc.value, data, err, tc.json)
		}
		var back Value
		if err := json.Unmarshal(data, &back); err != nil || back != tc.value {
			t.Errorf("%s decodes as %#v (%v), want %#v", data, back, err, tc.value)
		}
	}
}

func TestValueFromForeignJSON(t *testing.T) {
	for data, want := range map[string]Value{
		` 1e3 `:                Number("1e3"),
		`["a", 1, true, null]`: List("a", "1", "true", ""),
		`[["x"], {"k": 1}]`:    List(`["x"]`, `{"k": 1}`),
		`{"k": "v"}`:           Text(`{"k": "v"}`),
		`"\ud800"`:             Text("\uFFFD"),
		`[]`:                   List(),
	} {
		var got Value
		if err := json.Unmarshal([]byte(data), &got); err != nil || got != want {
			t.Errorf("%s decodes as %#v (%v), want %#v", data, got, err, want)
		}
	}
	if err := new(Value).UnmarshalJSON(nil); err == nil {
		t.Error("no data at all decodes")
	}
}

// TestValueRoundTrip holds that a base comes back from its store as it went:
// otherwise every field would look changed.
func TestValueRoundTrip(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.StringMatching(`[-+ ]?[0-9]{0,3}\.?[0-9]{0,2}(e[0-9])?`))
	values := rapid.OneOf(
		rapid.Map(texts, Text), rapid.Map(texts, Number), rapid.Map(rapid.Bool(), Bool),
		rapid.Map(rapid.SliceOf(texts), func(items []string) Value { return List(items...) }), rapid.Just(Value{}),
	)
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.MapOfN(rapid.StringMatching(`[a-z_]{1,4}`), values, 0, 5).Draw(t, "fields")
		want := Base{Left: Shadow{Fields: fields, UpdatedAt: at(1)}, Right: Shadow{Fields: Fields{}}}
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Base
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, sameValues); diff != "" {
			t.Fatalf("a base changed in its store (-want +got):\n%s", diff)
		}
	})
}

// TestValueShape holds that a shape gives nothing of the value away.
func TestValueShape(t *testing.T) {
	for want, v := range map[string]Value{
		"null":                 {},
		"text of 6 characters": Text("sécret"),
		"number of 5 digits":   Number("12.50"),
		"boolean":              Bool(true),
		"list of 2 items":      List("a", "b"),
	} {
		if got := v.Shape(); got != want {
			t.Errorf("shape %q, want %q", got, want)
		}
	}
}

func TestValueParts(t *testing.T) {
	for _, tc := range []struct {
		value Value
		items []string
		text  string
		blank bool
	}{
		{Value{}, nil, "", true},
		{Text(""), nil, "", true},
		{Text("a;b"), []string{"a;b"}, "a;b", false},
		{List(), nil, "", true},
		{List("a", "b;c"), []string{"a", "b;c"}, "a;b;c", false},
		{List("", ""), []string{"", ""}, ";", false},
		{Bool(false), []string{"false"}, "false", false},
	} {
		if diff := cmp.Diff(tc.items, tc.value.Items()); diff != "" {
			t.Errorf("items of %#v (-want +got):\n%s", tc.value, diff)
		}
		if tc.value.String() != tc.text || tc.value.Blank() != tc.blank {
			t.Errorf("%#v is %q, blank %t", tc.value, tc.value, tc.value.Blank())
		}
	}
}

// FuzzValueJSON feeds what a vendor might send: whatever decodes must encode
// again, and from then on stay the same.
func FuzzValueJSON(f *testing.F) {
	for _, seed := range []string{`null`, `"a"`, `12.50`, `-0.0e-1`, `true`, `[]`, `["a",1,null,{"k":[1]}]`, `{"k":"v"}`, `"\u001f"`, "\"\xff\"", `[""]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v, back Value
		if json.Unmarshal(data, &v) != nil {
			return
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%q decodes as %#v, which does not encode: %v", data, v, err)
		}
		if err := json.Unmarshal(out, &back); err != nil || back != v {
			t.Fatalf("%#v comes back as %#v (%v)", v, back, err)
		}
		if v.Blank() != (len(v.Items()) == 0) {
			t.Fatalf("%#v has items %q", v, v.Items())
		}
	})
}
