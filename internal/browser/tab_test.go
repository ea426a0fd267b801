package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A tab is a page in a browser of its own, and what it complained of.
type tab struct {
	*testing.T
	ctx  context.Context
	mu   sync.Mutex
	told []string
}

// chromium returns the browser to use.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CHROME_BIN"); path != "" {
		return path
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("there is no chromium: apt-get install chromium, or set CHROME_BIN")
	}
	return path
}

// newTab opens a browser. The test fails at its end if the page broke its
// policy, threw an exception or logged an error.
func newTab(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("headless", "new"), chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"), chromedp.WindowSize(1280, 800))
	t.Cleanup(stop)
	ctx, closed := chromedp.NewContext(ctx)
	b := &tab{T: t, ctx: ctx}
	messages := chromedp.Console(ctx)
	var reading sync.WaitGroup
	reading.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if strings.HasSuffix(m.URL, "/record?ref=none") {
				continue // the test asked for an error
			}
			if m.IsException() || m.Type == "error" || m.Type == "warning" {
				b.mu.Lock()
				b.told = append(b.told, fmt.Sprintf("%s: %s %s", m.Type, m.Text, m.URL))
				b.mu.Unlock()
			}
		}
	})
	t.Cleanup(func() {
		closed()
		reading.Wait()
		for _, text := range b.told {
			t.Errorf("the page complained: %s", text)
		}
	})
	return b
}

// do carries out actions.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.picture("failed-" + strings.ReplaceAll(b.Name(), "/", "-"))
		b.Fatal(err)
	}
}

// open goes to a page of the dashboard.
func (b *tab) open(path string) {
	b.Helper()
	b.do(chromedp.Navigate(base + path))
}

// follow clicks on what leads to another page, and waits for that.
func (b *tab) follow(selector string) {
	b.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(selector)); err != nil {
		b.Fatalf("click on %s: %v", selector, err)
	}
}

// await waits until an expression is true. It may fail while a page is loaded.
func (b *tab) await(what, expression string) {
	b.Helper()
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression)); ok && err == nil {
			return
		}
		if time.Now().After(until) {
			b.Fatalf("%s did not happen; the page says:\n%s", what, b.text("#main"))
		}
	}
}

// text returns what a person reads in an element.
func (b *tab) text(selector string) string {
	b.Helper()
	return eval[string](b, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// reads reports what an element lacks.
func (b *tab) reads(selector string, texts ...string) {
	b.Helper()
	got := b.text(selector)
	for _, want := range texts {
		if !strings.Contains(got, want) {
			b.Errorf("%s lacks %q; it says:\n%s", selector, want, got)
		}
	}
}

// eval returns the value of an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%.80s: %v", expression, err)
	}
	return v
}

// picture keeps a screenshot, if that was asked for.
func (b *tab) picture(name string) {
	b.Helper()
	if *images == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*images, "dashboard-"+name+".png"), png, 0o644)
	}
	if err != nil {
		b.Error(err)
	}
}

// readsPlain is reads for a page without script.
func (b *tab) readsPlain(selector, want string) {
	b.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.OuterHTML(selector))
	if err != nil {
		b.Fatal(err)
	}
	if !strings.Contains(got, want) {
		b.Errorf("%s lacks %q:\n%s", selector, want, got)
	}
}
