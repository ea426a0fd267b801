package redisdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

func TestError(t *testing.T) {
	for text, want := range map[string]sync.Action{
		"WRONGTYPE Operation against a key holding the wrong kind of value": sync.Fatal,
		"ERR WRONGTYPE of secret":                                 sync.Fatal,
		"READONLY You can't write against a read only replica.":   sync.Retry,
		"OOM command not allowed when used memory > 'maxmemory'.": sync.Retry,
		"MISCONF Redis is configured to save RDB snapshots":       sync.Retry,
		"NOPERM this user has no permissions":                     sync.Denied,
		"NOAUTH Authentication required.":                         sync.Denied,
		"WRONGPASS invalid username-password pair":                sync.Denied,
		"CROSSSLOT Keys in request don't hash to the same slot":   sync.Fatal,
		"CLUSTERDOWN Hash slot not served":                        sync.Retry,
	} {
		var e *sync.Error
		if err := Error("op", errors.New(text)); !errors.As(err, &e) || e.Action != want || e.Rule == "" || e.Hint == "" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q became %v, want action %v, a rule and a hint", text, err, want)
		}
	}
	own := &sync.Error{Op: "own"}
	for _, err := range []error{nil, context.Canceled, fmt.Errorf("x: %w", context.DeadlineExceeded), own} {
		if got := Error("op", err); !errors.Is(got, err) || err != nil && got.Error() != err.Error() {
			t.Errorf("%v became %v", err, got)
		}
	}
	if err := Error("op", io.EOF); !errors.Is(err, io.EOF) || sync.ActionOf(err) != sync.Retry {
		t.Errorf("a lost connection became %v", err)
	}
}

func TestOldServersAreRefused(t *testing.T) {
	h := Health{Op: "check"}
	for version, ok := range map[string]bool{"6.2.14": false, "": false, "x": false, "7.0.0": true, "7.2.4": true, "8.0.1": true, "10.0.0": true} {
		err := h.refuse(server{"redis_version": version, "role": "master"})
		var e *sync.Error
		if ok != (err == nil) || !ok && (!errors.As(err, &e) || e.Rule != "redis.version") {
			t.Errorf("version %q: %v", version, err)
		}
	}
}
