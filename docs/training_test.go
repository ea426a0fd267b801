package docs_test

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var exampleForm = regexp.MustCompile(`(?s)\nfunc (Example_\w+)\(\) \{\n(.*?)\t// Output:\n(.*?)\n\}\n`)

// TestChapters keeps each chapter of the training the program beside it, whole
// and in order, with what it prints.
func TestChapters(t *testing.T) {
	chapters := 0
	for name, p := range pages(t) {
		if path.Dir(name) != "docs/training" || path.Base(name) == "README.md" {
			continue
		}
		chapters++
		source := strings.ReplaceAll(strings.TrimSuffix(path.Base(name), ".md"), "-", "_") + "_test.go"
		m := exampleForm.FindStringSubmatch(read(t, "docs/training/"+source))
		if m == nil {
			t.Errorf("%s: %s has no example", name, source)
			continue
		}
		var shown, told []string
		for _, b := range p.blocks {
			switch b.language {
			case "go":
				shown = append(shown, lines(b.text)...)
			case "text":
				told = append(told, lines(b.text)...)
			}
		}
		if want := lines(m[2]); !slices.Equal(shown, want) {
			t.Errorf("%s does not show the code of %s:\n%s", name, source, strings.Join(first(shown, want), "\n"))
		}
		if want := lines(strings.ReplaceAll(m[3], "// ", "")); !slices.Equal(told, want) {
			t.Errorf("%s does not show what %s prints: %q, want %q", name, source, told, want)
		}
		if !strings.Contains(read(t, name), "-run "+m[1]+" ./docs/training") {
			t.Errorf("%s does not say how to run %s", name, m[1])
		}
	}
	if chapters != 6 {
		t.Errorf("%d chapters, want 6", chapters)
	}
}

// lines returns the lines without indentation and blank ones.
func lines(text string) (out []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// first returns the first lines in which two lists differ.
func first(a, b []string) []string {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return append(slices.Clone(a[min(i, len(a)):min(i+1, len(a))]), b[min(i, len(b)):min(i+1, len(b))]...)
		}
	}
	return nil
}
