package hubspottest

import (
	"testing"

	"pgregory.net/rapid"
)

// TestSanitisedBodiesStay lets a body that was read be written back without growing.
func TestSanitisedBodiesStay(t *testing.T) {
	parts := rapid.SampledFrom([]string{"<", ">", "<p>", "</p>", "a", " ", "<script>", "</script>", "<scr", "ipt>", "<!--", "-->", " onclick=", `"`, wrapOpen, wrapClose, "é"})
	rapid.Check(t, func(t *rapid.T) {
		var body string
		for _, p := range rapid.SliceOfN(parts, 0, 12).Draw(t, "parts") {
			body += p
		}
		once := sanitise(body)
		if twice := sanitise(once); twice != once {
			t.Fatalf("%q became %q, then %q", body, once, twice)
		}
		if unsafe.MatchString(once) {
			t.Fatalf("%q is left", once)
		}
	})
}
