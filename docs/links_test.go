package docs_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var absolute = regexp.MustCompile(`^(https?|mailto):`)

// TestLinks follows every link within the module, to the file and its heading.
func TestLinks(t *testing.T) {
	all, followed := pages(t), 0
	for _, p := range all {
		for _, l := range p.links {
			if absolute.MatchString(l.text) {
				continue
			}
			followed++
			file, anchor, _ := strings.Cut(l.text, "#")
			to := p.path
			if file != "" {
				to = path.Join(path.Dir(p.path), file)
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s:%d: there is no %s", p.path, l.line, to)
				continue
			}
			if anchor != "" && (all[to] == nil || !all[to].anchors[anchor]) {
				t.Errorf("%s:%d: %s has no heading #%s", p.path, l.line, to, anchor)
			}
		}
	}
	if followed < 20 {
		t.Errorf("only %d links were followed", followed)
	}
}

// TestEveryPageIsReached starts at the README: a page that nobody links is one
// that nobody reads.
func TestEveryPageIsReached(t *testing.T) {
	all := pages(t)
	reached, next := map[string]bool{"README.md": true}, []string{"README.md"}
	for len(next) > 0 {
		p := all[next[0]]
		next = next[1:]
		for _, l := range p.links {
			file, _, _ := strings.Cut(l.text, "#")
			to := path.Join(path.Dir(p.path), file)
			if all[to] != nil && !reached[to] {
				reached[to] = true
				next = append(next, to)
			}
		}
	}
	for name := range all {
		if strings.HasPrefix(name, "docs/") && !reached[name] {
			t.Errorf("no way leads from README.md to %s", name)
		}
	}
}

// TestPictures wants every picture of docs/images shown and described.
func TestPictures(t *testing.T) {
	shown := map[string]bool{}
	for name := range pages(t) {
		for _, m := range regexp.MustCompile(`!\[([^\]]*)\]\(([^)]+)\)`).FindAllStringSubmatch(read(t, name), -1) {
			shown[path.Base(m[2])] = true
			if m[1] == "" {
				t.Errorf("%s: the picture %s has no description", name, m[2])
			}
		}
	}
	for _, picture := range files(t, ".png") {
		if strings.HasPrefix(picture, "docs/images/") && !shown[path.Base(picture)] {
			t.Errorf("%s is shown nowhere", picture)
		}
	}
}
