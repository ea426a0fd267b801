package docs_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/sync/alert"
)

// TestEveryAlertHasARunbook wants a section for each rule, with all its parts,
// and no section for a rule that is gone.
func TestEveryAlertHasARunbook(t *testing.T) {
	text := read(t, "docs/operations.md")
	want := map[string]bool{}
	for _, r := range alert.Rules(alert.Objectives{}) {
		want[r.Name] = true
	}
	if len(want) == 0 {
		t.Fatal("there are no rules")
	}
	for _, name := range prometheusAlerts(t) {
		want[name] = true
	}
	have := map[string]string{}
	for _, section := range strings.Split(text, "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		have[title] = body
	}
	for name := range want {
		for _, part := range []string{"**Meaning.**", "**Impact.**", "**Look at.**", "**Do.**", "**It ends**"} {
			if !strings.Contains(have[name], part) {
				t.Errorf("docs/operations.md says nothing of %s for the alert %s", part, name)
			}
		}
	}
	for title, body := range have {
		if strings.Contains(body, "**Meaning.**") && !want[title] {
			t.Errorf("docs/operations.md has a runbook for %s, which is no rule", title)
		}
	}
}

var runbookLink = regexp.MustCompile(`docs/operations\.md#([\w-]*)`)

// TestRunbookLinks follows the links of alerts to their sections.
func TestRunbookLinks(t *testing.T) {
	anchors := pages(t)["docs/operations.md"].anchors
	for _, extension := range []string{".yml", ".yaml", ".json"} {
		found, err := filepath.Glob(filepath.Join(root, "examples", "*", "monitoring", "*"+extension))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range runbookLink.FindAllStringSubmatch(string(text), -1) {
				if !anchors[m[1]] {
					t.Errorf("%s: docs/operations.md has no heading #%s", file, m[1])
				}
			}
		}
	}
}

var promAlert = regexp.MustCompile(`(?m)^\s*-?\s*alert:\s*"?(\w+)"?\s*$`)

// prometheusAlerts are the names in the rule files of the examples.
func prometheusAlerts(t *testing.T) (names []string) {
	t.Helper()
	for _, extension := range []string{".yml", ".yaml"} {
		found, err := filepath.Glob(filepath.Join(root, "examples", "*", "monitoring", "*"+extension))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range promAlert.FindAllStringSubmatch(read(t, filepath.ToSlash(rel)), -1) {
				names = append(names, m[1])
			}
		}
	}
	return names
}

var modeName = regexp.MustCompile(`(?:Mode\{[^}]*Name:\s*|\.modes\()"([^"]+)"`)

// TestEveryModeIsExplained wants each mode in which parts work on in the table
// of the runbook for fallbacks.
func TestEveryModeIsExplained(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "docs/operations.md"), "\n## Fallback\n")
	section, _, _ = strings.Cut(section, "\n## ")
	found := 0
	for _, file := range files(t, ".go") {
		if dir := path.Dir(file); strings.HasSuffix(file, "_test.go") || dir != "sync" && dir != "hubspot" && dir != "bird" {
			continue
		}
		for _, m := range modeName.FindAllStringSubmatch(read(t, file), -1) {
			found++
			if !strings.Contains(section, "`"+strings.TrimSpace(m[1])) {
				t.Errorf("docs/operations.md does not say what the mode %q of %s means, under Fallback", m[1], file)
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d modes were found", found)
	}
}
