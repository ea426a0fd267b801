package browser

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestLive types, unfolds and keeps the focus while the page follows what
// happens, and pauses it.
func TestLive(t *testing.T) {
	b := newTab(t)
	b.open("/events")
	eval[any](b, `document.addEventListener("htmx:after:swap", () => { window.swaps = (window.swaps ?? 0) + 1; }); window.first = document.querySelector("tbody tr").innerText; null`)
	b.do(chromedp.SendKeys("#q", "contact"))
	b.await("a live update", `window.swaps > 1 && document.querySelector("tbody tr").innerText !== window.first`)
	if got := eval[string](b, `document.activeElement.id + " " + document.querySelector("#q").value`); got != "q contact" {
		t.Errorf("after an update the focus and the text are %q", got)
	}
	b.open("/")
	eval[any](b, `document.addEventListener("htmx:after:swap", () => { window.swaps = (window.swaps ?? 0) + 1; }); null`)
	b.do(chromedp.Click(".chart summary"))
	b.await("a live update", `window.swaps > 1`)
	if !eval[bool](b, `document.querySelector(".chart details").open`) {
		t.Error("an update closes what a person has unfolded")
	}
	b.do(chromedp.Click("#pause"))
	if got := eval[int](b, `new Promise((r) => setTimeout(() => { window.swaps = 0; setTimeout(() => r(window.swaps), 5000); }, 500))`); got != 0 {
		t.Errorf("%d updates came while paused", got)
	}
	b.do(chromedp.Click("#pause"))
	b.await("an update after the pause", `window.swaps > 0`)
}

// TestKeys goes everywhere without a mouse.
func TestKeys(t *testing.T) {
	b := newTab(t)
	b.open("/")
	for _, c := range []struct{ keys, want string }{{"gr", "/records"}, {"ge", "/events"}, {"gd", "/dead"}, {"gc", "/conflicts"},
		{"ga", "/audit"}, {"gm", "/mappings"}, {"gu", "/runs"}, {"gh", "/health"}, {"go", "/"}} {
		b.do(chromedp.KeyEvent(c.keys))
		b.await("going to "+c.want, `location.pathname === "`+c.want+`" && document.readyState === "complete"`)
	}
	b.do(chromedp.KeyEvent("?"))
	b.await("the help", `document.querySelector("#help").open`)
	b.do(chromedp.KeyEvent("\r"))
	b.await("its end", `!document.querySelector("#help").open`)
	b.do(chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("k"))
	b.await("a row", `document.activeElement.closest("tbody tr") !== null`)
	b.do(chromedp.KeyEvent("t"))
	b.await("the dark theme", `document.documentElement.dataset.theme === "dark" && document.readyState === "complete"`)
	b.open("/records")
	b.do(chromedp.KeyEvent("/"), chromedp.KeyEvent("gd?"))
	// The driver sends the character of a key even if the page took the key.
	if got := eval[string](b, `location.pathname + " " + document.querySelector("#q").value.replace("/", "")`); got != "/records gd?" {
		t.Errorf("typing into the search leads to %q", got)
	}
}

// TestWithoutScript finds a record and has it synced with JavaScript off.
func TestWithoutScript(t *testing.T) {
	b := newTab(t)
	b.open("/")
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.open("/records")
	b.follow("tbody a")
	b.follow("#sync")
	b.readsPlain("#status", "Queued")
	b.follow("#reveal")
	b.readsPlain("main", "Mask the values")
	b.follow("#theme")
	b.follow(`nav a[data-key="h"]`)
	b.readsPlain("main", "Nothing is suspended")
}
