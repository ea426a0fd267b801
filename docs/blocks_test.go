package docs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/mapping"
)

// fragments is how many blocks are marked as parts of something that cannot be
// read alone. Keep it low: what is not checked goes out of date.
const fragments = 1

// languages check the blocks of a language.
var languages = map[string]func(t *testing.T, where string, b block){
	"go": goBlock, "yaml": yamlBlock, "json": jsonBlock, "sh": shellBlock, "console": shellBlock,
	"": skip, "text": skip, "promql": skip, "mermaid": skip, "sql": skip, "ini": skip,
}

func skip(*testing.T, string, block) {}

// TestBlocks checks the code in every page. A block that cannot be checked
// stands after a line such as <!-- fragment: why -->.
func TestBlocks(t *testing.T) {
	marked := 0
	for name, p := range pages(t) {
		for _, b := range p.blocks {
			check, known := languages[b.language]
			switch where := fmt.Sprintf("%s:%d", name, b.line); {
			case strings.HasPrefix(b.before, "<!-- fragment: "):
				marked++
			case !known:
				t.Errorf("%s: nobody checks blocks of %q", where, b.language)
			default:
				check(t, where, b)
			}
		}
	}
	if marked != fragments {
		t.Errorf("%d blocks are marked as fragments, want %d", marked, fragments)
	}
}

// goBlock wants the code somewhere in the module, where it is compiled.
func goBlock(t *testing.T, where string, b block) {
	t.Helper()
	if !strings.Contains(sources(t), strings.Join(lines(b.text), "\n")) {
		t.Errorf("%s: this code is not part of a Go file of the module, so nothing compiles it", where)
	}
}

// allSources are the lines of all Go files, without indentation, blank ones and
// what is said to the linter.
var allSources string

func sources(t *testing.T) string {
	t.Helper()
	if allSources == "" {
		var b strings.Builder
		for _, file := range files(t, ".go") {
			for _, line := range lines(read(t, file)) {
				code, _, _ := strings.Cut(line, "//nolint:")
				b.WriteString(strings.TrimSpace(code) + "\n")
			}
		}
		allSources = b.String()
	}
	return allSources
}

// yamlBlock loads a file by what it begins with.
func yamlBlock(t *testing.T, where string, b block) {
	t.Helper()
	var err error
	switch text := []byte(b.text); {
	case strings.HasPrefix(b.text, "version:"):
		_, err = mapping.LoadSet(where, text)
	case strings.HasPrefix(b.text, "name:"):
		_, err = mapping.Load(where, text)
	case strings.HasPrefix(b.text, "paths:"), strings.HasPrefix(b.text, "events:"):
		_, err = bird.LoadFlowMap(where, text)
	default:
		t.Errorf("%s: nobody knows what this YAML is; mark it as a fragment", where)
	}
	if err != nil {
		t.Error(err)
	}
}

func jsonBlock(t *testing.T, where string, b block) {
	t.Helper()
	if !json.Valid([]byte(b.text)) {
		t.Errorf("%s: this is no JSON", where)
	}
}

var (
	goCommand   = regexp.MustCompile(`\bgo (?:run|test)((?: -\S+(?: [A-Z]\w+)?| '\S+')*) (\./\S+)`)
	makeCommand = regexp.MustCompile(`\bmake ([a-z-]+)`)
)

// shellBlock wants the packages and targets that commands name.
func shellBlock(t *testing.T, where string, b block) {
	t.Helper()
	for _, m := range goCommand.FindAllStringSubmatch(b.text, -1) {
		dir := strings.TrimSuffix(m[2], "/...")
		if _, err := os.Stat(filepath.Join(root, dir)); err != nil {
			t.Errorf("%s: there is no package %s", where, m[2])
		}
	}
	makefile := read(t, "Makefile")
	for _, m := range makeCommand.FindAllStringSubmatch(b.text, -1) {
		if !strings.Contains(makefile, "\n"+m[1]+":") {
			t.Errorf("%s: the Makefile has no target %s", where, m[1])
		}
	}
}

// TestMappingGuide wants every word of the mapping language in its guide.
func TestMappingGuide(t *testing.T) {
	text := read(t, "docs/mapping.md")
	words := regexp.MustCompile(`(?m)^\s+\w+\s+(?:Type|Form|Cleaner|Law|PolicyKind)\s+=\s+"([^"]+)"`)
	found := 0
	for _, file := range files(t, ".go") {
		if dir := path.Dir(file); dir != "mapping" && file != "sync/flow.go" {
			continue
		}
		for _, m := range words.FindAllStringSubmatch(read(t, file), -1) {
			found++
			if !strings.Contains(text, "`"+m[1]+"`") {
				t.Errorf("docs/mapping.md does not tell of %q of %s", m[1], file)
			}
		}
	}
	if found < 35 {
		t.Errorf("only %d words were found", found)
	}
}
