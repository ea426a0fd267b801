package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	itemForm = regexp.MustCompile(`^\| S(\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$`)
	testForm = regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)\\w+)`")
)

// TestSecurityChecklist wants all forty items, each with an answer, and every
// test that is named as its proof.
func TestSecurityChecklist(t *testing.T) {
	next := 1
	for _, line := range strings.Split(read(t, "docs/security.md"), "\n") {
		m := itemForm.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] != fmt.Sprint(next) {
			t.Errorf("item S%s stands where S%d should", m[1], next)
		}
		next++
		named := testForm.FindAllStringSubmatch(m[5], -1)
		if strings.Count(m[5], "`") != 2*len(named) || !slices.Contains([]string{"Done", "Part", "Host"}, m[3]) || m[3] != "Host" && len(named) == 0 {
			t.Errorf("S%s is %q, shown by %q", m[1], m[3], m[5])
		}
		for _, n := range named {
			if !declares(t, n[1], n[2]) {
				t.Errorf("S%s: there is no %s in %s", m[1], n[2], n[1])
			}
		}
	}
	if next != 41 {
		t.Errorf("%d items, want 40", next-1)
	}
}

// declares reports whether a package has a test.
func declares(t *testing.T, pkg, name string) bool {
	t.Helper()
	sources, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pkg), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range sources {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains("\n"+string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}

// TestDependencies wants a reason for every module that go.mod requires by
// itself, and none for one that is gone.
func TestDependencies(t *testing.T) {
	direct, _, ok := strings.Cut(read(t, "go.mod"), "\n)")
	if !ok {
		t.Fatal("go.mod requires nothing")
	}
	want := groups(regexp.MustCompile(`(?m)^\t(\S+) v\S+$`), direct)
	_, section, _ := strings.Cut(read(t, "docs/security.md"), "\n## Dependencies\n")
	have := groups(regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [^|]+ \\|$"), section)
	if !slices.Equal(have, want) || len(want) == 0 {
		t.Errorf("docs/security.md gives reasons for\n%q, go.mod requires\n%q", have, want)
	}
}

// groups returns the first group of each match.
func groups(form *regexp.Regexp, text string) (out []string) {
	for _, m := range form.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}
