package bird

import (
	"net/http"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
)

func TestThrottle(t *testing.T) {
	var th throttle
	now := time.Unix(1_790_000_000, 0)
	untold := &httpx.Response{Header: http.Header{}}
	told := &httpx.Response{Header: http.Header{"Retry-After": {"7"}}}

	first := th.backOff(untold, now)
	for range 100 { // calls that were under way together
		if got := th.backOff(untold, now); !got.Equal(first) && first.After(now) {
			t.Fatalf("a second pause of %v beside one of %v", got.Sub(now), first.Sub(now))
		}
	}
	if got := th.backOff(told, now).Sub(now); got != 7*time.Second {
		t.Errorf("told to wait 7 s, waits %v", got)
	}
	longest := time.Duration(0)
	for range 200 { // refused again after every pause
		now = now.Add(th.wait(now)).Add(time.Second)
		longest = max(longest, th.backOff(untold, now).Sub(now))
	}
	if longest <= time.Second || longest > 32*time.Second {
		t.Errorf("the longest pause is %v", longest)
	}
	th.passed()
	now = th.until.Add(time.Second)
	if got := th.backOff(untold, now).Sub(now); got > time.Second {
		t.Errorf("a pause of %v after a call that passed", got)
	}
}
