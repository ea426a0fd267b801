package browser

import (
	_ "embed"
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe.min.js
var axe string

// screens are looked at in every theme and size. Some are reached in steps.
var screens = []struct {
	name, path string
	then       func(*tab)
}{
	{"overview", "/", nil}, {"records", "/records", nil}, {"events", "/events", nil}, {"dead", "/dead", nil}, {"conflicts", "/conflicts", nil},
	{"audit", "/audit", nil}, {"mappings", "/mappings", nil}, {"runs", "/runs", nil}, {"audit-run", "/runs/1", nil}, {"run", "/runs/2", nil},
	{"health", "/health", nil}, {"error", "/record?ref=none", nil},
	{"record", "/records", func(b *tab) { b.follow("tbody a") }},
	{"revealed", "/records", func(b *tab) { b.follow("tbody a"); b.follow("#reveal") }},
	{"undo", "/records", func(b *tab) { b.follow("tbody a"); b.unfold(); b.follow(`form[action$="/undo"] button`) }},
	{"found", "/records", func(b *tab) {
		b.do(chromedp.SendKeys("#q", "nobody@example.com"))
		b.follow(`form[role="search"] button`)
	}},
	{"tried", "/mappings", func(b *tab) { b.unfold(); b.follow(`form[action$="/mappings/try"] button`) }},
}

// A violation is what axe-core finds wrong.
type violation struct {
	ID, Help string
	Nodes    []struct{ HTML, FailureSummary string }
}

// TestAccessible has axe-core look at every screen, light and dark, wide and
// narrow, with everything unfolded.
func TestAccessible(t *testing.T) {
	for _, theme := range []string{"light", "dark"} {
		for _, size := range []struct {
			name          string
			width, height int64
		}{{"wide", 1280, 800}, {"narrow", 390, 844}} {
			t.Run(theme+" "+size.name, func(t *testing.T) {
				b := newTab(t)
				b.do(chromedp.EmulateViewport(size.width, size.height))
				b.prefer(theme)
				b.someRuns()
				for _, s := range screens {
					b.open(s.path)
					if s.then != nil {
						s.then(b)
					}
					b.shoot(s.name, theme, size.name)
					b.accessible(s.name)
				}
			})
		}
	}
}

// prefer sets the theme that the system prefers.
func (b *tab) prefer(theme string) {
	b.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
	if err != nil {
		b.Fatal(err)
	}
}

// someRuns makes sure that there are two runs to look at, neither of which
// changes anything: a check of the audit and a dry run.
func (b *tab) someRuns() {
	b.Helper()
	b.open("/runs")
	if !eval[bool](b, `document.querySelector('a[href$="/runs/1"]') !== null`) {
		b.open("/audit")
		b.follow("#verify-audit")
		b.open("/runs")
		b.follow(`form[action$="/runs/forecast"] button`)
		b.await("the dry run", `document.querySelector(".state.done") !== null`)
	}
}

// shoot keeps pictures of what the newcomer's test does not show.
func (b *tab) shoot(screen, theme, size string) {
	b.Helper()
	switch {
	case slices.Contains([]string{"error", "audit-run", "record", "revealed", "undo", "found"}, screen):
	case theme == "light" && size == "wide" && screen != "overview" && screen != "dead":
		b.picture(screen)
	case screen == "overview" && theme == "dark":
		b.picture(screen + "-dark" + map[string]string{"narrow": "-mobile"}[size])
	}
}

// unfold opens everything that can be unfolded.
func (b *tab) unfold() {
	b.Helper()
	eval[any](b, `document.querySelectorAll("details").forEach((d) => { d.open = true; }); null`)
}

// accessible reports what axe-core finds in the page.
func (b *tab) accessible(screen string) {
	b.Helper()
	eval[any](b, axe+"; null")
	b.unfold()
	for _, v := range eval[[]violation](b, `axe.run().then((r) => r.violations.map((v) =>
		({ID: v.id, Help: v.help, Nodes: v.nodes.map((n) => ({HTML: n.html, FailureSummary: n.failureSummary}))})))`) {
		text := fmt.Sprintf("%s: %s: %s", screen, v.ID, v.Help)
		for _, n := range v.Nodes[:min(len(v.Nodes), 3)] {
			text += fmt.Sprintf("\n\t%.200s\n\t%s", n.HTML, n.FailureSummary)
		}
		b.Error(text)
	}
}
