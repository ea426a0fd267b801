package mapping_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// anyRaw draws raw values of every type and many shapes.
func anyRaw() *rapid.Generator[sync.Value] {
	words := rapid.SampledFrom([]string{"a", "Ana", " ", "Pérez", ";", "12", ".", "-", "e", "0", "true", "<b>", "ß", "İ", "@example.com", "+57 300 123 4567", "2024-02-29", "T10:00:00Z", "lead"})
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(words, 1, 5), func(s []string) string { return strings.Join(s, "") }))
	return rapid.OneOf(
		rapid.Just(sync.Value{}),
		rapid.Map(text, sync.Text),
		rapid.Map(rapid.StringMatching(`[+-]?[0-9]{0,20}(\.[0-9]{0,9})?([eE][+-]?[0-9]{1,2})?`), sync.Text),
		rapid.Map(rapid.Int64(), func(n int64) sync.Value { return sync.Number(fmt.Sprint(n)) }),
		rapid.Map(rapid.Int64Range(-62135596800, 253402300799), func(n int64) sync.Value {
			return sync.Text(time.Unix(n, n%1e9).UTC().Format(time.RFC3339Nano))
		}),
		rapid.Map(rapid.Int64Range(-719162, 2932896), func(n int64) sync.Value { return sync.Number(fmt.Sprint(n * 86400000)) }),
		rapid.Map(rapid.Bool(), sync.Bool),
		rapid.Map(rapid.SliceOf(text), func(s []string) sync.Value { return sync.List(s...) }),
		rapid.Map(rapid.SampledFrom([]string{"lead", "qualified", "tour_scheduled"}), sync.Text),
	)
}

// fieldsUnderLaw has every type in every form, and the cleaners.
func fieldsUnderLaw() map[string]mapping.Field {
	at := func(forms ...mapping.Form) mapping.Place { return raw.As(append(forms, "")[0]) }
	out := map[string]mapping.Field{
		"id": mapping.ID("f", "raw", "other"), "text": mapping.Text("f", "raw", "other"), "email": mapping.Email("f", "raw", "other"),
		"phone": mapping.Phone("f", "raw", "other", "CO"), "name": mapping.Name("f", raw, other),
		"names": mapping.Name("f", mapping.At("raw", "raw2"), other), "enum": mapping.Enum("f", "raw", "other", stages...),
		"enum default": mapping.Enum("f", "raw", "other", stages...).WithDefault("lead", ""),
		"number":       mapping.Number("f", raw, other), "number form": mapping.Number("f", at(mapping.FormNumber), other),
		"bool": mapping.Bool("f", raw, other), "bool form": mapping.Bool("f", at(mapping.FormBool), other),
		"date": mapping.Date("f", raw, other), "date ms": mapping.Date("f", at(mapping.FormEpochMS), other),
		"moment": mapping.DateTime("f", raw, other), "moment ms": mapping.DateTime("f", at(mapping.FormEpochMSText), other),
		"multi": mapping.Multi("f", raw, other), "multi list": mapping.Multi("f", at(mapping.FormList), other),
	}
	for _, c := range []mapping.Cleaner{mapping.Trim, mapping.CollapseSpace, mapping.Lower, mapping.Upper, mapping.Title, mapping.Digits, mapping.StripHTML} {
		out["clean "+string(c)] = mapping.Text("f", "raw", "other").WithClean(c)
	}
	return out
}

func TestLensLaws(t *testing.T) {
	for name, f := range fieldsUnderLaw() {
		l := lensOf(t, f)
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			given := sync.Fields{"raw": anyRaw().Draw(t, "raw"), "raw2": anyRaw().Draw(t, "raw2")}
			v, err := l.Get(given)
			if err != nil {
				return // refused, which the tables look into
			}
			back, err := l.Put(v, given)
			if err != nil {
				t.Fatalf("%s read as %s cannot be written back: %v", given["raw"].Shape(), v, err)
			}
			for n, w := range back {
				if w != given[n] {
					t.Fatalf("GetPut: %q became %q", given[n], w)
				}
			}
			current := sync.Fields{"raw": anyRaw().Draw(t, "current"), "raw2": anyRaw().Draw(t, "current2")}
			w, err := l.Put(v, current)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := l.Get(overlay(current, w)); err != nil || got != v {
				t.Fatalf("PutGet: %#v written over %v as %v reads as %#v, %v", v, current, w, got, err)
			}
		}))
	}
}

func overlay(f, w sync.Fields) sync.Fields {
	out := f.Clone()
	for n, v := range w {
		out[n] = v
	}
	return out
}

// TestTextsLoseWhatNobodyTypes copies texts with any character: control
// characters but tabs and the ends of lines get no further, and nothing else is
// lost. Template marks are text like any other: both CRMs show them as they are.
func TestTextsLoseWhatNobodyTypes(t *testing.T) {
	types := []sync.Lens{lensOf(t, mapping.Text("f", "raw", "other")), lensOf(t, mapping.Name("f", mapping.At("raw"), mapping.At("other")))}
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.OneOf(rapid.String(), rapid.StringMatching(`[\x00-\x20a{}é\x{7f}-\x{9f}]*`)).Draw(t, "raw")
		l := rapid.SampledFrom(types).Draw(t, "type")
		v, err := l.Get(sync.Fields{"raw": sync.Text(raw)})
		if err != nil {
			t.Fatal(err)
		}
		out, err := l.Put(v, nil)
		if err != nil {
			t.Fatal(err)
		}
		control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
		bare := func(s string) string {
			return strings.Map(func(r rune) rune {
				if unicode.IsControl(r) || unicode.IsSpace(r) {
					return -1
				}
				return r
			}, strings.ToValidUTF8(s, "\uFFFD"))
		}
		if got := out["raw"].String(); strings.ContainsFunc(got, control) || bare(got) != bare(raw) {
			t.Fatalf("%q is copied as %q", raw, got)
		}
	})
}

// TestCleanersAreIdempotent tries every character that has case, blanks or
// digits (none lies beyond plane 1), in the middle and at the start of a word.
func TestCleanersAreIdempotent(t *testing.T) {
	for _, c := range []mapping.Cleaner{mapping.Trim, mapping.CollapseSpace, mapping.Lower, mapping.Upper, mapping.Title, mapping.Digits, mapping.StripHTML} {
		l := lensOf(t, mapping.Text("f", "raw", "other").WithClean(c))
		for r := rune(1); r <= 0x1FFFF; r++ {
			once := clean(t, l, "a"+string(r)+" "+string(r)+"b<")
			if twice := clean(t, l, once); twice != once {
				t.Fatalf("%s of %U gives %q, then %q", c, r, once, twice)
			}
		}
	}
}

func clean(t *testing.T, l sync.Lens, s string) string {
	v, err := l.Get(sync.Fields{"raw": sync.Text(s)})
	if err != nil {
		t.Fatal(err)
	}
	return v.String()
}
