package sync

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Backoff shapes the waits between the attempts at a message. The waits grow
// exponentially with jitter; waits for a known moment ([Error].RetryAt), such
// as those for a quota or a system that is down, use up no attempt.
type Backoff struct {
	// Initial is the first wait, 200 ms by default.
	Initial time.Duration
	// Max bounds a single wait, 10 minutes by default.
	Max time.Duration
	// Attempts is how often a message is tried before it goes to the dead
	// letters, 20 by default: about an hour and a half of trouble.
	Attempts int
	// Conflicts is how often a message may meet a record that is gone, a unique
	// value held elsewhere or a pair that does not settle before it goes to the
	// dead letters, 5 by default. That others got on with the pair meanwhile
	// ([ErrStale]) counts among the Attempts alone: the more there is to do,
	// the more often it happens.
	Conflicts int
}

func (b Backoff) withDefaults() Backoff {
	setDefault(&b.Initial, 200*time.Millisecond)
	setDefault(&b.Max, 10*time.Minute)
	if b.Attempts == 0 {
		b.Attempts = 20
	}
	if b.Conflicts == 0 {
		b.Conflicts = 5
	}
	return b
}

func (b Backoff) validate(bad func(field, hint string) error) error {
	if b.Initial < 0 || b.Max < b.Initial || b.Attempts < 1 || b.Conflicts < 1 {
		return bad("Backoff", "use positive values, and a Max not below Initial")
	}
	return nil
}

// wait returns how long to wait after the given number of failed attempts.
func (b Backoff) wait(attempts int) time.Duration {
	e := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(b.Initial), backoff.WithMaxInterval(b.Max),
		backoff.WithMultiplier(2), backoff.WithRandomizationFactor(0.3), backoff.WithMaxElapsedTime(0))
	d := e.NextBackOff()
	for range attempts - 1 {
		d = e.NextBackOff()
	}
	return d
}

// A settlement is what becomes of a lane that failed.
type settlement struct {
	bury  bool
	at    time.Time
	cause Failure
}

// settle decides what becomes of a lane whose work failed with err.
func (b Backoff) settle(lane Lane, err error, now time.Time) settlement {
	action := ActionOf(err)
	attempts := lane.Attempts + 1
	s := settlement{cause: failure(err, now)}
	var e *Error
	if errors.As(err, &e) && action == Retry && !e.RetryAt.IsZero() {
		action = RetryAt
	}
	switch action {
	case Retry, Denied:
		s.bury = attempts >= b.Attempts
		s.at = now.Add(b.wait(attempts))
	case Conflict, NotFound:
		overtaken := errors.Is(err, ErrStale)
		if overtaken {
			s.cause.Action = Retry.String()
		}
		s.bury = attempts >= b.Attempts || !overtaken && conflicts(lane) >= b.Conflicts
		s.at = now.Add(b.wait(attempts) / 4)
	case RetryAt:
		s.cause.Free = true
		s.at = now.Add(b.Initial / 4)
		if e != nil && e.RetryAt.After(s.at) {
			s.at = e.RetryAt
		}
	default:
		s.bury = true
	}
	return s
}

// failure is what the history of a message keeps of an error.
func failure(err error, now time.Time) Failure {
	f := Failure{At: now, Action: ActionOf(err).String(), Error: err.Error()}
	var e *Error
	if errors.As(err, &e) {
		f.Rule, f.Field = e.Rule, e.Field
	}
	return f
}

// conflicts counts the conflicts among the lane's attempts, this one included.
// Attempts that failed otherwise, or before a replay, count for nothing here.
func conflicts(lane Lane) int {
	n, left := 1, lane.Attempts
	for i := len(lane.History) - 1; i >= 0 && left > 0; i-- {
		f := &lane.History[i]
		if f.Free {
			continue
		}
		if f.Action == Conflict.String() || f.Action == NotFound.String() {
			n++
		}
		left--
	}
	return n
}

// downUntil returns until when a system that is down should be left alone,
// zero if err tells of none.
func downUntil(err error) time.Time {
	var e *Error
	if errors.As(err, &e) && (e.Rule == RuleBreakerOpen || e.Rule == ruleStore) {
		return e.RetryAt
	}
	return time.Time{}
}
