package browser

import (
	_ "embed"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe.min.js
var axe string

// screens are looked at in every theme and size.
var screens = []struct{ name, path string }{
	{"overview", "/"}, {"records", "/records"}, {"record", ""}, {"events", "/events"}, {"dead", "/dead"}, {"conflicts", "/conflicts"},
	{"audit", "/audit"}, {"mappings", "/mappings"}, {"runs", "/runs"}, {"audit-run", "/runs/1"}, {"run", "/runs/2"}, {"health", "/health"}, {"error", "/record?ref=none"},
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
					if s.name == "record" {
						b.open("/records")
						b.follow("tbody a")
					} else {
						b.open(s.path)
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
	case screen == "error" || screen == "audit-run":
	case theme == "light" && size == "wide" && screen != "overview" && screen != "dead" && screen != "record":
		b.picture(screen)
	case screen == "overview" && theme == "dark":
		b.picture(screen + "-dark" + map[string]string{"narrow": "-mobile"}[size])
	}
}

// accessible reports what axe-core finds in the page.
func (b *tab) accessible(screen string) {
	b.Helper()
	eval[any](b, axe+"; null")
	eval[any](b, `document.querySelectorAll("details").forEach((d) => { d.open = true; }); null`)
	for _, v := range eval[[]violation](b, `axe.run().then((r) => r.violations.map((v) =>
		({ID: v.id, Help: v.help, Nodes: v.nodes.map((n) => ({HTML: n.html, FailureSummary: n.failureSummary}))})))`) {
		text := fmt.Sprintf("%s: %s: %s", screen, v.ID, v.Help)
		for _, n := range v.Nodes[:min(len(v.Nodes), 3)] {
			text += fmt.Sprintf("\n\t%.200s\n\t%s", n.HTML, n.FailureSummary)
		}
		b.Error(text)
	}
}
