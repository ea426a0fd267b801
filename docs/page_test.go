package docs_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// A page is a Markdown file.
type page struct {
	path    string
	anchors map[string]bool
	links   []place
	spans   []place // inline code
	blocks  []block
}

// A place is a piece of text with its line.
type place struct {
	line int
	text string
}

// A block is fenced code. Before is the last line before it that is not empty.
type block struct {
	place
	language, before string
}

var (
	spanForm = regexp.MustCompile("`([^`]+)`")
	linkForm = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// allPages are those that were read before.
var allPages map[string]*page

// pages reads every Markdown file of the module, once for all tests.
func pages(t *testing.T) map[string]*page {
	t.Helper()
	if allPages == nil {
		allPages = map[string]*page{}
		for _, path := range files(t, ".md") {
			allPages[path] = parse(path, read(t, path))
		}
	}
	return allPages
}

// parse reads what the tests look at.
func parse(path, text string) *page {
	p := &page{path: path, anchors: map[string]bool{}}
	var open *block
	before := ""
	for i, line := range strings.Split(text, "\n") {
		switch fence, ok := strings.CutPrefix(strings.TrimSpace(line), "```"); {
		case ok && open == nil:
			open = &block{place{i + 1, ""}, fence, before}
		case ok:
			p.blocks, open = append(p.blocks, *open), nil
		case open != nil:
			open.text += line + "\n"
		default:
			p.prose(i+1, line)
		}
		if strings.TrimSpace(line) != "" {
			before = line
		}
	}
	return p
}

// prose reads a line outside code.
func (p *page) prose(number int, line string) {
	if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
		p.anchor(title)
	}
	for _, m := range spanForm.FindAllStringSubmatch(line, -1) {
		p.spans = append(p.spans, place{number, m[1]})
	}
	for _, m := range linkForm.FindAllStringSubmatch(spanForm.ReplaceAllString(line, "x"), -1) {
		p.links = append(p.links, place{number, m[1]})
	}
}

// anchor notes the anchor that GitHub gives a heading: lower case, without
// punctuation, hyphens for blanks, and a number for a repeated one.
func (p *page) anchor(title string) {
	slug := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.TrimSpace(title))
	name := slug
	for n := 1; p.anchors[name]; n++ {
		name = fmt.Sprintf("%s-%d", slug, n)
	}
	p.anchors[name] = true
}

func TestParse(t *testing.T) {
	p := parse("a.md", "# A *title*, so\n## B\n## B\n[x](y.md#b-1) and `[no](link)` ![z](z.png)\n\n<!-- fragment: why -->\n```go\n# no title\n```\n")
	for _, a := range []string{"a-title-so", "b", "b-1"} {
		if !p.anchors[a] {
			t.Errorf("no anchor %s in %v", a, p.anchors)
		}
	}
	if len(p.anchors) != 3 || len(p.links) != 2 || p.links[0] != (place{4, "y.md#b-1"}) || p.links[1].text != "z.png" {
		t.Errorf("anchors %v, links %v", p.anchors, p.links)
	}
	if want := (block{place{7, "# no title\n"}, "go", "<!-- fragment: why -->"}); len(p.blocks) != 1 || p.blocks[0] != want {
		t.Errorf("blocks %+v", p.blocks)
	}
}
