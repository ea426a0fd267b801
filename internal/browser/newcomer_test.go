package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestNewcomer does what somebody does who opens the dashboard for the first
// time: sees that something is wrong, looks at it, finds out why a field of
// that record has its value, replays the dead letter and watches it leave.
func TestNewcomer(t *testing.T) {
	b := newTab(t)
	b.open("/")
	b.reads("#main", "Something waits for a person", "dead letters")
	b.picture("overview")

	b.follow(`.cards a[href$="/dead"]`)
	b.reads("#main", "phone.e164 in phone", "Replay")
	b.picture("dead")

	b.follow(".letter h3 a")
	b.reads("#field-phone", "The value of", "went to")
	b.reads("#main", "What a sync would do now", "write phone to left")
	if masked := b.text("#field-phone td"); !strings.Contains(masked, "•") {
		t.Errorf("the phone is shown unasked: %s", masked)
	}
	b.follow("#reveal")
	b.reads("#field-phone", "+57")
	b.do(chromedp.Click("#field-phone summary"))
	b.reads("#field-phone", "Rule", "agreed on")
	b.do(chromedp.Click("#field-phone .steps summary"))
	b.reads("#field-phone", "Told by", "propertyChange")
	b.do(chromedp.ScrollIntoView("#field-phone"))
	b.picture("record")

	b.follow(`nav a[data-key="d"]`)
	here := eval[string](b, "location.href")
	b.do(chromedp.Click("button.replay"))
	b.await("the replay", `document.querySelector("#status").innerText.includes("Replayed")`)
	b.await("that the dead letter left", `document.querySelectorAll(".letter").length === 0 && document.querySelector("#replays .done") !== null`)
	b.reads("#main", "No dead letters", "Replayed lately", "done")
	if now := eval[string](b, "location.href"); now != here {
		t.Errorf("the page was left: %s", now)
	}
	b.picture("replayed")

	b.follow(`#replays a`)
	b.await("agreement", `document.querySelector("#field-phone .state").innerText.includes("agrees")`)
	b.follow(`nav a[data-key="a"]`)
	b.reads("#main", "reveal: the values of", "replay: the dead letter")
}
