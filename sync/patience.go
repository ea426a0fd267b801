package sync

import (
	"context"
	"errors"
	"time"
)

// patience bounds how long a walk through many records waits for a known
// moment. A quota's window ends long before, that of a day does not.
const patience = 5 * time.Minute

// patiently makes a read of such a walk again at the moment that its system
// names: a walk of hours would end at the first window that is used up.
func patiently(ctx context.Context, read func() error) error {
	for {
		err := read()
		var e *Error
		if !errors.As(err, &e) || e.Action != RetryAt || time.Until(e.RetryAt) > patience {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(max(time.Until(e.RetryAt), time.Second/10)):
		}
	}
}
